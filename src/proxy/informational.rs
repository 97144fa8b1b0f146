//! 1xx answers, which hyper's server cannot send: they are written under it, between two messages.
//! In: what hyper's client tells of an answer on its way. Out: bytes for the client, and leave to send an expected body.

use super::hygiene::{self, Seen};
use http::StatusCode;
use hyper::ext::on_informational;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::Waker,
};

/// More than this is not early hints.
const LIMIT: usize = 64 * 1024;

/// What is to be written to one client before its answer. Shared with hyper's callback, which has to be `Sync`.
#[derive(Default)]
pub(super) struct Informational {
    /// the exchange in progress: a late word of an abandoned one must not reach the next
    turn: AtomicU64,
    waiting: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    waker: Option<Waker>,
}

impl Informational {
    /// Whom to wake: the task of the connection, which is the same for its whole life.
    pub(super) fn watch(&self, waker: &Waker) {
        self.lock().waker = Some(waker.clone());
    }

    /// Whether anything is to be written.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Relaxed)
    }

    /// What is to be written.
    pub(super) fn take(&self) -> Vec<u8> {
        self.waiting.store(false, Relaxed);
        std::mem::take(&mut self.lock().bytes)
    }

    /// The exchange is over.
    pub(super) fn next(&self) {
        self.turn.store(self.turn.load(Relaxed) + 1, Relaxed);
    }

    /// Passes on what the application says before its answer to this request.
    pub(super) fn listen<B>(
        self: &Arc<Self>,
        request: &mut http::Request<B>,
        expect: Option<Arc<Expectation>>,
    ) {
        let (this, turn) = (self.clone(), self.turn.load(Relaxed));
        on_informational(request, move |response| match response.status() {
            // hyper's server says it when the body is asked for
            StatusCode::CONTINUE => {
                if let Some(expect) = &expect {
                    expect.meet();
                }
            }
            status => this.push(turn, status, response.headers()),
        });
    }

    fn push(&self, turn: u64, status: StatusCode, headers: &http::HeaderMap) {
        if self.turn.load(Relaxed) != turn {
            return;
        }
        let mut headers = headers.clone();
        let seen = Seen::look(&headers);
        if hygiene::strip_response(&mut headers, &seen, status, None).is_err() {
            return;
        }
        let mut state = self.lock();
        let bytes = &mut state.bytes;
        if bytes.len() > LIMIT {
            return;
        }
        let reason = status.canonical_reason().unwrap_or_default();
        bytes.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).as_bytes());
        for (name, value) in &headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        self.waiting.store(true, Relaxed);
        if let Some(waker) = &state.waker {
            waker.wake_by_ref();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Expect: 100-continue`: whether the application has asked for the body.
#[derive(Default)]
pub(super) struct Expectation {
    met: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Expectation {
    /// The application asks for the body.
    fn meet(&self) {
        self.met.store(true, Relaxed);
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = waker.take() {
            waker.wake();
        }
    }

    /// Whether it has; if not, whom to wake.
    pub(super) fn is_met(&self, waker: &Waker) -> bool {
        let met = self.met.load(Relaxed);
        if !met {
            let mut slot = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            *slot = Some(waker.clone());
        }
        met
    }
}
