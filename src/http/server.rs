//! A small HTTP server for the doors beside the traffic: admin, API, echo.
//! In: a listener and a function from request to response. Out: answers, within limits that no stranger can exhaust.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
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

/// What a door answers: whole, but for a stream of events.
pub type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Who asks, among a request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Connections at a time; more wait in the backlog.
const CONNECTIONS: usize = 512;
/// Requests at a time; more get 503.
const REQUESTS: usize = 64;
/// For a request head to come, and for an answer to be made.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listening socket. `[::]` takes IPv4 too, and becomes `0.0.0.0` on a host without IPv6.
pub fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    bind(at, false)
}

/// Listening sockets on one port, among which the kernel deals out the connections.
pub fn listen_together(at: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SO_REUSEPORT would share the port with another burgee, too; that one is found by asking without it
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
    socket.bind(&at.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

/// Answers until `stop` says so; then finishes what has begun.
pub async fn serve<F>(
    listener: TcpListener,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let answers = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(REQUESTS)
        .timeout(PATIENCE)
        .service(tower_fn(move |request| {
            let answer = answer(request);
            async { Ok::<_, Infallible>(answer.await) }
        }));
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else {
            return Ok(());
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => (stream, Peer(from.ip())),
                Err(_) => {
                    // out of descriptors, most likely: spinning would not bring any
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stopped(&mut stop) => break,
        };
        let (answers, mut stop) = (answers.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer);
                let answers = answers.clone();
                async move {
                    Ok::<_, Infallible>(answers.oneshot(request).await.unwrap_or_else(|_| {
                        text(StatusCode::SERVICE_UNAVAILABLE, "too busy; ask again\n")
                    }))
                }
            });
            let mut connection = pin!(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(PATIENCE)
                    .max_buf_size(64 * 1024)
                    .serve_connection(TokioIo::new(stream), service)
            );
            tokio::select! {
                _ = connection.as_mut() => {}
                () = stopped(&mut stop) => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await; // a client that has gone is no news
                }
            }
            drop(permit);
        });
    }
    // all permits are back when the last connection is closed
    let closed = connections.acquire_many(CONNECTIONS as u32);
    let _ = tokio::time::timeout(PATIENCE, closed).await;
    Ok(())
}

/// Whoever held the other end has gone: that is a stop, too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A plain answer.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, "text/plain; charset=utf-8", body)
}

/// An answer in JSON.
pub fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    typed(status, "application/json", format!("{body}\n"))
}

/// An answer of this content type. No door's answer may be kept by a cache.
pub fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(Full::new(body.into()).boxed_unsync());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static(content_type),
    );
    headers.insert(
        header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-store"),
    );
    answer
}
