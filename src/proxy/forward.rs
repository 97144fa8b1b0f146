//! One request to the application and the head of its answer back.
//! In: a settled request. Out: an answer whose body still streams, or a failure.

use super::{
    Conn,
    body::{Answer, Flow, Trailers, Upload},
    clock::Alarm,
    failure::Failure,
    hygiene::{self, Seen},
    informational::Expectation,
    pool::{self, Lease, Link},
    settings::Forwarded,
    speaks_http11,
    upgrade::Tunnel,
};
use crate::{
    engine::{self, fold::Guard, units::Second},
    live::InForce,
};
use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header, request::Parts,
};
use http_body::Body;
use hyper::body::Incoming;
use std::{
    future::{Future, poll_fn},
    net::IpAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::SystemTime,
};

/// What kind of exchange this is, seen before anything is stripped.
pub(super) struct Shape {
    /// how the client speaks
    version: Version,
    has_body: bool,
    websocket: bool,
    grpc: bool,
    expects: bool,
    is_safe: bool,
}

impl Shape {
    pub(super) fn of(parts: &Parts, body: &Incoming, seen: &Seen) -> Shape {
        let has_body = !body.is_end_stream();
        let is_get = parts.method == Method::GET;
        Shape {
            version: parts.version,
            has_body,
            websocket: is_get
                && !has_body
                && speaks_http11(parts.version)
                && hygiene::wants_websocket(&parts.headers, seen),
            grpc: parts.version == Version::HTTP_2 && is_grpc(parts),
            expects: has_body && seen.expect && expects_continue(parts),
            is_safe: parts.method.is_safe(),
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

/// What the engine is told besides the fields.
pub(super) struct Facts<'a> {
    host: &'a str,
    ip: Option<IpAddr>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(conn: &Conn, parts: &Parts, host: &'a HeaderValue) -> Facts<'a> {
        Facts {
            host: host.to_str().unwrap_or_default(),
            ip: match conn.worker.settings.trusted_hops {
                0 => conn.peer,
                hops => forwarded_for(parts, hops).or(conn.peer),
            },
        }
    }

    pub(super) fn for_engine(&self) -> engine::Facts<'a> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        engine::Facts {
            host: self.host,
            ip: self.ip,
            now: Second(since.map_or(0, |since| since.as_secs() as i64)),
            fresh: Some(&fresh),
        }
    }
}

/// The N-th X-Forwarded-For entry from the right; the hops that we trust have written that far.
fn forwarded_for(parts: &Parts, hops: usize) -> Option<IpAddr> {
    let mut lines = parts.headers.get_all("x-forwarded-for").iter();
    let mut seen = 0;
    while let Some(line) = lines.next_back() {
        for entry in line.to_str().ok()?.rsplit(',') {
            seen += 1;
            if seen == hops {
                return address(entry.trim());
            }
        }
    }
    None
}

/// With or without a port, as different proxies write it.
fn address(entry: &str) -> Option<IpAddr> {
    let inside = entry
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next());
    inside
        .unwrap_or(entry)
        .parse()
        .or_else(|_| {
            entry
                .parse()
                .map(|socket: std::net::SocketAddr| socket.ip())
        })
        .ok()
}

/// 128 random bits for a stranger.
fn fresh() -> u128 {
    let mut bits = [0; 16];
    match getrandom::fill(&mut bits) {
        Ok(()) => u128::from_ne_bytes(bits),
        // no randomness at all is no reason to fail a request: hash keys are seeded at random once a process
        Err(_) => {
            use std::hash::{BuildHasher, RandomState};
            let half = || u128::from(RandomState::new().hash_one(SystemTime::now()));
            half() << 64 | half()
        }
    }
}

/// Between deciding and writing our headers: what is for this hop only goes, framing becomes ours.
pub(super) fn prepare(parts: &mut Parts, seen: &Seen, guard: &Guard, shape: &Shape, conn: &Conn) {
    let headers = &mut parts.headers;
    hygiene::strip_request(headers, seen, guard, false);
    if shape.version == Version::HTTP_2 {
        hygiene::join_cookies(headers, seen);
    }
    if shape.has_body && !seen.has_length() {
        // hyper's client drops a body of unknown length under GET and HEAD unless the coding is named (linkerd2#3310)
        hygiene::set(
            headers,
            header::TRANSFER_ENCODING,
            HeaderValue::from_static("chunked"),
        );
    }
    if shape.websocket {
        hygiene::set(
            headers,
            header::CONNECTION,
            HeaderValue::from_static("upgrade"),
        );
        hygiene::set(
            headers,
            header::UPGRADE,
            HeaderValue::from_static("websocket"),
        );
    }
    if conn.worker.settings.forwarded == Forwarded::Append {
        append_forwarded(parts, conn.peer);
    }
}

