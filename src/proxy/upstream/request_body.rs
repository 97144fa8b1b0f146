//! Bodies as they pass: what goes up to the application, what comes back.
//! In: hyper's incoming bodies. Out: the same bytes, held where a `100 Continue` is expected, never ended where they were cut short.

use super::{decode::Download, h2::Stream};
use crate::live::InForce;
use crate::proxy::{Active, Conn, clock::Alarm, hop_by_hop, informational::Expectation};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

/// Why a body does not end as it should.
pub(in crate::proxy) type Broken = Box<dyn std::error::Error + Send + Sync>;
type Next = Poll<Option<Result<Frame<Bytes>, Broken>>>;

/// A request's body on its way to the application; nothing for most requests.
pub(in crate::proxy) struct Upload(Option<Box<Streaming>>);

struct Streaming {
    body: Incoming,
    flow: Rc<Flow>,
    trailers: Trailers,
    /// an HTTP/2 client may reset a stream "without error": that is no end of a body
    over_h2: bool,
    /// where `100 Continue` is expected, and how long it is waited for
    held: Option<(Rc<Expectation>, Pin<Box<tokio::time::Sleep>>)>,
}

/// What becomes of the fields after a body.
pub(in crate::proxy) enum Trailers {
    /// nobody needs them, and an application may merge them into the head
    Drop,
    /// gRPC, without what a client may not say
    Filter(Arc<InForce>),
}

/// What the two directions of one exchange know of each other.
pub(in crate::proxy) struct Flow {
    conn: Rc<Conn>,
    alarm: Rc<Alarm>,
    answered: Cell<bool>,
    ended: Cell<bool>,
}

impl Flow {
    pub(in crate::proxy) fn new(conn: &Rc<Conn>, alarm: &Rc<Alarm>) -> Rc<Flow> {
        conn.uploading.set(true);
        Rc::new(Flow {
            conn: conn.clone(),
            alarm: alarm.clone(),
            answered: Cell::new(false),
            ended: Cell::new(false),
        })
    }

    /// The head of the answer is here: the response timeout has no more to say.
    pub(in crate::proxy) fn answered(&self) {
        self.answered.set(true);
    }

    /// Whether all of the body was taken.
    pub(in crate::proxy) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    fn end(&self) {
        self.conn.uploading.set(false);
        if !self.ended.replace(true) && !self.answered.get() {
            self.alarm.set(self.conn.worker.settings.response_timeout);
        }
    }
}

impl Upload {
    pub(in crate::proxy) fn empty() -> Upload {
        Upload(None)
    }

    pub(in crate::proxy) fn new(
        body: Incoming,
        flow: Rc<Flow>,
        trailers: Trailers,
        over_h2: bool,
        expectation: Option<(Rc<Expectation>, Duration)>,
    ) -> Upload {
        Upload(Some(Box::new(Streaming {
            body,
            flow,
            trailers,
            over_h2,
            held: expectation.map(|(expectation, patience)| {
                (expectation, Box::pin(tokio::time::sleep(patience)))
            }),
        })))
    }
}

impl Upload {
    /// Whether there is none.
    pub(in crate::proxy) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All that its length said has come.
    pub(in crate::proxy) fn finish(&self) {
        if let Some(streaming) = &self.0 {
            streaming.flow.end();
        }
    }
}

impl Streaming {
    fn poll(&mut self, cx: &mut Context<'_>) -> Next {
        if let Some((expectation, patience)) = &mut self.held {
            if !expectation.is_met(cx.waker()) {
                ready!(patience.as_mut().poll(cx));
            }
            self.held = None;
        }
        loop {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_trailers() {
                    Err(data) => {
                        if self.body.is_end_stream() {
                            self.flow.end();
                        }
                        return Poll::Ready(Some(Ok(data)));
                    }
                    Ok(mut trailers) => {
                        self.flow.end();
                        match &self.trailers {
                            Trailers::Drop => {}
                            Trailers::Filter(in_force) => {
                                let forged_fields = &in_force.snapshot.forged_fields;
                                hop_by_hop::filter_trailers(&mut trailers, forged_fields);
                                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                            }
                        }
                    }
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None if self.over_h2 && !self.body.is_end_stream() => {
                    return Poll::Ready(Some(Err("the client reset the stream".into())));
                }
                None => {
                    self.flow.end();
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        match &mut self.get_mut().0 {
            Some(streaming) => streaming.poll(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Some(streaming) => streaming.body.is_end_stream(),
            None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(streaming) => streaming.body.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

impl Default for Answer {
    fn default() -> Self {
        Answer::empty()
    }
}

/// An answer's body on its way to the client. When it is dropped, the exchange is over.
pub(in crate::proxy) struct Answer {
    kind: Kind,
    /// what the connection to the client counts as a request in progress
    pub(in crate::proxy) active: Option<Active>,
}

enum Kind {
    Empty,
    Text(&'static str),
    Owned(Bytes),
    /// of an HTTP/1.1 connection
    Download(Box<Download>),
    /// of a stream of an HTTP/2 connection
    Shared(Incoming, #[allow(dead_code)] Stream),
}

impl Answer {
    pub(in crate::proxy) fn empty() -> Answer {
        Kind::Empty.into()
    }

    pub(in crate::proxy) fn text(text: &'static str) -> Answer {
        Kind::Text(text).into()
    }

    pub(in crate::proxy) fn owned(bytes: Bytes) -> Answer {
        Kind::Owned(bytes).into()
    }

    /// The application's, over HTTP/1.1.
    pub(in crate::proxy) fn download(download: Download) -> Answer {
        Kind::Download(Box::new(download)).into()
    }

    /// The application's, over HTTP/2.
    pub(in crate::proxy) fn shared(body: Incoming, stream: Stream) -> Answer {
        match body.is_end_stream() {
            true => Answer::empty(),
            false => Kind::Shared(body, stream).into(),
        }
    }
}

impl From<Kind> for Answer {
    fn from(kind: Kind) -> Answer {
        Answer { kind, active: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Next {
        let kind = &mut self.get_mut().kind;
        match kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Text(text) => {
                let frame = Frame::data(Bytes::from_static(text.as_bytes()));
                *kind = Kind::Empty;
                Poll::Ready(Some(Ok(frame)))
            }
            Kind::Owned(bytes) => {
                let frame = Frame::data(std::mem::take(bytes));
                *kind = Kind::Empty;
                Poll::Ready(Some(Ok(frame)))
            }
            Kind::Download(download) => download.poll_frame(cx),
            Kind::Shared(body, _) => {
                let next = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(next.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Text(_) | Kind::Owned(_) => false,
            Kind::Download(download) => download.has_ended(),
            Kind::Shared(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Text(text) => SizeHint::with_exact(text.len() as u64),
            Kind::Owned(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Download(download) => download.size_hint(),
            Kind::Shared(body, _) => body.size_hint(),
        }
    }
}
