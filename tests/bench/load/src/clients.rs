//! The clients: connections that are kept alive, a request at a time on each.
//! In: what was asked. Out: a line of JSON with the number of answers, of errors, and the latencies in microseconds.
//! A WebSocket is a connection that has begun with an upgrade; its requests are messages, and its answers are their echo.

use crate::{report::Report, schedule::Schedule, websocket, wire};
use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, EventData, EventFlags},
    },
    fd::OwnedFd,
};
use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    num::NonZeroU64,
    time::Instant,
};

pub struct Asked {
    pub port: u16,
    pub connections: usize,
    pub seconds: f64,
    pub requests: u64,
    /// requests a second; without it as many as go
    pub rate: Option<f64>,
    /// at most so many connections wait for an answer at once
    pub busy: usize,
    pub path: String,
    pub post: usize,
    pub websocket: bool,
    /// HTTP/2's only
    pub grpc: bool,
    /// a request whose connection was closed before the answer began is sent again, as a browser does it
    pub again: bool,
    pub hold: bool,
}

#[derive(Default)]
struct Connection {
    /// made when it is first needed, and again when the other side has closed it
    socket: Option<TcpStream>,
    due: u64,
    head: Vec<u8>,
    /// bytes of the answer to come, once its head is in
    left: Option<usize>,
}

struct Clients {
    port: u16,
    epoll: OwnedFd,
    /// what begins a WebSocket
    upgrade: Option<Vec<u8>>,
    again: bool,
    requests: Vec<Vec<u8>>,
    connections: Vec<Connection>,
    /// the one that has waited longest comes first
    idle: VecDeque<usize>,
    sent: usize,
    report: Report,
    buffer: Vec<u8>,
}

pub fn run(asked: &Asked) -> io::Result<()> {
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
    let mut clients = Clients {
        port: asked.port,
        epoll: epoll::create(CreateFlags::CLOEXEC)?,
        upgrade: asked
            .websocket
            .then(|| websocket::upgrade(&wire::request(&asked.path, 0, 1))),
        again: asked.again,
        requests: requests(asked),
        connections: (0..asked.connections)
            .map(|_| Connection::default())
            .collect(),
        idle: (0..asked.connections).collect(),
        sent: 0,
        report: Report {
            latencies: Vec::with_capacity(1 << 20),
            ..Report::default()
        },
        buffer: vec![0; 1 << 18],
    };
    let mut schedule = Schedule::new(asked.seconds, asked.requests, asked.rate);
    let mut events = Vec::with_capacity(256);
    let begun = Instant::now();
    let clock = || begun.elapsed().as_nanos() as u64;
    loop {
        while asked.connections - clients.idle.len() < asked.busy
            && let Some(&which) = clients.idle.front()
            && let Some(due) = schedule.take(clock())
        {
            clients.idle.pop_front();
            clients.send(which, due)?;
        }
        if clients.idle.len() == asked.connections && schedule.is_over(clock()) {
            break;
        }
        let pause = schedule.pause(clock());
        let timeout = Timespec {
            tv_sec: (pause / 1_000_000_000) as i64,
            tv_nsec: (pause % 1_000_000_000) as _,
        };
        epoll::wait(&clients.epoll, spare_capacity(&mut events), Some(&timeout))?;
        for event in events.drain(..) {
            clients.receive(event.data.u64() as usize, clock());
        }
    }
    println!("{}", clients.report.line(begun.elapsed().as_secs_f64()));
    if asked.hold {
        io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn requests(asked: &Asked) -> Vec<Vec<u8>> {
    // of large ones a few, so that they stay in memory
    let users = if asked.post > 1 << 20 { 4 } else { 256 };
    let users = (0..users).map(|user| user * 7919 % 100_000_000);
    if asked.websocket {
        users.map(websocket::request).collect()
    } else {
        users
            .map(|user| wire::request(&asked.path, asked.post, user))
            .collect()
    }
}

impl Clients {
    fn send(&mut self, which: usize, due: u64) -> io::Result<()> {
        let connection = &mut self.connections[which];
        if connection.socket.is_none() {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
            socket.set_nodelay(true)?;
            if let Some(upgrade) = &self.upgrade {
                websocket::begin(&mut socket, upgrade)?;
            }
            epoll::add(
                &self.epoll,
                &socket,
                EventData::new_u64(which as u64),
                EventFlags::IN,
            )?;
            connection.socket = Some(socket);
        }
        connection.due = due;
        connection.left = None;
        connection.head.clear();
        let request = &self.requests[self.sent % self.requests.len()];
        self.sent += 1;
        // blocks only while the kernel has no room for one request; that the other side has closed shows when reading
        if let Some(socket) = &mut connection.socket {
            let _ = socket.write_all(request);
        }
        Ok(())
    }

    /// Reads once: it is known that there is something.
    fn receive(&mut self, which: usize, now: u64) {
        let connection = &mut self.connections[which];
        let Some(socket) = &mut connection.socket else {
            return;
        };
        let read = socket.read(&mut self.buffer).unwrap_or(0);
        if read == 0 {
            return self.closed(which);
        }
        let left = match connection.left {
            Some(left) => left,
            None => {
                connection.head.extend_from_slice(&self.buffer[..read]);
                let (is_good, end) = if self.upgrade.is_some() {
                    let end = Some((2, websocket::MESSAGE));
                    (websocket::is_answer(&connection.head), end)
                } else {
                    let is_good = connection.head.starts_with(b"HTTP/1.1 200");
                    (is_good, wire::head(&connection.head))
                };
                let Some((head, body)) = end else {
                    return;
                };
                self.report.errors += u64::from(!is_good);
                // `read` of them are taken off below
                head + body + read - connection.head.len()
            }
        };
        connection.left = Some(left - read);
        if left == read {
            self.report.latencies.push(now - connection.due);
            self.idle.push_back(which);
        }
    }

    /// By the other side.
    fn closed(&mut self, which: usize) {
        let connection = &mut self.connections[which];
        let (due, has_begun) = (connection.due, !connection.head.is_empty());
        connection.socket = None;
        if self.idle.contains(&which) {
            // as servers may
            self.report.errors += u64::from(!self.again);
        } else if self.again && !has_begun && self.send(which, due).is_ok() {
            self.report.again += 1;
        } else {
            self.report.errors += 1;
            self.idle.push_back(which);
        }
    }
}
