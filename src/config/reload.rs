//! Reading again: on a poll, a SIGHUP or a request of the API. A bad file never replaces a good one.
//! In: the path, and who asks. Out: a snapshot published, or the last good one kept and every problem told.

use super::{
    Problem, Problems, Severity,
    files::{Files, Look},
    unknown_stops,
};
use crate::{
    engine::{
        Snapshot,
        stops::{Stops, Trip},
        units::Second,
    },
    live::{InForce, Publisher, Report},
};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long until every worker has taken what was published, at its next tick at the latest.
const TAKEN: Duration = Duration::from_secs(1);

/// What the thread that reads files may be asked for.
#[derive(Debug)]
pub enum Request {
    /// reload the files now
    Reload(Reload),
    /// the guard of this process stops a feature
    Trip(Trip),
}

/// A request to reload the files now.
#[derive(Debug)]
pub struct Reload {
    /// `signal` or `api`
    pub trigger: &'static str,
    /// who waits for the report
    pub reply: Option<oneshot::Sender<Report>>,
}

/// Who is told of a reload: the counters and the log, which this module may not know.
pub trait Witness: Send {
    /// A snapshot is about to be published.
    fn before(&self, snapshot: &Arc<Snapshot>);
    /// A reload has ended, as its report says.
    fn after(&self, in_force: &InForce);
    /// Other stops than before are in force.
    fn stopped(&self, stops: &Stops);
}

/// The last good toggles and the last good stops, and what was found in the newest of each; and what the guard has stopped.
#[derive(Debug, Default)]
pub struct Latest {
    trips: Arc<[Trip]>,
    toggles: Option<Arc<Snapshot>>,
    stops: Option<Arc<Stops>>,
    found: [Vec<Problem>; 2],
    stops_name: String,
}

impl Latest {
    /// What the first look gave. Without a place for stops there are none.
    pub fn new(files: &Files, look: Look) -> Latest {
        let stops_name = files.stops_name();
        let mut latest = Latest {
            stops: stops_name.is_empty().then(Arc::default),
            stops_name,
            ..Latest::default()
        };
        latest.take(look);
        latest
    }

    /// Whether there was something to take.
    fn take(&mut self, look: Look) -> bool {
        let is_new = look.toggles.is_some() || look.stops.is_some();
        match look.toggles {
            Some(Ok((snapshot, warnings))) => {
                self.found[0] = warnings;
                // with another text it is another feature
                let is_there =
                    |trip: &&Trip| snapshot.features().any(|(_, _, one)| trip.is_of(one));
                self.trips = self.trips.iter().filter(is_there).cloned().collect();
                self.toggles = Some(Arc::new(snapshot));
            }
            Some(Err(Problems(problems))) => self.found[0] = problems,
            None => {}
        }
        match look.stops {
            Some(Ok(stops)) => {
                self.found[1].clear();
                self.stops = Some(Arc::new(stops));
            }
            Some(Err(Problems(problems))) => self.found[1] = problems,
            None => {}
        }
        is_new
    }

    /// Whether any of these features still has the text that its guard has judged, and was not stopped yet.
    fn trip(&mut self, trips: Vec<Trip>) -> bool {
        let Some(toggles) = &self.toggles else {
            return false;
        };
        let is_there = |trip: &Trip| toggles.features().any(|(_, _, one)| trip.is_of(one));
        let is_known = |trip: &Trip| {
            self.trips
                .iter()
                .any(|old| (&old.key, old.text) == (&trip.key, trip.text))
        };
        let new: Vec<Trip> = trips
            .into_iter()
            .filter(|trip| is_there(trip) && !is_known(trip))
            .collect();
        let is_new = !new.is_empty();
        self.trips = self.trips.iter().cloned().chain(new).collect();
        is_new
    }

