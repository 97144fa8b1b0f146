//! Connections to the application: opened within the limit, kept while they are idle, taken again last in, first out. Each
//! worker has a pool of its own; nothing is shared.
//! In: the application's address, the limits, the worker's clock. Out: a connection, over TCP or a Unix socket; it is put
//! back at the end of a response, or closed.

use crate::proxy::{
    budget::{self, Budget, Charge},
    clock::{self, Clock},
    dead_peers::DeadPeers,
    failure::Failure,
    settings::{self, Settings, Upstream},
    watched_stream::WatchedStream,
};
use socket2::SockRef;
use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSlice},
    mem::MaybeUninit,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream, UnixStream},
};

/// An application counts from its last byte, and a request takes time to reach it: that much less than the time for which
/// it says that it keeps a connection.
const MARGIN: Duration = Duration::from_millis(500);

/// The idle connections of one worker, the oldest first.
pub(crate) struct Pool {
    pub(super) settings: Arc<Settings>,
    pub(super) clock: Rc<Clock>,
    dead_peers: Rc<DeadPeers>,
    idle: RefCell<VecDeque<Idle>>,
}

struct Idle {
    connection: Connection,
    since: u64,
}

/// One HTTP/1.1 connection. Dropped, it is closed, whatever it is in the midst of.
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    /// it has served before, so that the application may be about to close it
    pub(crate) was_idle: bool,
    /// how long it is kept when it is idle, in milliseconds
    idle_timeout: u64,
    /// what the application's name meant when it was opened
    generation: u64,
    permit: Permit,
}

impl Connection {
    pub(crate) fn into_parts(self) -> (Socket, Permit) {
        (self.socket, self.permit)
    }

    /// The application has said for how long it keeps the connection: not used for longer.
    pub(super) fn keep_no_longer_than(&mut self, timeout: Duration) {
        let timeout = timeout.saturating_sub(MARGIN).as_millis() as u64;
        self.idle_timeout = timeout.min(self.idle_timeout);
    }
}

impl Pool {
    pub(crate) fn new(
        settings: &Arc<Settings>,
        clock: &Rc<Clock>,
        dead_peers: &Rc<DeadPeers>,
    ) -> Rc<Pool> {
        Rc::new(Pool {
            settings: settings.clone(),
            clock: clock.clone(),
            dead_peers: dead_peers.clone(),
            idle: RefCell::default(),
        })
    }

    /// The connection that was used last, if it can be used again. `surely`: at the price of a system call, because what
    /// is sent cannot be sent twice.
    pub(crate) fn take(&self, surely: bool) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let now = self.clock.now();
        while let Some(Idle {
            mut connection,
            since,
        }) = idle.pop_back()
        {
            let is_young = now.saturating_sub(since) < connection.idle_timeout;
            let socket = &connection.socket;
            if is_young && socket.is_quiet() && (!surely || socket.is_surely_quiet()) {
                connection.was_idle = true;
                return Some(connection);
            }
        }
        None
    }

    /// A new connection, if the limit allows.
    pub(crate) async fn open(&self) -> Result<Connection, Failure> {
        let permit = Permit::acquire(&self.settings)?;
        let generation = self.settings.upstream.generation();
        let socket = connect(&self.settings, &self.dead_peers, Budget::limit)
            .await
            .map_err(|error| Failure::from(&error))?;
        Ok(Connection {
            socket,
            was_idle: false,
            idle_timeout: clock::milliseconds(self.settings.upstream_idle_timeout),
            generation,
            permit,
        })
    }

    /// A response is complete, and so is its request.
    pub(crate) fn put(&self, connection: Connection) {
        if self.has_left(&connection) {
            return;
        }
        let since = self.clock.now();
        self.idle.borrow_mut().push_back(Idle { connection, since });
    }

    /// Whether the application's name has other addresses by now.
    fn has_left(&self, connection: &Connection) -> bool {
        let upstream = &self.settings.upstream;
        connection.generation != upstream.generation()
            && upstream.has_left(connection.socket.peer())
    }

    /// Closes what has been idle for too long, what the application has closed, and what leads to where it is no more.
    pub(crate) fn sweep(&self) {
        let now = self.clock.now();
        self.idle.borrow_mut().retain(|idle| {
            let connection = &idle.connection;
            now.saturating_sub(idle.since) < connection.idle_timeout
                && connection.socket.is_quiet()
                && !self.has_left(connection)
        });
    }

    /// Closes everything that is idle.
    pub(crate) fn close(&self) {
        self.idle.borrow_mut().clear();
    }
}

