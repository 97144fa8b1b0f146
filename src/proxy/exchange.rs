//! One request to the application and the head of its answer back.
//! In: a settled request. Out: an answer whose body still streams, or a failure.

use super::{
    Conn,
    clock::Alarm,
    failure::Failure,
    forwarded,
    hop_by_hop::{self, Seen},
    informational::{Expectation, Listener},
    settings::{Forwarded, Protocol},
    speaks_http11,
    upstream::{
        attempt::{self, Answered},
        encode::Outgoing,
        request_body::{Answer, Flow, Trailers, Upload},
        response_body::{Coming, Whole},
    },
    websocket::Tunnel,
};
use crate::{engine::forged_fields::ForgedFields, live::InForce};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version, header, request::Parts, response,
};
use http_body::Body;
use hyper::body::Incoming;
use std::{rc::Rc, sync::Arc};

/// What kind of exchange this is, seen before anything is stripped.
pub(super) struct Shape {
    /// how the client speaks
    version: Version,
    has_body: bool,
    websocket: bool,
    grpc: bool,
    /// whether the application is spoken to in HTTP/2
    pub(super) over_h2: bool,
    expects: bool,
    is_safe: bool,
    /// a field is there twice
    repeats: bool,
}

impl Shape {
    pub(super) fn of(parts: &Parts, body: &Incoming, seen: &Seen, protocol: Protocol) -> Shape {
        let has_body = !body.is_end_stream();
        let by_h2 = parts.version == Version::HTTP_2;
        let grpc = by_h2 && is_grpc(parts);
        let websocket = parts.method == Method::GET
            && !has_body
            && speaks_http11(parts.version)
            && hop_by_hop::wants_websocket(&parts.headers, seen);
        let over_h2 = match protocol {
            Protocol::Auto => grpc,
            Protocol::H1 => false,
            Protocol::H2 => true,
            Protocol::Mirror => by_h2,
        };
        Shape {
            version: parts.version,
            has_body,
            websocket,
            grpc,
            // HTTP/2 has no such upgrade
            over_h2: over_h2 && !websocket,
            expects: has_body && seen.expect && expects_continue(parts),
            is_safe: parts.method.is_safe(),
            repeats: parts.headers.len() > parts.headers.keys_len(),
        }
    }
}

