//! The chunked coding of a response (RFC 9112, 7.1), strictly: what two readers could read in two ways is an error.
//! In: bytes as they come. Out: the pieces of the body, its trailers, its end.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::Status;
use tower::BoxError;

/// A longer size line, and longer trailers, are refused.
const LIMIT: usize = 64 * 1024;

/// The last chunk behind another, as nearly all responses end.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkedDecoder {
    /// a chunk's size
    Size,
    /// so many bytes of a chunk
    Data(u64),
    /// the line end behind a chunk
    Behind,
    Trailers,
    Ended,
}

/// What some bytes gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// more bytes are needed
    NeedMore,
    Data(Bytes),
    /// with its trailers
    End(Option<HeaderMap>),
}

impl ChunkedDecoder {
    /// Takes the next piece out of the bytes.
    pub(super) fn decode(&mut self, bytes: &mut BytesMut) -> Result<Decoded, BoxError> {
        loop {
            match *self {
                Self::Ended => return Ok(Decoded::End(None)),
                Self::Size => match size(bytes)? {
                    None => return Ok(Decoded::NeedMore),
                    Some((len, size)) => {
                        bytes.advance(len);
                        *self = match size {
                            0 => Self::Trailers,
                            _ => Self::Data(size),
                        };
                    }
                },
                Self::Data(_) if bytes.is_empty() => return Ok(Decoded::NeedMore),
                Self::Data(left) => {
                    let len = left.min(bytes.len() as u64);
                    let piece = bytes.split_to(len as usize).freeze();
                    *self = match left - len {
                        0 => Self::Behind,
                        left => Self::Data(left),
                    };
                    if *self == Self::Behind && bytes[..] == *LAST {
                        // the end is known with the last piece, and can be passed on with it
                        bytes.clear();
                        *self = Self::Ended;
                    }
                    return Ok(Decoded::Data(piece));
                }
                Self::Behind => match bytes[..] {
                    [] | [b'\r'] => return Ok(Decoded::NeedMore),
                    [b'\r', b'\n', ..] => {
                        bytes.advance(2);
                        *self = Self::Size;
                    }
                    _ => return Err("a chunk longer than it said".into()),
                },
                Self::Trailers => match trailers(bytes)? {
                    None => return Ok(Decoded::NeedMore),
                    Some((len, trailers)) => {
                        bytes.advance(len);
                        *self = Self::Ended;
                        return Ok(Decoded::End(trailers));
                    }
                },
            }
        }
    }
}

/// A size line, and how long it is.
fn size(bytes: &[u8]) -> Result<Option<(usize, u64)>, BoxError> {
    if bytes
        .first()
        .is_some_and(|first| !first.is_ascii_hexdigit())
    {
        return Err("a chunk without a size".into());
    }
    match httparse::parse_chunk_size(bytes) {
        Ok(Status::Complete(found)) => Ok(Some(found)),
        Ok(Status::Partial) if bytes.len() < LIMIT => Ok(None),
        _ => Err("a chunk without a size".into()),
    }
}

/// What stands behind the last chunk, and how long it is.
fn trailers(bytes: &[u8]) -> Result<Option<(usize, Option<HeaderMap>)>, BoxError> {
    if bytes.starts_with(b"\r\n") {
        return Ok(Some((2, None)));
    }
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let (len, fields) = match httparse::parse_headers(bytes, &mut fields) {
        Ok(Status::Complete(found)) => found,
        Ok(Status::Partial) if bytes.len() < LIMIT => return Ok(None),
        _ => return Err("trailers that are no fields".into()),
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())?;
        trailers.append(name, HeaderValue::from_bytes(field.value)?);
    }
    Ok(Some((len, Some(trailers))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, or none where it is refused or does not end; fed so many bytes at a time.
    fn body(text: &[u8], most: usize) -> Option<(Vec<u8>, usize)> {
        let (mut chunks, mut bytes, mut body) = (ChunkedDecoder::Size, BytesMut::new(), Vec::new());
        let mut parts = text.chunks(most);
        loop {
            match chunks.decode(&mut bytes).ok()? {
                Decoded::NeedMore => bytes.extend_from_slice(parts.next()?),
                Decoded::Data(piece) => body.extend_from_slice(&piece),
                Decoded::End(trailers) => {
                    return Some((body, trailers.map_or(0, |some| some.len())));
                }
            }
        }
    }

    #[test]
    fn chunks_are_read_however_they_come() {
        for (text, expected) in [
            ("0\r\n\r\n", Some(("", 0))),
            ("2\r\nok\r\n0\r\n\r\n", Some(("ok", 0))),
            ("2\r\nok\r\n1\r\n!\r\n0\r\n\r\n", Some(("ok!", 0))),
            (
                "A;name=\"value\"\r\n0123456789\r\n00\r\n\r\n",
                Some(("0123456789", 0)),
            ),
            ("2\r\nok\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n", Some(("ok", 2))),
            ("1\r\n\n\r\n0\r\n\r\n", Some(("\n", 0))),
            ("\r\n", None),
            ("\r\n0\r\n\r\n", None),
            (" 2\r\nok\r\n0\r\n\r\n", None),
            ("-2\r\nok\r\n0\r\n\r\n", None),
            ("0x2\r\nok\r\n0\r\n\r\n", None),
            ("2\nok\r\n0\r\n\r\n", None),
            ("2\r\nok0\r\n\r\n", None),
            ("2\r\nokk\r\n0\r\n\r\n", None),
            ("2\r\nok\n0\r\n\r\n", None),
            ("2\r\nok\r\n", None),
            ("2\r\nok\r\n0\r\n", None),
            ("10000000000000000\r\n", None),
            ("2\r\nok\r\n0\r\nX A: 1\r\n\r\n", None),
        ] {
            let expected = expected.map(|(body, trailers)| (body.as_bytes().to_vec(), trailers));
            for most in 1..=text.len() {
                assert_eq!(
                    body(text.as_bytes(), most),
                    expected,
                    "{text:?}, {most} at a time"
                );
            }
        }
    }

    #[test]
    fn a_size_without_end_is_refused() {
        let line = format!("1;{}", "a".repeat(LIMIT));
        let mut bytes = BytesMut::from(line.as_str());
        assert!(ChunkedDecoder::Size.decode(&mut bytes).is_err());
    }
}