/// The right to one of the connections that may be open to the application.
pub(crate) struct Permit(Arc<Settings>, #[allow(dead_code)] Charge);

impl Permit {
    pub(crate) fn acquire(settings: &Arc<Settings>) -> Result<Permit, Failure> {
        let charge = settings.budget.large(budget::UPSTREAM);
        let charge = charge.ok_or(Failure::Memory)?;
        match settings::acquire(&settings.open.upstream, settings.max_upstream_connections) {
            true => Ok(Permit(settings.clone(), charge)),
            false => Err(Failure::UpstreamLimit),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        settings::release(&self.0.open.upstream);
    }
}

/// How much may wait in a socket: [`Budget::limit`], or [`Budget::limit_unsent`] where all that comes is read at once.
pub(super) type Limit = fn(&Budget, &SockRef<'_>) -> io::Result<()>;

/// Connects, within the connect timeout whatever the number of addresses.
pub(super) async fn connect(
    settings: &Settings,
    dead_peers: &Rc<DeadPeers>,
    limit: Limit,
) -> io::Result<Socket> {
    let reaching = reach(settings, dead_peers, limit);
    if settings.connect_timeout.is_zero() {
        return reaching.await;
    }
    match tokio::time::timeout(settings.connect_timeout, reaching).await {
        Ok(reached) => reached,
        Err(_) => {
            // what is gone without a word: the next one may find it elsewhere
            if let Upstream::Named { name, .. } = &settings.upstream {
                name.ask();
            }
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

async fn reach(
    settings: &Settings,
    dead_peers: &Rc<DeadPeers>,
    limit: Limit,
) -> io::Result<Socket> {
    match &settings.upstream {
        Upstream::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        Upstream::Tcp { addresses, .. } => any_of(addresses, settings, dead_peers, limit).await,
        Upstream::Named { name, .. } => {
            let addresses = name.addresses();
            match any_of(&addresses, settings, dead_peers, limit).await {
                Ok(socket) => Ok(socket),
                Err(error) => match name.others(&addresses).await {
                    Some(others) => any_of(&others, settings, dead_peers, limit).await,
                    None => Err(error),
                },
            }
        }
    }
}

/// The first that can be reached.
async fn any_of(
    addresses: &[SocketAddr],
    settings: &Settings,
    dead_peers: &Rc<DeadPeers>,
    limit: Limit,
) -> io::Result<Socket> {
    let mut failed = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match open(address, &settings.budget, limit).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                settings.tcp_keepalive.set(&SockRef::from(&stream))?;
                return Ok(Socket::Tcp(WatchedStream::new(stream, dead_peers)));
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A connection in which no more waits than the budget knows of.
async fn open(address: &SocketAddr, budget: &Budget, limit: Limit) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    limit(budget, &SockRef::from(&socket))?;
    socket.connect(*address).await
}

/// A plain stream to the application.
pub(crate) enum Socket {
    Tcp(WatchedStream),
    Unix(UnixStream),
}

impl Socket {
    /// The application's address, where it has one.
    pub(super) fn peer(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(socket) => socket.peer_addr().ok(),
            Socket::Unix(_) => None,
        }
    }

    /// Whether nothing has come that nobody asked for, its end above all. As the runtime has heard: without a system call.
    fn is_quiet(&self) -> bool {
        would_block(&match self {
            Socket::Tcp(socket) => socket.try_read(&mut [0]),
            Socket::Unix(socket) => socket.try_read(&mut [0]),
        })
    }

    /// The same as the kernel knows it, which may have heard more.
    fn is_surely_quiet(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        would_block(&match self {
            Socket::Tcp(socket) => SockRef::from(&**socket).peek(&mut byte),
            Socket::Unix(socket) => SockRef::from(socket).peek(&mut byte),
        })
    }
}

fn would_block(result: &io::Result<usize>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Socket::Unix(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