fn append_forwarded(parts: &mut Parts, peer: Option<IpAddr>) {
    let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
        return;
    };
    let node = match peer {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("\"[{v6}]\""),
    };
    let headers = &mut parts.headers;
    for (name, one) in [
        ("x-forwarded-for", peer.to_string()),
        ("forwarded", format!("for={node};proto=http")),
    ] {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_str(&one) {
            let _ = headers.try_append(name, value);
        }
    }
    let proto = HeaderName::from_static("x-forwarded-proto");
    if !headers.contains_key(&proto) {
        hygiene::set(headers, proto, HeaderValue::from_static("http"));
    }
}

/// Sends the request, waits for the head of the answer.
pub(super) async fn send(
    conn: &Rc<Conn>,
    mut parts: Parts,
    body: Incoming,
    shape: Shape,
    in_force: &Arc<InForce>,
) -> Result<Response<Answer>, Failure> {
    let worker = &conn.worker;
    let settings = &worker.settings;
    let alarm = match conn.http2.get() {
        true => worker.clock.alarm(),
        false => conn.alarm.clone(),
    };
    parts.version = Version::HTTP_11;
    if !settings.preserve_header_case {
        parts.extensions.clear();
    }
    let expectation = shape.expects.then(Arc::<Expectation>::default);
    let (upload, flow) = if shape.has_body {
        let flow = Flow::new(alarm.clone(), settings.response_timeout);
        let trailers = match shape.grpc {
            true => Trailers::Filter(in_force.clone()),
            false => Trailers::Drop,
        };
        let held = expectation
            .clone()
            .map(|expectation| (expectation, settings.continue_timeout));
        let over_h2 = shape.version == Version::HTTP_2;
        (
            Upload::new(body, flow.clone(), trailers, over_h2, held),
            Some(flow),
        )
    } else {
        alarm.set(settings.response_timeout);
        (Upload::empty(), None)
    };
    let mut request = Request::from_parts(parts, upload);
    if speaks_http11(shape.version) {
        conn.informational.listen(&mut request, expectation);
    }
    let may_repeat = shape.is_safe && !shape.has_body;
    let (response, link) = try_send(conn, request, may_repeat, &alarm).await?;
    alarm.clear();
    if let Some(flow) = &flow {
        flow.answered();
    }
    receive(conn, response, link, flow, &shape)
}

/// On a connection that is there, else on a new one. Nothing is sent twice but what [`super::connect`] may repeat.
async fn try_send(
    conn: &Rc<Conn>,
    mut request: Request<Upload>,
    may_repeat: bool,
    alarm: &Alarm,
) -> Result<(Response<Incoming>, Link), Failure> {
    let worker = &conn.worker;
    if let Some(mut link) = worker.pool.take(&worker.settings, worker.clock.now()) {
        if may_repeat {
            link.wire.arm();
        }
        match in_time(link.sender.try_send_request(request), alarm).await? {
            Ok(response) => return Ok((response, link)),
            // the connection closed before a byte of the request was written: it comes back whole
            Err(mut error) => match error.take_message() {
                Some(message) => request = message,
                None => return Err(Failure::from(error.error())),
            },
        }
    }
    let mut link = pool::open(&worker.settings).await?;
    match in_time(link.sender.try_send_request(request), alarm).await? {
        Ok(response) => Ok((response, link)),
        Err(error) => Err(Failure::from(error.error())),
    }
}

/// The output, unless the alarm is due first.
async fn in_time<F: Future>(future: F, alarm: &Alarm) -> Result<F::Output, Failure> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if alarm.is_due() {
            return Poll::Ready(Err(Failure::ResponseTimeout));
        }
        alarm.watch(cx);
        Poll::Pending
    })
    .await
}

/// The application's answer, without what was for its hop only.
fn receive(
    conn: &Rc<Conn>,
    response: Response<Incoming>,
    link: Link,
    flow: Option<Rc<Flow>>,
    shape: &Shape,
) -> Result<Response<Answer>, Failure> {
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    let seen = Seen::look(&parts.headers);
    let switches = parts.status == StatusCode::SWITCHING_PROTOCOLS;
    if switches && !(shape.websocket && hygiene::is_websocket(&parts.headers)) {
        return Err(Failure::Upgrade);
    }
    let exact = body.size_hint().exact();
    hygiene::strip_response(&mut parts.headers, &seen, parts.status, exact)?;
    if switches {
        let headers = &mut parts.headers;
        hygiene::set(
            headers,
            header::CONNECTION,
            HeaderValue::from_static("upgrade"),
        );
        hygiene::set(
            headers,
            header::UPGRADE,
            HeaderValue::from_static("websocket"),
        );
        *conn.tunnel.borrow_mut() = Some(Tunnel::new(link));
        return Ok(Response::from_parts(parts, Answer::empty()));
    }
    if shape.expects && flow.as_ref().is_some_and(|flow| !flow.has_ended()) {
        // the client may or may not send the body now: only the end of the connection settles it
        hygiene::set(
            &mut parts.headers,
            header::CONNECTION,
            HeaderValue::from_static("close"),
        );
    }
    let worker = conn.worker.clone();
    let lease = Lease { link, flow, worker };
    Ok(Response::from_parts(parts, Answer::upstream(body, lease)))
}