fn is_grpc(parts: &Parts) -> bool {
    let kind = parts.headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn expects_continue(parts: &Parts) -> bool {
    let expect = parts.headers.get(header::EXPECT);
    expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// What is stripped after deciding and before our headers are written: what is for this hop only goes, framing becomes ours.
pub(super) fn strip(
    parts: &mut Parts,
    seen: &Seen,
    forged_fields: &ForgedFields,
    shape: &Shape,
    conn: &Conn,
) {
    let headers = &mut parts.headers;
    hop_by_hop::strip_request(headers, seen, forged_fields, shape.over_h2);
    if shape.version == Version::HTTP_2 && !shape.over_h2 {
        hop_by_hop::join_cookies(headers);
    }
    if shape.has_body && !seen.has_length() && !shape.over_h2 {
        // hyper's client drops a body of unknown length under GET and HEAD unless the coding is named (linkerd2#3310)
        hop_by_hop::set(
            headers,
            header::TRANSFER_ENCODING,
            HeaderValue::from_static("chunked"),
        );
    }
    if shape.websocket {
        hop_by_hop::set_websocket(headers);
    }
    if conn.worker.settings.forwarded == Forwarded::Append {
        forwarded::append_forwarded(parts, conn.peer);
    }
}

/// A request that is ready to go to the application.
pub(super) struct Ready {
    request: Prepared,
    is_head: bool,
    shape: Shape,
    alarm: Rc<Alarm>,
    flow: Option<Rc<Flow>>,
    expectation: Option<Rc<Expectation>>,
    /// the client came by https
    pub(super) by_https: bool,
}

/// What is sent.
enum Prepared {
    /// over HTTP/1.1
    Text(Outgoing),
    /// over HTTP/2
    Shared(Box<Request<Upload>>),
    Sent,
}

impl Ready {
    /// `lines` are our fields, where they are not in the map.
    pub(super) fn new(
        conn: &Rc<Conn>,
        mut parts: Parts,
        body: Incoming,
        shape: Shape,
        in_force: &Arc<InForce>,
        lines: &[u8],
        by_https: bool,
    ) -> Ready {
        let worker = &conn.worker;
        let settings = &worker.settings;
        let alarm = match conn.http2.get() {
            true => worker.clock.alarm(),
            false => conn.alarm.clone(),
        };
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        let expectation = shape.expects.then(Rc::<Expectation>::default);
        let flow = shape.has_body.then(|| Flow::new(conn, &alarm));
        let upload = match &flow {
            Some(flow) => {
                let trailers = match shape.grpc {
                    true => Trailers::Filter(in_force.clone()),
                    false => Trailers::Drop,
                };
                let held = expectation.clone();
                let held = held.map(|expectation| (expectation, settings.continue_timeout));
                let over_h2 = shape.version == Version::HTTP_2;
                Upload::new(body, flow.clone(), trailers, over_h2, held)
            }
            None => {
                alarm.set(settings.response_timeout);
                Upload::empty()
            }
        };
        let is_head = parts.method == Method::HEAD;
        let request = match shape.over_h2 {
            true => Prepared::Shared(Box::new(Request::from_parts(parts, upload))),
            false => {
                let spellings = conn.spellings.as_deref();
                let text = worker.text.take();
                let outgoing = Outgoing::new(&parts, upload, lines, spellings, text);
                if !shape.repeats {
                    worker.maps.put(parts.headers);
                }
                Prepared::Text(outgoing)
            }
        };
        Ready {
            request,
            is_head,
            shape,
            alarm,
            flow,
            expectation,
            by_https,
        }
    }

    /// Sends the request, waits for the head of the answer; says also whether it tells of used features.
    pub(super) async fn ask(
        &mut self,
        conn: &Rc<Conn>,
    ) -> Result<(Response<Answer>, bool), Failure> {
        let (parts, coming) = match std::mem::replace(&mut self.request, Prepared::Sent) {
            Prepared::Text(outgoing) => self.alone(conn, outgoing).await?,
            Prepared::Shared(request) => Box::pin(self.share(conn, *request)).await?,
            Prepared::Sent => return Err(Failure::Terminated),
        };
        self.alarm.clear();
        if let Some(flow) = &self.flow {
            flow.answered();
        }
        self.receive(conn, parts, coming)
    }

    async fn share(
        &self,
        conn: &Rc<Conn>,
        request: Request<Upload>,
    ) -> Result<(response::Parts, Coming), Failure> {
        let (response, stream) = attempt::share(conn, request, &self.alarm).await?;
        let (parts, body) = response.into_parts();
        Ok((parts, Coming::Shared(body, stream)))
    }

    async fn alone(
        &mut self,
        conn: &Rc<Conn>,
        mut outgoing: Outgoing,
    ) -> Result<(response::Parts, Coming), Failure> {
        let listener = Listener {
            conn: conn.clone(),
            tells: speaks_http11(self.shape.version),
            expectation: self.expectation.take(),
        };
        let about = attempt::About {
            is_head: self.is_head,
            may_repeat: self.shape.is_safe && !self.shape.has_body,
            listener: &listener,
            alarm: &self.alarm,
        };
        let Answered { head, rest, link } = attempt::alone(&about, &mut outgoing).await?;
        let unsent = match outgoing.is_sent() {
            true => {
                conn.worker.text.set(outgoing.take_text());
                None
            }
            false => Some(outgoing),
        };
        let (mut parts, ()) = Response::new(()).into_parts();
        (parts.status, parts.headers) = (head.status, head.headers);
        if let Some(reason) = head.reason {
            parts.extensions.insert(reason);
        }
        let (framing, keep) = (head.framing, head.keep);
        Ok((
            parts,
            Coming::Whole(Whole {
                link,
                framing,
                keep,
                rest,
                unsent,
            }),
        ))
    }

    /// The application's answer, without what was for its hop only.
    fn receive(
        &self,
        conn: &Rc<Conn>,
        mut parts: response::Parts,
        coming: Coming,
    ) -> Result<(Response<Answer>, bool), Failure> {
        parts.version = Version::HTTP_11;
        let seen = Seen::look(&parts.headers);
        let asked = self.shape.websocket && hop_by_hop::is_websocket(&parts.headers);
        hop_by_hop::strip_response(&mut parts.headers, &seen, parts.status, coming.length())?;
        if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            let (true, Coming::Whole(Whole { link, rest, .. })) = (asked, coming) else {
                return Err(Failure::Upgrade);
            };
            hop_by_hop::set_websocket(&mut parts.headers);
            *conn.tunnel.borrow_mut() = Some(Tunnel::new(link, rest));
            return Ok((Response::from_parts(parts, Answer::empty()), seen.used));
        }
        if self.shape.expects && self.flow.as_ref().is_some_and(|flow| !flow.has_ended()) {
            // the client may or may not send the body now: only the end of the connection settles it
            hop_by_hop::set(
                &mut parts.headers,
                header::CONNECTION,
                HeaderValue::from_static("close"),
            );
        }
        Ok((
            Response::from_parts(parts, coming.answer(&conn.worker)),
            seen.used,
        ))
    }
}
