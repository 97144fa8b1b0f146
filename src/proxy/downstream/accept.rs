//! A worker's life: connections come in until the process stops, then what is in flight is finished.
//! In: a listener and the phase. Out: a task a connection; it returns when nothing is left, or the deadline has passed.

use super::h1;
use crate::live::{Phase, Phases};
use crate::proxy::{Conn, Stage, Worker, clock::timerfd::Ticks, settings};
use std::{
    cell::{Cell, RefCell},
    hint::black_box,
    io,
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

/// How long no descriptor is free before it is tried again.
const BREATHER: Duration = Duration::from_millis(50);

/// What a connection above the limit is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nproxy-status: burgee; error=connection_limit_reached\r\n\
content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\nconnection: close\r\n\r\ntoo many connections\n";

pub(in crate::proxy) async fn run(
    listener: std::net::TcpListener,
    worker: Rc<Worker>,
    mut phases: Phases,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let ticking = task::spawn_local(tick(worker.clone()));
    while worker.phase.get() < Phase::Stopping {
        tokio::select! {
            biased;
            phase = changed(&mut phases) => enter(&worker, phase),
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => admit(&worker, socket, peer),
                Err(error) => refused(&worker, &error).await,
            },
        }
    }
    // what the kernel has already accepted for us is served, not reset
    while let Ok(Ok((socket, peer))) = timeout(Duration::ZERO, listener.accept()).await {
        admit(&worker, socket, peer);
    }
    drop(listener);
    while worker.phase.get() < Phase::Closing && worker.clients.get() > 0 {
        tokio::select! {
            biased;
            phase = changed(&mut phases) => enter(&worker, phase),
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
    worker.pool.clear();
    worker.multiplex.clear();
    ticking.abort();
    Ok(())
}

async fn tick(worker: Rc<Worker>) {
    let mut tidy = Tidy::default();
    let ticks = Ticks::new(worker.clock.tick());
    loop {
        ticks.next().await;
        worker.clock.advance();
        let now = worker.clock.now();
        // without a request, too, the old toggles are let go of
        drop(worker.in_force());
        worker.pool.sweep(worker.keep, now);
        worker.multiplex.sweep(worker.keep, now);
        tidy.after(worker.clients.get(), now);
    }
}

/// Gives the memory of connections that have closed back to the kernel.
///
/// The allocator does that with a delay of a second, and only when a page is freed: after 10,000 connections had closed,
/// nothing freed one for minutes, and 120 MB stayed. So one is freed.
#[derive(Default)]
struct Tidy {
    due: u64,
    clients: usize,
    owed: bool,
}

impl Tidy {
    /// More than the allocator's delay, in milliseconds.
    const EVERY: u64 = 2_000;
    /// Bytes: more than shares a page with anything else. They are never touched.
    const A_PAGE: usize = 1 << 20;

    fn after(&mut self, clients: usize, now: u64) {
        if now < self.due {
            return;
        }
        let fewer = clients < self.clients;
        if fewer || self.owed {
            drop(black_box(Vec::<u8>::with_capacity(Self::A_PAGE)));
        }
        *self = Tidy {
            due: now + Self::EVERY,
            clients,
            owed: fewer,
        };
    }
}

async fn changed(phases: &mut Phases) -> Phase {
    match phases.changed().await {
        Ok(()) => *phases.borrow_and_update(),
        // nobody is left who could change it
        Err(_) => std::future::pending().await,
    }
}

fn enter(worker: &Worker, phase: Phase) {
    worker.phase.set(phase);
    worker.clock.wake_all();
}

/// Without descriptors (EMFILE) `accept` fails at once and for ever: wait rather than spin.
async fn refused(worker: &Worker, error: &io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !of_one_connection {
        worker.telemetry.refused("descriptors");
        tracing::warn!(%error, "cannot accept connections; trying again");
        sleep(BREATHER).await;
    }
}

fn admit(worker: &Rc<Worker>, socket: TcpStream, peer: SocketAddr) {
    let settings = &worker.settings;
    if !settings::enter(&settings.open.clients, settings.max_connections) {
        worker.telemetry.refused("connections");
        task::spawn_local(turn_away(socket));
        return;
    }
    // answers are written whole; a delay would only wait for an acknowledgement
    let _ = socket.set_nodelay(true);
    let conn = Rc::new(Conn {
        worker: worker.clone(),
        peer: Some(peer.ip()),
        alarm: worker.clock.alarm(),
        stage: Cell::new(Stage::Head),
        http2: Cell::new(false),
        active: Cell::new(0),
        uploading: Cell::new(false),
        between: Cell::new(true),
        early: RefCell::default(),
        tunnel: RefCell::new(None),
        ends_with_close: Cell::new(false),
        spellings: settings.preserve_header_case.then(Box::default),
    });
    conn.begin(Stage::Head);
    let client = Client::new(worker);
    task::spawn_local(async move {
        h1::serve(socket, conn).await;
        drop(client);
    });
}

async fn turn_away(mut socket: TcpStream) {
    let _ = timeout(Duration::from_secs(1), async {
        socket.write_all(FULL).await?;
        h1::linger(socket).await
    })
    .await;
}

/// One open client connection, counted.
struct Client(Rc<Worker>);

impl Client {
    fn new(worker: &Rc<Worker>) -> Client {
        worker.clients.set(worker.clients.get() + 1);
        worker.telemetry.connection_opened();
        Client(worker.clone())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let worker = &self.0;
        worker.clients.set(worker.clients.get() - 1);
        worker.telemetry.connection_closed();
        settings::leave(&worker.settings.open.clients);
        if worker.clients.get() == 0 {
            worker.none_left.notify_one();
        }
    }
}
