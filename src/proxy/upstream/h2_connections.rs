//! The HTTP/2 connections of one worker to the application, and on which of them a request goes.
//! In: what a request needs. Out: a stream, on a connection where other clients cannot stall it, or on a new one.

use super::{
    pool::{self, Permit, Socket},
    replay::ReplayBody,
    window::{Share, Window},
};
use crate::proxy::{
    budget::Budget,
    clock::{self, Alarm, Clock},
    dead_peers::DeadPeers,
    failure::Failure,
    http2::{self, LocalExecutor},
    settings::Settings,
};
use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http2::{Builder, Connection as Driver, SendRequest},
    },
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    rc::{Rc, Weak},
    sync::Arc,
    task::Poll,
};
use tokio::task;

/// Streams of a connection: what most servers allow. Theirs counts where it is lower.
const STREAMS: u32 = 100;

/// Streams of a connection whose application has not said yet how many it takes.
const FIRST_STREAMS: usize = 1;

/// All connections of one worker.
pub(super) struct Connections {
    settings: Arc<Settings>,
    clock: Rc<Clock>,
    dead_peers: Rc<DeadPeers>,
    all: RefCell<Vec<Rc<Connection>>>,
}

struct Connection {
    sender: SendRequest<ReplayBody>,
    /// what drives it, until it has ended
    driver: Weak<RefCell<Driver<TokioIo<Socket>, ReplayBody, LocalExecutor>>>,
    task: task::AbortHandle,
    streams: Cell<usize>,
    window: Window,
    /// where it leads
    peer: Option<SocketAddr>,
    /// since when it has had no stream
    idle_since: Cell<u64>,
}

impl Connection {
    /// Whether the application takes another stream. hyper would queue it, and everything behind it.
    fn has_place(&self) -> bool {
        let driver = self.driver.upgrade();
        let driver = driver.as_ref().and_then(|driver| driver.try_borrow().ok());
        let most = driver.map_or(0, |driver| driver.current_max_send_streams());
        !self.sender.is_closed() && self.streams.get() < most.min(STREAMS as usize)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A stream of a connection, for one exchange.
pub(crate) struct Stream {
    connection: Rc<Connection>,
    share: Share,
    clock: Rc<Clock>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let connection = &self.connection;
        connection.streams.set(connection.streams.get() - 1);
        connection.window.give_back(self.share);
        connection.idle_since.set(self.clock.now());
    }
}

impl Connections {
    pub(super) fn new(
        settings: &Arc<Settings>,
        clock: &Rc<Clock>,
        dead_peers: &Rc<DeadPeers>,
    ) -> Connections {
        Connections {
            settings: settings.clone(),
            clock: clock.clone(),
            dead_peers: dead_peers.clone(),
            all: RefCell::default(),
        }
    }

    /// A stream of a connection that is open already.
    pub(super) fn open_stream(&self, share: Share) -> Option<Stream> {
        let all = self.all.borrow();
        let mut with_place = all.iter().filter(|connection| connection.has_place());
        let found = with_place.find(|connection| connection.window.has_room(share));
        found.map(|connection| self.stream(connection, share))
    }

    /// A stream of a new connection. At the limit of connections, other clients' bodies are put up with.
    pub(super) async fn new_stream(&self, share: Share) -> Result<Stream, Failure> {
        match self.connect().await {
            Ok(connection) => Ok(self.stream(&connection, share)),
            Err(Failure::UpstreamLimit) => {
                let all = self.all.borrow();
                let with_place = all.iter().filter(|connection| connection.has_place());
                let emptiest = with_place.min_by_key(|connection| connection.streams.get());
                let stream = emptiest.map(|connection| self.stream(connection, share));
                stream.ok_or(Failure::UpstreamLimit)
            }
            Err(failure) => Err(failure),
        }
    }

    fn stream(&self, connection: &Rc<Connection>, share: Share) -> Stream {
        connection.streams.set(connection.streams.get() + 1);
        connection.window.take(share);
        Stream {
            connection: connection.clone(),
            share,
            clock: self.clock.clone(),
        }
    }

    async fn connect(&self) -> Result<Rc<Connection>, Failure> {
        let settings = &self.settings;
        let permit = Permit::acquire(settings)?;
        // all that comes is read at once, within the windows below: a small buffer in the kernel would only lose segments, and
        // every client waits until they are sent again
        let socket = pool::connect(settings, &self.dead_peers, Budget::limit_unsent)
            .await
            .map_err(|error| Failure::from(&error))?;
        let peer = socket.peer();
        let window = settings.budget.window() as u32;
        let (sender, driver) = Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            // what an answer may have on its way before its client takes it: the application is near, so that little is enough,
            // and everybody's next answer comes behind it on the same connection
            .initial_stream_window_size(window)
            .initial_connection_window_size(http2::connection_window(STREAMS, window))
            .initial_max_send_streams(FIRST_STREAMS)
            .max_header_list_size(settings.max_head as u32)
            .keep_alive_interval(http2::PING_INTERVAL)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|error| Failure::from(&error))?;
        let driver = Rc::new(RefCell::new(driver));
        let connection = Rc::new(Connection {
            sender,
            driver: Rc::downgrade(&driver),
            streams: Cell::new(0),
            window: Window::default(),
            peer,
            idle_since: Cell::new(self.clock.now()),
            task: task::spawn_local(async move {
                let _permit = permit;
                let ended = poll_fn(|cx| Pin::new(&mut *driver.borrow_mut()).poll(cx)).await;
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection to the application broke");
                }
            })
            .abort_handle(),
        });
        self.all.borrow_mut().push(connection.clone());
        Ok(connection)
    }

    /// Closes connections that have been idle for too long. One that leads to where the application is no more gets no new
    /// streams, and is closed with its last one.
    pub(super) fn sweep(&self) {
        let now = self.clock.now();
        let limit = clock::milliseconds(self.settings.upstream_idle_timeout);
        self.all.borrow_mut().retain(|connection| {
            let idle = now.saturating_sub(connection.idle_since.get());
            if self.settings.upstream.has_left(connection.peer) {
                return false;
            }
            connection.streams.get() > 0 || !connection.sender.is_closed() && idle < limit
        });
    }

    /// Closes all connections.
    pub(super) fn close(&self) {
        self.all.borrow_mut().clear();
    }
}

impl Stream {
    /// The response, or why there is none, unless the alarm is due first.
    pub(super) async fn send(
        &self,
        request: Request<ReplayBody>,
        alarm: &Alarm,
    ) -> Result<Result<Response<Incoming>, TrySendError<Request<ReplayBody>>>, Failure> {
        let mut sender = self.connection.sender.clone();
        let mut sent = pin!(sender.try_send_request(request));
        poll_fn(|cx| match Pin::as_mut(&mut sent).poll(cx) {
            Poll::Ready(sent) => Poll::Ready(Ok(sent)),
            Poll::Pending => alarm.poll_due(cx).map(|()| Err(Failure::ResponseTimeout)),
        })
        .await
    }
}
