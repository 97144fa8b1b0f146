//! A request on its way to the application: its head as text, our fields behind the request line, its body in the framing
//! that it came with. hyper's client would take the fields through its header map and a channel to a second task: a third
//! of all instructions of a request.
//! In: a settled request. Out: bytes.

use super::request_body::{Broken, Upload};
use crate::proxy::{header_case::Spellings, hop_by_hop};
use bytes::{Buf, Bytes};
use http::request::Parts;
use http_body::Body;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;

/// One request.
pub(in crate::proxy) struct Outgoing {
    /// the head, or what stands between two pieces of a body, as far as it is not written
    text: Vec<u8>,
    written: usize,
    /// of the body, behind the text
    piece: Bytes,
    /// behind the piece
    tail: &'static [u8],
    body: Upload,
    left: Left,
    /// whether the application has been sent anything
    begun: bool,
    /// whether the head has waited for the body
    has_waited: bool,
}

/// What is still to come of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Length(u64),
    /// chunks, until the end of the body
    Chunks,
}

/// Why a request could not be sent.
#[derive(Debug)]
pub(in crate::proxy) enum Unsent {
    /// the client's body broke off
    Client(Broken),
    /// the application takes no more
    Application(io::Error),
}

impl Outgoing {
    /// A request, in `text`'s memory. The text is all that is kept of its head: the map and the buffer behind it are larger.
    pub(in crate::proxy) fn new(
        parts: &Parts,
        body: Upload,
        lines: &[u8],
        spellings: Option<&Spellings>,
        mut text: Vec<u8>,
    ) -> Outgoing {
        text.clear();
        write_head(parts, lines, spellings, &mut text);
        let left = match (body.is_empty(), hop_by_hop::length(&parts.headers)) {
            (true, _) => Left::Nothing,
            (false, Some(length)) => Left::Length(length),
            (false, None) => Left::Chunks,
        };
        Outgoing {
            text,
            written: 0,
            piece: Bytes::new(),
            tail: b"",
            body,
            left,
            begun: false,
            has_waited: false,
        }
    }

    /// From the beginning, on another connection: a head without a body, or of which nothing has been sent.
    pub(in crate::proxy) fn again(&mut self) {
        (self.written, self.begun) = (0, false);
    }

    /// Whether the application has been sent anything of it.
    pub(in crate::proxy) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether all of it is written.
    pub(in crate::proxy) fn is_sent(&self) -> bool {
        self.left == Left::Nothing && self.is_written()
    }

    /// Whether all that is here is.
    fn is_written(&self) -> bool {
        self.written == self.text.len() && self.piece.is_empty() && self.tail.is_empty()
    }

    /// Whether nothing is written, and the head is all that there is.
    fn is_bare_head(&self) -> bool {
        !self.begun && self.piece.is_empty() && self.tail.is_empty()
    }

    /// Memory to be used again.
    pub(in crate::proxy) fn take_text(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Writes as much as can be; ready when all is.
    pub(in crate::proxy) fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<(), Unsent>> {
        loop {
            if self.left != Left::Nothing && (self.is_written() || self.is_bare_head()) {
                match self.poll_piece(cx) {
                    Poll::Ready(result) => result.map_err(Unsent::Client)?,
                    Poll::Pending if self.is_written() => return Poll::Pending,
                    Poll::Pending if !self.has_waited => {
                        // hyper reads a body when it is asked for it: with a small one, the head goes in one system call
                        self.has_waited = true;
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Poll::Pending => {}
                }
            }
            if self.is_written() {
                match self.left {
                    Left::Nothing => return Poll::Ready(Ok(())),
                    _ => continue,
                }
            }
            let text = &self.text[self.written..];
            let socket = Pin::new(&mut *socket);
            let written = match self.piece.is_empty() && self.tail.is_empty() {
                true => socket.poll_write(cx, text),
                false => {
                    let all = [text, &self.piece[..], self.tail].map(IoSlice::new);
                    socket.poll_write_vectored(cx, &all)
                }
            };
            let written = ready!(written).map_err(Unsent::Application)?;
            self.advance(written);
        }
    }

    fn advance(&mut self, written: usize) {
        self.begun |= written > 0;
        let of_text = written.min(self.text.len() - self.written);
        self.written += of_text;
        let of_piece = (written - of_text).min(self.piece.len());
        self.piece.advance(of_piece);
        self.tail = &self.tail[written - of_text - of_piece..];
    }

    /// The next piece of the body, with its framing, or its end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.written == self.text.len() {
            self.text.clear();
            self.written = 0;
        }
        let piece = loop {
            let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
                return Poll::Ready(self.end());
            };
            // trailers are for HTTP/2; a piece without a byte would end the chunks
            match frame?.into_data() {
                Ok(piece) if !piece.is_empty() => break piece,
                _ => {}
            }
        };
        match &mut self.left {
            Left::Nothing => {}
            Left::Length(left) => match left.checked_sub(piece.len() as u64) {
                None => return Poll::Ready(Err("a body longer than it said".into())),
                Some(0) => {
                    self.left = Left::Nothing;
                    self.body.finish();
                }
                Some(rest) => *left = rest,
            },
            Left::Chunks => {
                let size = format!("{:x}\r\n", piece.len());
                self.text.extend_from_slice(size.as_bytes());
                self.tail = b"\r\n";
            }
        }
        self.piece = piece;
        Poll::Ready(Ok(()))
    }

    fn end(&mut self) -> Result<(), Broken> {
        match self.left {
            Left::Length(_) => return Err("a body shorter than it said".into()),
            Left::Chunks => self.tail = b"0\r\n\r\n",
            Left::Nothing => {}
        }
        self.left = Left::Nothing;
        Ok(())
    }
}

/// Ours stand first: whoever cuts a head short cuts what the client sent.
fn write_head(parts: &Parts, lines: &[u8], spellings: Option<&Spellings>, text: &mut Vec<u8>) {
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    text.reserve(1024 + lines.len());
    // an absolute target may have a query and no path
    let root = if target.starts_with('?') { " /" } else { " " };
    for part in [parts.method.as_str(), root, target, " HTTP/1.1\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(lines);
    for (name, value) in &parts.headers {
        match spellings {
            None => text.extend_from_slice(name.as_str().as_bytes()),
            Some(spellings) => spellings.write(name.as_str(), text),
        }
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
}
