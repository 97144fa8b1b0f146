//! One request on one connection to the application, or on the next where the first never began it.
//! In: a request that is ready to go. Out: the head of the answer, and the connection that gives its body.

use super::{
    Conn, Worker,
    body::Upload,
    clock::Alarm,
    failure::Failure,
    head::{self, Head},
    interim::Listener,
    multiplex::{self, Stream},
    outgoing::{Outgoing, Unsent},
    pool::{self, Link},
};
use bytes::Bytes;
use http::{
    Request, Response, Uri, Version, header,
    uri::{Authority, Scheme},
};
use hyper::{body::Incoming, client::conn::TrySendError};
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// HTTP/2 says in the target what HTTP/1.1 says in Host.
fn target(request: &mut Request<Upload>) -> Result<(), Failure> {
    let host = request.headers_mut().remove(header::HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut uri = std::mem::take(request.uri_mut()).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = authority;
    *request.uri_mut() = Uri::from_parts(uri).map_err(|_| Failure::Target)?;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}

/// On an HTTP/2 connection that is there, else on a new one.
pub(super) async fn share(
    conn: &Rc<Conn>,
    mut request: Request<Upload>,
    alarm: &Alarm,
) -> Result<(Response<Incoming>, Stream), Failure> {
    target(&mut request)?;
    let (stream, was_open) = multiplex::place(&conn.worker).await?;
    let sent = pin!(stream.sender().try_send_request(request));
    let request = match in_time(sent, alarm).await? {
        Ok(response) => return Ok((response, stream)),
        Err(error) if !was_open => return Err(Failure::from(error.error())),
        Err(error) => unbegun(error)?,
    };
    let stream = multiplex::fresh(&conn.worker).await?;
    let sent = pin!(stream.sender().try_send_request(request));
    match in_time(sent, alarm).await? {
        Ok(response) => Ok((response, stream)),
        Err(error) => Err(Failure::from(error.error())),
    }
}

/// The request that a connection closed on before a byte of it was written; else it has begun, and failed.
fn unbegun(mut error: TrySendError<Request<Upload>>) -> Result<Request<Upload>, Failure> {
    error
        .take_message()
        .ok_or_else(|| Failure::from(error.error()))
}

/// The output, unless the alarm is due first.
async fn in_time<F: Future>(mut future: Pin<&mut F>, alarm: &Alarm) -> Result<F::Output, Failure> {
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        in_time_still(alarm, cx)
    })
    .await
}

fn in_time_still<T>(alarm: &Alarm, cx: &Context<'_>) -> Poll<Result<T, Failure>> {
    if alarm.is_due() {
        return Poll::Ready(Err(Failure::ResponseTimeout));
    }
    alarm.watch(cx);
    Poll::Pending
}

/// What an HTTP/1.1 exchange is about.
pub(super) struct About<'a> {
    /// it is a HEAD request
    pub(super) is_head: bool,
    /// it is safe, and has no body
    pub(super) may_repeat: bool,
    pub(super) listener: &'a Listener,
    pub(super) alarm: &'a Alarm,
}

/// The head of an answer, and what comes behind it.
pub(super) struct Answered {
    pub(super) head: Head,
    /// what came with the head
    pub(super) rest: Bytes,
    pub(super) link: Link,
}

/// On a connection that is there, else on a new one. What was sent is sent again only where that is safe: an application
/// that closes an idle connection unannounced crosses our next request (RFC 9110, 9.2.2).
pub(super) async fn alone(about: &About<'_>, outgoing: &mut Outgoing) -> Result<Answered, Failure> {
    let worker = &about.listener.conn.worker;
    if let Some(link) = worker.take_idle(!about.may_repeat) {
        let mut asking = Asking::new(about, link, outgoing);
        match poll_fn(|cx| asking.poll(cx)).await {
            Ok((head, rest)) => {
                let link = asking.link;
                return Ok(Answered { head, rest, link });
            }
            Err(Trouble::Failed(failure)) => return Err(failure),
            Err(Trouble::Gone(failure)) if !about.may_repeat && outgoing.has_begun() => {
                return Err(failure);
            }
            Err(Trouble::Gone(_)) => {
                tracing::debug!("the application closed an idle connection; sending again");
                outgoing.again();
            }
        }
    }
    // boxed: rare, and larger than all that every request needs
    Box::pin(async {
        let link = pool::open(&worker.settings).await?;
        let mut asking = Asking::new(about, link, outgoing);
        match poll_fn(|cx| asking.poll(cx)).await {
            Ok((head, rest)) => {
                let link = asking.link;
                Ok(Answered { head, rest, link })
            }
            Err(Trouble::Gone(failure) | Trouble::Failed(failure)) => Err(failure),
        }
    })
    .await
}

/// Why there is no answer.
enum Trouble {
    /// the connection had been idle, and ended before anything came
    Gone(Failure),
    Failed(Failure),
}

/// A request and its answer on their ways.
struct Asking<'a> {
    about: &'a About<'a>,
    link: Link,
    outgoing: &'a mut Outgoing,
    sending: bool,
    /// the beginning of a head
    held: Vec<u8>,
    heard: bool,
}

impl<'a> Asking<'a> {
    fn new(about: &'a About<'a>, link: Link, outgoing: &'a mut Outgoing) -> Asking<'a> {
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

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Head, Bytes), Trouble>> {
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
            let Some(head) = head::read(&bytes, self.about.is_head).map_err(Trouble::Failed)?
            else {
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
