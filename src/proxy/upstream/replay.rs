//! The body of a request to an HTTP/2 application, held for as long as it may have to be sent once more.
//! In: a client's body. Out: the same body, and again from its beginning if the application did not begin with it.

use super::request_body::{NextFrame, RequestBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};
use tower::BoxError;

/// How many bytes are held at most: all of a usual gRPC call.
const HELD: usize = 16 * 1024;

/// A request's body, or none. hyper has one handle, the exchange another.
#[derive(Clone)]
pub(crate) struct ReplayBody(Option<Rc<RefCell<Option<Replay>>>>);

struct Replay {
    body: RequestBody,
    /// what has come, as far as it is held or not sent yet
    pieces: VecDeque<Bytes>,
    /// how many of the pieces have been sent
    sent: usize,
    /// bytes that have come
    length: usize,
    /// whether what has been sent is held
    is_held: bool,
    /// a piece that has been sent is not held any more
    is_lost: bool,
    has_ended: bool,
    trailers: Option<HeaderMap>,
}

impl ReplayBody {
    /// `is_held`: what is sent of it is held, so that it can be sent again. Else it can only before a byte of it is sent.
    pub(crate) fn new(body: Option<RequestBody>, is_held: bool) -> ReplayBody {
        let replay = |body| Replay {
            body,
            pieces: VecDeque::new(),
            sent: 0,
            length: 0,
            is_held,
            is_lost: false,
            has_ended: false,
            trailers: None,
        };
        ReplayBody(body.map(|body| Rc::new(RefCell::new(Some(replay(body))))))
    }

    /// Takes what has come with the head. Returns how long the body is, if that is known and short.
    pub(super) async fn begin(&self) -> Result<Option<usize>, BoxError> {
        if self.0.is_none() {
            return Ok(Some(0));
        }
        poll_fn(|cx| Poll::Ready(self.with(|replay| replay.begin(cx)).unwrap_or(Ok(None)))).await
    }

    /// The same body from its beginning; the handles before it are at their end. None if a part of it is lost.
    pub(super) fn again(&self) -> Option<ReplayBody> {
        let Some(body) = &self.0 else {
            return Some(ReplayBody(None));
        };
        let mut body = body.borrow_mut();
        let mut replay = body.take_if(|replay| !replay.is_lost)?;
        replay.sent = 0;
        Some(ReplayBody(Some(Rc::new(RefCell::new(Some(replay))))))
    }

    /// It is not going to be sent again.
    pub(super) fn release(&self) {
        self.with(Replay::release);
    }

    fn with<T>(&self, of: impl FnOnce(&mut Replay) -> T) -> Option<T> {
        self.0.as_ref()?.borrow_mut().as_mut().map(of)
    }
}

impl Replay {
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<Option<usize>, BoxError> {
        while self.length < HELD && !self.has_ended {
            match self.poll_body(cx) {
                Poll::Ready(result) => result?,
                Poll::Pending => break,
            }
        }
        let rest = match self.has_ended {
            true => Some(0),
            false => self.body.size_hint().exact(),
        };
        let length = rest.map(|rest| self.length.saturating_add(rest as usize));
        Ok(length.filter(|length| *length <= HELD))
    }

    /// One piece more, or the end.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            self.has_ended = true;
            return Poll::Ready(Ok(()));
        };
        match frame?.into_data() {
            Ok(data) => {
                self.length = self.length.saturating_add(data.len());
                if self.length > HELD {
                    self.release();
                }
                self.pieces.push_back(data);
            }
            Err(frame) => {
                self.trailers = frame.into_trailers().ok();
                self.has_ended = true;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn release(&mut self) {
        self.is_held = false;
        self.is_lost |= self.sent > 0;
        self.pieces.drain(..self.sent);
        self.sent = 0;
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> NextFrame {
        if self.sent == self.pieces.len() && !self.has_ended {
            ready!(self.poll_body(cx))?;
        }
        let data = match self.is_held {
            true => self.pieces.get(self.sent).cloned(),
            false => self.pieces.pop_front(),
        };
        if let Some(data) = data {
            match self.is_held {
                true => self.sent += 1,
                false => self.is_lost = true,
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let trailers = self.trailers.clone();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        let is_end = self.has_ended || self.body.is_end_stream();
        is_end && self.sent == self.pieces.len() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let unsent = self.pieces.range(self.sent..);
        let unsent: u64 = unsent.map(|piece| piece.len() as u64).sum();
        let rest = self.body.size_hint().exact();
        rest.map_or(SizeHint::new(), |rest| SizeHint::with_exact(rest + unsent))
    }
}

impl Body for ReplayBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> NextFrame {
        if self.0.is_none() {
            return Poll::Ready(None);
        }
        let moved = || Poll::Ready(Some(Err("the request is sent again".into())));
        self.with(|replay| replay.poll_frame(cx))
            .unwrap_or_else(moved)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none() || self.with(|replay| replay.is_end_stream()) == Some(true)
    }

    fn size_hint(&self) -> SizeHint {
        match self.0 {
            None => SizeHint::with_exact(0),
            Some(_) => self.with(|replay| replay.size_hint()).unwrap_or_default(),
        }
    }
}
