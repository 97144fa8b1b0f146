//! OFREP and forward-auth, the same on every listener that has them.
//! In: a request. Out: a response, or nothing where the path is not one of these.

use super::{authz, events, events::Events, ofrep, ofrep::FlagSet};
use crate::{
    engine::{client_address, request::EvaluationContext, source, units::Second},
    http::server::{self, Response},
    live::Reader,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::{borrow::Cow, error::Error, time::Duration};

/// A context with a thousand attributes is 64 KiB.
const LONGEST: usize = 256 * 1024;
/// How long a body may take: a slow one keeps other requests waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// What responses are made from.
#[derive(Debug)]
pub struct Evaluate {
    /// what is in force
    pub reader: Reader,
    /// wall-clock seconds
    pub clock: fn() -> Second,
    /// where forward-auth finds the original request
    pub authz_from: authz::From,
    /// the N-th X-Forwarded-For entry from the right is the client
    pub trusted_hops: usize,
    /// streams reloads to clients
    pub events: Events,
}

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// one flag
    Single(Option<Cow<'a, str>>, Cow<'a, str>),
    /// every flag
    Bulk(Option<Cow<'a, str>>),
    /// the stream of events
    Events,
    /// forward-auth
    Authz,
}

impl<'a> Route<'a> {
    /// None where the path belongs to somebody else.
    pub fn of(path: &'a str) -> Option<Route<'a>> {
        if path == "/authz" || path.starts_with("/authz/") {
            return Some(Route::Authz);
        }
        if path == events::PATH {
            return Some(Route::Events);
        }
        let (namespace, path) = match path.strip_prefix("/ns/") {
            Some(rest) => {
                let (namespace, path) = rest.split_at(rest.find('/')?);
                (Some(text(namespace)), path)
            }
            None => (None, path),
        };
        match path.strip_prefix("/ofrep/v1/evaluate/flags")? {
            "" | "/" => Some(Route::Bulk(namespace)),
            key => Some(Route::Single(namespace, text(key.strip_prefix('/')?))),
        }
    }
}

/// Clients percent-encode keys.
fn text(part: &str) -> Cow<'_, str> {
    match source::percent_decoded(part) {
        Cow::Borrowed(_) => Cow::Borrowed(part),
        Cow::Owned(decoded) => Cow::Owned(String::from_utf8_lossy(&decoded).into_owned()),
    }
}

impl Evaluate {
    /// Responds to one request.
    pub async fn respond<B>(&self, route: Route<'_>, parts: &Parts, body: B) -> Response
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (namespace, key) = match &route {
            Route::Authz => return self.authz(parts),
            Route::Events if parts.method == Method::GET => {
                return self.events.stream(parts, &self.reader);
            }
            Route::Events => return not_allowed("GET"),
            Route::Bulk(namespace) => (namespace.as_deref(), None),
            Route::Single(namespace, key) => (namespace.as_deref(), Some(&**key)),
        };
        if parts.method != Method::POST {
            return not_allowed("POST");
        }
        let body = match read(&parts.headers, body, key).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let context = match ofrep::context(&body, key) {
            Ok(context) => context,
            Err(refused) => return json(refused),
        };
        self.evaluate(namespace, key, &context, &parts.headers)
    }

    fn evaluate(
        &self,
        namespace: Option<&str>,
        key: Option<&str>,
        context: &EvaluationContext,
        headers: &HeaderMap,
    ) -> Response {
        let in_force = self.reader.get();
        let (snapshot, now) = (&*in_force.snapshot, (self.clock)());
        if !in_force.loaded {
            let why = "no toggles file has been good yet; the application's defaults are in force";
            return json(ofrep::refusal(500, key, "GENERAL", why.into()));
        }
        let flag_set = match namespace {
            None => FlagSet::All,
            Some(namespace) if ofrep::knows(snapshot, namespace) => FlagSet::Namespace(namespace),
            Some(namespace) => {
                let why = format!("there is no namespace `{namespace}` in force");
                return json(ofrep::refusal(404, key, "FLAG_NOT_FOUND", why));
            }
        };
        if let Some(key) = key {
            return json(ofrep::single(snapshot, flag_set, key, context, now));
        }
        let streams = vec![self.events.entry(&snapshot.version())];
        let (tag, body) = ofrep::bulk(snapshot, flag_set, context, now, streams);
        let mut response = if is_known(headers, &tag) {
            let mut unchanged = server::text(StatusCode::NOT_MODIFIED, "");
            unchanged.headers_mut().remove(header::CONTENT_TYPE);
            unchanged
        } else {
            json((200, body))
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        // the one response that a client may keep, if it revalidates it
        let again = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, again);
        response
    }

    /// Always 200, whatever the files say: the application is reached.
    fn authz(&self, parts: &Parts) -> Response {
        let original = match authz::original_request(self.authz_from, parts) {
            Ok(original) => original,
            Err(why) => return server::text(StatusCode::BAD_REQUEST, format!("{why}\n")),
        };
        let peer = parts.extensions.get::<server::PeerIp>().map(|peer| peer.0);
        let ip = client_address::address(peer, &parts.headers, self.trusted_hops);
        let in_force = self.reader.get();
        let (snapshot, now) = (&in_force.snapshot, (self.clock)());
        let headers = authz::headers(snapshot, &original, &parts.headers, ip, now);
        let mut response = server::text(StatusCode::OK, "");
        response.headers_mut().extend(headers);
        response
    }
}

/// The whole body, unless it is too long: then none of it is read, or no more than the limit.
async fn read<B>(headers: &HeaderMap, body: B, key: Option<&str>) -> Result<Bytes, Response>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let refuse = |status, code, why: &str| {
        let mut refused = json(ofrep::refusal(status, key, code, why.to_owned()));
        // what is left of the body is nobody's next request
        let close = HeaderValue::from_static("close");
        refused.headers_mut().insert(header::CONNECTION, close);
        refused
    };
    let too_long = format!("a body of more than {} KiB is not read", LONGEST / 1024);
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > LONGEST) {
        return Err(refuse(413, "GENERAL", &too_long));
    }
    match tokio::time::timeout(PATIENCE, Limited::new(body, LONGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(refuse(413, "GENERAL", &too_long)),
        Ok(Err(_)) => Err(refuse(400, "PARSE_ERROR", "the body ended before its end")),
        Err(_) => Err(refuse(408, "GENERAL", "the body did not come")),
    }
}

/// `If-None-Match`: a list, or `*`; a proxy that compresses makes our tag a weak one (RFC 9110 8.8.3.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|known| known.trim());
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn json((status, body): ofrep::StatusAndBody) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    server::typed(status, "application/json", body)
}

fn not_allowed(allow: &'static str) -> Response {
    let why = format!("use {allow} for this path");
    let mut response = json(ofrep::refusal(405, None, "GENERAL", why));
    let allow = HeaderValue::from_static(allow);
    response.headers_mut().insert(header::ALLOW, allow);
    response
}
