//! The body of the application's response: none, all there with its head, still to be read, or a stream of HTTP/2.
//! In: what stands behind a head. Out: the body, as it can be passed on; a connection goes back to the pool as soon as it may.

use super::{
    decode::StreamingBody,
    encode::EncodedRequest,
    h2_body::H2Body,
    head::Framing,
    pool::{Connection, Pool},
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use tower::BoxError;

/// Where a body comes from, before it is known whether it is wanted.
pub(crate) enum BodySource {
    H1(H1Source),
    H2(H2Body),
}

/// What an HTTP/1.1 connection is left with behind the head of a response.
pub(crate) struct H1Source {
    pub(crate) connection: Connection,
    pub(super) framing: Framing,
    /// whether another request may follow
    pub(super) keep_alive: bool,
    /// what came with the head
    pub(crate) rest: Bytes,
    /// what is left to send of the request
    pub(super) unsent: Option<Box<EncodedRequest>>,
}

/// A response's body. Dropped, it stops what is still coming.
#[derive(Default)]
pub(crate) enum ResponseBody {
    #[default]
    Empty,
    Text(&'static str),
    Complete(Bytes),
    /// of an HTTP/1.1 connection
    Streaming(Box<StreamingBody>),
    /// of a stream of an HTTP/2 connection
    H2(Box<H2Body>),
}

impl BodySource {
    /// How long the body is, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            BodySource::H1(source) => match source.framing {
                Framing::Length(length) => Some(length),
                Framing::Chunked | Framing::Close => None,
            },
            BodySource::H2(body) => body.size_hint().exact(),
        }
    }

    pub(crate) fn into_body(self, pool: &Rc<Pool>) -> ResponseBody {
        match self {
            BodySource::H1(source) => source.into_body(pool),
            BodySource::H2(body) if body.is_end_stream() => ResponseBody::Empty,
            BodySource::H2(body) => ResponseBody::H2(Box::new(body)),
        }
    }
}

impl H1Source {
    fn into_body(mut self, pool: &Rc<Pool>) -> ResponseBody {
        let come = self.rest.len() as u64;
        match self.framing {
            Framing::Length(length) if come >= length => {
                // it is all here; more than all is no use to anybody, and a sign of trouble
                if self.keep_alive && come == length && self.unsent.is_none() {
                    pool.put(self.connection);
                }
                self.rest.truncate(length as usize);
                match self.rest.is_empty() {
                    true => ResponseBody::Empty,
                    false => ResponseBody::Complete(self.rest),
                }
            }
            framing => ResponseBody::Streaming(Box::new(StreamingBody::new(
                pool.clone(),
                self.connection,
                framing,
                self.keep_alive,
                &self.rest,
                self.unsent,
            ))),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let body = self.get_mut();
        let data = match body {
            ResponseBody::Empty => return Poll::Ready(None),
            ResponseBody::Text(text) => Bytes::from_static(text.as_bytes()),
            ResponseBody::Complete(bytes) => std::mem::take(bytes),
            ResponseBody::Streaming(streaming) => return streaming.poll_frame(cx),
            ResponseBody::H2(body) => return Pin::new(body).poll_frame(cx),
        };
        *body = ResponseBody::Empty;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            ResponseBody::Empty => true,
            ResponseBody::Text(_) | ResponseBody::Complete(_) => false,
            ResponseBody::Streaming(streaming) => streaming.has_ended(),
            ResponseBody::H2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            ResponseBody::Empty => SizeHint::with_exact(0),
            ResponseBody::Text(text) => SizeHint::with_exact(text.len() as u64),
            ResponseBody::Complete(bytes) => SizeHint::with_exact(bytes.len() as u64),
            ResponseBody::Streaming(streaming) => streaming.size_hint(),
            ResponseBody::H2(body) => body.size_hint(),
        }
    }
}
