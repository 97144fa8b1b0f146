//! HTTP/1.1 from a client: served, and closed in a way that loses no response.
//! In: a stream, and what responds to a request. Out: nothing, or a tunnel after a 101.

use super::{body::Body, connection::ClientConnection, stream::ClientStream};
use crate::{live::Phase, proxy::client_body::LINGER};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{future::poll_fn, io, pin::Pin, rc::Rc, task::Poll};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tower::BoxError;

/// Serves one connection until it ends.
pub(super) async fn serve<F>(
    stream: ClientStream,
    client: Rc<ClientConnection>,
    respond: impl Fn(&Rc<ClientConnection>, Request<Incoming>) -> F,
) where
    F: Future<Output = Result<Response<Body>, BoxError>>,
{
    let settings = &client.worker.settings;
    let mut serving = {
        let mut builder = Builder::new();
        builder
            .max_header_size(settings.max_head)
            // whether the client has gone is seen in `stream`, without a second read buffer
            .half_close(true);
        if settings.max_fields != 100 {
            // 100 is hyper's own limit, and the one it has room for without the heap
            builder.max_headers(settings.max_fields);
        }
        let client = client.clone();
        let service = service_fn(move |request| respond(&client, request));
        builder.serve_connection(TokioIo::new(stream), service)
    };
    let mut leaving = false;
    let ended = poll_fn(|cx| {
        if !client.alarm.is_watched() {
            client.alarm.watch(cx);
        }
        if client.worker.phase.get() >= Phase::Closing {
            return Poll::Ready(None);
        }
        if client.worker.phase.get() >= Phase::Stopping && !leaving {
            leaving = true;
            Pin::new(&mut serving).graceful_shutdown();
        }
        match Pin::new(&mut serving).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if client.is_overdue() => Poll::Ready(None),
            Poll::Pending => {
                client.hurry();
                Poll::Pending
            }
        }
    })
    .await;
    if let Some(ended) = ended {
        let parts = serving.into_parts();
        // boxed: idle connections need not keep room for their end
        Box::pin(end(parts.io.into_inner(), parts.read_buf, ended, client)).await;
    }
}

/// Makes the connection a tunnel, or closes it in a way that tells the client what it has to know. `unread` came behind the
/// last request.
async fn end(
    stream: ClientStream,
    unread: Bytes,
    ended: hyper::Result<()>,
    client: Rc<ClientConnection>,
) {
    let tunnel = client.tunnel.take();
    let (socket, is_open) = stream.into_parts();
    match (ended, tunnel) {
        (Ok(()), Some(tunnel)) => {
            let _ = until_closing(&client, tunnel.run(socket, unread)).await;
        }
        (Err(error), _) if error.is_user() && client.ends_with_close.get() => {
            // a response that ends with the connection and was cut short must not look complete
            let _ = socket.set_zero_linger();
        }
        (ended, _) => {
            if let Err(error) = ended {
                if error.is_parse() {
                    client.worker.telemetry.refused("request");
                }
                tracing::debug!(%error, "a client connection broke");
            }
            if is_open {
                let _ = until_closing(&client, timeout(LINGER, linger(socket))).await;
            }
        }
    }
}

/// Gives up at the drain deadline.
async fn until_closing<F: Future>(client: &ClientConnection, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    poll_fn(|cx| {
        if client.worker.phase.get() >= Phase::Closing {
            return Poll::Ready(None);
        }
        client.alarm.watch(cx);
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// Says that no more is coming, and listens until the client has said the same.
pub(super) async fn linger(mut socket: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    socket.shutdown().await?;
    let mut unread = Vec::with_capacity(8 * 1024);
    while socket.read_buf(&mut unread).await? > 0 {
        unread.clear();
    }
    Ok(())
}
