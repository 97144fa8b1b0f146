//! What an application reports of features: `X-Feature-Used: briefcase, search` and `X-Feature-Goal: purchase`.
//! In: the head of its response. Out: the same without those fields, with the `Vary` that caches need; counts.
//! A response without them is left as it is.

use super::hop_by_hop;
use crate::{
    engine::{
        Decisions, Snapshot,
        describe::json::canonical,
        headers,
        vary::{self, Vary},
    },
    telemetry::{self, ExposureEvent, RequestLine},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

static USED: HeaderName = HeaderName::from_static("x-feature-used");
static GOAL: HeaderName = HeaderName::from_static("x-feature-goal");

/// Counts what the application reports, and keeps the report from the client.
pub(super) fn record(
    headers: &mut HeaderMap,
    telemetry: &telemetry::Recorder,
    snapshot: &Snapshot,
    decisions: &Decisions,
    request: &RequestLine,
) {
    let (used, goals) = (words(headers, &USED), words(headers, &GOAL));
    if used.is_empty() && goals.is_empty() {
        return;
    }
    let mut vary = Vary::default();
    let mut indexes = Vec::new();
    for (index, toggles, feature) in snapshot.features() {
        if used.iter().any(|used| **used == *feature.key) {
            // whatever this request got: a cache has to know the same of every arm
            vary::add(toggles, (index - toggles.first) as u16, &mut vary);
            indexes.push(index);
        }
    }
    merge(headers, &vary);
    telemetry.record_exposure(&ExposureEvent {
        request,
        used: &indexes,
        goals: &goals.iter().map(String::as_str).collect::<Vec<_>>(),
        snapshot,
        decisions,
    });
}

/// The words of a list (RFC 9110, 5.6.1), and the field is gone.
fn words(headers: &mut HeaderMap, name: &HeaderName) -> Vec<String> {
    let mut words = None;
    for line in headers.get_all(name) {
        let line = line.to_str().unwrap_or_default();
        let some = line
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty());
        words
            .get_or_insert_with(Vec::new)
            .extend(some.map(str::to_owned));
    }
    if words.is_some() {
        headers.remove(name);
    }
    words.unwrap_or_default()
}

/// Adds what is missing; the application's own words stay as they are.
fn merge(headers: &mut HeaderMap, vary: &Vary) {
    let lines = headers.get_all(header::VARY).iter();
    let lines: Vec<_> = lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned())
        .collect();
    let names = || lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    if names().any(|name| name == "*") {
        return;
    }
    let missing = vary
        .fields
        .iter()
        .filter(|field| !names().any(|name| name.eq_ignore_ascii_case(field.as_str())));
    let missing: Vec<_> = missing.map(|field| canonical(field.as_str())).collect();
    let value = match (vary.more, missing.is_empty()) {
        (true, _) => "*".to_owned(),
        (false, true) => return,
        // one line: some caches read the first alone
        (false, false) => lines
            .iter()
            .chain(&missing)
            .filter(|line| !line.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
    };
    if let Ok(value) = HeaderValue::from_str(&value) {
        hop_by_hop::set(headers, header::VARY, value);
    }
}

/// `--debug-response`: the assigned headers, and `Server-Timing`, which a browser shows beside the request.
pub(super) fn add_debug_fields(
    headers: &mut HeaderMap,
    snapshot: &Snapshot,
    decisions: &Decisions,
) {
    snapshot.write(headers, decisions);
    let one = |(_, feature, decision): (_, &crate::engine::Feature, crate::engine::Decision)| {
        format!(
            "{};desc=\"{}\"",
            feature.key,
            feature.variant(decision.variant).name
        )
    };
    let all: Vec<_> = headers::sent(snapshot, decisions).map(one).collect();
    if let (false, Ok(value)) = (all.is_empty(), HeaderValue::from_str(&all.join(", "))) {
        let _ = headers.try_append(HeaderName::from_static("server-timing"), value);
    }
}
