//! What happens to a request, one type each.
//! In: the facts. Out: what `worker` counts and `request_logs` writes down.

use super::trace_context::TraceContext;
use crate::engine::{Decisions, Snapshot};
use http::{Method, Request, Uri};
use std::time::Duration;

/// What log lines say of a request, as it came; nothing where no log wants it.
#[derive(Debug, Default)]
pub struct RequestLine {
    /// in a box: every request in progress keeps room for it
    pub(super) target: Option<Box<(Method, Uri)>>,
    pub(super) trace: Option<TraceContext>,
}

impl RequestLine {
    /// Taken before anything is stripped. Only the access log wants the target.
    #[cold]
    #[inline(never)]
    pub(super) fn of<B>(request: &Request<B>, wants_target: bool) -> RequestLine {
        let target = || Box::new((request.method().clone(), request.uri().clone()));
        RequestLine {
            target: wants_target.then(target),
            trace: TraceContext::of(request.headers()),
        }
    }
}

/// A response to a request: its head is on its way.
#[derive(Debug)]
pub struct RequestEvent<'a> {
    /// where a log wants it
    pub request: &'a RequestLine,
    /// what the client sees
    pub status: u16,
    /// from the end of the request's head
    pub duration: Duration,
    /// what decided
    pub snapshot: &'a Snapshot,
    /// what was decided
    pub decisions: &'a Decisions,
}

/// The application says that its response used features, or that a goal was reached.
#[derive(Debug)]
pub struct ExposureEvent<'a> {
    /// where a log wants it
    pub request: &'a RequestLine,
    /// indexes of decisions, none twice
    pub used: &'a [usize],
    /// as the application calls them
    pub goals: &'a [&'a str],
    /// what decided
    pub snapshot: &'a Snapshot,
    /// what was decided
    pub decisions: &'a Decisions,
}
