//! The toggles of a running process: the first load, and the thread that loads them again.
//! In: what `config` read. Out: the snapshot in force; every load counted and logged.

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

/// Starts the thread that reads the files: neither a slow disk nor a large file delays a request or a signal.
pub(super) fn spawn_reload_thread(
    mut files: Files,
    publisher: Publisher,
    poll: Duration,
    witness: LoadLog,
) -> io::Result<blocking::Sender<reload::Request>> {
    let (requests, received) = blocking::channel();
    let reload = move || {
        background::lower_priority();
        reload::run(
            &mut files, &publisher, &received, poll, wall_clock, &witness,
        );
    };
    thread::Builder::new().name("files".into()).spawn(reload)?;
    Ok(requests)
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

/// Counts and logs each load.
pub(super) struct LoadLog(pub(super) Arc<Metrics>);

impl Witness for LoadLog {
    fn before(&self, snapshot: &Arc<Snapshot>) {
        self.0.prepare(snapshot, wall_clock());
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
