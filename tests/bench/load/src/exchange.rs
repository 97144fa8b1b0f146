//! A request and its answer on each connection, again and again.
//! In: when a request is due, and which connection has something to read. Out: latencies and errors in the report.
//! A WebSocket is a connection that has begun with an upgrade; its requests are messages, and its answers are their echo.

use crate::{asked::Asked, report::Report, websocket, wire};
use rustix::{
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    fd::OwnedFd,
};
use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::TcpStream,
};

#[derive(Default)]
struct Connection {
    /// made when it is first needed, and again when the other side has closed it
    socket: Option<TcpStream>,
    due: u64,
    head: Vec<u8>,
    /// bytes of the answer to come, once its head is in
    left: Option<usize>,
}

pub struct Clients {
    port: u16,
    pub epoll: OwnedFd,
    /// what begins a WebSocket
    upgrade: Option<Vec<u8>>,
    again: bool,
    requests: Vec<Vec<u8>>,
    connections: Vec<Connection>,
    /// the one that has waited longest comes first
    pub idle: VecDeque<usize>,
    sent: usize,
    pub report: Report,
    buffer: Vec<u8>,
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
    pub fn new(asked: &Asked) -> io::Result<Clients> {
        Ok(Clients {
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
        })
    }

    pub fn send(&mut self, which: usize, due: u64) -> io::Result<()> {
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
    pub fn receive(&mut self, which: usize, now: u64) {
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
