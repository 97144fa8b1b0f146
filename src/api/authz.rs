//! Forward-auth: another proxy asks which headers to put on its request (Envoy's ext_authz, nginx's auth_request,
//! Traefik's forwardAuth, Caddy's forward_auth).
//! In: a request that describes the original one. Out: 200 with our headers, and the names of those that must not pass.

use crate::engine::{
    Decisions, Snapshot, client_address,
    request::{HttpRequest, Input},
    units::Second,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};
use std::{borrow::Cow, net::IpAddr};

/// Where the original request's line is read, and nowhere else: a client can send what its proxy does not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// the path behind `/authz`, the method and the host of the asking request
    Path,
    /// X-Forwarded-Method, -Host and -Uri
    XForwarded,
    /// X-Original-Method and -URL (or -URI)
    XOriginal,
}

/// Tells Envoy what to take off the client's request.
pub const REMOVE: HeaderName = HeaderName::from_static("x-envoy-auth-headers-to-remove");

/// The request line of the original request.
#[derive(Debug, PartialEq, Eq)]
pub struct OriginalRequest<'a> {
    method: Method,
    host: Cow<'a, str>,
    path: Cow<'a, str>,
    query: Option<Cow<'a, str>>,
}

/// Reads it from its one place, or says what is missing there.
pub fn original_request<'a>(from: From, parts: &'a Parts) -> Result<OriginalRequest<'a>, String> {
    let headers = &parts.headers;
    let own_host = || match parts.uri.authority() {
        Some(authority) => Ok(Some(authority.as_str())),
        None => one(headers, "host"),
    };
    let method = |name| match one(headers, name)? {
        None => Ok(parts.method.clone()),
        Some(text) => text
            .parse()
            .map_err(|_| format!("`{name}` is no method: {text}")),
    };
    let (method, host, target) = match from {
        From::Path => {
            let target = parts
                .uri
                .path_and_query()
                .map_or("", |target| target.as_str());
            let target = target.strip_prefix("/authz").unwrap_or(target);
            (parts.method.clone(), own_host()?, target)
        }
        From::XForwarded => {
            let target = one(headers, "x-forwarded-uri")?
                .ok_or("`--authz-from x-forwarded` needs X-Forwarded-Uri; see `--authz-from`")?;
            let host =
                one(headers, "x-forwarded-host")?.map_or_else(own_host, |host| Ok(Some(host)));
            (method("x-forwarded-method")?, host?, target)
        }
        From::XOriginal => {
            let uri = one(headers, "x-original-uri")?;
            let url = one(headers, "x-original-url")?
                .or(uri)
                .ok_or("`--authz-from x-original` needs X-Original-URL; see `--authz-from`")?;
            let (host, target) = match url.split_once("://") {
                Some((_, rest)) if !url.starts_with('/') => {
                    let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                    (Some(host), target)
                }
                _ => (own_host()?, url),
            };
            // one of them is a client's then
            if uri.is_some_and(|uri| uri != target) {
                return Err("X-Original-URL and X-Original-URI disagree".into());
            }
            (method("x-original-method")?, host, target)
        }
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.into())),
        None => (target, None),
    };
    Ok(OriginalRequest {
        method,
        host: host.unwrap_or_default().into(),
        path: if path.is_empty() { "/" } else { path }.into(),
        query,
    })
}

/// The one value of a field; two different ones would be a guess.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, String> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.any(|other| other != first) {
        return Err(format!("`{name}` came twice with different values"));
    }
    let text = std::str::from_utf8(first.as_bytes()).map(Some);
    text.map_err(|_| format!("`{name}` is not text"))
}

/// The headers for the original request, and the names of ours that it must not have.
pub fn headers(
    snapshot: &Snapshot,
    original: &OriginalRequest<'_>,
    fields: &HeaderMap,
    ip: Option<IpAddr>,
    now: Second,
) -> HeaderMap {
    let input = Input::Http(HttpRequest {
        headers: fields,
        method: &original.method,
        path: &original.path,
        query: original.query.as_deref(),
        host: original.host.as_bytes(),
        ip,
        said: None,
    });
    let mut decisions = Decisions::default();
    // no ids for visitors: not every proxy passes our Set-Cookie on, and then each request would get another id
    snapshot.decide(input, now, None, &mut decisions);
    let mut headers = HeaderMap::new();
    snapshot.write(&mut headers, &decisions);
    // a tester's link works with a proxy that passes Set-Cookie on, and without that it still forces this one request
    let cookies = decisions.override_cookies.iter();
    for cookie in cookies.flat_map(|all| all.set_cookies(client_address::is_https(fields))) {
        headers.append(header::SET_COOKIE, cookie);
    }
    let unset: Vec<&str> = ours(snapshot)
        .filter(|name| !headers.contains_key(*name))
        .map(HeaderName::as_str)
        .collect();
    if let (false, Ok(unset)) = (unset.is_empty(), HeaderValue::from_str(&unset.join(","))) {
        headers.insert(REMOVE, unset);
    }
    headers
}

