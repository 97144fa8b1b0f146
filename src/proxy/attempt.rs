//! One request on one connection to the application, or on the next where the first never began it.
//! In: a request that is ready to go. Out: the head of the answer, and the lease of the connection that gives its body.

use super::{
    Conn,
    body::Upload,
    clock::Alarm,
    failure::Failure,
    interim::Listener,
    multiplex::{self, Stream},
    pool::{self, Link},
};
use http::{
    Request, Response, Uri, Version, header,
    uri::{Authority, Scheme},
};
use hyper::body::Incoming;
use std::{
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::Poll,
};

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
    let (mut stream, was_open) = multiplex::place(&conn.worker).await?;
    let sent = in_time(stream.sender().try_send_request(request), alarm).await?;
    let mut error = match sent {
        Ok(response) => return Ok((response, stream)),
        Err(error) => error,
    };
    match error.take_message().filter(|_| was_open) {
        // the connection closed before the request was begun
        Some(message) => request = message,
        None => return Err(Failure::from(error.error())),
    }
    stream = multiplex::fresh(&conn.worker).await?;
    let sent = in_time(stream.sender().try_send_request(request), alarm).await?;
    match sent {
        Ok(response) => Ok((response, stream)),
        Err(error) => Err(Failure::from(error.error())),
    }
}

/// What is to be known of a request under hyper.
pub(super) struct About<'a> {
    /// our fields
    pub(super) lines: &'a [u8],
    /// it is safe, and has no body
    pub(super) may_repeat: bool,
    pub(super) listener: Listener,
}

/// On a connection that is there, else on a new one. Nothing is sent twice but what [`super::connect`] may repeat.
pub(super) async fn alone(
    mut request: Request<Upload>,
    about: About<'_>,
    alarm: &Alarm,
) -> Result<(Response<Incoming>, Link), Failure> {
    let worker = about.listener.conn.worker.clone();
    if let Some(mut link) = worker.pool.take(worker.keep, worker.clock.now()) {
        link.wire
            .begin(about.lines, about.listener.clone(), about.may_repeat);
        match in_time(link.sender.try_send_request(request), alarm).await? {
            Ok(response) => return Ok((response, link)),
            // the connection closed before a byte of the request was written: it comes back whole
            Err(mut error) => match error.take_message() {
                Some(message) => request = message,
                None => return Err(Failure::from(error.error())),
            },
        }
    }
    // boxed: rare, and larger than all that every request needs
    let mut link = Box::pin(pool::open(&worker.settings)).await?;
    link.wire.begin(about.lines, about.listener, false);
    match in_time(link.sender.try_send_request(request), alarm).await? {
        Ok(response) => Ok((response, link)),
        Err(error) => Err(Failure::from(error.error())),
    }
}

/// The output, unless the alarm is due first.
async fn in_time<F: Future>(future: F, alarm: &Alarm) -> Result<F::Output, Failure> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if alarm.is_due() {
            return Poll::Ready(Err(Failure::ResponseTimeout));
        }
        alarm.watch(cx);
        Poll::Pending
    })
    .await
}
