//! One connection to the application, and what replaces it when it turns out to be stale.
//! In: the upstream's address. Out: a stream for hyper; under a safe request it is replaced once, unseen.

use super::{
    interim::{self, Begins, Listener},
    settings::{Settings, Upstream},
    splice::Splice,
};
use bytes::{Buf, BytesMut};
use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// A plain stream to the application, TCP or Unix.
pub(super) type Socket = Box<dyn Stream>;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// Connects, within the connect timeout whatever the number of addresses.
pub(super) async fn connect(settings: &Settings) -> io::Result<Socket> {
    let limit: Duration = settings.connect_timeout;
    match tokio::time::timeout(limit, reach(&settings.upstream)).await {
        Ok(reached) => reached,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn reach(upstream: &Upstream) -> io::Result<Socket> {
    match upstream {
        Upstream::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Upstream::Tcp { addresses, .. } => {
            let mut failed = io::ErrorKind::AddrNotAvailable.into();
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        return Ok(Box::new(stream));
                    }
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
    }
}

/// What the sender of a request tells the stream under it.
#[derive(Default)]
pub(super) struct Wire {
    /// a safe request without a body is on a reused connection, and nothing of its answer was seen
    armed: Cell<bool>,
    /// the bytes of that request
    sent: RefCell<Vec<u8>>,
    /// the application takes no more bytes
    broken: Cell<bool>,
    /// our fields, which the next head has to carry
    lines: RefCell<Splice>,
    /// until the answer begins
    listener: RefCell<Option<Listener>>,
}

impl Wire {
    /// A request follows: its head carries these lines behind its request line, its interim answers are listened to, and
    /// it may be sent twice or not.
    pub(super) fn begin(&self, lines: &[u8], listener: Listener, may_repeat: bool) {
        self.armed.set(may_repeat);
        self.lines.borrow_mut().begin(lines);
        *self.listener.borrow_mut() = Some(listener);
    }

    /// Whether the connection is of no more use.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// A failed write is not reported: an application that answers early and closes (413) has its answer waiting to be
    /// read, and where there is none, reading says so.
    fn broke(&self) {
        self.broken.set(true);
    }

    fn disarm(&self) {
        self.armed.set(false);
        self.sent.borrow_mut().clear();
    }

    /// Takes interim answers out of what has come. What is left is hyper's to read, as soon as it begins an answer.
    fn listen(&self, held: &mut BytesMut) {
        let mut listener = self.listener.borrow_mut();
        while let Some(listening) = &*listener {
            match interim::read(held) {
                Begins::Interim(len, status, headers) => {
                    held.advance(len);
                    listening.hear(status, headers);
                }
                Begins::Unfinished => return,
                Begins::Answer => *listener = None,
            }
        }
    }

    fn listens(&self) -> bool {
        self.listener.borrow().is_some()
    }

    fn record(&self, bufs: &[io::IoSlice<'_>], mut written: usize) {
        if !self.armed.get() {
            return;
        }
        let mut sent = self.sent.borrow_mut();
        for buf in bufs {
            let some = written.min(buf.len());
            sent.extend_from_slice(&buf[..some]);
            written -= some;
        }
    }
}

/// The stream that hyper's client sees.
///
/// An application that closes an idle connection unannounced crosses our next request. RFC 9110 (9.2.2) lets a safe
/// request be sent again; done here, below the parser, it costs a copy of the head and no copy of the header map.
pub(super) struct Renewable {
    socket: Socket,
    wire: Rc<Wire>,
    settings: Arc<Settings>,
    renewal: Option<Renewal>,
    /// what has come and hyper has not read, because it may be, or has come with, an interim answer
    held: BytesMut,
}

enum Renewal {
    Connecting(Pin<Box<dyn Future<Output = io::Result<Socket>>>>),
    Repeating(usize),
}

impl Renewable {
    pub(super) fn new(socket: Socket, wire: Rc<Wire>, settings: Arc<Settings>) -> Renewable {
        Renewable {
            socket,
            wire,
            settings,
            renewal: None,
            held: BytesMut::new(),
        }
    }

    /// The plain stream, for a tunnel.
    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    fn renew(&mut self) {
        tracing::debug!("the application closed an idle connection; sending the request again");
        let settings = self.settings.clone();
        let connecting = Box::pin(async move { connect(&settings).await });
        self.renewal = Some(Renewal::Connecting(connecting));
    }

    /// Connects again and sends what was sent; ready when there is nothing to renew.
    fn poll_renewal(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            match &mut self.renewal {
                None => return Poll::Ready(Ok(())),
                Some(Renewal::Connecting(connecting)) => {
                    let connected = ready!(connecting.as_mut().poll(cx));
                    // once only: what follows is the answer, whatever it is
                    self.wire.armed.set(false);
                    match connected {
                        Ok(socket) => self.socket = socket,
                        Err(error) => {
                            self.renewal = None;
                            return Poll::Ready(Err(error));
                        }
                    }
                    self.renewal = Some(Renewal::Repeating(0));
                }
                Some(Renewal::Repeating(done)) => {
                    let mut sent = self.wire.sent.borrow_mut();
                    if *done == sent.len() {
                        sent.clear();
                        self.renewal = None;
                        return Poll::Ready(Ok(()));
                    }
                    *done += ready!(Pin::new(&mut self.socket).poll_write(cx, &sent[*done..]))?;
                }
            }
        }
    }

    /// Writes, with our fields in the head; none where only ours were written.
    fn poll_spliced(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<Option<usize>>> {
        let mut splice = self.wire.lines.borrow_mut();
        let spliced = splice.put_into(bufs);
        let bufs = spliced.as_deref().unwrap_or(bufs);
        let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(cx, bufs))?;
        self.wire.record(bufs, written);
        drop(spliced);
        Poll::Ready(Ok(splice.written(written)))
    }

    fn is_stale(&self, result: &io::Result<()>, nothing_came: bool) -> bool {
        self.wire.armed.get()
            && match result {
                Ok(()) => nothing_came,
                Err(error) => matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionReset
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::NotConnected
                ),
            }
    }
}

impl AsyncRead for Renewable {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.held.is_empty() && !this.wire.listens() {
                let some = this.held.len().min(buf.remaining());
                buf.put_slice(&this.held.split_to(some));
                return Poll::Ready(Ok(()));
            }
            ready!(this.poll_renewal(cx))?;
            let before = buf.filled().len();
            let result = ready!(Pin::new(&mut this.socket).poll_read(cx, buf));
            let come = &buf.filled()[before..];
            if this.is_stale(&result, come.is_empty()) {
                this.renew();
                continue;
            }
            this.wire.disarm();
            let is_answer = this.held.is_empty() && !interim::may_begin(come);
            if come.is_empty() || is_answer || !this.wire.listens() {
                // the end, an error, or an answer: what is held goes first
                this.wire.listener.take();
                if this.held.is_empty() {
                    return Poll::Ready(result);
                }
            }
            this.held.extend_from_slice(come);
            buf.set_filled(before);
            this.wire.listen(&mut this.held);
        }
    }
}

impl AsyncWrite for Renewable {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            ready!(this.poll_renewal(cx))?;
            if this.wire.is_broken() {
                return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
            }
            match ready!(this.poll_spliced(cx, bufs)) {
                Ok(None) => {}
                Ok(Some(written)) => return Poll::Ready(Ok(written)),
                Err(error) => match this.is_stale(&Err(error), false) {
                    true => this.renew(),
                    false => this.wire.broke(),
                },
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}
