//! A small HTTP server for the listeners beside the traffic: admin, API, echo.
//! In: a listener and a function from request to response. Out: responses, within limits that no client can exhaust.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Semaphore, watch};
use tower::{ServiceBuilder, ServiceExt as _, service_fn as tower_fn};

/// A whole body, or a stream of events.
pub type Response = http::Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The address of the client's end of the connection, among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct PeerIp(pub IpAddr);

/// Connections at a time; more wait in the backlog.
const MAX_CONNECTIONS: usize = 512;
/// Requests at a time; more get 503.
const MAX_REQUESTS: usize = 64;
/// How long a client may take to send a request's head, and we to make the response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A listening socket. `[::]` takes IPv4 too, and becomes `0.0.0.0` on a host without IPv6.
pub fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    bind(at, false)
}

/// Listening sockets on one port, among which the kernel deals out the connections.
pub fn listen_together(at: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SO_REUSEPORT would also share the port with another burgee: binding without it first finds that one
    let at = bind(at, false)?.local_addr()?;
    (0..count).map(|_| bind(at, true)).collect()
}

fn bind(at: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    match bind_to(at, shared) {
        Err(error)
            if at.ip() == Ipv6Addr::UNSPECIFIED && error.kind() != io::ErrorKind::AddrInUse =>
        {
            bind_to((Ipv4Addr::UNSPECIFIED, at.port()).into(), shared)
        }
        bound => bound,
    }
}

fn bind_to(at: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    socket.set_nonblocking(true)?;
    // handed on to what is accepted: a client that vanished keeps no place for two hours
    let _ = socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(15))
            .with_retries(5),
    );
    socket.bind(&at.into())?;
    // in a queue that is full, a client waits for a second, until it asks again
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Serves until `stop` becomes true, then finishes the requests that have begun.
pub async fn serve<F>(
    listener: TcpListener,
    handler: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()>
where
    F: Future<Output = Response> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let handler = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(MAX_REQUESTS)
        .timeout(TIMEOUT)
        .service(tower_fn(move |request| {
            let response = handler(request);
            async { Ok::<_, Infallible>(response.await) }
        }));
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else {
            return Ok(());
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => (stream, PeerIp(from.ip())),
                Err(_) => {
                    // most likely out of file descriptors: an immediate retry would only spin
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stopped(&mut stop) => break,
        };
        let (handler, mut stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                let handler = handler.clone();
                async move {
                    Ok::<_, Infallible>(handler.oneshot(request).await.unwrap_or_else(|_| {
                        text(StatusCode::SERVICE_UNAVAILABLE, "too busy; try again\n")
                    }))
                }
            });
            let mut connection = pin!(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(TIMEOUT)
                    .max_buf_size(64 * 1024)
                    .serve_connection(TokioIo::new(stream), service)
            );
            tokio::select! {
                _ = connection.as_mut() => {}
                () = stopped(&mut stop) => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await; // the client may have gone
                }
            }
            drop(permit);
        });
    }
    // all permits are back when the last connection is closed
    let closed = connections.acquire_many(MAX_CONNECTIONS as u32);
    let _ = tokio::time::timeout(TIMEOUT, closed).await;
    Ok(())
}

/// Also when the sender is dropped.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A response in plain text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Response {
    typed(status, "text/plain; charset=utf-8", body)
}

/// A response in JSON.
pub fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    typed(status, "application/json", format!("{body}\n"))
}

/// A response of this content type. No cache may keep it.
pub fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    response
}
