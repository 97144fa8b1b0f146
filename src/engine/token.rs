//! The claims of a bearer token.
//! In: the fields of a request. Out: JSON, *not verified*: the proxy in front of burgee has to do that.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use serde_json::Value;

/// The claims, where there is exactly one token.
pub(super) fn claims(headers: &HeaderMap) -> Option<Value> {
    let mut tokens = headers.get_all(header::AUTHORIZATION).iter();
    let line = tokens
        .next()
        .filter(|_| tokens.next().is_none())?
        .as_bytes();
    let (scheme, token) = line.split_at_checked(7)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return None;
    }
    let payload = token.trim_ascii().split(|byte| *byte == b'.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_ascii()).ok()?).ok()
}

/// A claim by its name, else by a dotted path.
pub(super) fn claim<'c>(claims: &'c Value, claim: &str) -> Option<&'c Value> {
    let path = || {
        let mut parts = claim.split('.');
        parts.try_fold(claims, |value, part| value.get(part))
    };
    claims.get(claim).or_else(path)
}
