//! The application: `/` answers 200 bytes, `/1m` a mebibyte, `/echo` the head as it came. `/socket` is a WebSocket
//! that answers each message with itself, and at `/socket/echo` begins with the head.
//! In: connections on a free port of the loopback and, if asked, on a Unix socket. Out: the port on standard output, and answers.

use crate::{websocket, wire};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    fd::{AsFd, OwnedFd},
    io::Errno,
    net::{RecvFlags, SendFlags},
};
use std::{
    collections::HashMap,
    io::{self, Write as _},
    net::TcpListener,
    os::{fd::AsRawFd, unix::net::UnixListener},
};

struct Connection {
    socket: OwnedFd,
    came: Vec<u8>,
    answer: Vec<u8>,
    sent: usize,
    is_websocket: bool,
}

struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
}

pub fn serve(socket: Option<&str>) -> io::Result<()> {
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", tcp.local_addr()?.port())?;
    let mut listeners: Vec<OwnedFd> = vec![tcp.into()];
    if let Some(path) = socket {
        listeners.push(UnixListener::bind(path)?.into());
    }
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for listener in &listeners {
        rustix::net::listen(listener, 4096)?;
        rustix::io::ioctl_fionbio(listener, true)?;
        watch(&epoll, listener)?;
    }
    let answers = Answers {
        small: answer(200),
        large: answer(1 << 20),
    };
    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut events = Vec::with_capacity(256);
    loop {
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Err(Errno::INTR) => continue,
            waited => waited?,
        };
        for event in events.drain(..) {
            let which = event.data.u64();
            if let Some(listener) = listeners.iter().find(|listener| id(listener) == which) {
                accept(&epoll, listener, &mut connections)?;
            } else if let Some(connection) = connections.get_mut(&which)
                && !connection.goes_on(&epoll, event.flags, &answers)
            {
                connections.remove(&which);
            }
        }
    }
}

fn id(socket: &impl AsFd) -> u64 {
    socket.as_fd().as_raw_fd() as u64
}

fn watch(epoll: &OwnedFd, socket: &impl AsFd) -> io::Result<()> {
    Ok(epoll::add(
        epoll,
        socket,
        EventData::new_u64(id(socket)),
        EventFlags::IN,
    )?)
}

fn accept(
    epoll: &OwnedFd,
    listener: &OwnedFd,
    connections: &mut HashMap<u64, Connection>,
) -> io::Result<()> {
    let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
    while let Ok(socket) = rustix::net::accept_with(listener, flags) {
        // a Unix socket has no such delay
        let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        watch(epoll, &socket)?;
        connections.insert(
            id(&socket),
            Connection {
                socket,
                came: Vec::new(),
                answer: Vec::new(),
                sent: 0,
                is_websocket: false,
            },
        );
    }
    Ok(())
}

impl Connection {
    /// Whether the connection has not ended.
    fn goes_on(&mut self, epoll: &OwnedFd, flags: EventFlags, answers: &Answers) -> bool {
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.came.reserve(1 << 16);
            match rustix::net::recv(
                &self.socket,
                spare_capacity(&mut self.came),
                RecvFlags::empty(),
            ) {
                Err(Errno::AGAIN) => {}
                Ok((0, _)) | Err(_) => return false,
                Ok(_) if self.is_websocket => self.send_back(),
                Ok(_) => self.answer_what_came(answers),
            }
        }
        let rest = &self.answer[self.sent..];
        if !rest.is_empty() {
            match rustix::net::send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(sent) => self.sent += sent,
                Err(Errno::AGAIN) => {}
                Err(_) => return false,
            }
            self.look_out(epoll, flags)
        } else {
            true
        }
    }

    fn answer_what_came(&mut self, answers: &Answers) {
        while let Some((head, body)) =
            wire::head(&self.came).filter(|(head, body)| self.came.len() >= head + body)
        {
            let path = self
                .came
                .split(|byte| *byte == b' ')
                .nth(1)
                .unwrap_or_default();
            if path.starts_with(b"/socket") {
                self.is_websocket = true;
                self.answer.extend_from_slice(websocket::SWITCHED);
                if path == b"/socket/echo" {
                    self.answer.extend(websocket::answer(&self.came[..head]));
                }
                self.came.drain(..head);
                return self.send_back();
            }
            match path {
                b"/1m" => self.answer.extend_from_slice(&answers.large),
                b"/echo" => {
                    let about = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {head}\r\n\r\n"
                    );
                    self.answer.extend_from_slice(about.as_bytes());
                    self.answer.extend_from_slice(&self.came[..head]);
                }
                _ => self.answer.extend_from_slice(&answers.small),
            }
            self.came.drain(..head + body);
        }
    }

    /// Messages, as they came.
    fn send_back(&mut self) {
        while let Some((message, length)) = websocket::message(&self.came) {
            self.answer.extend(websocket::answer(&message));
            self.came.drain(..length);
        }
    }

    /// Waits for room as long as something is left.
    fn look_out(&mut self, epoll: &OwnedFd, flags: EventFlags) -> bool {
        let is_whole = self.sent == self.answer.len();
        if is_whole {
            self.answer.clear();
            self.sent = 0;
        }
        let was_waiting = flags.contains(EventFlags::OUT);
        if is_whole && !was_waiting {
            return true;
        }
        let interest = if is_whole {
            EventFlags::IN
        } else {
            EventFlags::IN | EventFlags::OUT
        };
        epoll::modify(
            epoll,
            &self.socket,
            EventData::new_u64(id(&self.socket)),
            interest,
        )
        .is_ok()
    }
}

fn answer(length: usize) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nServer: app\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n\
         Cache-Control: no-cache\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    answer.resize(answer.len() + length, b'x');
    answer
}
