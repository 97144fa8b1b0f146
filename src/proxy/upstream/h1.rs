//! One request and its answer on one HTTP/1.1 connection, at the same time: a body may still be going up when its answer comes.
//! In: a request as text, a connection. Out: the head of the answer and what came with it, or why there is none.

use super::{
    attempt::{About, in_time_still},
    encode::{Outgoing, Unsent},
    head::{self, Head},
    pool::Link,
};
use crate::proxy::{Worker, failure::Failure};
use bytes::Bytes;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// Why there is no answer.
pub(in crate::proxy) enum Trouble {
    /// the connection had been idle, and ended before anything came
    Gone(Failure),
    Failed(Failure),
}

/// A request and its answer on their ways.
pub(in crate::proxy) struct Asking<'a> {
    about: &'a About<'a>,
    pub(in crate::proxy) link: Link,
    outgoing: &'a mut Outgoing,
    sending: bool,
    /// the beginning of a head
    held: Vec<u8>,
    heard: bool,
}

impl<'a> Asking<'a> {
    pub(in crate::proxy) fn new(
        about: &'a About<'a>,
        link: Link,
        outgoing: &'a mut Outgoing,
    ) -> Asking<'a> {
        Asking {
            about,
            link,
            outgoing,
            sending: true,
            held: Vec::new(),
            heard: false,
        }
    }

    fn worker(&self) -> &'a Worker {
        &self.about.listener.conn.worker
    }

    pub(in crate::proxy) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Head, Bytes), Trouble>> {
        loop {
            if self.sending {
                self.send(cx)?;
            }
            match self.poll_read(cx)? {
                // an interim answer, or not all of one: the body may go on now
                Poll::Ready(None) => {}
                Poll::Ready(Some(answer)) => return Poll::Ready(Ok(answer)),
                Poll::Pending => {
                    return in_time_still(self.about.alarm, cx).map_err(Trouble::Failed);
                }
            }
        }
    }

    /// A failed write is not reported: an application that answers early and closes (413) has its answer waiting to be
    /// read, and where there is none, reading says so.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Trouble> {
        match self.outgoing.poll(cx, &mut self.link.socket) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(Unsent::Application(error))) => {
                if self.link.was_idle && !self.outgoing.has_begun() {
                    return Err(Trouble::Gone(Failure::from(&error)));
                }
            }
            Poll::Ready(Err(Unsent::Client(error))) => {
                tracing::debug!(%error, "a request broke off");
                return Err(Trouble::Failed(Failure::Body));
            }
        }
        self.sending = false;
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Head, Bytes)>, Trouble>> {
        let mut room = self.worker().room.borrow_mut();
        let mut read = ReadBuf::new(&mut room[..]);
        let result = ready!(Pin::new(&mut self.link.socket).poll_read(cx, &mut read));
        if let Err(error) = result {
            return Poll::Ready(Err(self.ended(Failure::from(&error))));
        }
        if read.filled().is_empty() {
            return Poll::Ready(Err(self.ended(Failure::Terminated)));
        }
        self.heard = true;
        Poll::Ready(self.understand(read.filled()))
    }

    fn ended(&self, failure: Failure) -> Trouble {
        match self.link.was_idle && !self.heard {
            true => Trouble::Gone(failure),
            false => Trouble::Failed(failure),
        }
    }

    /// The answer, if its head is whole now.
    fn understand(&mut self, come: &[u8]) -> Result<Option<(Head, Bytes)>, Trouble> {
        let mut bytes = match self.held.is_empty() {
            true => Bytes::copy_from_slice(come),
            false => {
                let before = self.held.len();
                self.held.extend_from_slice(come);
                if !may_end(&self.held, before) && self.held.len() < head::LIMIT {
                    return Ok(None);
                }
                std::mem::take(&mut self.held).into()
            }
        };
        loop {
            let map = || self.worker().maps.take();
            let head = head::read(&bytes, self.about.is_head, map).map_err(Trouble::Failed)?;
            let Some(head) = head else {
                self.held = bytes.into();
                return Ok(None);
            };
            let rest = bytes.slice(head.len..);
            if !head.is_interim() {
                if let Some(spellings) = &self.about.listener.conn.spellings {
                    spellings.answered(&bytes[..head.len]);
                }
                return Ok(Some((head, rest)));
            }
            self.about.listener.hear(head.status, head.headers);
            if rest.is_empty() {
                return Ok(None);
            }
            bytes = rest;
        }
    }
}

/// Whether an empty line has come since there were so many bytes.
fn may_end(bytes: &[u8], before: usize) -> bool {
    let new = &bytes[before.saturating_sub(3)..];
    memchr::memchr_iter(b'\n', new)
        .any(|end| matches!(&new[end + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}
