//! 1xx answers, which hyper's server cannot send: taken out of what the application sends before hyper's client sees it,
//! and written to the client under hyper's server, between two messages.
//! In: the first bytes of an answer. Out: bytes for the client, and leave to send an expected body.

use super::{
    Conn,
    hygiene::{self, Seen},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Waker,
};

/// More than this, in one head or waiting for a client, is not early hints.
pub(super) const LIMIT: usize = 64 * 1024;

/// How an interim answer begins. 101 does as well, and is an answer.
const BEGIN: &[u8] = b"HTTP/1.1 1";

/// Who is told of one exchange's interim answers.
#[derive(Clone)]
pub(super) struct Listener {
    pub(super) conn: Rc<Conn>,
    /// HTTP/1.0 and HTTP/2 clients are told nothing: the one must not be, the other cannot be yet
    pub(super) tells: bool,
    pub(super) expectation: Option<Rc<Expectation>>,
}

/// What some bytes of an answer are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begins {
    /// an answer, or nothing that we understand: hyper's to read
    Answer,
    /// perhaps an interim answer, whose end is still to come
    Unfinished,
    /// an interim answer of so many bytes
    Interim(usize, StatusCode, HeaderMap),
}

/// Whether bytes may begin an interim answer: nearly all answers are let go here.
#[inline]
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let len = bytes.len().min(BEGIN.len());
    bytes[..len] == BEGIN[..len]
}

/// What these bytes begin with.
pub(super) fn read(bytes: &[u8]) -> Begins {
    if !may_begin(bytes) {
        return Begins::Answer;
    }
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut answer = httparse::Response::new(&mut fields);
    let len = match answer.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) if bytes.len() < LIMIT => return Begins::Unfinished,
        _ => return Begins::Answer,
    };
    let status = answer.code.and_then(|code| StatusCode::from_u16(code).ok());
    let is_interim = |status: &StatusCode| {
        status.is_informational() && *status != StatusCode::SWITCHING_PROTOCOLS
    };
    let Some(status) = status.filter(is_interim) else {
        return Begins::Answer;
    };
    let mut headers = HeaderMap::new();
    for field in answer.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        if let (Ok(name), Ok(value)) = (name, value) {
            let _ = headers.try_append(name, value);
        }
    }
    Begins::Interim(len, status, headers)
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
            || hygiene::strip_response(&mut headers, &seen, status, None).is_err()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interim_answer_is_told_from_an_answer_however_little_is_there() {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        for end in 0..hints.len() {
            assert_eq!(read(&hints.as_bytes()[..end]), Begins::Unfinished, "{end}");
        }
        let whole = format!("{hints}HTTP/1.1 200 OK\r\n\r\n");
        let Begins::Interim(len, status, headers) = read(whole.as_bytes()) else {
            panic!("no interim answer");
        };
        assert_eq!((len, status.as_u16(), headers.len()), (hints.len(), 103, 1));
        for answer in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 2",
            "HTTP/1.0 103 Early Hints\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 1x0 Odd\r\n\r\n",
            "HTTP/1.1 103 Early Hints\r\nA B: c\r\n\r\n",
            "hello",
        ] {
            assert_eq!(read(answer.as_bytes()), Begins::Answer, "{answer}");
        }
    }
}
