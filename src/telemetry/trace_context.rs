//! Where a request stands in a trace (W3C Trace Context, section 3.2). In: the fields of a request. Out: what `traceparent` says, under
//! the names that OpenTelemetry gives it in logs; nothing where it is not valid, as its readers are told to do.

use http::{HeaderMap, HeaderName};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// `version "-" trace-id "-" parent-id "-" trace-flags`, which later versions begin with too.
const LENGTH: usize = 55;

/// A valid `traceparent`, of any version.
#[derive(Debug)]
pub(super) struct TraceContext(Box<str>);

impl TraceContext {
    /// None where it is absent, not valid or there twice.
    pub(super) fn of(headers: &HeaderMap) -> Option<TraceContext> {
        let mut lines = headers.get_all(&TRACEPARENT).iter();
        let only = lines.next().filter(|_| lines.next().is_none())?;
        let text = only.to_str().ok().filter(|text| is_valid(text))?;
        text.get(..LENGTH).map(|text| TraceContext(text.into()))
    }

    /// The span is the caller's: burgee makes none.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let values = self.0.split('-').skip(1);
        ["trace_id", "span_id", "trace_flags"]
            .into_iter()
            .zip(values)
    }
}

fn is_valid(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(5, '-').collect();
    let [version, trace, parent, flags, more @ ..] = &*parts else {
        return false;
    };
    // only a later version may say more
    let is_whole = more.is_empty() || *version != "00";
    let is_id = |text: &str, length| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
    is_whole
        && is_hex(version, 2)
        && *version != "ff"
        && is_id(trace, 32)
        && is_id(parent, 16)
        && is_hex(flags, 2)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
