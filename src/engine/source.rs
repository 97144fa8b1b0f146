//! Where an attribute comes from, one place of the request each.
//! In: the request as it came. Out: the exact bytes, absence, or a conflict.

use super::{given::Given, request::HttpRequest, token, visitor::VisitorId};
use http::{HeaderMap, HeaderName, header};
use std::{borrow::Cow, fmt};

/// One place of a request, or of the process, that an attribute can come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `header.X`
    Header(HeaderName),
    /// `cookie.X`; the name is case-sensitive
    Cookie(Box<str>),
    /// the cookie that `anonymous` gives out: the first of its name that is an id
    Visitor(Box<str>),
    /// `query.X`
    Query(Box<str>),
    /// `jwt.CLAIM`, read from the bearer token and *not verified*
    Jwt(Box<str>),
    /// `env.VAR` and what it held when the file was loaded
    Env(Box<str>, Option<Box<str>>),
    /// the raw path, without the query
    Path,
    /// as it came
    Method,
    /// lower case, without the port
    Host,
    /// the TCP peer, or an entry of X-Forwarded-For
    Ip,
}

/// A header that came twice with different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

impl Source {
    /// Reads this source; blank counts as absent. `split` joins a header that came more than once.
    pub fn read<'a>(
        &'a self,
        http: HttpRequest<'a>,
        split: Option<&str>,
    ) -> Result<Option<Given<'a>>, Conflict> {
        let found = match self {
            Source::Header(name) => header(http.headers, name, split)?,
            Source::Cookie(name) => cookie(http.headers, name).map(Cow::Borrowed),
            // not the first of the name: a subdomain may set another, for a longer path, which comes before ours
            Source::Visitor(name) => {
                find_cookie(http.headers, name, VisitorId::is_valid).map(Cow::Borrowed)
            }
            Source::Query(name) => http.query.and_then(|query| parameter(query, name)),
            Source::Jwt(claim) => {
                let claims = token::claims(http.headers);
                let claim = claims
                    .as_ref()
                    .and_then(|claims| token::claim(claims, claim));
                return Ok(claim
                    .and_then(Given::json)
                    .and_then(|given| given.map(|text| text)));
            }
            Source::Env(_, value) => value.as_deref().map(|text| Cow::Borrowed(text.as_bytes())),
            Source::Path => Some(Cow::Borrowed(http.path.as_bytes())),
            Source::Method => Some(Cow::Borrowed(http.method.as_str().as_bytes())),
            Source::Host => Some(host(http.host)),
            Source::Ip => http
                .ip
                .map(|ip| Cow::Owned(ip.to_canonical().to_string().into_bytes())),
        };
        let found = found.filter(|bytes| !bytes.trim_ascii().is_empty());
        Ok(found.map(Given::Text))
    }

    /// Whether what it has is percent-decoded already.
    pub fn is_decoded(&self) -> bool {
        matches!(self, Source::Query(_))
    }

    /// What `env.VAR` held, where there is no request.
    pub fn environment(&self) -> Option<&str> {
        match self {
            Source::Env(_, value) => value.as_deref().filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }

    /// The header that this source trusts, if it is one.
    pub fn header(&self) -> Option<&HeaderName> {
        match self {
            Source::Header(name) => Some(name),
            _ => None,
        }
    }
}

/// As the file writes it, which is also the label of a metric.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Header(name) => write!(f, "header.{name}"),
            Source::Cookie(name) => write!(f, "cookie.{name}"),
            Source::Visitor(_) => f.write_str("anonymous"),
            Source::Query(name) => write!(f, "query.{name}"),
            Source::Jwt(claim) => write!(f, "jwt.{claim}"),
            Source::Env(name, _) => write!(f, "env.{name}"),
            Source::Path => f.write_str("path"),
            Source::Method => f.write_str("method"),
            Source::Host => f.write_str("host"),
            Source::Ip => f.write_str("ip"),
        }
    }
}

fn header<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    split: Option<&str>,
) -> Result<Option<Cow<'a, [u8]>>, Conflict> {
    // HTTP/2 may bring blanks around a value, which HTTP/1.1 takes off: the same user either way
    let lines = headers.get_all(name).iter();
    let mut values = lines.map(|value| value.as_bytes().trim_ascii());
    let Some(first) = values.next() else {
        return Ok(None);
    };
    let mut joined = Cow::Borrowed(first);
    for value in values {
        match split {
            Some(by) => {
                joined.to_mut().extend_from_slice(by.as_bytes());
                joined.to_mut().extend_from_slice(value);
            }
            None if value == first => {}
            None => return Err(Conflict),
        }
    }
    Ok(Some(joined))
}

/// The first cookie of this name.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    find_cookie(headers, name, |_| true)
}

/// The first cookie of this name with such a value: split on `;` only, no decoding (RFC 6265 is read as browsers write it).
fn find_cookie<'a>(
    headers: &'a HeaderMap,
    name: &str,
    is_meant: impl Fn(&[u8]) -> bool,
) -> Option<&'a [u8]> {
    for line in headers.get_all(header::COOKIE) {
        let mut rest = Some(line.as_bytes());
        while let Some(line) = rest {
            let end = memchr::memchr(b';', line);
            let pair = end.map_or(line, |end| &line[..end]).trim_ascii_start();
            rest = end.map(|end| &line[end + 1..]);
            if let Some(value) = pair
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="))
                .map(<[u8]>::trim_ascii_end)
                && is_meant(value)
            {
                return Some(value);
            }
        }
    }
    None
}

/// The first parameter of this name, percent-decoded once.
fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, [u8]>> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (*percent_decoded(key) == *name.as_bytes()).then(|| percent_decoded(value))
    })
}

/// `%2F` as the byte that it is; a percent sign that starts nothing is itself.
pub fn percent_decoded<T: AsRef<[u8]> + ?Sized>(text: &T) -> Cow<'_, [u8]> {
    let bytes = text.as_ref();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    let hex = |at: usize| {
        bytes
            .get(at)
            .and_then(|digit| char::from(*digit).to_digit(16))
    };
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(decoded)
}

/// A path as browsers send it: whatever is not ASCII is percent-encoded.
pub fn as_browsers_send(path: &str) -> String {
    let mut sent = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter.is_ascii() {
            true => sent.push(letter),
            false => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    sent.push_str(&format!("%{byte:02X}"));
                }
            }
        }
    }
    sent
}

fn host(host: &[u8]) -> Cow<'_, [u8]> {
    // an IPv6 literal keeps its brackets; the port is what follows the last colon behind them
    let colon = host.iter().rposition(|byte| matches!(byte, b':' | b']'));
    let colon = colon.filter(|at| host[*at] == b':');
    let name = &host[..colon.unwrap_or(host.len())];
    match name.iter().any(u8::is_ascii_uppercase) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}
