//! Which host a request is for (RFC 9112, 3.2): exactly one, and valid. hyper checks none of this (hyper#3777).
//! In: the request as it came. Out: a request in origin form whose Host is the effective one, or a refusal.

use super::{
    failure::Failure,
    hop_by_hop::{self, Scan},
    settings::Upstream,
};
use http::{
    HeaderValue, Method, Uri, Version, header,
    request::Parts,
    uri::{Authority, PathAndQuery},
};

/// Checks target and Host, makes them agree, and returns the effective host.
pub(super) fn resolve(
    parts: &mut Parts,
    scan: &mut Scan,
    upstream: &Upstream,
) -> Result<HeaderValue, Failure> {
    if scan.hosts > 1 {
        return Err(Failure::Host);
    }
    let field = scan.host.take();
    if field
        .as_ref()
        .is_some_and(|host| !is_valid(host.as_bytes()))
    {
        return Err(Failure::Host);
    }
    if field.is_none() && parts.version == Version::HTTP_11 {
        return Err(Failure::Host);
    }
    check_target(parts)?;
    let host = match (parts.uri.authority(), field) {
        (None, Some(field)) => return Ok(field),
        // absolute-form and `:authority` win over Host
        (Some(authority), _) => of_authority(authority)?,
        (None, None) if parts.version == Version::HTTP_10 => {
            HeaderValue::from_str(upstream.authority()).map_err(|_| Failure::Host)?
        }
        (None, None) => return Err(Failure::Host),
    };
    hop_by_hop::set(&mut parts.headers, header::HOST, host.clone());
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Ok(host)
}

fn check_target(parts: &Parts) -> Result<(), Failure> {
    let path = parts.uri.path();
    let known = parts
        .uri
        .scheme_str()
        .is_none_or(|scheme| matches!(scheme, "http" | "https"));
    // an authority without a scheme is CONNECT's form of a target
    let whole = parts.uri.authority().is_none() || parts.uri.scheme().is_some();
    let rooted = path.starts_with('/') || path == "*" && parts.method == Method::OPTIONS;
    match known && whole && rooted {
        true => Ok(()),
        false => Err(Failure::Target),
    }
}

fn of_authority(authority: &Authority) -> Result<HeaderValue, Failure> {
    let text = authority.as_str();
    if !is_valid(text.as_bytes()) {
        return Err(Failure::Host);
    }
    HeaderValue::from_str(text).map_err(|_| Failure::Host)
}

/// `host [":" port]` of RFC 3986 (3.2.2), not empty, without userinfo.
pub(super) fn is_valid(host: &[u8]) -> bool {
    let plain = host.iter().position(|byte| !PLAIN[usize::from(*byte)]);
    let (name, rest) = host.split_at(plain.unwrap_or(host.len()));
    match rest.first() {
        None | Some(b':') => !name.is_empty() && is_port(rest),
        Some(_) => is_valid_and_odd(host),
    }
}

/// An address in brackets, or a name with escapes.
#[cold]
fn is_valid_and_odd(host: &[u8]) -> bool {
    let (name, port) = match host.first() {
        Some(b'[') => match host.iter().position(|byte| *byte == b']') {
            Some(end) => host.split_at(end + 1),
            None => return false,
        },
        _ => {
            let colon = host.iter().position(|byte| *byte == b':');
            host.split_at(colon.unwrap_or(host.len()))
        }
    };
    let is_name = match name {
        [] => false,
        [b'[', inside @ .., b']'] => is_ipv6(inside),
        _ => is_escaped_name(name),
    };
    is_name && is_port(port)
}

fn is_ipv6(inside: &[u8]) -> bool {
    std::str::from_utf8(inside).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

/// Unreserved and sub-delims; `%` with two hexadecimal digits.
fn is_escaped_name(name: &[u8]) -> bool {
    let mut rest = name;
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..] if PLAIN[usize::from(*byte)] => rest,
            _ => return false,
        };
    }
}

const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let others = b"-._~!$&'()*+,;=";
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut place = 0;
    while place < others.len() {
        plain[others[place] as usize] = true;
        place += 1;
    }
    plain
};

/// Nothing, `:` alone, or a number that is a port.
fn is_port(port: &[u8]) -> bool {
    match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            digits.iter().all(u8::is_ascii_digit)
                && digits
                    .iter()
                    .try_fold(0_u32, |port, digit| {
                        Some(port * 10 + u32::from(digit - b'0')).filter(|port| *port <= 65_535)
                    })
                    .is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in [
            "a",
            "shop.example",
            "shop_1.example:80",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "a:",
            "a%41",
            "xn--bcher-kva.example",
            "a:65535",
        ] {
            assert!(is_valid(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a/b",
            "u@a",
            "u:p@a",
            "a:80:80",
            "a:x",
            "a:65536",
            "a:99999999999",
            "[::1",
            "::1",
            "[a]",
            "[::1]x",
            "[::1]:x",
            "a%4",
            "a%zz",
            "a\"",
            "a#",
            "a?",
            "a\\b",
            "[v1.a]",
            "[fe80::1%25eth0]",
        ] {
            assert!(!is_valid(bad.as_bytes()), "{bad}");
        }
    }
}
