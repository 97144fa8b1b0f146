//! What the application answers: `/` 200 bytes, `/1m` a mebibyte, `/echo` the head as it came. `/socket` is a WebSocket
//! that answers each message with itself, and at `/socket/echo` begins with the head.
//! In: a connection on which something came, or there is room. Out: answers on it.

use crate::{application::id, websocket, wire};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, EventData, EventFlags},
    fd::OwnedFd,
    io::Errno,
    net::{RecvFlags, SendFlags},
};

pub struct Connection {
    socket: OwnedFd,
    came: Vec<u8>,
    answer: Vec<u8>,
    sent: usize,
    is_websocket: bool,
}

pub struct Answers {
    small: Vec<u8>,
    large: Vec<u8>,
}

impl Answers {
    pub fn new() -> Answers {
        Answers {
            small: answer(200),
            large: answer(1 << 20),
        }
    }
}

impl Connection {
    pub fn new(socket: OwnedFd) -> Connection {
        Connection {
            socket,
            came: Vec::new(),
            answer: Vec::new(),
            sent: 0,
            is_websocket: false,
        }
    }

    /// Whether the connection has not ended.
    pub fn goes_on(&mut self, epoll: &OwnedFd, flags: EventFlags, answers: &Answers) -> bool {
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
