//! `--preserve-header-case`: names as they were written, which neither hyper nor its header map tells.
//! In: heads as they came. Out: the same names on the other side. What is not known (a request behind the body of
//! another, in one packet) goes in lower case, which means the same.

use bytes::Bytes;
use std::{
    cell::{Cell, RefCell},
    ops::Range,
};

/// More of a request than this is not remembered.
const LIMIT: usize = 64 * 1024;

/// The names of one connection's messages, as they were written.
#[derive(Default)]
pub(crate) struct HeaderCase {
    /// what the client sent, and hyper has made no request of yet
    recorded: RefCell<Vec<u8>>,
    request: RefCell<Names>,
    response: Cell<Names>,
}

impl HeaderCase {
    /// The client sent these bytes.
    pub(super) fn record(&self, bytes: &[u8]) {
        let mut recorded = self.recorded.borrow_mut();
        let room = LIMIT - recorded.len().min(LIMIT);
        recorded.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// What was recorded comes again.
    pub(super) fn forget(&self) {
        self.recorded.borrow_mut().clear();
    }

    /// A request has been read. What stands behind its head is its body, or the next one.
    pub(super) fn begin_request(&self, has_body: bool) {
        let mut recorded = self.recorded.borrow_mut();
        let (names, len) = Names::read(&recorded);
        *self.request.borrow_mut() = names;
        match has_body {
            true => recorded.clear(),
            false => drop(recorded.drain(..len)),
        }
    }

    /// Writes the name of a request's field.
    pub(crate) fn write(&self, name: &str, text: &mut Vec<u8>) {
        text.extend_from_slice(self.request.borrow().of(name.as_bytes()));
    }

    /// The application's response begins with this.
    pub(crate) fn record_response(&self, head: &[u8]) {
        self.response.set(Names::read(head).0);
    }

    /// The head of a response with its own names, if `bytes` begin with it.
    pub(super) fn restore(&self, bytes: &[u8]) -> Option<Bytes> {
        let names = self.response.take();
        if names.0.is_empty() {
            return None;
        }
        let (places, len) = places(bytes);
        let mut head = bytes[..len].to_vec();
        for place in places {
            let name = names.of(&bytes[place.clone()]);
            head[place].copy_from_slice(name);
        }
        Some(head.into())
    }
}

/// The names of a head, in order.
#[derive(Default)]
struct Names(Vec<Box<[u8]>>);

impl Names {
    /// Also says where the head ends.
    fn read(bytes: &[u8]) -> (Names, usize) {
        let (places, len) = places(bytes);
        let names = places.into_iter().map(|place| bytes[place].into());
        (Names(names.collect()), len)
    }

    fn of<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        let mut all = self.0.iter().map(|other| &**other);
        all.find(|other| other.eq_ignore_ascii_case(name))
            .unwrap_or(name)
    }
}

/// Where the names of a head stand, and where it ends.
fn places(bytes: &[u8]) -> (Vec<Range<usize>>, usize) {
    let (mut places, mut end, mut is_first) = (Vec::new(), 0, true);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let start = end;
        end += line.len();
        let is_empty = line.trim_ascii().is_empty();
        match memchr::memchr(b':', line) {
            _ if is_empty && is_first => continue,
            _ if is_empty => break,
            Some(colon) if !is_first => {
                // an application may write a blank before the colon
                places.push(start..start + line[..colon].trim_ascii_end().len());
            }
            _ => {}
        }
        is_first = false;
    }
    (places, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_they_were_written() {
        let header_case = HeaderCase::default();
        header_case.record(b"\r\nGET / HTTP/1.1\r\nHost: a:b\r\nX-MixedCase: x-mixedcase\r\n\r\n");
        header_case.record(b"POST / HTTP/1.1\r\nHOST: a\r\n\r\nbody: x");
        let written = |name: &str| {
            let mut text = Vec::new();
            header_case.write(name, &mut text);
            String::from_utf8(text).unwrap_or_default()
        };
        header_case.begin_request(false);
        assert_eq!(
            (&*written("host"), &*written("x-mixedcase")),
            ("Host", "X-MixedCase")
        );
        assert_eq!(written("x-other"), "x-other");
        header_case.begin_request(true);
        assert_eq!((&*written("host"), &*written("body")), ("HOST", "body"));
        header_case.begin_request(false);
        assert_eq!(written("host"), "host");
    }

    #[test]
    fn the_names_of_a_response_are_restored_in_place() {
        let header_case = HeaderCase::default();
        let ours = b"HTTP/1.1 200 OK\r\nx-a: x-b\r\nx-b: 1\r\ndate: now\r\n\r\nx-a: body";
        assert_eq!(header_case.restore(ours), None);
        header_case.record_response(b"HTTP/1.1 200 OK\r\nX-B: 1\r\nX-a: x-b\r\n\r\n");
        let expected = b"HTTP/1.1 200 OK\r\nX-a: x-b\r\nX-B: 1\r\ndate: now\r\n\r\n";
        assert_eq!(header_case.restore(ours).as_deref(), Some(&expected[..]));
        assert_eq!(header_case.restore(ours), None);
    }
}
