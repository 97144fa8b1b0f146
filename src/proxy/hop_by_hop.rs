//! What a message says about this hop only, and must not reach the next one (RFC 9110, 7.6.1).
//! In: the fields of a request or a response. Out: the same without hop-by-hop fields; the framing is the next hop's.

use super::failure::Failure;
use crate::engine::forged_fields::ForgedFields;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, Entry},
};
use smallvec::SmallVec;

const KEEP_ALIVE: &str = "keep-alive";
const PROXY_CONNECTION: &str = "proxy-connection";
const HTTP2_SETTINGS: &str = "http2-settings";

/// What one look at all names has found, so that nothing is looked up in vain.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// how many Host lines
    pub(super) hosts: usize,
    /// the first of them
    pub(super) host: Option<HeaderValue>,
    pub(super) connection: bool,
    pub(super) expect: bool,
    pub(super) max_forwards: bool,
    length: bool,
    /// the length is said more than once, or is no plain number
    odd_length: bool,
    te: bool,
    trailer: bool,
    coding: bool,
    pub(super) upgrade: bool,
    /// the application reports which features it used, or which goals were reached
    pub(super) feature_report: bool,
    /// Keep-Alive, Proxy-Connection, HTTP2-Settings
    others: bool,
}

impl Scan {
    pub(super) fn of(headers: &HeaderMap) -> Scan {
        let mut scan = Scan::default();
        for (name, value) in headers {
            scan.note(name, value);
        }
        scan
    }

    /// By length first: most names are told apart there, and the others are compared as a few integers.
    #[inline]
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        let name = name.as_str();
        match name.len() {
            2 => self.te |= name == "te",
            4 if name == "host" => {
                self.hosts += 1;
                self.host.get_or_insert_with(|| value.clone());
            }
            6 => self.expect |= name == "expect",
            7 => {
                self.upgrade |= name == "upgrade";
                self.trailer |= name == "trailer";
            }
            10 => {
                self.connection |= name == "connection";
                self.others |= name == KEEP_ALIVE;
            }
            12 => self.max_forwards |= name == "max-forwards",
            14 if name == "content-length" => {
                self.odd_length |= self.length || !is_number(value.as_bytes());
                self.length = true;
            }
            14 => {
                self.others |= name == HTTP2_SETTINGS;
                self.feature_report |= name == "x-feature-used" || name == "x-feature-goal";
            }
            16 => self.others |= name == PROXY_CONNECTION,
            17 => self.coding |= name == "transfer-encoding",
            _ => {}
        }
    }

    /// Whether there is a Content-Length.
    pub(super) fn has_length(&self) -> bool {
        self.length
    }
}

/// hyper decodes whatever ends in `chunked`; anything but `chunked` alone would lose a coding on the way.
pub(super) fn check_coding(headers: &HeaderMap, scan: &Scan) -> Result<(), Failure> {
    if !scan.coding {
        return Ok(());
    }
    let mut lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    let only = lines.next().filter(|_| lines.next().is_none());
    let is_chunked = |line: &HeaderValue| {
        line.as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    };
    match only.is_some_and(is_chunked) {
        true => Ok(()),
        false => Err(Failure::Coding),
    }
}

/// Strips a request. Stays: what we trust for identity, and what a later hop must not lose.
pub(super) fn strip_request(
    headers: &mut HeaderMap,
    scan: &Scan,
    forged_fields: &ForgedFields,
    http2: bool,
) {
    let trailers = scan.te && names(headers, header::TE, "trailers");
    if scan.connection {
        strip_nominated(headers, |name| {
            forged_fields.is_trusted(name) || is_protected(name)
        });
    }
    strip_common(headers, scan);
    if scan.trailer {
        headers.remove(header::TRAILER);
    }
    if trailers {
        let te = HeaderValue::from_static("trailers");
        set(headers, header::TE, te);
        if !http2 {
            set(headers, header::CONNECTION, HeaderValue::from_static("te"));
        }
    }
}

/// Strips a response; fails where its framing cannot be passed on.
pub(super) fn strip_response(
    headers: &mut HeaderMap,
    scan: &Scan,
    status: StatusCode,
    exact: Option<u64>,
) -> Result<(), Failure> {
    check_coding(headers, scan).map_err(|_| Failure::ResponseCoding)?;
    if scan.coding {
        // the coding decided where the body ends; a length beside it would cut it short
        headers.remove(header::CONTENT_LENGTH);
    } else if scan.odd_length {
        normalise_length(headers, exact);
    }
    // RFC 9110, 15.5.22: a 426 has to say to what
    let upgrade = match (status, scan.upgrade) {
        (StatusCode::UPGRADE_REQUIRED, true) => headers.remove(header::UPGRADE),
        _ => None,
    };
    if scan.connection {
        strip_nominated(headers, |name| {
            *name == header::CONTENT_LENGTH || *name == header::SET_COOKIE
        });
    }
    strip_common(headers, scan);
    if let Some(protocol) = upgrade {
        set(headers, header::UPGRADE, protocol);
        set(
            headers,
            header::CONNECTION,
            HeaderValue::from_static("upgrade"),
        );
    }
    Ok(())
}

