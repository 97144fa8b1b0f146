//! One line a request. In: an answered request. Out: text for people or JSON for machines, in the shape of the other log
//! lines; feature fields are named as OpenTelemetry names them. What a client sent is escaped; queries are left out.

use super::event::Answered;
use crate::engine::{Decision, Feature, Reason};
use http::{Method, Uri};
use serde_json::{Map, Value, json};

/// For people, or for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
}

/// With its line end.
pub(super) fn line(
    format: Format,
    time: &str,
    (method, uri): &(Method, Uri),
    user: Option<String>,
    event: &Answered<'_>,
) -> Vec<u8> {
    let answers = event.snapshot.features().zip(&event.decisions.answers);
    let answers = answers.filter_map(|((_, _, feature), answer)| Some((feature, (*answer)?)));
    let duration = event.took.as_micros() as f64 / 1e6;
    let mut line = match format {
        Format::Json => {
            let mut line = json!({
                "timestamp": time,
                "level": "INFO",
                "message": "request",
                "method": method.as_str(),
                "path": uri.path(),
                "status": event.status,
                "duration": duration,
                "revision": event.snapshot.revision,
            });
            if let Some(user) = user {
                line["feature_flag.context.id"] = user.into();
            }
            line["assignments"] = answers
                .map(|(feature, decision)| fields(feature, decision))
                .map(Value::Object)
                .collect();
            escaped(&line.to_string())
        }
        Format::Text => {
            let one = |(feature, decision): (&Feature, Decision)| {
                format!("{}:{}", feature.key, feature.variant(decision.variant).name)
            };
            let answers: Vec<_> = answers.map(one).collect();
            let user = user.map_or(String::new(), |user| {
                format!(" feature_flag.context.id={user:?}")
            });
            format!(
                "{time}  INFO request method={method} path={:?} status={} duration={duration} revision={}{user} assignments={}",
                uri.path(),
                event.status,
                event.snapshot.revision,
                answers.join(",")
            )
        }
    };
    line.push('\n');
    line.into_bytes()
}

/// JSON without what a terminal might obey: beyond ASCII JSON may hold control characters (ECMA-48's 8-bit ones), and
/// marks that turn the direction of text.
pub(super) fn escaped(json: &str) -> String {
    let harmful = |char: &char| {
        char.is_control()
            || matches!(char, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let escape = |char: char| match harmful(&char) {
        // all of them are in the basic plane
        true => format!("\\u{:04x}", u32::from(char)),
        false => char.to_string(),
    };
    json.chars().map(escape).collect()
}

/// A decision in the words of OpenTelemetry's semantic conventions for feature flags.
pub(super) fn fields(feature: &Feature, decision: Decision) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut field = |name: &str, value: &str| fields.insert(name.into(), value.into());
    field("feature_flag.key", &feature.key);
    field(
        "feature_flag.result.variant",
        &feature.variant(decision.variant).name,
    );
    field("feature_flag.result.reason", reason(decision.reason));
    fields
}

/// The conventions write reasons in lower case.
const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Static => "static",
        Reason::Default => "default",
        Reason::TargetingMatch => "targeting_match",
        Reason::Split => "split",
        Reason::Disabled => "disabled",
        Reason::Error => "error",
    }
}
