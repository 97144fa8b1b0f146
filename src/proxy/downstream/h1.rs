//! HTTP/1.1 from a client: served, and closed in a way that loses no response.
//! In: a stream, and what responds to a request. Out: nothing, or a tunnel after a 101.

use super::{body::Body, connection::ClientConnection, stream::ClientStream};
use crate::{
    live::Phase,
    proxy::{budget::Budget, client_body::LINGER, clock::Alarm},
};
use bytes::Bytes;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use std::{
    future::poll_fn,
    hint::black_box,
    io,
    os::fd::AsFd,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    task,
    time::{sleep, timeout},
};
use tower::BoxError;

/// What a connection gets for which there is no memory.
pub(super) const NO_MEMORY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
proxy-status: burgee; error=connection_limit_reached; details=\"memory\"\r\n\
content-type: text/plain; charset=utf-8\r\ncontent-length: 17\r\nconnection: close\r\n\r\ntoo much at once\n";

/// How often a client whose body waits is looked after.
const LOOK: Duration = Duration::from_secs(1);

/// What hyper gives back.
pub(super) struct Served {
    pub(super) stream: ClientStream,
    /// came behind the last request
    pub(super) unread: Bytes,
    ended: hyper::Result<()>,
    /// nothing has ended: it has been idle for a moment
    pub(super) is_idle: bool,
}

/// Makes the state of a connection larger than the allocator's blocks of 896 bytes, of which each task is one: idle ones stay, and
/// what 10,000 of them have borrowed would stay between them as holes of 8.5 MB (`make bench ARGS='--only many'`).
struct Room {
    _bytes: [u8; 64],
}

