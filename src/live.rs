//! What is in force, between the thread that reads files and the requests; and what became of the last reload.
//! In: snapshots from `config`, by the one [`Publisher`]. Out: the same snapshot to every [`Reader`], without a lock.

use crate::engine::{Snapshot, units::Second};
use arc_swap::{ArcSwap, Cache};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What is in force, since when, and what became of the last attempt to change it.
#[derive(Debug)]
pub struct InForce {
    /// what every request is decided by
    pub snapshot: Arc<Snapshot>,
    /// whether any good file was ever read; false only after a start with `--on-bad-start forward`
    pub loaded: bool,
    /// when this snapshot came into force
    pub since: Second,
    /// the last attempt
    pub last: Report,
}

/// One attempt to read the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// when
    pub at: Second,
    /// `start`, `signal`, `poll` or `api`
    pub trigger: &'static str,
    /// every problem as it is shown, `file:line:column` first; empty when all is well
    pub problems: Vec<String>,
    /// warnings in the same form
    pub warnings: Vec<String>,
    /// when a kubelet brought what was read; none where it is no volume of one
    pub delivered: Option<Second>,
}

/// Reads what is in force. May be cloned.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<ArcSwap<InForce>>,
    changes: Changes,
}

/// Replaces what is in force. There is one, and it cannot be cloned.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<ArcSwap<InForce>>,
    changed: watch::Sender<()>,
}

/// Wakes whoever waits for a change, of what is in force or of the report alone.
pub type Changes = watch::Receiver<()>;

/// A reader for one worker's hot path: it looks at a counter, not at the shared pointer.
pub type Cached = Cache<Arc<ArcSwap<InForce>>, Arc<InForce>>;

/// The one publisher and the first of the readers.
pub fn channel(first: InForce) -> (Publisher, Reader) {
    let shared = Arc::new(ArcSwap::from_pointee(first));
    let (changed, changes) = watch::channel(());
    let publisher = Publisher {
        shared: shared.clone(),
        changed,
    };
    (publisher, Reader { shared, changes })
}

impl Reader {
    /// What is in force now.
    pub fn get(&self) -> Arc<InForce> {
        self.shared.load_full()
    }

    /// For a hot path.
    pub fn cached(&self) -> Cached {
        Cache::new(self.shared.clone())
    }

    /// Every change from now on.
    pub fn changes(&self) -> Changes {
        let mut changes = self.changes.clone();
        changes.mark_unchanged();
        changes
    }
}

impl Publisher {
    /// What is in force now.
    pub fn get(&self) -> Arc<InForce> {
        self.shared.load_full()
    }

    /// Replaces what is in force, or only the report.
    pub fn publish(&self, next: InForce) {
        self.shared.store(Arc::new(next));
        // nobody may be waiting
        let _ = self.changed.send(());
    }
}

/// How far the process is in its life. Only ever goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// as usual
    Serving,
    /// not ready, `Connection: close` on responses; new connections are still taken
    Draining,
    /// no new connections; requests that have begun are finished, idle connections closed
    Stopping,
    /// the deadline has passed: close everything
    Closing,
}

/// A watch on the phase.
pub type Phases = watch::Receiver<Phase>;

/// What the API may ask of the process.
#[derive(Debug)]
pub enum Command {
    /// read the files now; the reply is the report
    Reload(oneshot::Sender<Report>),
    /// go to [`Phase::Draining`]
    Drain,
}

/// Sends commands to the event loop.
pub type Commands = mpsc::Sender<Command>;