/// Every header that the files can send.
fn ours(snapshot: &Snapshot) -> impl Iterator<Item = &HeaderName> {
    let features = snapshot.features().map(|(_, _, feature)| feature);
    features
        .flat_map(|feature| feature.header.iter().chain(&feature.value_header))
        .chain(&snapshot.combined)
        .chain(snapshot.revision_header.as_ref().map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        from: From,
        line: &str,
        fields: &[(&'static str, &str)],
        expected: Result<[&str; 4], &str>,
    ) {
        let (method, uri) = line.split_once(' ').unwrap();
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match (original_request(from, &parts), expected) {
            (Ok(found), Ok([method, host, path, query])) => {
                let query = (query != "-").then(|| query.into());
                let (method, host, path) = (method.parse().unwrap(), host.into(), path.into());
                assert_eq!(
                    found,
                    OriginalRequest {
                        method,
                        host,
                        path,
                        query
                    },
                    "{from:?} {line}"
                );
            }
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (found, expected) => panic!("{from:?} {line} {fields:?}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn the_described_request_is_read_from_one_place() {
        let lies = [
            ("host", "shop.example"),
            ("x-forwarded-method", "PUT"),
            ("x-forwarded-host", "f.example"),
            ("x-forwarded-uri", "/f?a=1"),
            ("x-original-method", "DELETE"),
            ("x-original-url", "https://o.example:8443/o?b=2"),
        ];
        let line = "POST /authz/p//x%2Fy?c=3";
        check(
            From::Path,
            line,
            &lies,
            Ok(["POST", "shop.example", "/p//x%2Fy", "c=3"]),
        );
        check(
            From::XForwarded,
            line,
            &lies,
            Ok(["PUT", "f.example", "/f", "a=1"]),
        );
        check(
            From::XOriginal,
            line,
            &lies,
            Ok(["DELETE", "o.example:8443", "/o", "b=2"]),
        );
    }

    #[test]
    fn what_a_proxy_leaves_out_is_that_of_its_own_request_and_a_guess_is_refused() {
        let host = ("host", "shop.example");
        for (from, line, fields, expected) in [
            (
                From::Path,
                "GET /authz",
                &[host][..],
                Ok(["GET", "shop.example", "/", "-"]),
            ),
            (
                From::Path,
                "GET /authz?a=1",
                &[host],
                Ok(["GET", "shop.example", "/", "a=1"]),
            ),
            (
                From::Path,
                "GET http://t.example/authz/x",
                &[host],
                Ok(["GET", "t.example", "/x", "-"]),
            ),
            (
                From::XForwarded,
                "GET /authz",
                &[host],
                Err("X-Forwarded-Uri"),
            ),
            (
                From::XForwarded,
                "GET /authz",
                &[host, ("x-forwarded-uri", "/x")],
                Ok(["GET", "shop.example", "/x", "-"]),
            ),
            (
                From::XForwarded,
                "GET /authz",
                &[("x-forwarded-uri", "/x"), ("x-forwarded-uri", "/y")],
                Err("twice"),
            ),
            (
                From::XForwarded,
                "GET /authz",
                &[("x-forwarded-uri", "/x"), ("x-forwarded-method", "A B")],
                Err("no method"),
            ),
            (
                From::XOriginal,
                "GET /authz",
                &[host],
                Err("X-Original-URL"),
            ),
            (
                From::XOriginal,
                "GET /authz",
                &[host, ("x-original-url", "/x?u=a://b")],
                Ok(["GET", "shop.example", "/x", "u=a://b"]),
            ),
            (
                From::XOriginal,
                "GET /authz",
                &[host, ("x-original-uri", "/x?a")],
                Ok(["GET", "shop.example", "/x", "a"]),
            ),
            (
                From::XOriginal,
                "GET /authz",
                &[
                    ("x-original-uri", "/b"),
                    ("x-original-url", "http://o.example/a/b"),
                ],
                Err("disagree"),
            ),
            (
                From::XOriginal,
                "GET /authz",
                &[host, ("x-original-url", "http://o.example?q")],
                Ok(["GET", "o.example", "/", "q"]),
            ),
        ] {
            check(from, line, fields, expected);
        }
    }
}
