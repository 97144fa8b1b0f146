//! A request made ready: what kind it is, what the engine is told of it, what is stripped of it, and how it is sent.
//! In: a request as it came, then one that has been decided. Out: a request that only has to be sent.

use super::{
    budget::Charge,
    client_body::ClientBody,
    clock::Alarm,
    downstream::connection::ClientConnection,
    forwarded,
    hop_by_hop::{self, Scan},
    informational::Expectation,
    settings::{Forwarded, Protocol},
    upstream::{
        encode::EncodedRequest,
        replay::ReplayBody,
        request_body::{Flow, RequestBody, Trailers},
    },
    websocket,
};
use crate::{
    engine::{
        client_address,
        forged_fields::ForgedFields,
        request::{HttpRequest, Input},
        units::Second,
    },
    live::InForce,
};
use http::{HeaderValue, Method, Request, Version, header, request::Parts};
use http_body::Body as _;
use std::{rc::Rc, sync::Arc, time::SystemTime};

/// What kind of request this is, seen before anything is stripped.
pub(super) struct RequestKind {
    /// how the client speaks
    version: Version,
    pub(super) has_body: bool,
    pub(super) is_head: bool,
    pub(super) is_websocket: bool,
    pub(super) is_grpc: bool,
    /// whether the client speaks HTTP/2
    pub(super) by_h2: bool,
    /// whether the application is spoken to in HTTP/2
    pub(super) over_h2: bool,
    /// `Expect: 100-continue`
    pub(super) expects_continue: bool,
    is_safe: bool,
    /// a field is there twice
    has_repeats: bool,
}

impl RequestKind {
    pub(super) fn of(
        parts: &Parts,
        body: &ClientBody,
        scan: &Scan,
        protocol: Protocol,
    ) -> RequestKind {
        let has_body = !body.is_end_stream();
        let by_h2 = parts.version == Version::HTTP_2;
        let is_grpc = by_h2 && is_grpc(parts);
        let is_websocket = parts.method == Method::GET
            && !has_body
            && parts.version == Version::HTTP_11
            && scan.upgrade
            && scan.connection
            && websocket::is_wanted(&parts.headers);
        let over_h2 = match protocol {
            Protocol::Auto => is_grpc,
            Protocol::H1 => false,
            Protocol::H2 => true,
            Protocol::Mirror => by_h2,
        };
        RequestKind {
            version: parts.version,
            has_body,
            is_head: parts.method == Method::HEAD,
            is_websocket,
            is_grpc,
            by_h2,
            // HTTP/2 has no such upgrade
            over_h2: over_h2 && !is_websocket,
            expects_continue: has_body && scan.expect && expects_continue(parts),
            is_safe: parts.method.is_safe(),
            has_repeats: parts.headers.len() > parts.headers.keys_len(),
        }
    }

    /// Whether the application may be sent it twice.
    pub(super) fn is_repeatable(&self) -> bool {
        self.is_safe && !self.has_body
    }

    /// Whether the client can be sent 1xx responses.
    pub(super) fn takes_informational(&self) -> bool {
        self.version == Version::HTTP_11
    }
}

/// Whether this is `application/grpc` or `application/grpc+...`, in any case; `application/grpc-web` is neither.
fn is_grpc(parts: &Parts) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let Some(value) = parts.headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let mut parameters = value.as_bytes().split(|byte| *byte == b';');
    let media_type = parameters.next().unwrap_or_default().trim_ascii();
    let base = media_type.split(|byte| *byte == b'+').next();
    base.is_some_and(|base| base.eq_ignore_ascii_case(GRPC))
}

fn expects_continue(parts: &Parts) -> bool {
    let expect = parts.headers.get(header::EXPECT);
    expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// What decisions are made from: the request as it came, and what its connection adds.
pub(super) fn input<'a>(
    client: &ClientConnection,
    parts: &'a Parts,
    host: &'a HeaderValue,
) -> Input<'a> {
    let trusted_hops = client.worker.settings.trusted_hops;
    let ip = client_address::address(client.peer, &parts.headers, trusted_hops);
    Input::Http(HttpRequest::new(parts, host.as_bytes(), ip))
}

