//! HTTP/2 from a client, by prior knowledge. hyper frames it; the deadlines are ours.
//! In: a stream, and what responds to a request. Out: nothing; when the process drains, the client is told to go (GOAWAY).

use super::{body::Body, connection::ClientConnection, stream::ClientStream};
use crate::{
    live::Phase,
    proxy::http2::{self, LocalExecutor},
};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2::Builder, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{future::poll_fn, pin::Pin, rc::Rc, task::Poll};
use tower::BoxError;

/// Serves one connection until it ends.
pub(super) async fn serve<F>(
    stream: ClientStream,
    client: Rc<ClientConnection>,
    respond: impl Fn(&Rc<ClientConnection>, Request<Incoming>) -> F,
) where
    F: Future<Output = Result<Response<Body>, BoxError>> + 'static,
{
    let settings = &client.worker.settings;
    let window = settings.budget.window() as u32;
    let service = service_fn(|request| respond(&client, request));
    let mut serving = Builder::new(LocalExecutor)
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.h2_max_streams)
        .max_header_list_size(settings.h2_max_header_list)
        // what one request may have on its way before the application takes it: no stream takes another's share
        .initial_stream_window_size(window)
        .initial_connection_window_size(http2::connection_window(settings.h2_max_streams, window))
        // what one answer may have waiting for its client
        .max_send_buf_size(window as usize)
        .keep_alive_interval(http2::PING_INTERVAL)
        .serve_connection(TokioIo::new(stream), service);
    let mut leaving = false;
    poll_fn(|cx| {
        client.alarm.watch(cx);
        let phase = client.worker.phase.get();
        if phase >= Phase::Closing {
            return Poll::Ready(());
        }
        let overdue = client.is_overdue();
        if overdue && (leaving || client.is_new()) {
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
                    client.hurry();
                }
                Poll::Pending
            }
        }
    })
    .await;
}
