//! One request on one connection to the application, or on the next where the first never began it.
//! In: a request that is ready to go. Out: the head of the answer, and the connection that gives its body.

use super::{
    encode::Outgoing,
    h1::{Asking, Trouble},
    h2::{self, Stream},
    head::Head,
    pool::{self, Link},
    request_body::Upload,
};
use crate::proxy::{Conn, clock::Alarm, failure::Failure, informational::Listener};
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
    task::{Context, Poll},
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
pub(in crate::proxy) async fn share(
    conn: &Rc<Conn>,
    mut request: Request<Upload>,
    alarm: &Alarm,
) -> Result<(Response<Incoming>, Stream), Failure> {
    target(&mut request)?;
    let (stream, was_open) = h2::place(&conn.worker).await?;
    let sent = pin!(stream.sender().try_send_request(request));
    let request = match in_time(sent, alarm).await? {
        Ok(response) => return Ok((response, stream)),
        Err(error) if !was_open => return Err(Failure::from(error.error())),
        Err(error) => unbegun(error)?,
    };
    let stream = h2::fresh(&conn.worker).await?;
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

pub(in crate::proxy) fn in_time_still<T>(
    alarm: &Alarm,
    cx: &Context<'_>,
) -> Poll<Result<T, Failure>> {
    if alarm.is_due() {
        return Poll::Ready(Err(Failure::ResponseTimeout));
    }
    alarm.watch(cx);
    Poll::Pending
}

/// What an HTTP/1.1 exchange is about.
pub(in crate::proxy) struct About<'a> {
    /// it is a HEAD request
    pub(in crate::proxy) is_head: bool,
    /// it is safe, and has no body
    pub(in crate::proxy) may_repeat: bool,
    pub(in crate::proxy) listener: &'a Listener,
    pub(in crate::proxy) alarm: &'a Alarm,
}

/// The head of an answer, and what comes behind it.
pub(in crate::proxy) struct Answered {
    pub(in crate::proxy) head: Head,
    /// what came with the head
    pub(in crate::proxy) rest: Bytes,
    pub(in crate::proxy) link: Link,
}

/// On a connection that is there, else on a new one. What was sent is sent again only where that is safe: an application
/// that closes an idle connection unannounced crosses our next request (RFC 9110, 9.2.2).
pub(in crate::proxy) async fn alone(
    about: &About<'_>,
    outgoing: &mut Outgoing,
) -> Result<Answered, Failure> {
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