/// The clock, read once a request.
pub(super) fn now() -> Second {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Second(since.map_or(0, |since| since.as_secs() as i64))
}

/// 128 random bits for the id of a new visitor.
pub(super) fn random_bits() -> u128 {
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

/// Strips what is for this hop only, and sets the framing of the next.
pub(super) fn strip(
    parts: &mut Parts,
    scan: &Scan,
    forged_fields: &ForgedFields,
    kind: &RequestKind,
    client: &ClientConnection,
) {
    let headers = &mut parts.headers;
    hop_by_hop::strip_request(headers, scan, forged_fields, kind.over_h2);
    if kind.version == Version::HTTP_2 && !kind.over_h2 {
        hop_by_hop::join_cookies(headers);
    }
    if kind.has_body && !scan.has_length() && !kind.over_h2 {
        // a body whose length is not known is sent in chunks
        let chunked = HeaderValue::from_static("chunked");
        hop_by_hop::set(headers, header::TRANSFER_ENCODING, chunked);
    }
    if kind.is_websocket {
        websocket::set_upgrade(headers);
    }
    if let Forwarded::Append = client.worker.settings.forwarded {
        forwarded::append(headers, client.peer, client.worker.settings.trusted_hops);
    }
}

/// A request that only has to be sent.
pub(super) struct PreparedRequest {
    pub(super) encoded: Encoded,
    pub(super) kind: RequestKind,
    /// due when the response is late
    pub(super) alarm: Rc<Alarm>,
    /// where there is a body
    pub(super) flow: Option<Rc<Flow>>,
    pub(super) expectation: Option<Rc<Expectation>>,
}

/// How a request is sent.
pub(super) enum Encoded {
    H1(EncodedRequest),
    /// none once it is sent
    H2(Option<Box<Request<ReplayBody>>>),
}

impl PreparedRequest {
    /// `lines` are our fields, where they are not in the map; a body comes with what it takes of the budget.
    pub(super) fn new(
        client: &ClientConnection,
        mut parts: Parts,
        (body, charge): (ClientBody, Option<Charge>),
        kind: RequestKind,
        in_force: &Arc<InForce>,
        lines: &[u8],
    ) -> PreparedRequest {
        let worker = &client.worker;
        let settings = &worker.settings;
        let alarm = match client.is_h2.get() {
            true => worker.clock.alarm(),
            false => client.alarm.clone(),
        };
        parts.version = Version::HTTP_11;
        parts.extensions.clear();
        let expectation = kind.expects_continue.then(Rc::<Expectation>::default);
        let new_flow = || Flow::new(&client.uploading, &alarm, settings.response_timeout);
        let flow = kind.has_body.then(new_flow);
        let body = flow.as_ref().map(|flow| {
            let trailers = match kind.is_grpc {
                true => Trailers::Filter(in_force.clone()),
                false => Trailers::Drop,
            };
            let held = expectation.clone();
            let held = held.map(|expectation| (expectation, settings.continue_timeout));
            RequestBody::new(body, flow.clone(), trailers, held, charge)
        });
        if body.is_none() {
            alarm.set(settings.response_timeout);
        }
        let encoded = match kind.over_h2 {
            true => {
                let body = ReplayBody::new(body, kind.is_grpc);
                Encoded::H2(Some(Box::new(Request::from_parts(parts, body))))
            }
            false => {
                let header_case = client.header_case.as_deref();
                let body = body.map(Box::new);
                let encoded = worker.h1.encode(&parts, body, lines, header_case);
                if !kind.has_repeats {
                    worker.h1.header_maps.put(parts.headers);
                }
                Encoded::H1(encoded)
            }
        };
        PreparedRequest {
            encoded,
            kind,
            alarm,
            flow,
            expectation,
        }
    }
}
