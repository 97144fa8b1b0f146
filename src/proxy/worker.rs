//! What the requests of one worker share. A worker is one thread, one runtime, one pool of connections; nothing here is
//! shared between workers but the counts of open connections.
//! In: the settings, and what is in force. Out: everything that an exchange takes from beside its connection.

use super::{
    clock::Clock,
    dead_peers::DeadPeers,
    settings::Settings,
    upstream::{h1, h2},
};
use crate::{
    engine::Decisions,
    live::{self, Phase},
    telemetry,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};
use tokio::sync::Notify;

/// Up to here a response is written in one piece.
pub(crate) const WRITE_BUFFER: usize = 2 * 1024;

/// One worker.
pub(crate) struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) telemetry: telemetry::Recorder,
    pub(crate) clock: Rc<Clock>,
    pub(crate) dead_peers: Rc<DeadPeers>,
    /// the application, over HTTP/1.1
    pub(crate) h1: h1::Client,
    /// the application, over HTTP/2
    pub(crate) h2: h2::Client,
    /// what is in force
    pub(crate) snapshot: RefCell<live::Cached>,
    /// decisions of finished requests, to be used again
    #[allow(clippy::vec_box)]
    // they leave one by one, and a future that holds a pointer is smaller
    pub(crate) spare_decisions: RefCell<Vec<Box<Decisions>>>,
    /// where the head and the body of a small response are put together
    pub(crate) write_buffer: RefCell<[u8; WRITE_BUFFER]>,
    pub(crate) phase: Cell<Phase>,
    /// open client connections
    pub(crate) clients: Cell<usize>,
    /// held by each connection that is being told that it is one too many
    pub(crate) turned_away: Rc<()>,
    /// the last client connection has closed
    pub(crate) none_left: Notify,
}

impl Worker {
    /// As many as are worth keeping: requests in progress at once.
    const SPARE_DECISIONS: usize = 64;

    /// Decisions of a finished request, to be used again.
    pub(super) fn keep_decisions(&self, decisions: Box<Decisions>) {
        let mut spare = self.spare_decisions.borrow_mut();
        if spare.len() < Self::SPARE_DECISIONS {
            spare.push(decisions);
        }
    }

    pub(super) fn new(
        settings: Arc<Settings>,
        port: u16,
        reader: &live::Reader,
        telemetry: telemetry::Recorder,
        phase: Phase,
    ) -> Rc<Worker> {
        let clock = Clock::new(&[
            settings.head_timeout,
            settings.idle_timeout,
            settings.park_after,
            settings.response_timeout,
            settings.upstream_idle_timeout,
        ]);
        let mut ports = vec![port];
        ports.extend(settings.upstream.ports());
        let dead_peers = DeadPeers::new(settings.tcp_keepalive, ports);
        Rc::new(Worker {
            h1: h1::Client::new(&settings, &clock, &dead_peers),
            h2: h2::Client::new(&settings, &clock, &dead_peers),
            clock,
            dead_peers,
            snapshot: RefCell::new(reader.cached()),
            spare_decisions: RefCell::default(),
            write_buffer: RefCell::new([0; WRITE_BUFFER]),
            phase: Cell::new(phase),
            clients: Cell::new(0),
            turned_away: Rc::default(),
            none_left: Notify::new(),
            settings,
            telemetry,
        })
    }
}
