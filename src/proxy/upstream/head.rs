//! The head of an HTTP/1.1 response: read once, its values kept where they came, its fields in a map that was used before.
//! In: the first bytes of a response. Out: status, fields, and how the body ends (RFC 9112, 6.3), or what is wrong with it.

use crate::proxy::failure::Failure;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, InvalidHeaderName},
};
use hyper::ext::ReasonPhrase;
use std::{cell::RefCell, mem::MaybeUninit, time::Duration};

/// A longer head is refused.
pub(super) const LIMIT: usize = 256 * 1024;

/// A head with more fields is refused.
const FIELDS: usize = 128;

/// What a response begins with.
#[derive(Debug)]
pub(super) struct ResponseHead {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// where it is not the usual one
    pub(super) reason: Option<ReasonPhrase>,
    pub(super) framing: Framing,
    /// whether another request may follow on this connection
    pub(super) keep_alive: bool,
    /// for how long, where the application says so: `Keep-Alive: timeout=5`
    pub(super) keep_alive_timeout: Option<Duration>,
    /// how many bytes it was
    pub(super) len: usize,
}

impl ResponseHead {
    /// 1xx, but for 101, which is a final response.
    pub(super) fn is_informational(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// after so many bytes
    Length(u64),
    /// as its chunks say
    Chunked,
    /// with the connection
    Close,
}

/// Reads a head; none where its end is still to come. `is_head`: the request was HEAD.
pub(super) fn read(
    bytes: &Bytes,
    is_head: bool,
    maps: &HeaderMaps,
) -> Result<Option<ResponseHead>, Failure> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    // RFC 9112, 5.1: a blank before the colon is removed; in a request hyper refuses it
    config.allow_spaces_after_header_name_in_responses(true);
    let len = match config.parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) if bytes.len() < LIMIT => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Failure::ResponseHead);
        }
        Err(_) => return Err(Failure::Garbage),
    };
    let status = StatusCode::from_u16(response.code.unwrap_or(0)).map_err(|_| Failure::Garbage)?;
    let reason = response.reason.unwrap_or_default();
    let reason = match Some(reason) == status.canonical_reason() {
        true => None,
        false => ReasonPhrase::try_from(reason.as_bytes()).ok(),
    };
    let mut framing = FramingFields::new(response.version == Some(1));
    let mut headers = maps.take();
    headers.reserve(response.headers.len());
    for field in &*response.headers {
        let name = name(field.name).map_err(|_| Failure::Garbage)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(field.value))
            .map_err(|_| Failure::Garbage)?;
        framing.note(&name, &value);
        headers.append(name, value);
    }
    let (keep_alive, keep_alive_timeout) = (framing.keep_alive, framing.keep_alive_timeout);
    let framing = framing.resolve(status, is_head)?;
    Ok(Some(ResponseHead {
        status,
        headers,
        reason,
        framing,
        keep_alive: keep_alive
            && framing != Framing::Close
            && status != StatusCode::SWITCHING_PROTOCOLS,
        keep_alive_timeout,
        len,
    }))
}

/// The fields that nearly every response has are recognised by their usual spellings: 100 instructions less, each.
fn name(spelled: &str) -> Result<HeaderName, InvalidHeaderName> {
    Ok(match spelled {
        "Date" | "date" => header::DATE,
        "Server" | "server" => header::SERVER,
        "Connection" | "connection" => header::CONNECTION,
        "Content-Type" | "content-type" => header::CONTENT_TYPE,
        "Cache-Control" | "cache-control" => header::CACHE_CONTROL,
        "Content-Length" | "content-length" => header::CONTENT_LENGTH,
        "Transfer-Encoding" | "transfer-encoding" => header::TRANSFER_ENCODING,
        _ => HeaderName::from_bytes(spelled.as_bytes())?,
    })
}

/// What the fields say of the connection and the body.
struct FramingFields {
    is_http11: bool,
    keep_alive: bool,
    keep_alive_timeout: Option<Duration>,
    closes: bool,
    has_coding: bool,
    is_chunked: bool,
    length: Length,
}

/// What all Content-Length lines, and their list members, say.
enum Length {
    Missing,
    Known(u64),
    Invalid,
}

