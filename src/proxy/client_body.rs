//! A client's body as hyper reads it, and what becomes of it where nobody takes all of it.
//! In: hyper's incoming body. Out: the same bytes. What is left of it over HTTP/2 is read for a while, and thrown away.

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{task, time::timeout};
use tower::BoxError;

/// How long a client that is still sending is listened to after its response. To stop at once would reset the stream or the
/// connection, and many clients then lose the response (RFC 9112, 9.6; RFC 9113, 8.1).
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// What is still to come of a request.
pub(crate) struct ClientBody {
    /// none once it is dropped
    body: Option<Incoming>,
    from_h2: bool,
}

impl ClientBody {
    pub(super) fn new(body: Incoming, version: Version) -> ClientBody {
        ClientBody {
            body: Some(body),
            from_h2: version == Version::HTTP_2,
        }
    }

    /// There is no memory for what is left of it: it is not listened to.
    pub(super) fn is_of_no_use(&mut self) {
        self.body = None;
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(frame) => Some(frame.map_err(BoxError::from)),
            // a reset "without error" is no end of a body
            None if this.from_h2 && !body.is_end_stream() => {
                Some(Err("the client reset the stream".into()))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        // over HTTP/1.1, the connection is listened to when it ends
        let left = self.body.take();
        if let Some(mut body) = left.filter(|body| self.from_h2 && !body.is_end_stream()) {
            task::spawn_local(timeout(LINGER, async move {
                while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {}
            }));
        }
    }
}
