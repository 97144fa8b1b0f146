//! The body of an HTTP/1.1 response that did not all come with its head: read when the client can take more.
//! In: a connection, and what came with the head. Out: data as it comes, never an end where it was cut short; the connection
//! goes back to the pool at the end.

use super::{
    chunked::{ChunkedDecoder, Decoded},
    encode::{EncodedRequest, SendError},
    head::Framing,
    pool::{Connection, Permit, Pool, Socket},
};
use crate::proxy::budget::Charge;
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
use tower::BoxError;

/// How much is read at once, at first: most responses are short. A long one should take few system calls, as far as there is
/// memory for it.
const READ: usize = 8 * 1024;

/// A body that is still coming.
pub(crate) struct StreamingBody {
    source: Option<Source>,
    pool: Rc<Pool>,
    remaining: Remaining,
    /// read, and not yet passed on
    bytes: BytesMut,
    next_read: usize,
    /// for more than is read at first
    charge: Option<Charge>,
    /// whether the connection may be used again
    keep_alive: bool,
    /// what is to be reported next
    error: Option<BoxError>,
}

/// What is still to come.
#[derive(Debug)]
enum Remaining {
    Nothing,
    Length(u64),
    Chunked(ChunkedDecoder),
    UntilClose,
}

/// Where it comes from.
enum Source {
    Connection(Connection),
    /// the request is still being sent
    Half(ReadHalf<Socket>, #[allow(dead_code)] Sending),
}

/// A request that outlives the head of its response. Dropped, it ends.
struct Sending(task::AbortHandle, #[allow(dead_code)] Permit);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl StreamingBody {
    /// `keep_alive`: another request may follow; `rest` came with the head; `unsent` is what is left of the request.
    pub(super) fn new(
        pool: Rc<Pool>,
        connection: Connection,
        framing: Framing,
        keep_alive: bool,
        rest: &[u8],
        unsent: Option<Box<EncodedRequest>>,
    ) -> StreamingBody {
        StreamingBody {
            keep_alive: keep_alive && unsent.is_none(),
            source: Some(match unsent {
                None => Source::Connection(connection),
                Some(unsent) => send_apart(&pool, connection, unsent),
            }),
            pool,
            remaining: match framing {
                Framing::Length(length) => Remaining::Length(length),
                Framing::Chunked => Remaining::Chunked(ChunkedDecoder::Size),
                Framing::Close => Remaining::UntilClose,
            },
            bytes: BytesMut::from(rest),
            next_read: READ,
            charge: None,
            error: None,
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let error = match ready!(self.poll_next(cx)) {
            Ok(frame) => return Poll::Ready(frame.map(Ok)),
            Err(error) => error,
        };
        // hyper drops what it has not written when it hears of this: let it write first
        (self.source, self.error) = (None, Some(error));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, BoxError>> {
        loop {
            match self.decode()? {
                Decoded::Data(data) => {
                    if self.has_ended() {
                        self.end();
                    }
                    return Poll::Ready(Ok(Some(Frame::data(data))));
                }
                Decoded::End(trailers) => {
                    self.end();
                    return Poll::Ready(Ok(trailers.map(Frame::trailers)));
                }
                Decoded::NeedMore => match (ready!(self.poll_read(cx))?, &self.remaining) {
                    (0, Remaining::UntilClose) => self.remaining = Remaining::Nothing,
                    (0, _) => {
                        return Poll::Ready(Err("the application's response broke off".into()));
                    }
                    _ => {}
                },
            }
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(
            self.remaining,
            Remaining::Nothing | Remaining::Chunked(ChunkedDecoder::Ended)
        )
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self.remaining {
            Remaining::Nothing => SizeHint::with_exact(0),
            Remaining::Length(length) => SizeHint::with_exact(length),
            Remaining::Chunked(_) | Remaining::UntilClose => SizeHint::default(),
        }
    }

    /// What the bytes that are here give.
    fn decode(&mut self) -> Result<Decoded, BoxError> {
        let len = match &mut self.remaining {
            Remaining::Nothing => return Ok(Decoded::End(None)),
            Remaining::Chunked(chunks) => return chunks.decode(&mut self.bytes),
            _ if self.bytes.is_empty() => return Ok(Decoded::NeedMore),
            Remaining::UntilClose => self.bytes.len(),
            Remaining::Length(length) => {
                let len = (*length).min(self.bytes.len() as u64);
                *length -= len;
                if *length == 0 {
                    self.remaining = Remaining::Nothing;
                }
                len as usize
            }
        };
        Ok(Decoded::Data(self.bytes.split_to(len).freeze()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = match self.remaining {
            // room for one more: a read that fills its buffer has to be repeated, to know that nothing more is there
            Remaining::Length(length) => {
                length.saturating_add(1).min(self.next_read as u64) as usize
            }
            _ => self.next_read,
        };
        self.bytes.reserve(room);
        let bytes = &mut self.bytes;
        let read = match &mut self.source {
            Some(Source::Connection(connection)) => {
                pin!(connection.socket.read_buf(bytes)).poll(cx)
            }
            Some(Source::Half(half, _)) => pin!(half.read_buf(bytes)).poll(cx),
            None => Poll::Ready(Ok(0)),
        };
        if read.is_pending() && bytes.is_empty() && self.charge.is_none() {
            // a stream of events is silent for hours, and holds no buffer meanwhile; a long answer will need its own at once
            *bytes = BytesMut::new();
        }
        let len = ready!(read)?;
        if len >= self.next_read {
            self.read_more_at_once();
        }
        Poll::Ready(Ok(len))
    }

    /// Reads more at once, if the budget allows: a piece that is being written, and the next.
    fn read_more_at_once(&mut self) {
        let budget = &self.pool.settings.budget;
        let most = budget.window();
        if self.charge.is_none() {
            self.charge = budget.large(2 * most);
        }
        if self.charge.is_some() {
            self.next_read = (self.next_read * 2).min(most);
        }
    }

    /// Gives the connection back, unless the application has sent more than its response.
    fn end(&mut self) {
        if let Some(Source::Connection(connection)) = self.source.take()
            && self.keep_alive
            && self.bytes.is_empty()
        {
            self.pool.put(connection);
        }
    }
}

/// The request goes on by itself: a client that reads the response slowly, or not at all yet, may still be sending.
fn send_apart(pool: &Pool, connection: Connection, mut unsent: Box<EncodedRequest>) -> Source {
    let (socket, permit) = connection.into_parts();
    let (reader, mut writer): (_, WriteHalf<Socket>) = tokio::io::split(socket);
    // it has no deadline, but is woken when the application is found dead
    let alarm = pool.clock.alarm();
    let sending = task::spawn_local(async move {
        let sent = poll_fn(|cx| {
            alarm.watch(cx);
            unsent.poll_send(cx, &mut writer)
        });
        let sent = sent.await;
        if let Err(SendError::Client(error)) = sent {
            tracing::debug!(%error, "a request broke off");
            // what was cut short must not look complete: the application sees an end too early
            let _ = writer.shutdown().await;
        }
    });
    Source::Half(reader, Sending(sending.abort_handle(), permit))
}
