//! A request as HTTP/1.1 text: its head with our fields behind the request line, its body in the framing that it came with.
//! hyper's client would take the fields through its header map and a channel to a second task: a third of all
//! instructions of a request.
//! In: a request that is ready to go. Out: bytes on a connection.

use super::request_body::RequestBody;
use crate::proxy::{header_case::HeaderCase, hop_by_hop};
use bytes::{Buf, Bytes};
use http::request::Parts;
use http_body::Body;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::AsyncWrite;
use tower::BoxError;

/// Up to here a head and its body go in one piece, where the body comes at once: a write costs as much as all else that a request
/// does here, and the application reads once.
const ONE_PIECE: usize = 16 * 1024;

/// One request.
#[derive(Default)]
pub(crate) struct EncodedRequest {
    /// the head, or what stands between two pieces of a body, as far as it is not written
    text: Vec<u8>,
    written: usize,
    /// of the body, behind the text
    data: Bytes,
    /// behind the data
    tail: &'static [u8],
    body: Option<Box<RequestBody>>,
    /// none where nothing is left of the body
    framing: Option<Framing>,
    /// whether the application has been sent anything
    has_begun: bool,
    /// whether what is here has waited for more of the body
    has_waited: bool,
}

/// How a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// so many bytes are left
    Length(u64),
    Chunked,
}

/// Why a request could not be sent.
#[derive(Debug)]
pub(crate) enum SendError {
    /// the client's body broke off
    Client(BoxError),
    /// the application takes no more
    Upstream(io::Error),
}

impl EncodedRequest {
    /// A request, in `text`'s memory. The text is all that is kept of its head: the map and the buffer behind it are larger.
    pub(super) fn new(
        parts: &Parts,
        body: Option<Box<RequestBody>>,
        lines: &[u8],
        header_case: Option<&HeaderCase>,
        mut text: Vec<u8>,
    ) -> EncodedRequest {
        text.clear();
        write_head(parts, lines, header_case, &mut text);
        let framing = || {
            let length = hop_by_hop::length(&parts.headers);
            length.map_or(Framing::Chunked, Framing::Length)
        };
        EncodedRequest {
            text,
            written: 0,
            data: Bytes::new(),
            tail: b"",
            framing: body.is_some().then(framing),
            body,
            has_begun: false,
            has_waited: false,
        }
    }

    /// From the beginning, on another connection: a head without a body, or of which nothing has been sent.
    pub(super) fn restart(&mut self) {
        (self.written, self.has_begun) = (0, false);
    }

    /// Whether the application has been sent anything of it.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether all of it is written.
    pub(super) fn is_sent(&self) -> bool {
        self.framing.is_none() && self.is_written()
    }

    /// Whether all that is here is.
    fn is_written(&self) -> bool {
        self.written == self.text.len() && self.data.is_empty() && self.tail.is_empty()
    }

    /// Whether nothing is written, and the head is all that there is.
    fn is_bare_head(&self) -> bool {
        !self.has_begun && self.data.is_empty() && self.tail.is_empty()
    }

    /// Whether a piece of a short body waits for the next.
    fn gathers(&self) -> bool {
        let Some(Framing::Length(left)) = self.framing else {
            return false;
        };
        let here = (self.text.len() + self.data.len()) as u64;
        !self.has_begun && !self.data.is_empty() && left.saturating_add(here) <= ONE_PIECE as u64
    }

    /// Memory to be used again.
    pub(super) fn take_text(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Writes as much as can be; ready when all is.
    pub(super) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<(), SendError>> {
        loop {
            if self.framing.is_some() && (self.is_written() || self.is_bare_head()) {
                match self.poll_body(cx) {
                    Poll::Ready(result) => result.map_err(SendError::Client)?,
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
            if self.gathers() {
                self.text.extend_from_slice(&self.data);
                self.data = Bytes::new();
                self.has_waited = false;
                continue;
            }
            if self.is_written() {
                match self.framing {
                    None => return Poll::Ready(Ok(())),
                    Some(_) => continue,
                }
            }
            let text = &self.text[self.written..];
            let socket = Pin::new(&mut *socket);
            let written = match self.data.is_empty() && self.tail.is_empty() {
                true => socket.poll_write(cx, text),
                false => {
                    let all = [text, &self.data[..], self.tail].map(IoSlice::new);
                    socket.poll_write_vectored(cx, &all)
                }
            };
            let written = ready!(written).map_err(SendError::Upstream)?;
            self.advance(written);
        }
    }

    fn advance(&mut self, written: usize) {
        self.has_begun |= written > 0;
        let of_text = written.min(self.text.len() - self.written);
        self.written += of_text;
        let of_data = (written - of_text).min(self.data.len());
        self.data.advance(of_data);
        self.tail = &self.tail[written - of_text - of_data..];
    }

    /// The next piece of the body, with its framing, or its end.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.written == self.text.len() {
            self.text.clear();
            self.written = 0;
        }
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(()));
        };
        let data = loop {
            let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)) else {
                return Poll::Ready(self.end());
            };
            // trailers are for HTTP/2; a piece without a byte would end the chunks
            match frame?.into_data() {
                Ok(data) if !data.is_empty() => break data,
                _ => {}
            }
        };
        match &mut self.framing {
            None => {}
            Some(Framing::Length(left)) => match left.checked_sub(data.len() as u64) {
                None => return Poll::Ready(Err("a body longer than it said".into())),
                Some(0) => {
                    self.framing = None;
                    body.finish();
                }
                Some(rest) => *left = rest,
            },
            Some(Framing::Chunked) => {
                let size = format!("{:x}\r\n", data.len());
                self.text.extend_from_slice(size.as_bytes());
                self.tail = b"\r\n";
            }
        }
        self.data = data;
        Poll::Ready(Ok(()))
    }

    fn end(&mut self) -> Result<(), BoxError> {
        match self.framing {
            Some(Framing::Length(1..)) => return Err("a body shorter than it said".into()),
            Some(Framing::Chunked) => self.tail = b"0\r\n\r\n",
            // over HTTP/2, no byte may come as a body
            Some(Framing::Length(0)) | None => {}
        }
        self.framing = None;
        Ok(())
    }
}

/// Ours stand first: whoever cuts a head short cuts what the client sent.
fn write_head(parts: &Parts, lines: &[u8], header_case: Option<&HeaderCase>, text: &mut Vec<u8>) {
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // most heads fit; of a byte more than this the allocator makes 1,280
    text.reserve(1024.max(896 + lines.len()));
    // an absolute target may have a query and no path
    let root = if target.starts_with('?') { " /" } else { " " };
    for part in [parts.method.as_str(), root, target, " HTTP/1.1\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(lines);
    for (name, value) in &parts.headers {
        match header_case {
            None => text.extend_from_slice(name.as_str().as_bytes()),
            Some(header_case) => header_case.write(name.as_str(), text),
        }
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_takes_one_block() {
        let (parts, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        let lines = b"x-feature-flag-one: on\r\n";
        let request = EncodedRequest::new(&parts, None, lines, None, Vec::new());
        assert_eq!(request.text.capacity(), 1024);
    }
}
