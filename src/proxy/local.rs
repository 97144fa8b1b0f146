//! Requests that never reach the application: the health check, and what `Max-Forwards: 0` ends here (RFC 9110, 7.6.2).
//! In: such a request. Out: our response; or none where the application decides after all.

use super::{downstream::body::Body, hop_by_hop};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, header, request::Parts};

/// The response to a health check.
pub(super) fn healthy() -> Response<Body> {
    let mut response = Response::new(Body::text("ok\n"));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Counts `Max-Forwards` down; responds where this is the last hop.
pub(super) fn last_hop(parts: &mut Parts) -> Option<Response<Body>> {
    if !matches!(parts.method, Method::TRACE | Method::OPTIONS) {
        return None;
    }
    let field = parts.headers.get(header::MAX_FORWARDS)?;
    // what is no number is the application's to judge
    let hops: u32 = field.to_str().ok()?.trim().parse().ok()?;
    if let Some(fewer) = hops.checked_sub(1) {
        hop_by_hop::set(&mut parts.headers, header::MAX_FORWARDS, fewer.into());
        return None;
    }
    if parts.method == Method::OPTIONS {
        let mut response = Response::new(Body::default());
        let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE");
        response.headers_mut().insert(header::ALLOW, allow);
        return Some(response);
    }
    let mut response = Response::new(Body::from(trace(parts)));
    let kind = HeaderValue::from_static("message/http");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Some(response)
}

/// The request as it came, without what is likely to be secret (RFC 9110, 9.3.8).
fn trace(parts: &Parts) -> Bytes {
    let mut echo = format!("TRACE {} HTTP/1.1\r\n", parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        if matches!(
            *name,
            header::HOST | header::MAX_FORWARDS | header::USER_AGENT
        ) {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                echo.extend_from_slice(part);
            }
        }
    }
    echo.extend_from_slice(b"\r\n");
    echo.into()
}
