//! The head of the application's answer: read once, its values kept where they came.
//! In: the first bytes of an answer. Out: status, fields, and how the body ends (RFC 9112, 6.3), or what is wrong with it.

use crate::proxy::failure::Failure;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{self, InvalidHeaderName},
};
use hyper::ext::ReasonPhrase;
use std::mem::MaybeUninit;

/// More bytes than this are no head.
pub(in crate::proxy) const LIMIT: usize = 256 * 1024;

/// More fields than this are not read.
const FIELDS: usize = 128;

/// What an answer begins with.
#[derive(Debug)]
pub(in crate::proxy) struct Head {
    pub(in crate::proxy) status: StatusCode,
    pub(in crate::proxy) headers: HeaderMap,
    /// where it is not the usual one
    pub(in crate::proxy) reason: Option<ReasonPhrase>,
    pub(in crate::proxy) framing: Framing,
    /// whether another request may follow on this connection
    pub(in crate::proxy) keep: bool,
    /// how many bytes it was
    pub(in crate::proxy) len: usize,
}

impl Head {
    /// 1xx, but for 101, which is an answer.
    pub(in crate::proxy) fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Framing {
    /// after so many bytes
    Length(u64),
    /// as its chunks say
    Chunks,
    /// with the connection
    Close,
}

/// Reads a head, into a map that is empty; none where its end is still to come. `is_head`: it answers HEAD.
pub(in crate::proxy) fn read(
    bytes: &Bytes,
    is_head: bool,
    empty: impl FnOnce() -> HeaderMap,
) -> Result<Option<Head>, Failure> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut answer = httparse::Response::new(&mut []);
    let len = match httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut answer,
        bytes,
        &mut fields,
    ) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) if bytes.len() < LIMIT => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Failure::ResponseHead);
        }
        Err(_) => return Err(Failure::Garbage),
    };
    let status = StatusCode::from_u16(answer.code.unwrap_or(0)).map_err(|_| Failure::Garbage)?;
    let reason = answer.reason.unwrap_or_default();
    let reason = match Some(reason) == status.canonical_reason() {
        true => None,
        false => ReasonPhrase::try_from(reason.as_bytes()).ok(),
    };
    let mut about = About::new(answer.version == Some(1));
    let mut headers = empty();
    headers.reserve(answer.headers.len());
    for field in &*answer.headers {
        let name = name(field.name).map_err(|_| Failure::Garbage)?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(field.value))
            .map_err(|_| Failure::Garbage)?;
        about.note(&name, &value);
        headers.append(name, value);
    }
    let framing = about.framing(status, is_head)?;
    Ok(Some(Head {
        status,
        headers,
        reason,
        framing,
        keep: about.keep && framing != Framing::Close && status != StatusCode::SWITCHING_PROTOCOLS,
        len,
    }))
}

/// The fields that nearly every answer has are told by their usual spellings: 100 instructions less, each.
fn name(spelled: &str) -> Result<HeaderName, InvalidHeaderName> {
    Ok(match spelled {
        "Date" | "date" => header::DATE,
        "Server" | "server" => header::SERVER,
        "Connection" | "connection" => header::CONNECTION,
        "Content-Type" | "content-type" => header::CONTENT_TYPE,
        "Content-Length" | "content-length" => header::CONTENT_LENGTH,
        _ => HeaderName::from_bytes(spelled.as_bytes())?,
    })
}

/// What the fields say of the connection and the body.
struct About {
    is_http11: bool,
    keep: bool,
    closes: bool,
    has_coding: bool,
    is_chunked: bool,
    length: Length,
}

/// What all Content-Length lines, and their list members, say.
enum Length {
    Unsaid,
    Said(u64),
    Nonsense,
}

impl About {
    fn new(is_http11: bool) -> About {
        About {
            is_http11,
            keep: is_http11,
            closes: false,
            has_coding: false,
            is_chunked: false,
            length: Length::Unsaid,
        }
    }

    #[inline]
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) {
        match *name {
            header::CONNECTION => {
                for option in options(value) {
                    // once asked to close, a later `keep-alive` does not undo it
                    self.closes |= option.eq_ignore_ascii_case(b"close");
                    self.keep |= option.eq_ignore_ascii_case(b"keep-alive");
                }
                self.keep &= !self.closes;
            }
            header::TRANSFER_ENCODING => {
                self.has_coding = true;
                let last = options(value).last();
                self.is_chunked = last.is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
            }
            header::CONTENT_LENGTH => {
                for one in options(value) {
                    self.length = match (number(one), &self.length) {
                        (Some(one), Length::Unsaid) => Length::Said(one),
                        (Some(one), Length::Said(other)) if one == *other => Length::Said(one),
                        _ => Length::Nonsense,
                    };
                }
            }
            _ => {}
        }
    }

    fn framing(&self, status: StatusCode, is_head: bool) -> Result<Framing, Failure> {
        let has_none = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || is_head;
        if has_none {
            return Ok(Framing::Length(0));
        }
        match (self.has_coding, &self.length) {
            (true, _) if !self.is_http11 => Err(Failure::Garbage),
            (true, _) if self.is_chunked => Ok(Framing::Chunks),
            (true, _) | (false, Length::Unsaid) => Ok(Framing::Close),
            (false, Length::Said(length)) => Ok(Framing::Length(*length)),
            (false, Length::Nonsense) => Err(Failure::Garbage),
        }
    }
}

fn options(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value
        .as_bytes()
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
}

/// Digits only: no sign, no space.
pub(in crate::proxy) fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()
}