fn strip_common(headers: &mut HeaderMap, scan: &Scan) {
    if scan.te {
        headers.remove(header::TE);
    }
    if scan.coding {
        headers.remove(header::TRANSFER_ENCODING);
    }
    if scan.upgrade {
        headers.remove(header::UPGRADE);
    }
    if scan.others {
        for name in [KEEP_ALIVE, PROXY_CONNECTION, HTTP2_SETTINGS] {
            headers.remove(name);
        }
    }
}

/// Applies every `Connection` line, not only the first, and drops them.
fn strip_nominated(headers: &mut HeaderMap, keep: impl Fn(&HeaderName) -> bool) {
    let mut nominated: SmallVec<[HeaderName; 4]> = SmallVec::new();
    for line in headers.get_all(header::CONNECTION) {
        for option in line.as_bytes().split(|byte| *byte == b',') {
            let option = option.trim_ascii();
            let is_plain = [&b"keep-alive"[..], b"close", b"upgrade", b"te"]
                .iter()
                .any(|plain| option.eq_ignore_ascii_case(plain));
            if is_plain || option.is_empty() {
                continue;
            }
            if let Ok(name) = HeaderName::from_bytes(option)
                && !keep(&name)
            {
                nominated.push(name);
            }
        }
    }
    headers.remove(header::CONNECTION);
    for name in nominated {
        headers.remove(name);
    }
}

/// What a `Connection` line may not nominate away, besides what we trust for identity.
fn is_protected(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::HOST
            | header::CONTENT_LENGTH
            | header::COOKIE
            | header::AUTHORIZATION
            | header::FORWARDED
            | header::EXPECT
    ) || name.as_str().starts_with("x-forwarded-")
}

/// Trailers of a gRPC request: never what only a head, or only we, may say.
pub(super) fn filter_trailers(trailers: &mut HeaderMap, forged_fields: &ForgedFields) {
    forged_fields.strip(trailers);
    let bad: SmallVec<[HeaderName; 4]> = trailers
        .keys()
        .filter(|name| forged_fields.is_trusted(name) || is_protected(name) || is_framing(name))
        .cloned()
        .collect();
    for name in bad {
        trailers.remove(name);
    }
}

fn is_framing(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::TRANSFER_ENCODING
            | header::CONNECTION
            | header::TE
            | header::TRAILER
            | header::UPGRADE
    )
}

/// HTTP/2 may split a cookie into crumbs; HTTP/1.1 may not (RFC 9113, 8.2.3).
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if crumbs.len() < 2 {
        return;
    }
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        set(headers, header::COOKIE, whole);
    }
}

/// `5, 5` is 5 (RFC 9110, 8.6). hyper has refused what does not agree, except where there is no body to read.
fn normalise_length(headers: &mut HeaderMap, exact: Option<u64>) {
    let agreed = exact.filter(|exact| *exact > 0).map(HeaderValue::from);
    match agreed.or_else(|| agreed_length(headers)) {
        Some(length) => set(headers, header::CONTENT_LENGTH, length),
        None => {
            headers.remove(header::CONTENT_LENGTH);
        }
    }
}

/// What all lines and list members say, if it is one number.
fn agreed_length(headers: &HeaderMap) -> Option<HeaderValue> {
    let lines = headers.get_all(header::CONTENT_LENGTH).iter();
    let mut all = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let one = all.next()?.trim_ascii();
    let agree = all.all(|other| other.trim_ascii() == one);
    HeaderValue::from_bytes(one)
        .ok()
        .filter(|_| agree && is_number(one))
}

/// How long a request's body says that it is; hyper has refused what is no number, and what is said twice.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    let line = headers.get(header::CONTENT_LENGTH)?;
    line.to_str().ok()?.parse().ok()
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Whether a comma-separated field names this option.
pub(super) fn names(headers: &HeaderMap, field: HeaderName, option: &str) -> bool {
    headers.get_all(field).iter().any(|line| {
        line.as_bytes()
            .split(|byte| *byte == b',')
            .any(|one| one.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    })
}

/// Sets one value. A full map keeps what it has: the application is reached even then.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    if let Ok(entry) = headers.try_entry(name) {
        match entry {
            Entry::Occupied(mut entry) => {
                entry.insert(value);
            }
            Entry::Vacant(entry) => {
                let _ = entry.try_insert(value);
            }
        }
    }
}
