//! Where a request stands in a trace (W3C Trace Context, section 3.2). In: the fields of a request. Out: what `traceparent` says, under
//! the names that OpenTelemetry gives it in logs; nothing where it is not valid, as its readers are told to do.

use http::{HeaderMap, HeaderName};
use std::ops::Range;

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// `version "-" trace-id "-" parent-id "-" trace-flags`, which later versions begin with too.
const LENGTH: usize = 55;
const TRACE: Range<usize> = 3..35;
const PARENT: Range<usize> = 36..52;
const FLAGS: Range<usize> = 53..55;

/// A valid `traceparent`, of any version: its first bytes, which are ASCII.
#[derive(Debug)]
pub(super) struct TraceContext(Box<[u8; LENGTH]>);

impl TraceContext {
    /// None where it is absent, not valid or there twice.
    pub(super) fn of(headers: &HeaderMap) -> Option<TraceContext> {
        let mut lines = headers.get_all(&TRACEPARENT).iter();
        let only = lines.next().filter(|_| lines.next().is_none())?;
        let (text, more) = only.as_bytes().split_first_chunk()?;
        is_valid(text, more).then(|| TraceContext(Box::new(*text)))
    }

    /// The span is the caller's: burgee makes none.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("trace_id", TRACE),
            ("span_id", PARENT),
            ("trace_flags", FLAGS),
        ]
        .into_iter()
        .map(|(name, place)| (name, str::from_utf8(&self.0[place]).unwrap_or_default()))
    }
}

fn is_valid(text: &[u8; LENGTH], more: &[u8]) -> bool {
    let version = &text[..2];
    // only a later version may say more
    let is_whole = more.is_empty() || (more[0] == b'-' && version != b"00");
    let is_id = |id: &[u8]| is_hex(id) && id.iter().any(|byte| *byte != b'0');
    is_whole
        && [2, 35, 52].iter().all(|dash| text[*dash] == b'-')
        && is_hex(version)
        && version != b"ff"
        && is_id(&text[TRACE])
        && is_id(&text[PARENT])
        && is_hex(&text[FLAGS])
}

fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
