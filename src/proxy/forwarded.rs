//! What the hops before us say of themselves in X-Forwarded-For, X-Forwarded-Proto and Forwarded, and what we add.
//! In: those fields, and the client's address. Out: with `--forwarded append`, the hop before us as one more member. The fields
//! that came are passed on either way.

use super::hop_by_hop;
use crate::engine::client_address;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::net::IpAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Adds the peer to what came. Where only one kind came, the other is not begun: applications that know both believe
/// `Forwarded`, and half a chain would contradict the whole one.
pub(super) fn append(headers: &mut HeaderMap, peer: Option<IpAddr>, trusted_hops: usize) {
    let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
        return;
    };
    let has_x = headers
        .iter()
        .any(|(name, value)| name.as_str().starts_with("x-forwarded-") && !is_blank(value));
    let has_forwarded = members(headers, &header::FORWARDED).next().is_some();
    // of a hop that is not trusted we know only how it reached us
    let proto = match trusted_hops > 0 && client_address::is_https(headers) {
        true => "https",
        false => "http",
    };
    if has_x || !has_forwarded {
        add(headers, X_FORWARDED_FOR, &peer.to_string());
        if members(headers, &X_FORWARDED_PROTO).next().is_none() {
            hop_by_hop::set(headers, X_FORWARDED_PROTO, HeaderValue::from_static("http"));
        }
    }
    if has_forwarded || !has_x {
        let node = match peer {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("\"[{v6}]\""),
        };
        add(
            headers,
            header::FORWARDED,
            &format!("for={node};proto={proto}"),
        );
    }
}

/// All lines of a field become one, with one more member.
fn add(headers: &mut HeaderMap, name: HeaderName, member: &str) {
    let mut lines: Vec<&[u8]> = members(headers, &name).collect();
    lines.push(member.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&lines.join(&b", "[..])) {
        hop_by_hop::set(headers, name, value);
    }
}

/// The lines of a field that say something.
fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).iter();
    lines
        .filter(|line| !is_blank(line))
        .map(HeaderValue::as_bytes)
}

fn is_blank(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii().is_empty()
}
