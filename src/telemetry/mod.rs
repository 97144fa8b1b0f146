//! What the process says of itself: log lines and metrics.
//! In: events of the data path. Out: lines on standard error, text on `/metrics`.

use crate::engine::{Decisions, Snapshot};
use std::time::Duration;

/// One worker's counters. Cloned freely within a worker; counted without contention between workers.
#[derive(Clone, Debug, Default)]
pub struct Worker {}

impl Worker {
    /// A request has been answered (the head was sent). `status` is what the client saw.
    pub fn request(
        &self,
        _status: u16,
        _took: Duration,
        _snapshot: &Snapshot,
        _decisions: &Decisions,
    ) {
    }
    /// The application could not be asked: a token of RFC 9209, as in `Proxy-Status`.
    pub fn upstream_failure(&self, _error: &'static str) {}
    /// A limit refused something.
    pub fn refused(&self, _limit: &'static str) {}
    /// A client connection opened.
    pub fn connection_opened(&self) {}
    /// A client connection closed.
    pub fn connection_closed(&self) {}
}
