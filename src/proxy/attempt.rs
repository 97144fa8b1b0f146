//! One request on one connection to the application, or on the next where the first never began it.
//! In: a request that is ready to go. Out: the head of the answer, and the lease of the connection that gives its body.

use super::{
    Conn,
    body::Upload,
    clock::Alarm,
    failure::Failure,
    interim::Listener,
    multiplex,
    pool::{self, Lease, Link},
};
use http::{
    Request, Response, Uri, Version, header,
    uri::{Authority, Scheme},
};
use hyper::{body::Incoming, client::conn::TrySendError};
use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
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
    request: &mut Option<Request<Upload>>,
    alarm: &Alarm,
) -> Result<(Response<Incoming>, Lease), Failure> {
    if let Some(request) = request {
        target(request)?;
    }
    let (stream, was_open) = multiplex::place(&conn.worker).await?;
    let sent = pin!(stream.sender().try_send_request(taken(request)?));
    match in_time(sent, alarm).await? {
        Ok(response) => return Ok((response, Lease::Shared(stream))),
        Err(error) if !was_open => return Err(Failure::from(error.error())),
        Err(error) => begun(error, request)?,
    }
    let stream = multiplex::fresh(&conn.worker).await?;
    let sent = pin!(stream.sender().try_send_request(taken(request)?));
    match in_time(sent, alarm).await? {
        Ok(response) => Ok((response, Lease::Shared(stream))),
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
    request: &mut Option<Request<Upload>>,
    about: About<'_>,
    alarm: &Alarm,
) -> Result<(Response<Incoming>, Link), Failure> {
    let worker = about.listener.conn.worker.clone();
    if let Some(mut link) = worker.pool.take(worker.keep, worker.clock.now()) {
        link.wire
            .begin(about.lines, about.listener.clone(), about.may_repeat);
        let sent = pin!(link.sender.try_send_request(taken(request)?));
        match in_time(sent, alarm).await? {
            Ok(response) => return Ok((response, link)),
            Err(error) => begun(error, request)?,
        }
    }
    // boxed: rare, and larger than all that every request needs
    Box::pin(async {
        let mut link = pool::open(&worker.settings).await?;
        link.wire.begin(about.lines, about.listener, false);
        let sent = pin!(link.sender.try_send_request(taken(request)?));
        match in_time(sent, alarm).await? {
            Ok(response) => Ok((response, link)),
            Err(error) => Err(Failure::from(error.error())),
        }
    })
    .await
}

/// The request, which is there until it has been sent.
fn taken(request: &mut Option<Request<Upload>>) -> Result<Request<Upload>, Failure> {
    request.take().ok_or(Failure::Terminated)
}

/// Puts the request back that a connection closed on before a byte of it was written; else it has begun, and failed.
fn begun(
    mut error: TrySendError<Request<Upload>>,
    request: &mut Option<Request<Upload>>,
) -> Result<(), Failure> {
    *request = error.take_message();
    match request {
        Some(_) => Ok(()),
        None => Err(Failure::from(error.error())),
    }
}

/// The output, unless the alarm is due first.
async fn in_time<F: Future>(mut future: Pin<&mut F>, alarm: &Alarm) -> Result<F::Output, Failure> {
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
