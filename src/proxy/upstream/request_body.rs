//! A client's body on its way to the application: held where a `100 Continue` is expected, never ended where it was cut short.
//! In: hyper's incoming body. Out: the same bytes, and what its exchange has to know of them.

use crate::{
    live::InForce,
    proxy::{
        budget::Charge, client_body::ClientBody, clock::Alarm, hop_by_hop,
        informational::Expectation,
    },
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};
use tower::BoxError;

pub(super) type NextFrame = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

/// A request's body.
pub(crate) struct RequestBody {
    body: ClientBody,
    flow: Rc<Flow>,
    trailers: Trailers,
    /// where `100 Continue` is expected, and how long it is waited for
    held: Option<(Rc<Expectation>, Pin<Box<Sleep>>)>,
    /// what it takes of the budget, until it has been sent
    #[allow(dead_code)] // held
    charge: Option<Charge>,
}

/// What becomes of the fields behind a body.
pub(crate) enum Trailers {
    /// nobody needs them, and an application may merge them into the head
    Drop,
    /// gRPC, without what a client may not say
    Filter(Arc<InForce>),
}

/// What the two directions of one exchange know of each other.
pub(crate) struct Flow {
    /// for the client's connection: the body is still coming
    uploading: Rc<Cell<bool>>,
    /// set when the body has ended, unless the response was there before
    alarm: Rc<Alarm>,
    response_timeout: Duration,
    has_response: Cell<bool>,
    has_ended: Cell<bool>,
}

impl Flow {
    pub(crate) fn new(
        uploading: &Rc<Cell<bool>>,
        alarm: &Rc<Alarm>,
        response_timeout: Duration,
    ) -> Rc<Flow> {
        uploading.set(true);
        Rc::new(Flow {
            uploading: uploading.clone(),
            alarm: alarm.clone(),
            response_timeout,
            has_response: Cell::new(false),
            has_ended: Cell::new(false),
        })
    }

    /// The head of the response is here: the response timeout does not matter any more.
    pub(crate) fn response_began(&self) {
        self.has_response.set(true);
    }

    /// Whether all of the body was taken.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    fn end(&self) {
        self.uploading.set(false);
        if !self.has_ended.replace(true) && !self.has_response.get() {
            self.alarm.set(self.response_timeout);
        }
    }
}

impl RequestBody {
    /// `expectation`: what is waited for before the body is sent, and how long at most.
    pub(crate) fn new(
        body: ClientBody,
        flow: Rc<Flow>,
        trailers: Trailers,
        expectation: Option<(Rc<Expectation>, Duration)>,
        charge: Option<Charge>,
    ) -> RequestBody {
        let held = |(expectation, most)| (expectation, Box::pin(sleep(most)));
        RequestBody {
            body,
            flow,
            trailers,
            held: expectation.map(held),
            charge,
        }
    }

    /// All that its length said has come.
    pub(super) fn finish(&self) {
        self.flow.end();
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> NextFrame {
        let this = self.get_mut();
        if let Some((expectation, most)) = &mut this.held {
            if !expectation.is_met(cx.waker()) {
                ready!(most.as_mut().poll(cx));
            }
            this.held = None;
        }
        loop {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_trailers() {
                    Err(data) => {
                        if this.body.is_end_stream() {
                            this.flow.end();
                        }
                        return Poll::Ready(Some(Ok(data)));
                    }
                    Ok(mut trailers) => {
                        this.flow.end();
                        match &this.trailers {
                            Trailers::Drop => {}
                            Trailers::Filter(in_force) => {
                                let forged_fields = &in_force.snapshot.forged_fields;
                                hop_by_hop::filter_trailers(&mut trailers, forged_fields);
                                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                            }
                        }
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.flow.end();
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
