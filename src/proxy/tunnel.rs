//! A tunnel: after a 101, bytes go both ways until both sides have ended.
//! In: what is left of both HTTP connections. Out: half-closes and early bytes, as they came.

use super::{
    budget::{Budget, Charge},
    upstream::pool::Connection,
    watched_stream::WatchedStream,
};
use bytes::{Buf, Bytes};
use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The application's connection after its 101, and what came behind that.
pub(crate) struct Tunnel(Connection, Bytes);

impl Tunnel {
    pub(super) fn new(connection: Connection, rest: Bytes) -> Tunnel {
        Tunnel(connection, rest)
    }

    /// Runs until both directions have ended. `unread` came from the client behind its request.
    pub(super) async fn run(
        self,
        mut client: WatchedStream,
        unread: Bytes,
        budget: &Arc<Budget>,
    ) -> io::Result<()> {
        let Tunnel(mut connection, rest) = self;
        let upstream = &mut connection.socket;
        let (mut up, mut down) = (Direction::new(unread), Direction::new(rest));
        poll_fn(|cx| {
            let up = up.poll(cx, &mut client, upstream, budget)?;
            let down = down.poll(cx, upstream, &mut client, budget)?;
            match up.is_ready() && down.is_ready() {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        })
        .await
    }
}

/// One direction of a tunnel. It holds memory, and takes of the budget, only while its reader does not keep up.
struct Direction {
    /// read, and not yet written
    waiting: Bytes,
    charge: Option<Charge>,
    is_last: bool,
    has_ended: bool,
}

impl Direction {
    /// How much is read at once, and how often before others have their turn.
    const READ: usize = 8 * 1024;
    const TURN: usize = 8;

    fn new(waiting: Bytes) -> Direction {
        Direction {
            waiting,
            charge: None,
            is_last: false,
            has_ended: false,
        }
    }

    /// Ready when the writer has ended, and the reader knows.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut R,
        to: &mut W,
        budget: &Arc<Budget>,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        for _ in 0..Self::TURN {
            ready!(self.poll_waiting(cx, to, budget))?;
            if self.has_ended {
                return Poll::Ready(Ok(()));
            }
            if self.is_last {
                ready!(Pin::new(&mut *to).poll_shutdown(cx))?;
                self.has_ended = true;
                return Poll::Ready(Ok(()));
            }
            let mut buffer = [MaybeUninit::uninit(); Self::READ];
            let mut read = ReadBuf::uninit(&mut buffer);
            ready!(Pin::new(&mut *from).poll_read(cx, &mut read))?;
            let read = read.filled();
            self.is_last = read.is_empty();
            let written = match Pin::new(&mut *to).poll_write(cx, read) {
                _ if self.is_last => 0,
                Poll::Ready(written) => written?,
                Poll::Pending => 0,
            };
            if written < read.len() {
                self.waiting = Bytes::copy_from_slice(&read[written..]);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_waiting<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut W,
        budget: &Arc<Budget>,
    ) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let Poll::Ready(written) = Pin::new(&mut *to).poll_write(cx, &self.waiting) else {
                if self.charge.is_none() {
                    let charge = budget.large(budget.stalled());
                    self.charge = Some(charge.ok_or(io::ErrorKind::OutOfMemory)?);
                }
                return Poll::Pending;
            };
            self.waiting.advance(written?);
        }
        self.waiting = Bytes::new();
        self.charge = None;
        Poll::Ready(Ok(()))
    }
}
