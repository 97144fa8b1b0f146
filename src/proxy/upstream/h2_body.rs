//! The body of a response over HTTP/2. A gRPC call whose application goes away ends as its client expects it.
//! In: hyper's body, and the stream that it comes on. Out: the same frames; where a gRPC status does not come, UNAVAILABLE, or
//! the application's own reset.

use super::h2_connections::Stream;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower::BoxError;

/// A response's body. Dropped, it resets the stream.
pub(crate) struct H2Body {
    body: Incoming,
    _stream: Stream,
    /// gRPC, and its status is still to come
    awaits_status: bool,
}

impl H2Body {
    pub(crate) fn new(body: Incoming, stream: Stream, awaits_status: bool) -> H2Body {
        H2Body {
            body,
            _stream: stream,
            awaits_status,
        }
    }
}

/// What a gRPC client reads as UNAVAILABLE.
fn unavailable() -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("14"));
    let message = HeaderValue::from_static("the application went away");
    trailers.insert("grpc-message", message);
    Frame::trailers(trailers)
}

/// Whether the connection to the application has ended. A reset of the stream is passed on as it is.
fn has_gone(error: &hyper::Error) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref());
    source.is_some_and(|error: &h2::Error| error.is_io() || error.is_go_away() && error.is_remote())
}

impl Body for H2Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.body).poll_frame(cx));
        Poll::Ready(match next {
            Some(Err(error)) if this.awaits_status && has_gone(&error) => {
                tracing::debug!(%error, "the application went away in the midst of a gRPC call");
                Some(Ok(unavailable()))
            }
            // hyper takes a reset "without error" for the end
            None if this.awaits_status && !this.body.is_end_stream() => {
                Some(Err(h2::Error::from(h2::Reason::NO_ERROR).into()))
            }
            next => next.map(|frame| frame.map_err(Into::into)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
