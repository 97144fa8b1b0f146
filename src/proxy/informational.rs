//! 1xx responses of the application, which hyper's server cannot send: queued for the client, and written below hyper,
//! between two messages.
//! In: the heads of 1xx responses. Out: bytes for the client, and permission to send an expected body.

use super::{
    clock::Alarm,
    hop_by_hop::{self, Scan},
};
use http::{HeaderMap, StatusCode};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Waker,
};

/// More bytes than this waiting for a client are dropped: no early hints are so long.
const LIMIT: usize = 64 * 1024;

/// What becomes of the 1xx responses to one request.
pub(crate) struct Informational<'a> {
    /// what is to be written to the client. HTTP/1.0 and HTTP/2 clients have none: the one must not be sent any, the other
    /// cannot be yet
    pub(super) queue: Option<&'a RefCell<Vec<u8>>>,
    /// the client's connection, which is to write it
    pub(super) alarm: &'a Alarm,
    pub(super) expectation: Option<Rc<Expectation>>,
}

impl Informational<'_> {
    pub(crate) fn receive(&self, status: StatusCode, mut headers: HeaderMap) {
        if status == StatusCode::CONTINUE {
            // hyper's server says it to the client, when the body is asked for
            if let Some(expectation) = &self.expectation {
                expectation.meet();
            }
            return;
        }
        let Some(queue) = self.queue.filter(|queue| queue.borrow().len() < LIMIT) else {
            return;
        };
        let scan = Scan::of(&headers);
        if hop_by_hop::strip_response(&mut headers, &scan, status, None).is_ok() {
            write(&mut queue.borrow_mut(), status, &headers);
            self.alarm.wake();
        }
    }
}

fn write(queue: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) {
    let reason = status.canonical_reason().unwrap_or_default();
    queue.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).as_bytes());
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            queue.extend_from_slice(part);
        }
    }
    queue.extend_from_slice(b"\r\n");
}

/// `Expect: 100-continue`: whether the application has asked for the body.
#[derive(Default)]
pub(crate) struct Expectation {
    is_met: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Expectation {
    fn meet(&self) {
        self.is_met.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether it has; if not, whom to wake.
    pub(crate) fn is_met(&self, waker: &Waker) -> bool {
        if !self.is_met.get() {
            *self.waker.borrow_mut() = Some(waker.clone());
        }
        self.is_met.get()
    }
}
