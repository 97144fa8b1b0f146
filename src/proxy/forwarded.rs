//! `--forwarded append`: the hop before us, in the fields that tell the application of hops. They are passed on either way.
//! In: the client's address. Out: X-Forwarded-For, X-Forwarded-Proto and Forwarded with one more member.

use super::hop_by_hop;
use http::{HeaderName, HeaderValue, request::Parts};
use std::net::IpAddr;

/// What came stays, the peer is added.
pub(super) fn append(parts: &mut Parts, peer: Option<IpAddr>) {
    let Some(peer) = peer.map(|peer| peer.to_canonical()) else {
        return;
    };
    let node = match peer {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("\"[{v6}]\""),
    };
    let headers = &mut parts.headers;
    for (name, one) in [
        ("x-forwarded-for", peer.to_string()),
        ("forwarded", format!("for={node};proto=http")),
    ] {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_str(&one) {
            let _ = headers.try_append(name, value);
        }
    }
    let proto = HeaderName::from_static("x-forwarded-proto");
    if !headers.contains_key(&proto) {
        hop_by_hop::set(headers, proto, HeaderValue::from_static("http"));
    }
}
