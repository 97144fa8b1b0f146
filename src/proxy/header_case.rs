//! `--preserve-header-case`: names as they were written, which neither hyper nor its header map tells.
//! In: heads as they came. Out: the same names on the other side. What is not known (a request behind the body of
//! another, in one packet) is in lower case, which means the same.

use bytes::Bytes;
use std::{
    cell::{Cell, RefCell},
    ops::Range,
};

/// More of a request than this is not remembered.
const LIMIT: usize = 64 * 1024;

/// What one connection knows of its names.
#[derive(Default)]
pub(super) struct Spellings {
    /// what the client sent, and no request has been made of yet
    heard: RefCell<Vec<u8>>,
    request: RefCell<Names>,
    answer: Cell<Names>,
}

impl Spellings {
    /// The client sent these bytes.
    pub(super) fn hear(&self, bytes: &[u8]) {
        let mut heard = self.heard.borrow_mut();
        let room = LIMIT - heard.len().min(LIMIT);
        heard.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// A request has been read. What stands behind its head is its body, or the next one.
    pub(super) fn begin(&self, has_body: bool) {
        let mut heard = self.heard.borrow_mut();
        let (names, len) = Names::read(&heard);
        *self.request.borrow_mut() = names;
        match has_body {
            true => heard.clear(),
            false => drop(heard.drain(..len)),
        }
    }

    /// Writes the name of a request's field.
    pub(super) fn write(&self, name: &str, text: &mut Vec<u8>) {
        text.extend_from_slice(self.request.borrow().of(name.as_bytes()));
    }

    /// The application's answer begins with this.
    pub(super) fn answered(&self, head: &[u8]) {
        self.answer.set(Names::read(head).0);
    }

    /// The head of an answer with its own names, if `bytes` begin with it.
    pub(super) fn respell(&self, bytes: &[u8]) -> Option<Bytes> {
        let names = self.answer.take();
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
            Some(colon) if !is_first => places.push(start..start + colon),
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
        let spellings = Spellings::default();
        spellings.hear(b"\r\nGET / HTTP/1.1\r\nHost: a:b\r\nX-MixedCase: x-mixedcase\r\n\r\n");
        spellings.hear(b"POST / HTTP/1.1\r\nHOST: a\r\n\r\nbody: x");
        let written = |name: &str| {
            let mut text = Vec::new();
            spellings.write(name, &mut text);
            String::from_utf8(text).unwrap_or_default()
        };
        spellings.begin(false);
        assert_eq!(
            (&*written("host"), &*written("x-mixedcase")),
            ("Host", "X-MixedCase")
        );
        assert_eq!(written("x-other"), "x-other");
        spellings.begin(true);
        assert_eq!((&*written("host"), &*written("body")), ("HOST", "body"));
        spellings.begin(false);
        assert_eq!(written("host"), "host");
    }

    #[test]
    fn an_answer_is_respelled_in_place() {
        let spellings = Spellings::default();
        let ours = b"HTTP/1.1 200 OK\r\nx-a: x-b\r\nx-b: 1\r\ndate: now\r\n\r\nx-a: body";
        assert_eq!(spellings.respell(ours), None);
        spellings.answered(b"HTTP/1.1 200 OK\r\nX-B: 1\r\nX-a: x-b\r\n\r\n");
        let expected = b"HTTP/1.1 200 OK\r\nX-a: x-b\r\nX-B: 1\r\ndate: now\r\n\r\n";
        assert_eq!(spellings.respell(ours).as_deref(), Some(&expected[..]));
        assert_eq!(spellings.respell(ours), None);
    }
}
