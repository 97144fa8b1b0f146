//! A worker's life: connections come in until the process stops, then what is in progress is finished.
//! In: a listener and the phase. Out: a task for each connection; it returns when nothing is left, or the deadline has passed.

use super::{
    body::Body, connection::ClientConnection, h1, h2, parked::Parked, sniff, stream::ClientStream,
    trim::Trim,
};
use crate::{
    live::{Phase, Phases},
    proxy::{
        budget, clock::timerfd::Ticker, settings, watched_stream::WatchedStream, worker::Worker,
    },
};
use http::{Request, Response};
use hyper::body::Incoming;
use socket2::SockRef;
use std::{
    io::{self, Read as _},
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task,
    time::{sleep, timeout},
};
use tower::BoxError;

/// How long to wait when no descriptor is free.
const RETRY_DELAY: Duration = Duration::from_millis(50);

/// So many connections are accepted before those that have been are read: what they sent is ours to hold from then on.
const IN_A_ROW: u32 = 32;

/// What a connection above the limit gets.
const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nproxy-status: burgee; error=connection_limit_reached\r\n\
content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\nconnection: close\r\n\r\ntoo many connections\n";

/// So many of them are listened to at once until they have heard it.
const TURNED_AWAY: usize = 64;

/// Serves what the listener accepts; `respond` turns a request into its response.
pub(crate) async fn run<R, F>(
    listener: std::net::TcpListener,
    worker: Rc<Worker>,
    mut phases: Phases,
    respond: R,
) -> io::Result<()>
where
    R: Fn(&Rc<ClientConnection>, Request<Incoming>) -> F + Copy + 'static,
    F: Future<Output = Result<Response<Body>, BoxError>> + 'static,
{
    listener.set_nonblocking(true)?;
    if let Err(error) = worker.settings.tcp_keepalive.set(&SockRef::from(&listener)) {
        tracing::warn!(%error, "cannot turn on TCP keepalive: a client that vanishes is noticed late");
    }
    if let Err(error) = worker.settings.budget.limit(&SockRef::from(&listener)) {
        tracing::warn!(%error, "cannot limit the buffers of a client's socket: it may use more memory than the budget counts");
    }
    let listener = TcpListener::from_std(listener)?;
    let ticking = task::spawn_local(tick(worker.clone()));
    let mut in_a_row = 0;
    while worker.phase.get() < Phase::Stopping {
        tokio::select! {
            biased;
            phase = changed(&mut phases) => set_phase(&worker, phase),
            result = listener.accept() => match result {
                Ok((socket, peer)) => {
                    in_a_row += u32::from(accepted(&worker, socket, peer, respond));
                }
                Err(error) => not_accepted(&worker, &error).await,
            },
        }
        if in_a_row == IN_A_ROW {
            in_a_row = 0;
            task::yield_now().await;
        }
    }
    // what the kernel has already accepted for us is served, not reset; the runtime need not have heard of it
    if let Ok(listener) = listener.into_std() {
        while let Ok((socket, peer)) = listener.accept() {
            let socket = socket.set_nonblocking(true).map(|()| socket);
            if let Ok(socket) = socket.and_then(TcpStream::from_std) {
                accepted(&worker, socket, peer, respond);
            }
        }
    }
    while worker.phase.get() < Phase::Closing && worker.clients.get() > 0 {
        tokio::select! {
            biased;
            phase = changed(&mut phases) => set_phase(&worker, phase),
            () = worker.none_left.notified() => {}
        }
    }
    // everybody has been woken, and lets go
    let _ = timeout(Duration::from_millis(100), async {
        while worker.clients.get() > 0 {
            worker.none_left.notified().await;
        }
    })
    .await;
    worker.h1.pool.close();
    worker.h2.close();
    ticking.abort();
    Ok(())
}

async fn tick(worker: Rc<Worker>) {
    let mut trim = Trim::default();
    let ticker = Ticker::new(worker.clock.tick());
    loop {
        ticker.next().await;
        worker.clock.advance();
        let mut below = worker.clock.wake_due(usize::MAX);
        while below > 0 {
            task::yield_now().await;
            below = worker.clock.wake_due(below);
        }
        worker.dead_peers.tick(&worker.clock);
        // lets go of replaced toggles, also when no request comes
        worker.snapshot.borrow_mut().load();
        worker.h1.pool.sweep();
        worker.h2.sweep();
        let used = worker.settings.budget.used();
        let awake = worker.settings.open.awake();
        trim.tick(awake, used, worker.clock.now()).await;
    }
}

async fn changed(phases: &mut Phases) -> Phase {
    match phases.changed().await {
        Ok(()) => *phases.borrow_and_update(),
        // nobody is left who could change it
        Err(_) => std::future::pending().await,
    }
}

