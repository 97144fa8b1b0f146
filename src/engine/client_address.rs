//! Whose request this is, behind proxies, and how it came.
//! In: the TCP peer, what the hops before us say, and how many of them are trusted. Out: the client's address; whether it came by
//! https.

use http::{HeaderMap, HeaderName, header};
use std::net::IpAddr;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The peer, or the N-th X-Forwarded-For entry from the right: the hops that we trust have written that far.
pub fn address(peer: Option<IpAddr>, headers: &HeaderMap, trusted_hops: usize) -> Option<IpAddr> {
    let Some(nth) = trusted_hops.checked_sub(1) else {
        return peer;
    };
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let entry = lines
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        .nth(nth);
    entry.and_then(read).or(peer)
}

/// Whether the client came by https, as the hop before us says.
pub fn is_https(headers: &HeaderMap) -> bool {
    let says = |name: &HeaderName, what: fn(&str) -> bool| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .next_back()
            .is_some_and(what)
    };
    says(&X_FORWARDED_PROTO, |line| {
        let nearest = line.rsplit(',').next().unwrap_or_default();
        nearest.trim().eq_ignore_ascii_case("https")
    }) || says(&header::FORWARDED, |line| {
        let nearest = line.rsplit(',').next().unwrap_or_default();
        nearest.split(';').any(|pair| {
            let pair = pair.trim().split_once('=');
            pair.is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("proto")
                    && value.trim_matches('"').eq_ignore_ascii_case("https")
            })
        })
    })
}

/// With or without a port, brackets and a zone, as different proxies write it; an IPv4 address in IPv6 clothes is IPv4.
pub fn read(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let address = match entry.strip_prefix('[') {
        Some(rest) => {
            let (inside, behind) = rest.split_once(']')?;
            let port = behind.strip_prefix(':');
            (behind.is_empty() || port.is_some_and(is_port)).then_some(inside)?
        }
        // a second colon makes it IPv6, where a port needs brackets
        None => match entry.split_once(':') {
            Some((v4, port)) if is_port(port) && v4.contains('.') => v4,
            _ => entry,
        },
    };
    let address = address
        .split_once('%')
        .map_or(address, |(address, _)| address);
    Some(address.parse::<IpAddr>().ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_say_who_the_client_is() {
        let peer = || "192.0.2.9".parse().ok();
        for (lines, hops, expected) in [
            (&["198.51.100.7"][..], 0, "192.0.2.9"),
            (&["198.51.100.7"], 1, "198.51.100.7"),
            (&["203.0.113.1, 198.51.100.7"], 1, "198.51.100.7"),
            (&["203.0.113.1, 198.51.100.7"], 2, "203.0.113.1"),
            (&["203.0.113.1", "198.51.100.7"], 2, "203.0.113.1"),
            (&["198.51.100.7:4711"], 1, "198.51.100.7"),
            (&["[2001:db8::1]:4711"], 1, "2001:db8::1"),
            (&["[2001:db8::1]"], 1, "2001:db8::1"),
            (&["2001:db8::1"], 1, "2001:db8::1"),
            (&["198.51.100.7"], 2, "192.0.2.9"),
            (&["[fe80::1%eth0]:443"], 1, "fe80::1"),
            (&["fe80::1%eth0"], 1, "fe80::1"),
            (&["::ffff:198.51.100.7"], 1, "198.51.100.7"),
            (&["[2001:db8::1]x"], 1, "192.0.2.9"),
            (&["198.51.100.7:"], 1, "192.0.2.9"),
            (&["unknown"], 1, "192.0.2.9"),
            (&[], 1, "192.0.2.9"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let found = address(peer(), &headers, hops).unwrap().to_string();
            assert_eq!(found, expected, "{lines:?} {hops}");
        }
    }
}