/// Serves one connection until it ends, or has been idle for a moment. None where it has been closed. No `async fn`: that would
/// keep room for the stream twice, as it came and in hyper.
pub(super) fn serve<R, F>(
    stream: ClientStream,
    client: Rc<ClientConnection>,
    respond: R,
) -> impl Future<Output = Option<Served>>
where
    R: Fn(&Rc<ClientConnection>, Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, BoxError>>,
{
    let settings = &client.worker.settings;
    let mut builder = Builder::new();
    builder
        .max_header_size(settings.max_head)
        // by default, one body takes 408 KiB; hyper takes no less than 8 KiB
        .max_buf_size(settings.max_head.max(8 * 1024))
        // whether the client has gone is seen in `stream`, without a second read buffer
        .half_close(true);
    if settings.max_fields != 100 {
        // 100 is hyper's own limit, and the one it has room for without the heap
        builder.max_headers(settings.max_fields);
    }
    let whose = client.clone();
    // boxed: hyper keeps room for what responds while there is no request, too
    let service = service_fn(move |request| Box::pin(respond(&whose, request)));
    let mut serving = builder.serve_connection(TokioIo::new(stream), service);
    async move {
        let room = Room { _bytes: [0; 64] };
        let (mut leaving, mut parking, mut upload) = (false, false, None);
        // what the kernel has and the runtime has not heard of
        let mut heard = pin!(task::yield_now());
        let ended = poll_fn(|cx| {
            if !client.alarm.is_watched() {
                client.alarm.watch(cx);
            }
            if client.worker.phase.get() >= Phase::Closing {
                return Poll::Ready(None);
            }
            let mut polled = Pin::new(&mut serving).poll(cx);
            let is_stopping = client.worker.phase.get() >= Phase::Stopping;
            if is_stopping && !leaving && polled.is_pending() && heard.as_mut().poll(cx).is_ready()
            {
                // not before: hyper would close at once a connection of which it has read nothing, and what has come is served
                leaving = true;
                Pin::new(&mut serving).graceful_shutdown();
                polled = Pin::new(&mut serving).poll(cx);
            }
            match polled {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if client.is_overdue() => Poll::Ready(None),
                Poll::Pending if client.may_park() && !leaving => {
                    // between two requests hyper lets go at once, and has read nothing that it does not give back
                    (leaving, parking) = (true, true);
                    Pin::new(&mut serving).graceful_shutdown();
                    Pin::new(&mut serving).poll(cx).map(Some)
                }
                Poll::Pending => {
                    watch_upload(&client, &mut upload, cx);
                    client.hurry();
                    Poll::Pending
                }
            }
        })
        .await;
        black_box(room);
        let ended = ended?;
        let parts = serving.into_parts();
        Some(Served {
            stream: parts.io.into_inner(),
            unread: parts.read_buf,
            is_idle: parking && ended.is_ok(),
            ended,
        })
    }
}

/// While a body comes, the connection is looked at now and then: one whose client has reset it, and which nobody reads, is not
/// heard of otherwise.
fn watch_upload(client: &ClientConnection, upload: &mut Option<Rc<Alarm>>, cx: &Context<'_>) {
    if !client.uploading.get() {
        *upload = None;
        return;
    }
    let alarm = upload.get_or_insert_with(|| client.worker.clock.alarm());
    alarm.set(LOOK);
    alarm.watch(cx);
}

/// Makes the connection a tunnel, or closes it in a way that tells the client what it has to know.
pub(super) async fn end(served: Served, client: Rc<ClientConnection>) {
    let Served {
        stream,
        unread,
        ended,
        ..
    } = served;
    let tunnel = client.tunnel.take();
    let (mut socket, is_open) = stream.into_parts();
    // it would keep all that hyper has read of a long head
    let unread = if tunnel.is_some() {
        unread
    } else {
        Bytes::new()
    };
    if client.is_refused.get() {
        client.worker.telemetry.refused("memory");
        let told = async {
            socket.write_all(NO_MEMORY).await?;
            linger(socket, &client.worker.settings.budget).await
        };
        let _ = until_closing(&client, timeout(LINGER, told)).await;
        return;
    }
    match (ended, tunnel) {
        (Ok(()), Some(tunnel)) => {
            // it has no deadline: whoever has one that has passed is woken at each tick, and not looked after
            client.alarm.clear();
            let running = tunnel.run(socket, unread, &client.worker.settings.budget);
            let ended = until_closing(&client, running).await;
            if let Some(Err(error)) = ended
                && error.kind() == io::ErrorKind::OutOfMemory
            {
                client.worker.telemetry.refused("memory");
            }
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
                let lingering = linger(socket, &client.worker.settings.budget);
                let _ = until_closing(&client, timeout(LINGER, lingering)).await;
            }
        }
    }
}

/// Gives up at the drain deadline.
pub(super) async fn until_closing<F: Future>(
    client: &ClientConnection,
    future: F,
) -> Option<F::Output> {
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
pub(super) async fn linger<S>(mut socket: S, budget: &Budget) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + AsFd + Unpin,
{
    socket.shutdown().await?;
    budget.limit_unwanted(&SockRef::from(&socket))?;
    let (mut unread, mut total) = (Vec::with_capacity(4 * 1024), 0);
    loop {
        match socket.read_buf(&mut unread).await? {
            0 => return Ok(()),
            some => total += some,
        }
        unread.clear();
        // what was waiting already is taken at once; who goes on sending takes no turn from others
        match budget.is_tight() {
            true if total > 64 * 1024 => sleep(LINGER / 20).await,
            true => {}
            false => task::yield_now().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Ready;

    #[test]
    fn the_state_of_a_connection_fits_its_block() {
        type Respond = fn(&Rc<ClientConnection>, Request<Incoming>) -> Responding;
        type Responding = Ready<Result<Response<Body>, BoxError>>;
        fn size<F>(_: impl Fn(ClientStream, Rc<ClientConnection>, Respond) -> F) -> usize {
            size_of::<F>()
        }
        // above the blocks of tasks, and not above the next ones; the allocator takes seven bytes to align
        let blocks = 896 - 7 + 1..=1024 - 7;
        assert!(blocks.contains(&size(serve)), "{}", size(serve));
    }
}
