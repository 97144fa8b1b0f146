//! What the engine is told besides the fields, and what we tell the application of the hop before us.
//! In: the connection, and what trusted hops have written. Out: host, address, time, random bits.

use super::{Conn, hop_by_hop};
use crate::engine::{
    client_address,
    request::{HttpRequest, Input},
    units::Second,
};
use http::{HeaderName, HeaderValue, request::Parts};
use std::{net::IpAddr, time::SystemTime};

/// What the engine is told besides the fields.
pub(super) struct Facts<'a> {
    host: &'a str,
    ip: Option<IpAddr>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(conn: &Conn, parts: &Parts, host: &'a HeaderValue) -> Facts<'a> {
        Facts {
            // valid, and so ASCII
            host: std::str::from_utf8(host.as_bytes()).unwrap_or_default(),
            ip: client_address::address(
                conn.peer,
                &parts.headers,
                conn.worker.settings.trusted_hops,
            ),
        }
    }

    /// What attributes are read from.
    pub(super) fn input(&self, parts: &'a Parts) -> Input<'a> {
        Input::Http(HttpRequest::new(parts, self.host, self.ip))
    }
}

/// The clock, read once a request.
pub(super) fn now() -> Second {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Second(since.map_or(0, |since| since.as_secs() as i64))
}

/// 128 random bits for the id of a visitor.
pub(super) fn random_bits() -> u128 {
    let mut bits = [0; 16];
    match getrandom::fill(&mut bits) {
        Ok(()) => u128::from_ne_bytes(bits),
        // no randomness at all is no reason to fail a request: hash keys are seeded at random once a process
        Err(_) => {
            use std::hash::{BuildHasher, RandomState};
            let half = || u128::from(RandomState::new().hash_one(SystemTime::now()));
            half() << 64 | half()
        }
    }
}

/// `--forwarded append`: what came stays, the peer is added.
pub(super) fn append_forwarded(parts: &mut Parts, peer: Option<IpAddr>) {
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
