//! A response's body on its way to the client: the upstream's, or a text of ours, and the request that ends with it.
//! In: a body. Out: what hyper sends; when that is done, or given up, the request is not in progress any more.

use super::connection::ClientConnection;
use crate::proxy::upstream::response_body::ResponseBody;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};
use tower::BoxError;

/// What a client is sent.
#[derive(Default)]
pub(crate) struct Body {
    body: ResponseBody,
    request: Option<ActiveRequest>,
}

/// A request in progress; its connection is not idle before the last of them is dropped.
pub(crate) struct ActiveRequest(Rc<ClientConnection>);

impl ActiveRequest {
    pub(crate) fn new(client: &Rc<ClientConnection>) -> ActiveRequest {
        client.request_began();
        ActiveRequest(client.clone())
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.request_ended();
    }
}

impl Body {
    pub(crate) fn text(text: &'static str) -> Body {
        ResponseBody::Text(text).into()
    }

    /// The request is in progress until this body is dropped.
    pub(crate) fn ends(&mut self, request: ActiveRequest) {
        self.request = Some(request);
    }
}

impl From<ResponseBody> for Body {
    fn from(body: ResponseBody) -> Body {
        let request = None;
        Body { body, request }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        ResponseBody::Complete(bytes).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
