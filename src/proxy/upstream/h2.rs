//! HTTP/2 to the application: few connections, shared by many requests. hyper frames them.
//! In: a request. Out: the head of its response, and the stream that its body comes on.

use super::{
    pool::{self, Permit},
    request_body::RequestBody,
};
use crate::proxy::{
    clock::{Alarm, Clock},
    failure::Failure,
    http2::{self, LocalExecutor},
    settings::Settings,
};
use bytes::Bytes;
use http::{
    Request, Response, Uri, Version, header,
    uri::{Authority, Scheme},
};
use http_body_util::{Either, Empty};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http2::{Builder, SendRequest},
    },
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::Poll,
};
use tokio::task;

/// What most servers allow; theirs counts where it is lower, and hyper queues the rest.
const STREAMS: usize = 100;

/// A request's body, or none.
pub(crate) type MaybeBody = Either<Box<RequestBody>, Empty<Bytes>>;

/// One worker's way to the application.
pub(crate) struct Client {
    settings: Arc<Settings>,
    clock: Rc<Clock>,
    connections: RefCell<Vec<Rc<Connection>>>,
}

struct Connection {
    sender: SendRequest<MaybeBody>,
    streams: Cell<usize>,
    /// since when it has had no stream
    idle_since: Cell<u64>,
    driver: task::AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A stream of a connection, for one exchange.
pub(crate) struct Stream {
    connection: Rc<Connection>,
    clock: Rc<Clock>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let connection = &self.connection;
        connection.streams.set(connection.streams.get() - 1);
        connection.idle_since.set(self.clock.now());
    }
}

impl Client {
    pub(crate) fn new(settings: &Arc<Settings>, clock: &Rc<Clock>) -> Client {
        Client {
            settings: settings.clone(),
            clock: clock.clone(),
            connections: RefCell::default(),
        }
    }

    /// On a connection that is open, else on a new one. What never began is sent again.
    pub(crate) async fn send(
        &self,
        mut request: Request<MaybeBody>,
        alarm: &Alarm,
    ) -> Result<(Response<Incoming>, Stream), Failure> {
        set_target(&mut request)?;
        let (stream, was_open) = match self.open_stream() {
            Some(stream) => (stream, true),
            None => (self.connect().await?, false),
        };
        let request = match stream.send(request, alarm).await? {
            Ok(response) => return Ok((response, stream)),
            Err(mut error) => match error.take_message() {
                // the connection closed before a byte of it was written
                Some(request) if was_open => request,
                _ => return Err(Failure::from(error.error())),
            },
        };
        let stream = self.connect().await?;
        match stream.send(request, alarm).await? {
            Ok(response) => Ok((response, stream)),
            Err(error) => Err(Failure::from(error.error())),
        }
    }

    fn open_stream(&self) -> Option<Stream> {
        let connections = self.connections.borrow();
        let open = connections.iter().find(|connection| {
            connection.streams.get() < STREAMS && !connection.sender.is_closed()
        });
        open.map(|connection| self.stream(connection))
    }

    fn stream(&self, connection: &Rc<Connection>) -> Stream {
        connection.streams.set(connection.streams.get() + 1);
        Stream {
            connection: connection.clone(),
            clock: self.clock.clone(),
        }
    }

    /// A stream of a new connection.
    async fn connect(&self) -> Result<Stream, Failure> {
        let settings = &self.settings;
        let permit = Permit::acquire(settings).ok_or(Failure::UpstreamLimit)?;
        let socket = pool::connect(settings)
            .await
            .map_err(|error| Failure::from(&error))?;
        let (sender, connection) = Builder::new(LocalExecutor)
            .timer(TokioTimer::new())
            .initial_stream_window_size(http2::STREAM_WINDOW)
            .initial_connection_window_size(http2::CONNECTION_WINDOW)
            .max_header_list_size(settings.max_head as u32)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(|error| Failure::from(&error))?;
        let driver = task::spawn_local(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the application broke");
            }
        });
        let connection = Rc::new(Connection {
            sender,
            streams: Cell::new(0),
            idle_since: Cell::new(self.clock.now()),
            driver: driver.abort_handle(),
        });
        self.connections.borrow_mut().push(connection.clone());
        Ok(self.stream(&connection))
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        let (now, limit) = (self.clock.now(), self.settings.upstream_idle_timeout);
        self.connections.borrow_mut().retain(|connection| {
            let idle = now.saturating_sub(connection.idle_since.get());
            connection.streams.get() > 0
                || !connection.sender.is_closed() && u128::from(idle) < limit.as_millis()
        });
    }

    /// Closes all connections.
    pub(crate) fn close(&self) {
        self.connections.borrow_mut().clear();
    }
}

impl Stream {
    /// The response, or the request back where it was not sent, unless the alarm is due first.
    async fn send(
        &self,
        request: Request<MaybeBody>,
        alarm: &Alarm,
    ) -> Result<Result<Response<Incoming>, TrySendError<Request<MaybeBody>>>, Failure> {
        let mut sender = self.connection.sender.clone();
        let mut sent = pin!(sender.try_send_request(request));
        poll_fn(|cx| match Pin::as_mut(&mut sent).poll(cx) {
            Poll::Ready(sent) => Poll::Ready(Ok(sent)),
            Poll::Pending => alarm.poll_due(cx).map(|()| Err(Failure::ResponseTimeout)),
        })
        .await
    }
}

/// HTTP/2 says in the target what HTTP/1.1 says in Host.
fn set_target(request: &mut Request<MaybeBody>) -> Result<(), Failure> {
    let host = request.headers_mut().remove(header::HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = authority;
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| Failure::Target)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}
