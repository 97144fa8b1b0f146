//! The state of one client's connection: what its stream has read and written, and which requests are in progress.
//! In: those events. Out: which deadline applies now, and what is to be written between two responses.

use crate::{
    live::Phase,
    proxy::{
        budget::{Charge, SHORT_HEAD},
        clock::Alarm,
        header_case::HeaderCase,
        tunnel::Tunnel,
        worker::Worker,
    },
};
use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    rc::Rc,
    task::Context,
    time::Duration,
};

/// What idle connections get when the process stops, and HTTP/2 clients to take leave.
const GRACE: Duration = Duration::from_millis(500);

/// How much of a head is given to hyper at once: a little less than it asks for, or it would ask for twice as much.
pub(super) const HEAD_READ: usize = SHORT_HEAD - 1;

/// One client's connection.
pub(crate) struct ClientConnection {
    pub(crate) worker: Rc<Worker>,
    /// none for what is not TCP
    pub(crate) peer: Option<IpAddr>,
    pub(crate) alarm: Rc<Alarm>,
    /// what the connection may take
    charge: RefCell<Charge>,
    stage: Cell<Stage>,
    /// bytes of the head that is being read
    head: Cell<usize>,
    /// the longest head that the charge is enough for
    longest_head: Cell<usize>,
    /// bytes of a response's body that hyper has been handed, and not yet written
    unwritten: Cell<usize>,
    /// there was no memory for what the client sends
    pub(super) is_refused: Cell<bool>,
    pub(crate) is_h2: Cell<bool>,
    /// requests in progress: one at most, but for HTTP/2
    active: Cell<usize>,
    /// the body of the request in progress is still coming
    pub(crate) uploading: Rc<Cell<bool>>,
    /// whether hyper has nothing left to write
    pub(crate) is_flushed: Cell<bool>,
    /// 1xx responses that are to be written before the final one
    pub(crate) informational: RefCell<Vec<u8>>,
    /// what becomes of the connection after a 101
    pub(crate) tunnel: RefCell<Option<Tunnel>>,
    /// the response in progress ends with the connection (HTTP/1.0)
    pub(crate) ends_with_close: Cell<bool>,
    /// where names are to be as they were written
    pub(crate) header_case: Option<Box<HeaderCase>>,
}

/// Which deadline applies to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// a head is being read: `head_timeout`
    Head,
    /// a request is in progress: its own deadlines
    Busy,
    /// the response has been handed to hyper, and not all of it is written: none
    Writing,
    /// between two requests: `idle_timeout`, or `park_after` where that is less
    Idle,
    /// the same, and only the socket is kept: what is left of `idle_timeout`
    Parked,
}

impl ClientConnection {
    pub(super) fn new(worker: &Rc<Worker>, peer: IpAddr, charge: Charge) -> Rc<ClientConnection> {
        let connection = ClientConnection {
            worker: worker.clone(),
            peer: Some(peer),
            alarm: worker.clock.alarm(),
            charge: RefCell::new(charge),
            stage: Cell::new(Stage::Head),
            head: Cell::new(0),
            longest_head: Cell::new(HEAD_READ),
            unwritten: Cell::new(0),
            is_refused: Cell::new(false),
            is_h2: Cell::new(false),
            active: Cell::new(0),
            uploading: Rc::default(),
            is_flushed: Cell::new(true),
            informational: RefCell::default(),
            tunnel: RefCell::new(None),
            ends_with_close: Cell::new(false),
            header_case: worker.settings.preserve_header_case.then(Box::default),
        };
        connection.enter(Stage::Head);
        Rc::new(connection)
    }

    /// Bytes have come. False where there is no memory for what follows them.
    pub(super) fn on_read(&self, bytes: &[u8]) -> bool {
        match (self.stage.get(), self.is_h2.get()) {
            (Stage::Idle, false) => {
                self.enter(Stage::Head);
                self.head.set(bytes.len());
            }
            // the preface is not all that was sent
            (Stage::Head, true) => self.enter(Stage::Idle),
            (Stage::Head, false) => self.head.set(self.head.get() + bytes.len()),
            _ => return true,
        }
        // asked as soon as hyper's buffer is full: before it reads on, it makes one of twice the size
        self.head.get() < self.longest_head.get()
            || memchr::memmem::find(bytes, b"\r\n\r\n").is_some()
            || self.grow()
    }

