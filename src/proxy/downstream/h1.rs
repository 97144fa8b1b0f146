//! One client connection: sniffed, served, and closed in a way that loses no answer.
//! In: a socket. Out: nothing; its requests go to [`crate::proxy::exchange`].

use super::{sniff, stream::ClientStream};
use crate::live::Phase;
use crate::proxy::{Conn, Stage, exchange, upstream::request_body::Answer};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream, task, time::timeout};

/// How long a client that is still sending is listened to after the last answer: closing at once would reset the
/// connection, and with it the answer (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(1);

/// What idle connections get when the process stops, and HTTP/2 clients to take leave.
const LEAVE: Duration = Duration::from_millis(500);

pub(in crate::proxy) async fn serve(socket: TcpStream, conn: Rc<Conn>) {
    let Some(sniffed) = sniff::sniff(&socket, &conn).await else {
        return;
    };
    let stream = ClientStream::new(socket, sniffed.bytes, conn.clone());
    // boxed, so that a connection that says nothing costs little
    if sniffed.http2 {
        conn.http2.set(true);
        Box::pin(serve_http2(stream, conn)).await;
    } else {
        Box::pin(serve_http1(stream, conn)).await;
    }
}

async fn serve_http1(stream: ClientStream, conn: Rc<Conn>) {
    let settings = &conn.worker.settings;
    let mut serving = {
        let mut builder = http1::Builder::new();
        builder
            .max_header_size(settings.max_head)
            // whether the client has gone is seen in `stream`, without a second read buffer
            .half_close(true);
        if settings.max_fields != 100 {
            // 100 is hyper's own limit, and the one it has room for without the heap
            builder.max_headers(settings.max_fields);
        }
        builder.serve_connection(TokioIo::new(stream), service(conn.clone()))
    };
    let mut leaving = false;
    let ended = poll_fn(|cx| {
        if !conn.alarm.is_watched() {
            conn.alarm.watch(cx);
        }
        if conn.worker.phase.get() >= Phase::Closing {
            return Poll::Ready(None);
        }
        if conn.worker.phase.get() >= Phase::Stopping && !leaving {
            leaving = true;
            Pin::new(&mut serving).graceful_shutdown();
        }
        match Pin::new(&mut serving).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if conn.is_overdue() => Poll::Ready(None),
            Poll::Pending => {
                conn.hurry();
                Poll::Pending
            }
        }
    })
    .await;
    if let Some(ended) = ended {
        let parts = serving.into_parts();
        // boxed: idle connections need not keep room for their end
        Box::pin(see_off(parts.io.into_inner(), parts.read_buf, ended, conn)).await;
    }
}

/// Makes the connection a tunnel, or closes it in a way that tells the client what it has to know.
async fn see_off(stream: ClientStream, early: Bytes, ended: hyper::Result<()>, conn: Rc<Conn>) {
    let tunnel = conn.tunnel.take();
    match (ended, tunnel) {
        (Ok(()), Some(tunnel)) => {
            let _ = until_closing(&conn, tunnel.run(stream, early)).await;
        }
        (Err(error), _) if error.is_user() && conn.ends_with_close.get() => {
            // an answer that ends with the connection and was cut short must not look complete
            let (socket, _) = stream.into_parts();
            let _ = socket.set_zero_linger();
        }
        (ended, _) => {
            if let Err(error) = ended {
                if error.is_parse() {
                    conn.worker.telemetry.refused("request");
                }
                tracing::debug!(%error, "a client connection broke");
            }
            let (socket, is_open) = stream.into_parts();
            if is_open {
                let _ = until_closing(&conn, timeout(LINGER, linger(socket))).await;
            }
        }
    }
}

async fn serve_http2(stream: ClientStream, conn: Rc<Conn>) {
    let settings = &conn.worker.settings;
    let mut serving = http2::Builder::new(Local)
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.h2_max_streams)
        .max_header_list_size(settings.h2_max_header_list)
        .initial_stream_window_size(crate::proxy::H2_STREAM_WINDOW)
        .initial_connection_window_size(crate::proxy::H2_CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), service(conn.clone()));
    let mut leaving = false;
    poll_fn(|cx| {
        conn.alarm.watch(cx);
        let phase = conn.worker.phase.get();
        if phase >= Phase::Closing {
            return Poll::Ready(());
        }
        let overdue = conn.is_overdue();
        if overdue && (leaving || conn.stage.get() == Stage::Head) {
            return Poll::Ready(());
        }
        if (overdue || phase >= Phase::Draining) && !leaving {
            leaving = true;
            // GOAWAY: what has begun is finished
            Pin::new(&mut serving).graceful_shutdown();
        }
        match Pin::new(&mut serving).poll(cx) {
            Poll::Ready(ended) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a client connection broke");
                }
                Poll::Ready(())
            }
            Poll::Pending => {
                if leaving {
                    conn.hurry();
                }
                Poll::Pending
            }
        }
    })
    .await;
}

impl Conn {
    /// Whether the client has taken too long with a head, or been idle for too long.
    fn is_overdue(&self) -> bool {
        self.active.get() == 0
            && matches!(self.stage.get(), Stage::Head | Stage::Idle)
            && self.alarm.is_due()
    }

    /// When the process stops, whoever has no request in progress gets a moment, not a timeout.
    pub(in crate::proxy) fn hurry(&self) {
        let stopping = self.worker.phase.get() >= Phase::Stopping;
        if stopping && self.active.get() == 0 {
            self.alarm.set_sooner(LEAVE);
        }
    }
}

/// Gives up at the drain deadline.
async fn until_closing<F: Future>(conn: &Conn, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    poll_fn(|cx| {
        if conn.worker.phase.get() >= Phase::Closing {
            return Poll::Ready(None);
        }
        conn.alarm.watch(cx);
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Says that no more is coming, and listens until the client has said the same.
pub(in crate::proxy) async fn linger(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    let mut unread = Vec::with_capacity(8 * 1024);
    while socket.read_buf(&mut unread).await? > 0 {
        unread.clear();
    }
    Ok(())
}

/// hyper's view of [`exchange`].
fn service(
    conn: Rc<Conn>,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Answer>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Answer>, Infallible>>,
> {
    service_fn(move |request| exchange(&conn, request))
}

/// Runs HTTP/2 streams on this worker.
#[derive(Clone)]
pub(in crate::proxy) struct Local;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        task::spawn_local(future);
    }
}