impl FramingFields {
    fn new(is_http11: bool) -> FramingFields {
        FramingFields {
            is_http11,
            keep_alive: is_http11,
            keep_alive_timeout: None,
            closes: false,
            has_coding: false,
            is_chunked: false,
            length: Length::Missing,
        }
    }

    #[inline]
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        match *name {
            header::CONNECTION => {
                for option in options(value) {
                    // once asked to close, a later `keep-alive` does not undo it
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
                self.keep_alive &= !self.closes;
            }
            header::TRANSFER_ENCODING => {
                self.has_coding = true;
                let last = options(value).last();
                self.is_chunked = last.is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            }
            header::CONTENT_LENGTH => {
                for one in options(value) {
                    self.length = match (number(one), &self.length) {
                        (Some(one), Length::Missing) => Length::Known(one),
                        (Some(one), Length::Known(other)) if one == *other => Length::Known(one),
                        _ => Length::Invalid,
                    };
                }
            }
            _ if name == "keep-alive" => {
                let timeout = options(value).find_map(keep_alive_timeout);
                self.keep_alive_timeout = timeout.or(self.keep_alive_timeout);
            }
            _ => {}
        }
    }

    fn resolve(&self, status: StatusCode, is_head: bool) -> Result<Framing, Failure> {
        let has_none = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || is_head;
        if has_none {
            return Ok(Framing::Length(0));
        }
        match (self.has_coding, &self.length) {
            (true, _) if !self.is_http11 => Err(Failure::Garbage),
            (true, _) if self.is_chunked => Ok(Framing::Chunked),
            (true, _) | (false, Length::Missing) => Ok(Framing::Close),
            (false, Length::Known(length)) => Ok(Framing::Length(*length)),
            (false, Length::Invalid) => Err(Failure::Garbage),
        }
    }
}

fn options(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
}

/// `timeout=5`, of what `Keep-Alive` says.
fn keep_alive_timeout(option: &[u8]) -> Option<Duration> {
    let equals = memchr::memchr(b'=', option)?;
    let (name, seconds) = (&option[..equals], &option[equals + 1..]);
    name.trim_ascii()
        .eq_ignore_ascii_case(b"timeout")
        .then(|| number(seconds.trim_ascii()).map(Duration::from_secs))?
}

/// Digits only: no sign, no space.
fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()
}

/// Header maps, used again: the fields of a request are text once it goes to the application, and its response's go into the
/// map that they leave. hyper keeps a response's map for the next request of the connection, so that none is allocated.
#[derive(Default)]
pub(crate) struct HeaderMaps(RefCell<Vec<HeaderMap>>);

impl HeaderMaps {
    /// As many as are worth keeping: requests in progress at once, on one worker.
    const MOST: usize = 64;
    /// A map with room for more fields goes: an idle connection keeps one.
    const ROOM: usize = 24;

    /// Keeps a map without repeated fields, whose room nothing tells.
    pub(crate) fn put(&self, mut map: HeaderMap) {
        let mut maps = self.0.borrow_mut();
        if map.capacity() <= Self::ROOM && maps.len() < Self::MOST {
            map.clear();
            maps.push(map);
        }
    }

    /// An empty one.
    fn take(&self) -> HeaderMap {
        self.0.borrow_mut().pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: usize) -> HeaderMap {
        let name = |i| HeaderName::try_from(format!("x-{i}")).unwrap();
        let value = HeaderValue::from_static("1");
        (0..fields).map(|i| (name(i), value.clone())).collect()
    }

    #[test]
    fn a_map_comes_back_empty_and_with_its_room() {
        let maps = HeaderMaps::default();
        maps.put(of(10));
        let again = maps.take();
        assert!(again.is_empty());
        assert!(again.capacity() >= 10);
        assert_eq!(maps.take().capacity(), 0, "it was handed out");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let maps = HeaderMaps::default();
        maps.put(of(HeaderMaps::ROOM + 1));
        assert_eq!(maps.take().capacity(), 0, "large");
        (0..2 * HeaderMaps::MOST).for_each(|_| maps.put(of(1)));
        let kept = std::iter::repeat_with(|| maps.take()).take_while(|map| map.capacity() > 0);
        assert_eq!(kept.count(), HeaderMaps::MOST);
    }
}