fn set_phase(worker: &Worker, phase: Phase) {
    worker.phase.set(phase);
    worker.clock.wake_all();
}

/// Without descriptors (EMFILE) `accept` fails at once and for ever: wait rather than spin.
async fn not_accepted(worker: &Worker, error: &io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !of_one_connection {
        worker.telemetry.refused("descriptors");
        tracing::warn!(%error, "cannot accept connections; trying again");
        sleep(RETRY_DELAY).await;
    }
}

/// Whether there is room for one more.
fn accepted<R, F>(worker: &Rc<Worker>, socket: TcpStream, peer: SocketAddr, respond: R) -> bool
where
    R: Fn(&Rc<ClientConnection>, Request<Incoming>) -> F + Copy + 'static,
    F: Future<Output = Result<Response<Body>, BoxError>> + 'static,
{
    let settings = &worker.settings;
    let Some(charge) = settings.budget.small(budget::CLIENT) else {
        worker.telemetry.refused("memory");
        turn_away(worker, socket, h1::NO_MEMORY);
        return false;
    };
    if !settings::acquire(&settings.open.clients, settings.max_connections) {
        worker.telemetry.refused("connections");
        turn_away(worker, socket, TOO_MANY);
        return false;
    }
    // responses are written whole: a delay (Nagle) would only wait for an acknowledgement
    let _ = socket.set_nodelay(true);
    let client = ClientConnection::new(worker, peer.ip(), charge);
    let counted = OpenConnection::new(worker);
    task::spawn_local(async move {
        serve(socket, client, respond).await;
        drop(counted);
    });
    true
}

/// What a connection keeps while it is idle is small, and its task less than 769 bytes: with its alignment it takes one of the allocator's
/// blocks of 896 bytes, and nothing that a busy connection borrows does (`h1::Room`). What that leaves between tasks nobody else can
/// use: with tasks of 896 bytes, among the blocks of 1 KiB, 10,000 idle connections held 43 MB, and 25 with 768.
async fn serve<R, F>(socket: TcpStream, client: Rc<ClientConnection>, respond: R)
where
    R: Fn(&Rc<ClientConnection>, Request<Incoming>) -> F + Copy,
    F: Future<Output = Result<Response<Body>, BoxError>> + 'static,
{
    let socket = WatchedStream::new(socket, &client.worker.dead_peers);
    let Some(sniffed) = sniff::sniff(&socket, &client).await else {
        return;
    };
    // boxed, so that a connection that says nothing costs little
    if sniffed.is_h2 {
        if !client.charge(budget::CLIENT_H2) {
            client.worker.telemetry.refused("memory");
            return;
        }
        client.is_h2.set(true);
        let stream = ClientStream::new(socket, sniffed.bytes, client.clone());
        return Box::pin(h2::serve(stream, client, respond)).await;
    }
    let mut next = Some((socket, sniffed.bytes));
    while let Some((socket, bytes)) = next {
        let stream = ClientStream::new(socket, bytes, client.clone());
        let parked = match Box::pin(h1::serve(stream, client.clone(), respond)).await {
            Some(served) if served.is_idle => Parked::new(served, &client),
            Some(served) => return Box::pin(h1::end(served, client)).await,
            None => return,
        };
        next = match parked.is_woken(&client).await {
            true => Some(parked.wake(&client)),
            // boxed: idle connections need not keep room for their end
            false => return Box::pin(parked.end(&client)).await,
        };
    }
}

/// Says why, and listens for a moment, so that it is heard. Where that are too many, what is unread by now may get it lost.
fn turn_away(worker: &Rc<Worker>, mut socket: TcpStream, why: &'static [u8]) {
    if Rc::strong_count(&worker.turned_away) > TURNED_AWAY {
        // as the kernel knows it: the runtime has not heard of it yet
        let fresh = SockRef::from(&socket);
        let _ = (&*fresh).read(worker.write_buffer.borrow_mut().as_mut());
        let _ = fresh.send(why);
        return;
    }
    let (counted, settings) = (worker.turned_away.clone(), worker.settings.clone());
    task::spawn_local(async move {
        let _ = timeout(Duration::from_secs(1), async {
            socket.write_all(why).await?;
            h1::linger(socket, &settings.budget).await
        })
        .await;
        drop(counted);
    });
}

/// One open client connection, counted.
struct OpenConnection(Rc<Worker>);

impl OpenConnection {
    fn new(worker: &Rc<Worker>) -> OpenConnection {
        worker.clients.set(worker.clients.get() + 1);
        worker.telemetry.connection_opened();
        OpenConnection(worker.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let worker = &self.0;
        worker.clients.set(worker.clients.get() - 1);
        worker.telemetry.connection_closed();
        settings::release(&worker.settings.open.clients);
        if worker.clients.get() == 0 {
            worker.none_left.notify_one();
        }
    }
}
