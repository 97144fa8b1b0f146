//! Who may ask the loopback API: this host, by a name that only this host has.
//! In: Host and Origin. Out: why not. A page of the web reaches loopback ports through its reader's browser, by a
//! cross-site request (it names its Origin) or by DNS rebinding (it names its own Host).

use http::{HeaderMap, Uri, header, uri::Authority};
use std::net::IpAddr;

/// Refuses what a browser was made to send.
pub(super) fn check(
    target: &Uri,
    headers: &HeaderMap,
    known: &[String],
) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (target.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => Some(authority.clone()),
        (None, Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        _ => None,
    };
    if !host.is_some_and(|host| is_ours(&host, known)) {
        return Err(
            "ask by a loopback address or `localhost`, or name your host with `--api-host`",
        );
    }
    let ours = |origin: &http::HeaderValue| {
        let origin = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.parse::<Uri>().ok());
        origin
            .and_then(|origin| origin.authority().cloned())
            .is_some_and(|origin| is_ours(&origin, known))
    };
    if !headers.get_all(header::ORIGIN).iter().all(ours) {
        return Err("not from a page of another site");
    }
    // an older form of the same question: a GET of another site's page has no Origin
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    let navigates = headers
        .get("sec-fetch-mode")
        .is_some_and(|mode| mode == "navigate");
    if site == Some(b"cross-site") && !navigates {
        return Err("not from a page of another site");
    }
    Ok(())
}

fn is_ours(authority: &Authority, known: &[String]) -> bool {
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host().trim_matches(['[', ']']);
    let loopback = host
        .parse::<IpAddr>()
        .is_ok_and(|ip| ip.to_canonical().is_loopback());
    loopback
        || host.eq_ignore_ascii_case("localhost")
        || known.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_fields(fields: &[(&'static str, &str)]) -> bool {
        let headers = fields
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        check(&Uri::from_static("/reload"), &map, &["burgee.test".into()]).is_ok()
    }

    #[test]
    fn only_this_host_may_ask() {
        for (fields, expected) in [
            (&[("host", "127.0.0.1:3526")][..], true),
            (&[("host", "localhost:9")], true),
            (&[("host", "LOCALHOST")], true),
            (&[("host", "[::1]:3526")], true),
            (&[("host", "burgee.test")], true),
            (&[], false),
            (&[("host", "evil.example")], false),
            (&[("host", "127.0.0.1.evil.example")], false),
            (&[("host", "localhost.evil.example")], false),
            (&[("host", "localhost@evil.example")], false),
            (&[("host", "10.0.0.1:3526")], false),
            (&[("host", "localhost"), ("host", "localhost")], false),
            (
                &[("host", "localhost"), ("origin", "http://localhost:3526")],
                true,
            ),
            (
                &[("host", "localhost"), ("origin", "https://evil.example")],
                false,
            ),
            (&[("host", "localhost"), ("origin", "null")], false),
            (
                &[("host", "localhost"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (
                &[
                    ("host", "localhost"),
                    ("sec-fetch-site", "cross-site"),
                    ("sec-fetch-mode", "navigate"),
                ],
                true,
            ),
            (
                &[("host", "localhost"), ("sec-fetch-site", "same-origin")],
                true,
            ),
        ] {
            assert_eq!(check_fields(fields), expected, "{fields:?}");
        }
    }
}