    /// A head is longer than any before on this connection, which keeps the memory of the longest.
    #[cold]
    fn grow(&self) -> bool {
        // what is read, and the buffer that it outgrows; at first, what waits in the kernel meanwhile
        let waiting = match self.longest_head.get() {
            HEAD_READ => 2 * self.worker.settings.budget.window(),
            _ => 0,
        };
        let bytes = 2 * SHORT_HEAD + waiting;
        // refused before it has grown, not when there is nothing left: buffers that come and go are given back late
        let is_tight = self.worker.settings.budget.is_tight();
        let has_grown = !is_tight && self.charge.borrow_mut().grow(bytes);
        match has_grown {
            true => self.longest_head.set(self.longest_head.get() + HEAD_READ),
            false => self.is_refused.set(true),
        }
        has_grown
    }

    /// So much more for as long as the connection stands. False where there is no memory for it.
    pub(super) fn charge(&self, bytes: usize) -> bool {
        self.charge.borrow_mut().grow(bytes)
    }

    /// hyper has nothing left to write.
    pub(super) fn on_flush(&self, cx: &Context<'_>) {
        self.is_flushed.set(true);
        if self.unwritten.replace(0) >= self.most_unwritten() {
            // hyper asks for more of the body only when it is woken
            cx.waker().wake_by_ref();
        }
        if self.stage.get() == Stage::Writing {
            self.enter(Stage::Idle);
        }
    }

    /// Whether hyper has been handed enough of a response's body for now. HTTP/2 has windows of its own.
    pub(super) fn is_full(&self) -> bool {
        self.unwritten.get() >= self.most_unwritten()
    }

    /// So many bytes of a response's body have been handed to hyper.
    pub(super) fn on_handed(&self, bytes: usize) {
        self.unwritten.set(self.unwritten.get() + bytes);
    }

    fn most_unwritten(&self) -> usize {
        self.worker.settings.budget.window()
    }

    /// A request begins.
    pub(super) fn request_began(&self) {
        self.active.set(self.active.get() + 1);
        self.stage.set(Stage::Busy);
        self.uploading.set(false);
        self.alarm.clear();
    }

    /// The end of a response has been handed to hyper, or nobody wants it any more.
    pub(super) fn request_ended(&self) {
        self.active.set(self.active.get() - 1);
        if self.active.get() > 0 {
            return;
        }
        self.stage.set(Stage::Writing);
        if self.is_h2.get() {
            self.enter(Stage::Idle);
        }
    }

    /// Whether the client has nothing to do but wait for its response.
    pub(super) fn only_waits(&self) -> bool {
        self.stage.get() == Stage::Busy && !self.uploading.get() && !self.is_h2.get()
    }

    /// Whether no request has come yet.
    pub(super) fn is_new(&self) -> bool {
        self.stage.get() == Stage::Head
    }

    /// Whether the client has taken too long with a head, or been idle for too long.
    pub(super) fn is_overdue(&self) -> bool {
        self.active.get() == 0
            && matches!(self.stage.get(), Stage::Head | Stage::Idle | Stage::Parked)
            && self.alarm.is_due()
            && !self.may_park()
    }

    /// Whether it has been idle for so long that only its socket need be kept.
    pub(super) fn may_park(&self) -> bool {
        self.stage.get() == Stage::Idle
            && self.parks()
            && self.alarm.is_due()
            && self.worker.phase.get() < Phase::Stopping
    }

    /// Only the socket is kept from now on.
    pub(super) fn park(&self) {
        if let Some(header_case) = &self.header_case {
            // what came of the next head is read once more
            header_case.forget();
        }
        self.enter(Stage::Parked);
    }

    /// Something has come.
    pub(super) fn unpark(&self) {
        self.enter(Stage::Idle);
    }

    fn parks(&self) -> bool {
        let settings = &self.worker.settings;
        let is_short =
            !settings.idle_timeout.is_zero() && settings.idle_timeout <= settings.park_after;
        !self.is_h2.get() && !is_short
    }

    /// When the process stops, whoever has no request in progress gets a moment, not a timeout.
    pub(super) fn hurry(&self) {
        let stopping = self.worker.phase.get() >= Phase::Stopping;
        if stopping && self.active.get() == 0 {
            self.alarm.set_sooner(GRACE);
        }
    }

    fn enter(&self, stage: Stage) {
        let settings = &self.worker.settings;
        self.alarm.set(match stage {
            Stage::Head => settings.head_timeout,
            Stage::Idle if self.parks() => settings.park_after,
            Stage::Parked => settings.idle_timeout.saturating_sub(settings.park_after),
            _ => settings.idle_timeout,
        });
        self.stage.set(stage);
    }
}
