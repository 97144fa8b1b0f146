//! What we add to the application's response, and the response where there is none.
//! In: a response, or a failure. Out: a response that says what only burgee knows: an id for a visitor, an override for a
//! tester's next click, whom a cache may show it to, and who must act where a request could not be passed on.

use super::{
    downstream::body::Body,
    failure::{Blame, Failure},
    hop_by_hop,
    worker::Worker,
};
use crate::{
    engine::{Decisions, Snapshot, anonymous, remember::OverrideCookies},
    live::Phase,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// Sets and deletes the cookies of visitors that the files ask for.
pub(super) fn set_visitor_cookies(
    headers: &mut HeaderMap,
    snapshot: &Snapshot,
    decisions: &Decisions,
    is_https: bool,
) {
    let changes = decisions.visitor.as_ref();
    let cookies = changes.map(|changes| anonymous::set_cookies(snapshot, changes, is_https));
    let cookies = cookies.unwrap_or_default();
    if cookies.is_empty() {
        return;
    }
    for cookie in cookies {
        let _ = headers.try_append(header::SET_COOKIE, cookie);
    }
    make_private(headers);
}

/// Keeps a tester's override, or clears it; and keeps what it forced from everybody else.
#[cold]
#[inline(never)]
pub(super) fn set_override_cookies(
    headers: &mut HeaderMap,
    cookies: &OverrideCookies,
    is_https: bool,
) {
    for cookie in cookies.set_cookies(is_https) {
        let _ = headers.try_append(header::SET_COOKIE, cookie);
    }
    make_private(headers);
}

/// No shared cache may hand one id, or what a tester forced, to many (RFC 9111, 5.2.2).
fn make_private(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CACHE_CONTROL).iter();
    let text: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let shared = ["public", "s-maxage", "private", "proxy-revalidate"];
    let kept = text.iter().flat_map(|line| line.split(',')).map(str::trim);
    let kept = kept.filter(|directive| {
        let name = directive.split('=').next().unwrap_or_default();
        !name.is_empty()
            && !shared
                .iter()
                .any(|shared| name.eq_ignore_ascii_case(shared))
    });
    let all: Vec<&str> = std::iter::once("private").chain(kept).collect();
    if let Ok(value) = HeaderValue::from_str(&all.join(", ")) {
        hop_by_hop::set(headers, header::CACHE_CONTROL, value);
    }
}

/// The one response to a request that cannot be passed on: logged, counted, and told.
pub(super) fn with_failure(failure: Failure, worker: &Worker) -> Response<Body> {
    let (mut status, proxy_status, blame, text) = failure.row();
    let error = failure.error();
    // while draining, an application that has gone is expected: try again elsewhere
    if failure.is_gone() && worker.phase.get() >= Phase::Draining {
        status = 503;
    }
    match blame {
        Blame::Client => tracing::debug!(status, error, blame = "client", "refused a request"),
        Blame::Application => {
            worker.telemetry.upstream_failure(error);
            tracing::warn!(status, error, blame = "application", "{}", text.trim_end());
        }
        Blame::Proxy => {
            worker.telemetry.refused(failure.limit());
            tracing::warn!(status, error, blame = "burgee", "{}", text.trim_end());
        }
    }
    let mut response = Response::new(Body::text(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert("proxy-status", HeaderValue::from_static(proxy_status));
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if status == 405 {
        headers.insert(
            header::ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE"),
        );
    }
    response
}
