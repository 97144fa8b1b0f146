//! Our fields, put into a head below hyper: through its header map each of them would be hashed, moved and copied
//! (counted for one more feature: 620 instructions by the map, 330 by text).
//! In: lines, and what hyper writes. Out: the same bytes with the lines behind the request line.

use smallvec::SmallVec;
use std::io::IoSlice;

/// Lines on their way into a head.
#[derive(Default)]
pub(super) struct Splice {
    lines: Vec<u8>,
    /// how many of the lines' bytes are written
    done: usize,
    /// how many bytes of hyper's come before the lines; none before the first write of a head
    before: Option<usize>,
}

/// What is written instead of hyper's slices: its head in two parts, and the lines between them.
pub(super) type Slices<'a> = SmallVec<[IoSlice<'a>; 8]>;

impl Splice {
    /// The next bytes that hyper writes are a head.
    pub(super) fn begin(&mut self, lines: &[u8]) {
        self.lines.clear();
        self.lines.extend_from_slice(lines);
        (self.done, self.before) = (0, None);
    }

    /// `None` where there is nothing (more) to put in.
    pub(super) fn put_into<'a>(&'a mut self, bufs: &'a [IoSlice<'a>]) -> Option<Slices<'a>> {
        if self.done == self.lines.len() {
            return None;
        }
        // hyper never writes without bytes, and has the whole head in its first slice
        let (first, rest) = bufs.split_first()?;
        let before = *self
            .before
            .get_or_insert_with(|| memchr::memchr(b'\n', first).map_or(0, |end| end + 1));
        let parts = [&first[..before], &self.lines[self.done..], &first[before..]];
        Some(
            parts
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(IoSlice::new)
                .chain(rest.iter().copied())
                .collect(),
        )
    }

    /// How many of `written` bytes were hyper's; `None` where only ours were, which hyper would take for a failure.
    pub(super) fn written(&mut self, written: usize) -> Option<usize> {
        let Some(before) = self.before.filter(|_| self.done < self.lines.len()) else {
            return Some(written);
        };
        let theirs = written.min(before);
        let ours = (written - theirs).min(self.lines.len() - self.done);
        self.done += ours;
        self.before = Some(before - theirs);
        Some(written - ours).filter(|theirs| *theirs > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes `head` and `body` through a socket that takes `most` bytes at a time.
    fn sent(lines: &[u8], head: &[u8], body: &[u8], most: usize) -> Vec<u8> {
        let (mut splice, mut wire, mut done) = (Splice::default(), Vec::new(), 0);
        splice.begin(lines);
        while done < head.len() + body.len() {
            let (head, body) = (
                head.get(done..).unwrap_or_default(),
                &body[done.saturating_sub(head.len())..],
            );
            let bufs: Vec<_> = [head, body]
                .into_iter()
                .filter(|buf| !buf.is_empty())
                .map(IoSlice::new)
                .collect();
            let spliced = splice.put_into(&bufs);
            let all: Vec<u8> = spliced
                .as_deref()
                .unwrap_or(&bufs)
                .iter()
                .flat_map(|buf| buf.iter().copied())
                .collect();
            drop(spliced);
            let written = most.min(all.len());
            wire.extend_from_slice(&all[..written]);
            done += splice.written(written).unwrap_or(0);
        }
        wire
    }

    #[test]
    fn however_little_the_socket_takes_the_lines_stand_behind_the_request_line() {
        let (head, body) = (
            b"POST /a HTTP/1.1\r\nhost: b\r\n\r\n",
            b"body\nwith lines\n",
        );
        let whole = b"POST /a HTTP/1.1\r\nx-feature-a: on\r\nhost: b\r\n\r\nbody\nwith lines\n";
        for most in 1..whole.len() + 2 {
            assert_eq!(
                sent(b"x-feature-a: on\r\n", head, body, most),
                whole,
                "{most} bytes at a time"
            );
            assert_eq!(
                sent(b"", head, body, most),
                [&head[..], body].concat(),
                "{most} bytes at a time"
            );
        }
    }
}
