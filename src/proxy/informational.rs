//! 1xx answers, which hyper's server cannot send: written to the client below it, between two messages.
//! In: the heads of interim answers. Out: bytes for the client, and leave to send an expected body.

use super::{
    Conn,
    hop_by_hop::{self, Seen},
};
use http::{HeaderMap, StatusCode};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Waker,
};

/// More than this waiting for a client is not early hints.
const LIMIT: usize = 64 * 1024;

/// Who is told of one exchange's interim answers.
pub(super) struct Listener {
    pub(super) conn: Rc<Conn>,
    /// HTTP/1.0 and HTTP/2 clients are told nothing: the one must not be, the other cannot be yet
    pub(super) tells: bool,
    pub(super) expectation: Option<Rc<Expectation>>,
}

impl Listener {
    /// An interim answer has come.
    pub(super) fn hear(&self, status: StatusCode, mut headers: HeaderMap) {
        if status == StatusCode::CONTINUE {
            // to the client hyper's server says it, when the body is asked for
            if let Some(expectation) = &self.expectation {
                expectation.meet();
            }
            return;
        }
        let seen = Seen::look(&headers);
        let fits = self.conn.early.borrow().len() < LIMIT;
        if !self.tells
            || !fits
            || hop_by_hop::strip_response(&mut headers, &seen, status, None).is_err()
        {
            return;
        }
        write(&mut self.conn.early.borrow_mut(), status, &headers);
        self.conn.alarm.wake();
    }
}

fn write(early: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) {
    let reason = status.canonical_reason().unwrap_or_default();
    early.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).as_bytes());
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            early.extend_from_slice(part);
        }
    }
    early.extend_from_slice(b"\r\n");
}

/// `Expect: 100-continue`: whether the application has asked for the body.
#[derive(Default)]
pub(super) struct Expectation {
    met: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Expectation {
    fn meet(&self) {
        self.met.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether it has; if not, whom to wake.
    pub(super) fn is_met(&self, waker: &Waker) -> bool {
        if !self.met.get() {
            *self.waker.borrow_mut() = Some(waker.clone());
        }
        self.met.get()
    }
}
