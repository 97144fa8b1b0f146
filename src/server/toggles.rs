//! The toggles of a running process: the first reading, the thread that reads again, and who is told of it.
//! In: what `config` read. Out: what is in force, counted and logged.

use super::clock::wall_clock;
use crate::{
    background,
    config::reload::{self, Files, Read, Witness},
    engine::{Snapshot, units::Second},
    live::{InForce, Publisher, Report},
    telemetry::Metrics,
};
use std::{
    io,
    sync::{Arc, mpsc as blocking},
    thread,
    time::Duration,
};
use tracing::{error, info, warn};

/// A thread that reads the files: neither a slow disk nor a large file holds up a request or a signal.
pub(super) fn read_again(
    mut files: Files,
    publisher: Publisher,
    poll: Duration,
    witness: Telling,
) -> io::Result<blocking::Sender<reload::Request>> {
    let (ask, asked) = blocking::channel();
    let reads = move || {
        background::go_last();
        reload::run(&mut files, &publisher, &asked, poll, wall_clock, &witness);
    };
    thread::Builder::new().name("files".into()).spawn(reads)?;
    Ok(ask)
}

/// What is in force at the start.
pub(super) fn in_force(first: Read, now: Second) -> InForce {
    let last = reload::report(&first, "start", now);
    let loaded = first.is_ok();
    let snapshot = first.map_or_else(|_| Snapshot::empty(), |(snapshot, _)| snapshot);
    InForce {
        snapshot: Arc::new(snapshot),
        loaded,
        since: now,
        last,
    }
}

/// Counts attempts and logs them.
pub(super) struct Telling(pub(super) Arc<Metrics>);

impl Witness for Telling {
    fn before(&self, snapshot: &Arc<Snapshot>) {
        self.0.prepare(snapshot);
    }

    fn after(&self, in_force: &InForce) {
        let Report {
            at,
            trigger,
            problems,
            warnings,
        } = &in_force.last;
        let revision = &*in_force.snapshot.revision;
        warnings.iter().for_each(|warning| warn!("{warning}"));
        problems.iter().for_each(|problem| error!("{problem}"));
        self.0.reloaded(trigger, problems.is_empty(), *at);
        if problems.is_empty() {
            info!(trigger, revision, "the toggles are in force");
        } else if in_force.loaded {
            error!(
                trigger,
                revision,
                problems = problems.len(),
                "the toggles are bad; the last good ones stay in force"
            );
        } else {
            error!(
                trigger,
                problems = problems.len(),
                "the toggles are bad; requests pass without features"
            );
        }
    }
}
