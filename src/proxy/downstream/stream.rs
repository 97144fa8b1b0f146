//! A client's stream, under hyper: it gives the sniffed bytes again, tells the connection what was read and written, and
//! writes what hyper cannot: 1xx responses, and names as they were spelled.
//! In: a socket. Out: what hyper reads and writes.

use super::connection::{ClientConnection, HEAD_READ};
use crate::proxy::{watched_stream::WatchedStream, worker::WRITE_BUFFER};
use bytes::Bytes;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf},
    time::{Sleep, sleep},
};

/// How much an HTTP/2 client may say before what it asked for is looked at: the budget is asked then.
const H2_TURN: usize = 64 * 1024;

/// Where little is left: some requests, and so often.
const TIGHT_TURN: (usize, Duration) = (512, Duration::from_millis(4));

/// A client's socket.
pub(super) struct ClientStream {
    socket: WatchedStream,
    /// read already, and not yet by hyper
    sniffed: Bytes,
    client: Rc<ClientConnection>,
    /// the client has said that it will send no more
    ended: bool,
    /// a 1xx that is being written
    informational: Bytes,
    /// bytes have come that hyper does not read yet
    has_more: bool,
    /// bytes of HTTP/2 that were read in this turn
    turn: usize,
    /// until its next turn
    pause: Option<Pin<Box<Sleep>>>,
    /// what is written instead of the head of a response, which is as long
    cased_head: Bytes,
}

impl ClientStream {
    pub(super) fn new(
        socket: WatchedStream,
        sniffed: Bytes,
        client: Rc<ClientConnection>,
    ) -> ClientStream {
        ClientStream {
            socket,
            sniffed,
            client,
            ended: false,
            informational: Bytes::new(),
            has_more: false,
            turn: 0,
            pause: None,
            cased_head: Bytes::new(),
        }
    }

    /// Fails when a client has gone that has sent its whole request and waits for the response.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.has_more || !self.client.only_waits() {
            return Ok(());
        }
        match self.socket.poll_peek(cx, &mut ReadBuf::new(&mut [0])) {
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Ready(Ok(_)) => {
                self.has_more = true;
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(()),
        }
    }

    /// Fails when a client has reset the connection whose body waits for the application: nobody reads, and nobody is told.
    fn check_upload(&self) -> io::Result<()> {
        if !self.client.uploading.get() || self.client.is_h2.get() {
            return Ok(());
        }
        match self.socket.try_io(Interest::ERROR, || Ok(())) {
            Ok(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Err(_) => Ok(()),
        }
    }

    /// How much hyper is given at once: a little less than it asks for, or it would ask for twice as much.
    fn most(&self) -> usize {
        let budget = &self.client.worker.settings.budget;
        match (self.client.is_h2.get(), self.client.uploading.get()) {
            (true, _) if budget.is_tight() => TIGHT_TURN.0,
            (false, false) => HEAD_READ,
            _ => budget.piece() - 1,
        }
    }

    /// Whether an HTTP/2 client has said enough for this turn.
    fn has_had_its_turn(&mut self, cx: &mut Context<'_>) -> bool {
        if self.turn >= TIGHT_TURN.0 && self.client.worker.settings.budget.is_tight() {
            self.turn = 0;
            self.pause = Some(Box::pin(sleep(TIGHT_TURN.1)));
        }
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(cx).is_pending() {
                return true;
            }
            self.pause = None;
        }
        let is_over = self.turn >= H2_TURN;
        if is_over {
            self.turn = 0;
            cx.waker().wake_by_ref();
        }
        is_over
    }

    /// Writes what the application said before its final response; only ever between two messages.
    fn poll_informational(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.informational.is_empty() {
                let written =
                    ready!(Pin::new(&mut self.socket).poll_write(cx, &self.informational))?;
                let _ = self.informational.split_to(written);
            }
            if !self.client.is_flushed.get() || self.client.informational.borrow().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.informational = self.client.informational.take().into();
        }
    }

    fn record(&self, bytes: &[u8]) {
        if let Some(header_case) = &self.client.header_case
            && !self.client.uploading.get()
        {
            header_case.record(bytes);
        }
    }

    /// Writes the head of a response with its names as they came, where that is wanted; `bytes` are hyper's.
    fn poll_cased_head(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<Option<usize>>> {
        if let Some(header_case) = &self.client.header_case
            && self.client.is_flushed.replace(false)
            && let Some(head) = header_case.restore(bytes)
        {
            self.cased_head = head;
        }
        if self.cased_head.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.cased_head))?;
        let _ = self.cased_head.split_to(written);
        Poll::Ready(Ok(Some(written)))
    }

    /// The plain socket, and whether the client may still be sending.
    pub(super) fn into_parts(self) -> (WatchedStream, bool) {
        (self.socket, !self.ended)
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        // read on at once behind what was sniffed: after a first read of so few bytes, hyper would make a buffer of twice the size
        let is_first = !this.sniffed.is_empty();
        if is_first {
            let most = this.sniffed.len().min(buf.remaining()).min(this.most());
            buf.put_slice(&this.sniffed.split_to(most));
        } else if this.client.is_refused.get() {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        } else if this.has_had_its_turn(cx) {
            return Poll::Pending;
        }
        this.has_more = false;
        let most = (this.most() - (buf.filled().len() - before)) as u64;
        let read = Pin::new(&mut (&mut this.socket).take(most)).poll_read(cx, buf);
        if read.is_pending() {
            this.turn = 0;
        }
        match read {
            Poll::Pending if is_first => {}
            read => ready!(read)?,
        }
        let bytes = &buf.filled()[before..];
        if bytes.is_empty() {
            this.ended = true;
            return Poll::Ready(Ok(()));
        }
        if this.client.is_h2.get() {
            this.turn += bytes.len();
        }
        let is_preface = is_first && this.client.is_h2.get();
        if !is_preface && !this.client.on_read(bytes) {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        this.record(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_informational(cx))?;
        if let Some(written) = ready!(this.poll_cased_head(cx, buf))? {
            return Poll::Ready(Ok(written));
        }
        this.client.is_flushed.set(false);
        Pin::new(&mut this.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_informational(cx))?;
        let first = bufs.first().map_or(&[][..], |first| first);
        if let Some(written) = ready!(this.poll_cased_head(cx, first))? {
            return Poll::Ready(Ok(written));
        }
        this.client.is_flushed.set(false);
        let socket = Pin::new(&mut this.socket);
        if let [head, body] = bufs
            && head.len() + body.len() <= WRITE_BUFFER
        {
            // one copy costs less than the kernel takes for two pieces
            let buffer = &mut this.client.worker.write_buffer.borrow_mut();
            let all = &mut buffer[..head.len() + body.len()];
            let (before, behind) = all.split_at_mut(head.len());
            before.copy_from_slice(head);
            behind.copy_from_slice(body);
            return socket.poll_write(cx, all);
        }
        socket.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes when it has nothing left to write
        let this = self.get_mut();
        this.client.on_flush(cx);
        this.socket.check()?;
        this.check_upload()?;
        this.poll_gone(cx)?;
        this.poll_informational(cx)
    }

    /// Not by hyper: whoever owns the connection closes it, or makes it a tunnel.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
