//! What is answered here and never reaches the application.
//! In: a request that is settled. Out: an answer, or none.

use super::{
    failure::Failure,
    hop_by_hop::{self, Seen},
    settings::Settings,
    upstream::request_body::Answer,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, header, request::Parts};

/// `/health`, CONNECT, and what `Max-Forwards: 0` ends here (RFC 9110, 7.6.2).
pub(super) fn answer(
    parts: &mut Parts,
    seen: &Seen,
    settings: &Settings,
) -> Result<Option<Response<Answer>>, Failure> {
    if settings.health_path.as_deref() == Some(parts.uri.path()) {
        match parts.method {
            Method::GET | Method::HEAD => return Ok(Some(text("ok\n"))),
            _ => {}
        }
    }
    if seen.max_forwards && matches!(parts.method, Method::TRACE | Method::OPTIONS) {
        return Ok(last_hop(parts));
    }
    Ok(None)
}

fn last_hop(parts: &mut Parts) -> Option<Response<Answer>> {
    let field = parts.headers.get(header::MAX_FORWARDS)?;
    // what is no number is the application's to judge
    let hops: u32 = field.to_str().ok()?.trim().parse().ok()?;
    if let Some(fewer) = hops.checked_sub(1) {
        hop_by_hop::set(&mut parts.headers, header::MAX_FORWARDS, fewer.into());
        return None;
    }
    if parts.method == Method::OPTIONS {
        let mut response = Response::new(Answer::empty());
        let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, TRACE");
        response.headers_mut().insert(header::ALLOW, allow);
        return Some(response);
    }
    let mut response = Response::new(Answer::owned(trace(parts)));
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

fn text(text: &'static str) -> Response<Answer> {
    let mut response = Response::new(Answer::text(text));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
