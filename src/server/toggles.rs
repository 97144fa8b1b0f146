//! The toggles of a running process: the first load, and the thread that loads them again.
//! In: what `config` read. Out: the snapshot in force; every load counted and logged.

use super::clock::wall_clock;
use crate::{
    background,
    config::{
        files::Files,
        reload::{self, Latest, Witness},
    },
    engine::{Snapshot, stops::Stops},
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
    mut latest: Latest,
    publisher: Publisher,
    poll: Duration,
    witness: LoadLog,
) -> io::Result<blocking::Sender<reload::Request>> {
    let (requests, received) = blocking::channel();
    let reload = move || {
        background::lower_priority();
        reload::run(
            &mut files,
            &mut latest,
            &publisher,
            &received,
            poll,
            wall_clock,
            &witness,
        );
    };
    thread::Builder::new().name("files".into()).spawn(reload)?;
    Ok(requests)
}

/// A line for each: a warning stays one, where the file is refused too.
pub(super) fn log(report: &Report) {
    let (warnings, problems) = (&report.warnings, &report.problems);
    warnings.iter().for_each(|warning| warn!("{warning}"));
    problems.iter().for_each(|problem| error!("{problem}"));
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
            ..
        } = &in_force.last;
        let revision = &*in_force.snapshot.revision;
        log(&in_force.last);
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
    fn stopped(&self, stops: &Stops) {
        for stop in &stops.list {
            warn!(
                feature = &*stop.name,
                stops = &*stops.revision,
                "{}",
                stop.sentence()
            );
        }
        if stops.list.is_empty() && &*stops.revision != "none" {
            info!(stops = &*stops.revision, "nothing is stopped");
        }
    }
}
