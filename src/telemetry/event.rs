//! What happens to a request, one type each.
//! In: the facts. Out: what `worker` counts and `request_logs` writes down.

use crate::engine::{Decisions, Snapshot};
use http::{Method, Uri};
use std::time::Duration;

/// A response to a request: its head is on its way.
#[derive(Debug)]
pub struct RequestEvent<'a> {
    /// method and target, where a log wants them
    pub request: Option<(Method, Uri)>,
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
    /// indexes of decisions, none twice
    pub used: &'a [usize],
    /// as the application calls them
    pub goals: &'a [&'a str],
    /// what decided
    pub snapshot: &'a Snapshot,
    /// what was decided
    pub decisions: &'a Decisions,
}