    /// The newest good stops on the last good toggles. A stop that got lost at the start would turn something on: without
    /// good stops there are no features.
    pub fn in_force(&self, old: Option<&InForce>, trigger: &'static str, at: Second) -> InForce {
        let empty = Arc::new(Snapshot::empty());
        let (toggles, loaded) = match (&self.toggles, &self.stops) {
            (Some(toggles), Some(_)) => (toggles, true),
            _ => (&empty, false),
        };
        let stops = self.stops.clone().unwrap_or_default();
        let same = old.filter(|old| old.loaded && old.snapshot.revision == toggles.revision);
        let unchanged = same.filter(|old| {
            let stopped = &old.snapshot.stopped;
            stopped.stops == stops && stopped.trips == self.trips
        });
        let snapshot = match unchanged {
            Some(old) => old.snapshot.clone(), // mended as it was
            None => Arc::new(toggles.with_trips(&stops, &self.trips)),
        };
        let mut last = report(self.found.iter().flatten(), trigger, at);
        if loaded {
            let unknown = unknown_stops(&self.stops_name, &snapshot);
            last.warnings
                .extend(unknown.iter().map(ToString::to_string));
        }
        InForce {
            snapshot,
            loaded,
            since: same.map_or(at, |old| old.since),
            last,
        }
    }
}

/// Waits for requests and polls until nobody is left to ask. Needs a thread of its own: reading may block.
pub fn run(
    files: &mut Files,
    latest: &mut Latest,
    publisher: &Publisher,
    requests: &mpsc::Receiver<Request>,
    poll: Duration,
    clock: fn() -> Second,
    witness: &dyn Witness,
) {
    let mut replaced = None;
    loop {
        let patience = match (&replaced, poll.is_zero()) {
            (Some(_), _) => Some(TAKEN),
            (None, false) => Some(poll),
            (None, true) => None,
        };
        let first = match patience {
            Some(patience) => requests.recv_timeout(patience),
            None => requests
                .recv()
                .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
        };
        // freed here: a large one takes milliseconds, and the request that were the last to let go of it would wait for them
        drop(replaced.take());
        let received: Vec<Request> = match first {
            // a storm of signals is one look
            Ok(first) => std::iter::once(first).chain(requests.try_iter()).collect(),
            Err(mpsc::RecvTimeoutError::Timeout) => Vec::new(),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        };
        let (mut asked, mut trips) = (Vec::new(), Vec::new());
        for request in received {
            match request {
                Request::Reload(reload) => asked.push(reload),
                Request::Trip(trip) => trips.push(trip),
            }
        }
        let trigger = asked.first().map_or("poll", |reload| reload.trigger);
        let now = clock();
        let look = match (asked.is_empty(), poll.is_zero()) {
            (true, true) => Look::default(),
            (true, false) => files.poll(now),
            (false, _) => files.look(now),
        };
        let is_tripped = latest.trip(trips);
        if latest.take(look) {
            let next = |old: &InForce| latest.in_force(Some(old), trigger, now);
            replaced = Some(publish(next, publisher, witness));
        } else if is_tripped {
            replaced = Some(publish_trips(latest, publisher, witness, now));
        }
        for reply in asked.into_iter().filter_map(|reload| reload.reply) {
            let report = Report {
                delivered: files.delivered(),
                ..publisher.get().last.clone()
            };
            // whoever asked may have gone
            let _ = reply.send(report);
        }
    }
}

/// Out: what was in force until now.
fn publish(
    next: impl FnOnce(&InForce) -> InForce,
    publisher: &Publisher,
    witness: &dyn Witness,
) -> Arc<InForce> {
    let old = publisher.get();
    let next = next(&old);
    if !Arc::ptr_eq(&next.snapshot, &old.snapshot) {
        witness.before(&next.snapshot);
    }
    let stops = [&next, &*old].map(|one| one.snapshot.stopped.stops.clone());
    publisher.publish(next);
    witness.after(&publisher.get());
    if stops[0] != stops[1] {
        witness.stopped(&stops[0]);
    }
    old
}

/// The same files, and what the guard has stopped in them. No file was read: the last report stays.
fn publish_trips(
    latest: &Latest,
    publisher: &Publisher,
    witness: &dyn Witness,
    now: Second,
) -> Arc<InForce> {
    let old = publisher.get();
    let next = InForce {
        last: old.last.clone(),
        ..latest.in_force(Some(&old), "guard", now)
    };
    witness.before(&next.snapshot);
    publisher.publish(next);
    old
}

/// What is told of a reload.
fn report<'p>(
    found: impl Iterator<Item = &'p Problem>,
    trigger: &'static str,
    at: Second,
) -> Report {
    let (warnings, problems): (Vec<_>, Vec<_>) =
        found.partition(|problem| problem.severity == Severity::Warning);
    let lines = |problems: Vec<&Problem>| problems.into_iter().map(ToString::to_string).collect();
    Report {
        at,
        trigger,
        problems: lines(problems),
        warnings: lines(warnings),
        delivered: None,
    }
}
