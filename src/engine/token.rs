//! The claims of a bearer token.
//! In: the fields of a request. Out: JSON, *not verified*: the proxy in front of burgee has to do that.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use std::borrow::Cow;

/// The claims, where there is exactly one token.
pub(super) fn claims(headers: &HeaderMap) -> Option<serde_json::Value> {
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

/// A claim by its name, else by a dotted path; a list only where the attribute is split.
pub(super) fn text_of<'a>(
    claims: &serde_json::Value,
    claim: &str,
    split: Option<&str>,
) -> Option<Cow<'a, [u8]>> {
    let whole = claims.get(claim);
    let found = whole.or_else(|| {
        claim
            .split('.')
            .try_fold(claims, |value, part| value.get(part))
    })?;
    let scalar = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    let text = match (found, split) {
        (serde_json::Value::Array(items), Some(by)) => {
            items.iter().filter_map(scalar).collect::<Vec<_>>().join(by)
        }
        (value, _) => scalar(value)?,
    };
    Some(Cow::Owned(text.into_bytes()))
}
