//! One exchange, from the head of a client's request to the head of its response. The functions stand in the order of
//! events.
//! In: a request of a client's connection. Out: a response whose body still streams; what was decided is counted.

use super::{
    budget::{self, Budget, Charge},
    client_body::ClientBody,
    downstream::{
        body::{ActiveRequest, Body},
        connection::ClientConnection,
    },
    exposure,
    failure::Failure,
    hop_by_hop::{self, Scan},
    host,
    informational::Informational,
    local,
    prepare::{self, Encoded, PreparedRequest, RequestKind},
    respond,
    settings::Settings,
    tunnel::Tunnel,
    upstream::{
        h1::RequestContext,
        h2_body::H2Body,
        response_body::{BodySource, ResponseBody},
    },
    websocket,
};
use crate::{
    engine::{Decisions, client_address},
    live::{InForce, Phase},
    telemetry::RequestEvent,
};
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version, header, request, response,
};
use http_body::Body as _;
use hyper::body::Incoming;
use std::{rc::Rc, sync::Arc, time::Instant};
use tower::BoxError;

/// Responds to one request. What need not wait is done at once, so that the future, which each request keeps room for until it
/// has its response, is small.
pub(super) fn exchange(
    client: &Rc<ClientConnection>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, BoxError>> + use<> {
    let begun = Instant::now();
    let mut active = ActiveRequest::new(client);
    let client = client.clone();
    let worker = &client.worker;
    let in_force = worker.snapshot.borrow_mut().load().clone();
    let spare = worker.spare_decisions.borrow_mut().pop();
    let mut decisions = spare.unwrap_or_default();
    decisions.remember_users = worker.telemetry.wants_users();
    decisions.remember_pairs = worker.telemetry.wants_pairs();
    let logged = worker.telemetry.request_line(&request);
    let version = request.version();
    let mut admitted = admit(&client, request, &in_force, &mut active, &mut decisions);
    async move {
        let (worker, snapshot) = (&client.worker, &in_force.snapshot);
        let mut reset = None;
        let (mut response, is_traffic) = match &mut admitted {
            Ok(Admitted::Local(response)) => (std::mem::take(response), false),
            Ok(Admitted::Forward(request, is_https)) => match send(&client, request).await {
                Ok((mut response, feature_report)) => {
                    let headers = response.headers_mut();
                    if decisions.touch_the_response() {
                        respond::set_cookies(headers, snapshot, &decisions, *is_https);
                        decisions.pair_new_visitor(snapshot);
                    }
                    if feature_report {
                        exposure::record(headers, &worker.telemetry, snapshot, &decisions, &logged);
                    }
                    if worker.settings.debug_response {
                        exposure::add_debug_fields(headers, snapshot, &decisions);
                    }
                    (response, true)
                }
                Err(failure) => {
                    reset = failure.reset().filter(|_| request.kind.is_grpc);
                    (respond::with_failure(failure, worker), true)
                }
            },
            Err(failure) => (respond::with_failure(*failure, worker), true),
        };
        fit(&mut response, &client, version);
        if is_traffic {
            if decisions.by_feature.is_empty() {
                // refused before anything was decided
                decisions.reset(snapshot);
            }
            worker.telemetry.record_request(&RequestEvent {
                request: &logged,
                status: response.status().as_u16(),
                duration: begun.elapsed(),
                snapshot,
                decisions: &decisions,
            });
        }
        // what was decided for this request is not counted for another
        decisions.by_feature.clear();
        worker.keep_decisions(decisions);
        if let Some(reason) = reset {
            // to gRPC, each reason is a status of its own
            return Err(h2::Error::from(reason).into());
        }
        response.body_mut().ends(active);
        Ok(response)
    }
}

/// What becomes of a request.
enum Admitted {
    /// burgee responds itself
    Local(Response<Body>),
    /// it goes to the application; whether somebody who gets a cookie came by https
    Forward(PreparedRequest, bool),
}

/// All that happens to a request before it is sent. The order matters: what a `Connection` line names is dropped before our
/// headers are written, or a client could name ours (Fabio, CVE-2025-48865).
fn admit(
    client: &ClientConnection,
    request: Request<Incoming>,
    in_force: &Arc<InForce>,
    active: &mut ActiveRequest,
    decisions: &mut Decisions,
) -> Result<Admitted, Failure> {
    let settings = &client.worker.settings;
    let (mut parts, body) = request.into_parts();
    let mut body = ClientBody::new(body, parts.version);
    if let Some(header_case) = &client.header_case {
        header_case.begin_request(!body.is_end_stream());
    }
    if parts.method == Method::CONNECT {
        return Err(Failure::Connect);
    }
    let mut scan = Scan::of(&parts.headers);
    let host = host::resolve(&mut parts, &mut scan, &settings.upstream)?;
    if is_health_check(&parts, settings) {
        return Ok(Admitted::Local(local::healthy()));
    }
    if scan.max_forwards
        && let Some(response) = local::last_hop(&mut parts)
    {
        return Ok(Admitted::Local(response));
    }
    hop_by_hop::check_coding(&parts.headers, &scan)?;
    let kind = RequestKind::of(&parts, &body, &scan, settings.protocol);
    let Some(charge) = charge(&kind, &body, &settings.budget, active) else {
        body.is_of_no_use();
        return Err(Failure::Memory);
    };
    let snapshot = &in_force.snapshot;

    let (input, now) = (prepare::input(client, &parts, &host), prepare::now());
    snapshot.decide(input, now, Some(&prepare::random_bits), decisions);
    // before we add a hop of our own, which says http
    let is_https = decisions.touch_the_response() && client_address::is_https(&parts.headers);
    prepare::strip(&mut parts, &scan, &snapshot.forged_fields, &kind, client);
    decisions.forged = snapshot.forged_fields.strip(&mut parts.headers);
    match kind.over_h2 {
        true => snapshot.write(&mut parts.headers, decisions),
        false => snapshot.write_lines(decisions),
    }

    let lines = &decisions.lines;
    let body = (body, charge);
    let request = PreparedRequest::new(client, parts, body, kind, in_force, lines);
    Ok(Admitted::Forward(request, is_https))
}

/// Charges what a request takes besides its connections: its body until that has been sent, which is returned, and a stream of
/// HTTP/2 until its response has. None where there is no memory for it.
fn charge(
    kind: &RequestKind,
    body: &ClientBody,
    budget: &Arc<Budget>,
    active: &mut ActiveRequest,
) -> Option<Option<Charge>> {
    let window = if kind.over_h2 { budget.window() } else { 0 };
    if kind.by_h2 && !active.takes(budget::STREAM + window) {
        return None;
    }
    if !kind.has_body {
        return Some(None);
    }
    match budget.body(body.size_hint().exact()) {
        0 => Some(None),
        bytes => budget.large(bytes).map(Some),
    }
}

/// Whether this is a health check of burgee itself.
fn is_health_check(parts: &request::Parts, settings: &Settings) -> bool {
    settings.health_path.as_deref() == Some(parts.uri.path())
        && matches!(parts.method, Method::GET | Method::HEAD)
}

/// Sends a request and waits for the head of its response. True where that reports which features were used.
async fn send(
    client: &ClientConnection,
    request: &mut PreparedRequest,
) -> Result<(Response<Body>, bool), Failure> {
    let (parts, source) = match &mut request.encoded {
        Encoded::H1(encoded) => {
            let takes_informational = request.kind.takes_informational();
            let context = RequestContext {
                is_head: request.kind.is_head,
                is_repeatable: request.kind.is_repeatable(),
                alarm: &request.alarm,
                informational: Informational {
                    queue: takes_informational.then_some(&client.informational),
                    alarm: &client.alarm,
                    expectation: request.expectation.take(),
                },
                header_case: client.header_case.as_deref(),
            };
            client.worker.h1.send(encoded, &context).await?
        }
        Encoded::H2(encoded) => {
            let encoded = encoded.take().ok_or(Failure::Terminated)?;
            let whose = std::ptr::from_ref(client).addr();
            let sent = client.worker.h2.send(*encoded, whose, &request.alarm);
            let (response, stream) = Box::pin(sent).await?;
            let (parts, body) = response.into_parts();
            let awaits_status = request.kind.is_grpc && !parts.headers.contains_key("grpc-status");
            let body = H2Body::new(body, stream, awaits_status);
            (parts, BodySource::H2(body))
        }
    };
    request.alarm.clear();
    if let Some(flow) = &request.flow {
        flow.response_began();
    }
    receive(client, request, parts, source)
}

/// The application's response, without what was for its hop only.
fn receive(
    client: &ClientConnection,
    request: &PreparedRequest,
    mut parts: response::Parts,
    source: BodySource,
) -> Result<(Response<Body>, bool), Failure> {
    parts.version = Version::HTTP_11;
    let headers = &mut parts.headers;
    let scan = Scan::of(headers);
    let is_upgrade = request.kind.is_websocket && websocket::is_upgrade(headers);
    hop_by_hop::strip_response(headers, &scan, parts.status, source.length())?;
    if parts.status == StatusCode::SWITCHING_PROTOCOLS {
        let (true, BodySource::H1(source)) = (is_upgrade, source) else {
            return Err(Failure::Upgrade);
        };
        websocket::set_upgrade(headers);
        *client.tunnel.borrow_mut() = Some(Tunnel::new(source.connection, source.rest));
        let response = Response::from_parts(parts, ResponseBody::Empty.into());
        return Ok((response, scan.feature_report));
    }
    let is_uploading = || {
        let flow = request.flow.as_ref();
        flow.is_some_and(|flow| !flow.has_ended())
    };
    if request.kind.expects_continue && is_uploading() {
        // the client may or may not send the body now: only the end of the connection settles it
        hop_by_hop::set(
            headers,
            header::CONNECTION,
            HeaderValue::from_static("close"),
        );
    }
    let body = source.into_body(&client.worker.h1.pool);
    Ok((
        Response::from_parts(parts, body.into()),
        scan.feature_report,
    ))
}

/// The last touch to every response: what this client, and this phase of our life, can take.
fn fit(response: &mut Response<Body>, client: &ClientConnection, version: Version) {
    if !client.is_flushed.get() {
        // the response before is still being written: hints that late are of no use
        client.informational.borrow_mut().clear();
    }
    if version == Version::HTTP_2 {
        return;
    }
    if version == Version::HTTP_10 {
        let length_known = response.body().size_hint().exact().is_some();
        client.ends_with_close.set(!length_known);
        if !length_known {
            // never chunked, so the end of the connection is the end of the body
            *response.version_mut() = Version::HTTP_10;
        }
    }
    if client.worker.phase.get() >= Phase::Draining && client.tunnel.borrow().is_none() {
        let close = HeaderValue::from_static("close");
        hop_by_hop::set(response.headers_mut(), header::CONNECTION, close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_waits_fits_its_block() {
        fn size<F>(_: fn(&Rc<ClientConnection>, Request<Incoming>) -> F) -> usize {
            size_of::<F>()
        }
        // the allocator's next block has 896 bytes; it takes seven to align
        assert!(size(exchange) <= 768 - 7, "{}", size(exchange));
    }
}
