//! Reading again: on a poll, a SIGHUP or a request of the API. A bad file never replaces a good one.
//! In: the path, and who asks. Out: a snapshot published, or the last good one kept and every problem told.

use super::{Problem, Problems, Severity, Stamp, compile_texts, generation, revision, stamp};
use crate::{
    engine::{Snapshot, units::Second},
    live::{InForce, Publisher, Report},
};
use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long until every worker has taken what was published, at its next tick at the latest.
const TAKEN: Duration = Duration::from_secs(1);

/// A request to reload the files now.
#[derive(Debug)]
pub struct Request {
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
}

/// The files, and what was last read of them.
#[derive(Debug)]
pub struct Files {
    path: PathBuf,
    stamp: Stamp,
    content: Option<String>,
    /// the variables that they read
    pub asked: BTreeSet<String>,
}

/// What a look gave: a snapshot and its warnings, or every problem.
pub type Read = Result<(Snapshot, Vec<Problem>), Problems>;

impl Files {
    /// Nothing is read yet.
    pub fn new(path: PathBuf) -> Files {
        Files {
            path,
            stamp: Stamp::default(),
            content: None,
            asked: BTreeSet::new(),
        }
    }

    /// Reads the files now, and compiles them if their bytes have changed.
    pub fn look(&mut self, now: Second) -> Option<Read> {
        let (stamp, content, texts) = match generation(&self.path) {
            Ok(generation) => (
                generation.stamp,
                revision(&generation.texts),
                Ok(generation.texts),
            ),
            // a missing file is told of once, like any other mistake
            Err(problems) => (stamp(&self.path), problems.to_string(), Err(problems)),
        };
        self.stamp = stamp;
        if self.content.as_ref() == Some(&content) {
            return None;
        }
        self.content = Some(content);
        let asked = RefCell::default();
        let environment = |name: &str| {
            BTreeSet::insert(&mut asked.borrow_mut(), name.to_owned());
            std::env::var(name).ok()
        };
        let read = texts.and_then(|texts| compile_texts(&texts, &environment, now));
        self.asked = asked.into_inner();
        Some(read)
    }

    /// As [`Files::look`], if the files seem to have changed.
    pub fn poll(&mut self, now: Second) -> Option<Read> {
        (stamp(&self.path) != self.stamp).then(|| self.look(now))?
    }

    /// Whether this is a subPath mount of Kubernetes, which never sees an update: a file that is a mount of its own.
    pub fn never_change(&self) -> bool {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let is_mount = |file: &Path| {
            let mut points = mounts.lines().filter_map(|mount| mount.split(' ').nth(4));
            // blanks stand as \040 there
            points.any(|point| Path::new(&point.replace("\\040", " ")) == file)
        };
        if !self.path.is_dir() {
            return fs::canonicalize(&self.path).is_ok_and(|file| is_mount(&file));
        }
        let files = fs::read_dir(&self.path).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::canonicalize(file.path()).ok())
            .any(|file| file.is_file() && is_mount(&file))
    }
}

/// Waits for requests and polls until nobody is left to ask. Needs a thread of its own: reading may block.
pub fn run(
    files: &mut Files,
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
        let asked: Vec<Request> = match first {
            // a storm of signals is one look
            Ok(first) => std::iter::once(first).chain(requests.try_iter()).collect(),
            Err(mpsc::RecvTimeoutError::Timeout) => Vec::new(),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        };
        let trigger = asked.first().map_or("poll", |request| request.trigger);
        let now = clock();
        let read = match (asked.is_empty(), poll.is_zero()) {
            (true, true) => None,
            (true, false) => files.poll(now),
            (false, _) => files.look(now),
        };
        if let Some(read) = read {
            replaced = Some(take(read, trigger, now, publisher, witness));
        }
        for reply in asked.into_iter().filter_map(|request| request.reply) {
            // whoever asked may have gone
            let _ = reply.send(publisher.get().last.clone());
        }
    }
}

/// Publishes, or keeps. Out: what was in force until now.
fn take(
    read: Read,
    trigger: &'static str,
    at: Second,
    publisher: &Publisher,
    witness: &dyn Witness,
) -> Arc<InForce> {
    let old = publisher.get();
    let last = report(&read, trigger, at);
    let next = match read {
        Ok((new, _)) if old.loaded && new.revision == old.snapshot.revision => None, // mended as it was
        Ok((new, _)) => Some(Arc::new(new)),
        Err(_) => None,
    };
    let next = match next {
        Some(snapshot) => {
            witness.before(&snapshot);
            InForce {
                snapshot,
                loaded: true,
                since: at,
                last,
            }
        }
        None => InForce {
            snapshot: old.snapshot.clone(),
            loaded: old.loaded,
            since: old.since,
            last,
        },
    };
    publisher.publish(next);
    witness.after(&publisher.get());
    old
}

/// What is told of a reload.
pub fn report(read: &Read, trigger: &'static str, at: Second) -> Report {
    let found = match read {
        Ok((_, warnings)) => warnings,
        Err(Problems(found)) => found,
    };
    let (warnings, problems): (Vec<_>, Vec<_>) = found
        .iter()
        .partition(|problem| problem.severity == Severity::Warning);
    let lines = |problems: Vec<&Problem>| problems.into_iter().map(ToString::to_string).collect();
    Report {
        at,
        trigger,
        problems: lines(problems),
        warnings: lines(warnings),
    }
}
