//! Token, CORS and rate limit of `--evaluate-listen`, which other pods, browsers and proxies use.
//! In: a request. Out: a response of OFREP or forward-auth, or 401, 429, 404; nothing else is served there.

use super::{
    evaluate::{Evaluate, Route},
    ofrep,
};
use crate::http::server::{self, Response};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header, request::Parts,
};
use sha2::{Digest as _, Sha256};
use std::{
    error::Error,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The listener and what it serves.
#[derive(Debug)]
pub struct AccessControl {
    /// makes the responses
    pub evaluate: Evaluate,
    /// every request must have it, where there is one
    pub token: Option<Token>,
    /// whose pages may read the responses; `*` allows all
    pub origins: Vec<String>,
    /// how many requests a second
    pub rate: Option<Rate>,
}

/// The hash of a bearer token, so that the time of a comparison reveals nothing, and no log can show it.
#[derive(Debug)]
pub struct Token {
    hash: [u8; 32],
    /// opens the stream of events and nothing else: a browser's EventSource cannot send a token
    pub events_key: String,
}

/// Requests a second, with a second's worth of burst.
#[derive(Debug)]
pub struct Rate {
    each: Duration,
    /// when the bucket is full again
    full: Mutex<Option<Instant>>,
}

impl AccessControl {
    /// Responds to one request.
    pub async fn respond<B>(self: Arc<Self>, request: Request<B>) -> Response
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let Some(route) = Route::of(parts.uri.path()) else {
            return server::text(
                StatusCode::NOT_FOUND,
                "here are POST /ofrep/v1/evaluate/flags[/{key}] and GET /authz/*\n",
            );
        };
        if route == Route::Authz {
            // the described request's Origin and method are not those of the proxy that asks
            return match self.refusal(&parts, &route) {
                Some(refused) => refused,
                None => self.evaluate.respond(route, &parts, body).await,
            };
        }
        let origin = self.origin(&parts.headers);
        if parts.method == Method::OPTIONS {
            return preflight(origin);
        }
        let mut response = match self.refusal(&parts, &route) {
            Some(refused) => refused,
            None => self.evaluate.respond(route, &parts, body).await,
        };
        share(response.headers_mut(), origin);
        response
    }

    /// Without a token nothing is counted, so that a client without one cannot use up the rate of the others.
    fn refusal(&self, parts: &Parts, route: &Route<'_>) -> Option<Response> {
        let key = match route {
            Route::Single(_, key) => Some(&**key),
            _ => None,
        };
        let admitted = self.token.as_ref().is_none_or(|token| {
            token.is_in(&parts.headers)
                || (*route == Route::Events && self.evaluate.events.admits(parts))
        });
        if !admitted {
            let why =
                "send the token of --api-token-file as `Authorization: Bearer` or `X-API-Key`";
            let bearer = HeaderValue::from_static("Bearer");
            return Some(refused(401, key, why, (header::WWW_AUTHENTICATE, bearer)));
        }
        let wait = self.rate.as_ref()?.take(Instant::now()).err()?;
        let seconds = HeaderValue::from(wait.as_secs() + 1);
        let why = "too many requests for --api-rate";
        Some(refused(429, key, why, (header::RETRY_AFTER, seconds)))
    }

    /// The page's origin, if it may read the response.
    fn origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let is_listed = |origin: &&HeaderValue| {
            let known = |known: &String| known == "*" || known.as_bytes() == origin.as_bytes();
            self.origins.iter().any(known)
        };
        headers.get(header::ORIGIN).filter(is_listed)
    }
}

fn refused(
    status: u16,
    key: Option<&str>,
    why: &str,
    (name, value): (HeaderName, HeaderValue),
) -> Response {
    let (_, body) = ofrep::refusal(status, key, "GENERAL", why.to_owned());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = server::typed(status, "application/json", body);
    response.headers_mut().insert(name, value);
    response
}

/// A browser first asks what its page may send (Fetch, CORS-preflight).
fn preflight(origin: Option<&HeaderValue>) -> Response {
    if origin.is_none() {
        return server::text(
            StatusCode::FORBIDDEN,
            "this origin is not allowed; add it with `--api-cors`\n",
        );
    }
    let mut response = server::text(StatusCode::NO_CONTENT, "");
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, if-none-match, last-event-id, x-api-key",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    share(headers, origin);
    response
}

/// Lets the page read the response. Without an origin no page may read it.
fn share(headers: &mut HeaderMap, origin: Option<&HeaderValue>) {
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let exposed = HeaderValue::from_static("ETag, Retry-After");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

impl Token {
    /// The first line of the file: a Secret often ends with a line end.
    pub fn read(path: &Path) -> io::Result<Token> {
        let refuse =
            |why: &str| io::Error::other(format!("--api-token-file {}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| refuse(&error.to_string()))?;
        let line = text.lines().next().unwrap_or_default().trim();
        Token::new(line).ok_or_else(|| refuse("its first line has to be the token"))
    }

    /// None for an empty token.
    pub fn new(token: &str) -> Option<Token> {
        let events = Sha256::digest(format!("burgee events\n{token}"));
        (!token.is_empty()).then(|| Token {
            hash: Sha256::digest(token).into(),
            events_key: events[..16]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        })
    }

    /// As a bearer, or as OFREP's API key: under forward-auth `Authorization` is the described request's.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let bearers = headers.get_all(header::AUTHORIZATION).iter();
        let bearers = bearers.filter_map(|line| {
            let (scheme, token) = line.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
        });
        let keys = headers
            .get_all("x-api-key")
            .iter()
            .map(HeaderValue::as_bytes);
        bearers
            .chain(keys)
            .any(|token| <[u8; 32]>::from(Sha256::digest(token.trim_ascii())) == self.hash)
    }
}

impl Rate {
    /// At most so many a second.
    pub fn new(per_second: u32) -> Rate {
        Rate {
            each: Duration::from_secs(1) / per_second.max(1),
            full: Mutex::new(None),
        }
    }

    /// Takes one, or says how long to wait.
    fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let next = full.map_or(now, |full| full.max(now)) + self.each;
        let ahead = next.saturating_duration_since(now);
        match ahead.checked_sub(Duration::from_secs(1).max(self.each)) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full = Some(next);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_requests_and_no_more() {
        let start = Instant::now();
        for per_second in [1, 3, 1000] {
            let rate = Rate::new(per_second);
            let taken = |at: u64, tries: u32| {
                let now = start + Duration::from_millis(at);
                (0..tries).filter(|_| rate.take(now).is_ok()).count() as u32
            };
            assert_eq!(taken(0, 2 * per_second), per_second);
            assert_eq!(taken(1000, 2 * per_second), per_second);
            assert_eq!(taken(9000, 2 * per_second), per_second);
        }
        let rate = Rate::new(2);
        assert!(rate.take(start).is_ok() && rate.take(start).is_ok());
        assert_eq!(rate.take(start), Err(Duration::from_millis(500)));
    }

    #[test]
    fn only_the_token_itself_is_the_token() {
        let token = Token::new("s3cret").unwrap();
        for (name, value, expected) in [
            ("authorization", "Bearer s3cret", true),
            ("authorization", "bearer  s3cret", true),
            ("x-api-key", "s3cret", true),
            ("authorization", "s3cret", false),
            ("authorization", "Basic s3cret", false),
            ("authorization", "Bearer", false),
            ("authorization", "Bearer s3cre", false),
            ("x-api-key", "", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(token.is_in(&headers), expected, "{name}: {value}");
        }
        assert!(Token::new("").is_none());
    }
}
