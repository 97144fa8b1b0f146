//! What happens to a request, one type each: told once, it is counted and written down.
//! In: the facts. Out: counters of one worker, and lines where they are asked for.

use super::metrics::Worker;
use crate::engine::{Decisions, Snapshot};
use http::{Method, Uri};
use std::time::Duration;

/// A request has been answered: the head of the answer is on its way.
#[derive(Debug)]
pub struct Answered<'a> {
    /// what was asked; nothing is written down without it
    pub asked: Option<(Method, Uri)>,
    /// what the client sees
    pub status: u16,
    /// since the end of the request's head
    pub took: Duration,
    /// what decided
    pub snapshot: &'a Snapshot,
    /// what was decided
    pub decisions: &'a Decisions,
}

impl Answered<'_> {
    /// Counts, and writes the access log.
    pub fn tell(&self, worker: &Worker) {
        worker.answered(self.status, self.took, self.snapshot, self.decisions);
        if !worker.journal.access(self) {
            worker.refused("access_log");
        }
    }
}

/// The application says that its answer used features, or that a goal was reached.
#[derive(Debug)]
pub struct Exposed<'a> {
    /// indexes of answers, none twice
    pub used: &'a [usize],
    /// as the application calls them
    pub goals: &'a [&'a str],
    /// what decided
    pub snapshot: &'a Snapshot,
    /// what was decided
    pub decisions: &'a Decisions,
}

impl Exposed<'_> {
    /// Counts, and writes the exposure log.
    pub fn tell(&self, worker: &Worker) {
        worker.exposed(self.snapshot, self.decisions, self.used, self.goals);
        if !worker.journal.exposures(self) {
            worker.refused("exposure_log");
        }
    }
}
