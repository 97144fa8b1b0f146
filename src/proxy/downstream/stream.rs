//! The client's stream under hyper: the sniffed bytes again, and which deadline applies.
//! In: a socket. Out: what hyper reads and writes.

use crate::proxy::Conn;
use bytes::Bytes;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Up to here an answer is written in one piece.
const SMALL: usize = 2 * 1024;

/// A client's connection.
pub(in crate::proxy) struct ClientStream {
    socket: TcpStream,
    /// read by the sniffing, and not yet by hyper
    sniffed: Bytes,
    conn: Rc<Conn>,
    /// the client has said that it will send no more
    ended: bool,
    /// a 1xx that is being written
    early: Bytes,
    /// something is there that hyper does not want yet
    more: bool,
    /// what is written instead of the head of an answer, which is as long
    respelled: Bytes,
}

impl ClientStream {
    pub(in crate::proxy) fn new(socket: TcpStream, sniffed: Bytes, conn: Rc<Conn>) -> ClientStream {
        ClientStream {
            socket,
            sniffed,
            conn,
            ended: false,
            early: Bytes::new(),
            more: false,
            respelled: Bytes::new(),
        }
    }

    /// Whether the client has gone while its request, which it has sent whole, is in progress.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.more || !self.conn.only_waits() {
            return Ok(());
        }
        match self.socket.poll_peek(cx, &mut ReadBuf::new(&mut [0])) {
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::ConnectionAborted.into()),
            Poll::Ready(Ok(_)) => {
                self.more = true;
                Ok(())
            }
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(()),
        }
    }

    /// Writes what the application said before its answer; only ever between two messages.
    fn poll_early(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.early.is_empty() {
                let written = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.early))?;
                let _ = self.early.split_to(written);
            }
            if !self.conn.between.get() || self.conn.early.borrow().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.early = self.conn.early.take().into();
        }
    }

    fn hear(&self, bytes: &[u8]) {
        if let Some(spellings) = &self.conn.spellings
            && !self.conn.uploading.get()
        {
            spellings.hear(bytes);
        }
    }

    /// Writes the head of an answer with its names as they came, where that is wanted; `bytes` are hyper's.
    fn poll_respelled(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<Option<usize>>> {
        if let Some(spellings) = &self.conn.spellings
            && self.conn.between.replace(false)
            && let Some(head) = spellings.respell(bytes)
        {
            self.respelled = head;
        }
        if self.respelled.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.respelled))?;
        let _ = self.respelled.split_to(written);
        Poll::Ready(Ok(Some(written)))
    }

    /// The plain socket, and whether the client may still be sending.
    pub(in crate::proxy) fn into_parts(self) -> (TcpStream, bool) {
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
        if !this.sniffed.is_empty() {
            let some = this.sniffed.len().min(buf.remaining());
            buf.put_slice(&this.sniffed.split_to(some));
            // and what is there besides: from a first read of so little, hyper would make a buffer of twice the size
            let result = Pin::new(&mut this.socket).poll_read(cx, buf);
            this.hear(buf.filled());
            return match result {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(())),
            };
        }
        this.more = false;
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        if buf.filled().len() == before {
            this.ended = true;
        } else {
            this.conn.heard();
            this.hear(&buf.filled()[before..]);
        }
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
        ready!(this.poll_early(cx))?;
        if let Some(written) = ready!(this.poll_respelled(cx, buf))? {
            return Poll::Ready(Ok(written));
        }
        this.conn.between.set(false);
        Pin::new(&mut this.socket).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_early(cx))?;
        let first = bufs.first().map_or(&[][..], |first| first);
        if let Some(written) = ready!(this.poll_respelled(cx, first))? {
            return Poll::Ready(Ok(written));
        }
        this.conn.between.set(false);
        let socket = Pin::new(&mut this.socket);
        if let [head, body] = bufs
            && head.len() + body.len() <= SMALL
        {
            // one copy costs less than the kernel takes for two pieces
            let all = &mut this.conn.worker.room.borrow_mut()[..head.len() + body.len()];
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
        this.conn.between.set(true);
        this.conn.flushed();
        this.poll_gone(cx)?;
        this.poll_early(cx)
    }

    /// Not by hyper: whoever owns the connection sees it off, or makes it a tunnel.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
