//! The body of an HTTP/1.1 answer of the application, read when its client can take more.
//! In: a connection, and what came with the head. Out: pieces as they come, never an end where it was cut short; the
//! connection goes back to the pool at the end.

use super::{
    chunked::{Chunks, Next},
    connect::Socket,
    encode::{Outgoing, Unsent},
    head::Framing,
    pool::{Link, Place},
    request_body::Broken,
    response_body::Whole,
};
use crate::proxy::Worker;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    task,
};

/// What is read at once, at first and at most: most answers are short, and a long one is worth few system calls.
const READ: (usize, usize) = (8 * 1024, 128 * 1024);

/// A body that is still coming.
pub(in crate::proxy) struct Download {
    source: Option<Source>,
    worker: Rc<Worker>,
    left: Left,
    /// read, and not yet passed on
    bytes: BytesMut,
    next_read: usize,
    /// whether the connection may be used again
    keep: bool,
    /// what is to be said next
    broken: Option<Broken>,
}

/// What is still to come.
#[derive(Debug)]
enum Left {
    Nothing,
    Length(u64),
    Chunks(Chunks),
    UntilClose,
}

/// Where it comes from.
enum Source {
    Whole(Link),
    /// the request is still being sent
    Half(ReadHalf<Socket>, #[allow(dead_code)] Sending),
}

/// A request that outlives the head of its answer. Dropped, it ends.
struct Sending(task::AbortHandle, #[allow(dead_code)] Place);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Download {
    pub(in crate::proxy) fn new(worker: Rc<Worker>, whole: Whole) -> Download {
        Download {
            keep: whole.keep && whole.unsent.is_none(),
            source: Some(match whole.unsent {
                None => Source::Whole(whole.link),
                Some(unsent) => apart(whole.link, unsent),
            }),
            worker,
            left: match whole.framing {
                Framing::Length(length) => Left::Length(length),
                Framing::Chunks => Left::Chunks(Chunks::Size),
                Framing::Close => Left::UntilClose,
            },
            bytes: BytesMut::from(&whole.rest[..]),
            next_read: READ.0,
            broken: None,
        }
    }

    pub(in crate::proxy) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let error = match ready!(self.poll_next(cx)) {
            Ok(frame) => return Poll::Ready(frame.map(Ok)),
            Err(error) => error,
        };
        // hyper drops what it has not written when it hears of this: let it write first
        (self.source, self.broken) = (None, Some(error));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Broken>> {
        loop {
            match self.next()? {
                Next::Piece(piece) => {
                    if self.has_ended() {
                        self.end();
                    }
                    return Poll::Ready(Ok(Some(Frame::data(piece))));
                }
                Next::End(trailers) => {
                    self.end();
                    return Poll::Ready(Ok(trailers.map(Frame::trailers)));
                }
                Next::More => match (ready!(self.poll_read(cx))?, &self.left) {
                    (0, Left::UntilClose) => self.left = Left::Nothing,
                    (0, _) => return Poll::Ready(Err("the application's answer broke off".into())),
                    _ => {}
                },
            }
        }
    }

    pub(in crate::proxy) fn has_ended(&self) -> bool {
        matches!(self.left, Left::Nothing | Left::Chunks(Chunks::Ended))
    }

    pub(in crate::proxy) fn size_hint(&self) -> SizeHint {
        match self.left {
            Left::Nothing => SizeHint::with_exact(0),
            Left::Length(length) => SizeHint::with_exact(length),
            Left::Chunks(_) | Left::UntilClose => SizeHint::default(),
        }
    }

    /// What the bytes that are here give.
    fn next(&mut self) -> Result<Next, Broken> {
        let len = match &mut self.left {
            Left::Nothing => return Ok(Next::End(None)),
            Left::Chunks(chunks) => return chunks.next(&mut self.bytes),
            _ if self.bytes.is_empty() => return Ok(Next::More),
            Left::UntilClose => self.bytes.len(),
            Left::Length(length) => {
                let len = (*length).min(self.bytes.len() as u64);
                *length -= len;
                if *length == 0 {
                    self.left = Left::Nothing;
                }
                len as usize
            }
        };
        Ok(Next::Piece(self.bytes.split_to(len).freeze()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = match self.left {
            // room for one more: a read that fills its buffer has to be repeated, to know that nothing more is there
            Left::Length(length) => length.saturating_add(1).min(self.next_read as u64) as usize,
            _ => self.next_read,
        };
        self.bytes.reserve(room);
        let bytes = &mut self.bytes;
        let len = ready!(match &mut self.source {
            Some(Source::Whole(link)) => pin!(link.socket.read_buf(bytes)).poll(cx),
            Some(Source::Half(half, _)) => pin!(half.read_buf(bytes)).poll(cx),
            None => Poll::Ready(Ok(0)),
        })?;
        if len >= self.next_read {
            self.next_read = (self.next_read * 2).min(READ.1);
        }
        Poll::Ready(Ok(len))
    }

    /// Gives the connection back, unless the application has said more than its answer.
    fn end(&mut self) {
        if let Some(Source::Whole(link)) = self.source.take()
            && self.keep
            && self.bytes.is_empty()
        {
            self.worker.give_back(link);
        }
    }
}

/// The request goes on by itself: a client that reads the answer slowly, or not at all yet, may still be sending.
fn apart(link: Link, mut unsent: Outgoing) -> Source {
    let (socket, place) = link.into_parts();
    let (reader, mut writer): (_, WriteHalf<Socket>) = tokio::io::split(socket);
    let sending = task::spawn_local(async move {
        let sent = poll_fn(|cx| unsent.poll(cx, &mut writer)).await;
        if let Err(Unsent::Client(error)) = sent {
            tracing::debug!(%error, "a request broke off");
            // what was cut short must not look complete: the application sees an end too early
            let _ = writer.shutdown().await;
        }
    });
    Source::Half(reader, Sending(sending.abort_handle(), place))
}
