//! What we add to the application's response, and the response where there is none.
//! In: a response, or a failure. Out: a response that says what only burgee knows: an id for a visitor, an override for a
//! tester's next click, whom a cache may show it to, and who must act where a request could not be passed on.

use super::{
    downstream::body::Body,
    failure::{Blame, Failure},
    private::make_private,
    worker::Worker,
};
use crate::{
    engine::{Decisions, Snapshot, anonymous},
    live::Phase,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// Sets and deletes the cookies of visitors and of overrides; and keeps what only one person may see from everybody else.
#[cold]
#[inline(never)]
pub(super) fn set_cookies(
    headers: &mut HeaderMap,
    snapshot: &Snapshot,
    decisions: &Decisions,
    is_https: bool,
) {
    let visitors = decisions.visitor.as_ref();
    let visitors = visitors.map(|changes| anonymous::set_cookies(snapshot, changes, is_https));
    let visitors = visitors.unwrap_or_default();
    let overrides = decisions.override_cookies.as_ref();
    if visitors.is_empty() && overrides.is_none() {
        return;
    }
    let overrides = overrides.map(|cookies| cookies.set_cookies(is_https));
    for cookie in visitors.into_iter().chain(overrides.into_iter().flatten()) {
        let _ = headers.try_append(header::SET_COOKIE, cookie);
    }
    make_private(headers);
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
