//! A response that no shared cache keeps: none may hand one id, or what a tester forced, to many (RFC 9111, 5.2.2).
//! In: the fields of a response. Out: `Cache-Control: private` with what else was said there, and no field that a CDN believes first.

use super::hop_by_hop;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What contradicts `private`, and what it replaces.
const SHARED: [&str; 4] = ["public", "s-maxage", "private", "proxy-revalidate"];

/// Fields that some caches believe before `Cache-Control`, besides all those that end with `-cache-control` (RFC 9213).
const BEFORE: [&str; 3] = ["surrogate-control", "edge-control", "x-accel-expires"];

#[cold]
#[inline(never)]
pub(super) fn make_private(headers: &mut HeaderMap) {
    let value = private(headers).and_then(|value| HeaderValue::from_bytes(&value).ok());
    // what cannot be read may have been a `no-store`
    let value = value.unwrap_or(HeaderValue::from_static("private, no-store"));
    hop_by_hop::set(headers, header::CACHE_CONTROL, value);
    let comes_first = |name: &&HeaderName| {
        let name = name.as_str();
        BEFORE.contains(&name) || name.ends_with("-cache-control")
    };
    let first = headers.keys().filter(comes_first).cloned();
    for name in first
        .filter(|name| *name != header::CACHE_CONTROL)
        .collect::<Vec<_>>()
    {
        headers.remove(name);
    }
}

/// None where a quote does not end.
fn private(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut value = b"private".to_vec();
    for line in headers.get_all(header::CACHE_CONTROL) {
        for directive in directives(line.as_bytes())? {
            let name = directive.split(|byte| *byte == b'=').next();
            let name = name.unwrap_or_default().trim_ascii();
            let is_shared = |shared: &&str| name.eq_ignore_ascii_case(shared.as_bytes());
            if !name.is_empty() && !SHARED.iter().any(is_shared) {
                value.extend_from_slice(b", ");
                value.extend_from_slice(directive);
            }
        }
    }
    Some(value)
}

/// Divided at the commas that are not quoted; none where a quote does not end.
fn directives(line: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = line.split(|byte| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match byte {
            _ if was_escaped => false,
            b'\\' => {
                is_escaped = is_quoted;
                false
            }
            b'"' => {
                is_quoted = !is_quoted;
                false
            }
            byte => *byte == b',' && !is_quoted,
        }
    });
    let parts: Vec<_> = parts.map(<[u8]>::trim_ascii).collect();
    (!is_quoted).then_some(parts)
}
