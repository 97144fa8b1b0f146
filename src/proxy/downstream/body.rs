//! A response's body on its way to the client: the upstream's, or a text of ours, and the request that ends with it.
//! In: a body. Out: what hyper sends; when that is done, or given up, the request is not in progress any more.

use super::connection::ClientConnection;
use crate::proxy::{
    budget::{self, Charge},
    upstream::response_body::ResponseBody,
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tower::BoxError;

/// What a client is sent.
#[derive(Default)]
pub(crate) struct Body {
    body: ResponseBody,
    request: Option<ActiveRequest>,
}

/// A request in progress; its connection is not idle before the last of them is dropped.
pub(crate) struct ActiveRequest {
    client: Rc<ClientConnection>,
    /// what it takes besides its connections, over HTTP/2: until the last piece of its response has been sent
    charge: Option<Arc<Charge>>,
}

impl ActiveRequest {
    pub(crate) fn new(client: &Rc<ClientConnection>) -> ActiveRequest {
        client.request_began();
        ActiveRequest {
            client: client.clone(),
            charge: None,
        }
    }

    /// It takes so much over HTTP/2. Where there is no memory for that, there is a little to say so, or the connection ends: a
    /// client that reads no refusals could have any number of them.
    pub(crate) fn takes(&mut self, bytes: usize) -> bool {
        let budget = &self.client.worker.settings.budget;
        let charge = budget.large(bytes);
        let has_room = charge.is_some();
        let charge = charge.or_else(|| budget.small(budget::REFUSED_STREAM));
        if charge.is_none() {
            self.client.is_refused.set(true);
        }
        self.charge = charge.map(Arc::new);
        has_room
    }

    /// A piece of the response that goes to hyper. Over HTTP/2 it may wait there when all else of the request has ended.
    fn hand_over(&self, data: Bytes) -> Bytes {
        match &self.charge {
            None => {
                self.client.on_handed(data.len());
                data
            }
            Some(charge) => Bytes::from_owner(Charged(data, charge.clone())),
        }
    }
}

/// A piece that holds a charge until it has been written.
struct Charged(Bytes, #[allow(dead_code)] Arc<Charge>);

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.client.request_ended();
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
        let this = self.get_mut();
        let is_streaming = matches!(this.body, ResponseBody::Streaming(_));
        let Some(request) =
            (this.request.as_ref()).filter(|request| is_streaming || request.charge.is_some())
        else {
            return Pin::new(&mut this.body).poll_frame(cx);
        };
        if request.client.is_full() {
            // its flush wakes us
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let hand_over = |frame: Frame<Bytes>| frame.map_data(|data| request.hand_over(data));
        Poll::Ready(frame.map(|frame| frame.map(hand_over)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
