//! One line a request. In: a request and its response. Out: text for people or JSON for machines, in the shape of the other log
//! lines; feature fields are named as OpenTelemetry names them. What a client sent is escaped; queries are left out.

use super::{event::RequestEvent, log_fields, trace_context::TraceContext};
use crate::engine::{Decision, Feature};
use serde_json::{Value, json};

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
    user: Option<String>,
    event: &RequestEvent<'_>,
) -> Vec<u8> {
    let decisions = event.snapshot.features().zip(&event.decisions.by_feature);
    let decisions =
        decisions.filter_map(|((_, _, feature), decision)| Some((feature, (*decision)?)));
    let target = event.request.target.as_deref();
    let (method, path) = target.map_or(("", ""), |(method, uri)| (method.as_str(), uri.path()));
    let trace = event.request.trace.iter().flat_map(TraceContext::fields);
    let duration = event.duration.as_micros() as f64 / 1e6;
    let mut line = match format {
        Format::Json => {
            let mut line = json!({
                "timestamp": time,
                "level": "INFO",
                "message": "request",
                "method": method,
                "path": path,
                "status": event.status,
                "duration": duration,
                "revision": event.snapshot.revision,
            });
            if let Some(user) = user {
                line["feature_flag.context.id"] = user.into();
            }
            for (name, value) in trace {
                line[name] = value.into();
            }
            line["assignments"] = decisions
                .map(|(feature, decision)| log_fields::fields(feature, decision))
                .map(Value::Object)
                .collect();
            log_fields::escaped(&line.to_string())
        }
        Format::Text => {
            let one = |(feature, decision): (&Feature, Decision)| {
                format!("{}:{}", feature.key, feature.variant(decision.variant).name)
            };
            let decisions: Vec<_> = decisions.map(one).collect();
            let user = user.map_or(String::new(), |user| {
                format!(" feature_flag.context.id={user:?}")
            });
            let trace: String = trace
                .map(|(name, value)| format!(" {name}={value}"))
                .collect();
            format!(
                "{time}  INFO request method={method} path={path:?} status={} duration={duration} revision={}{user}{trace} assignments={}",
                event.status,
                event.snapshot.revision,
                decisions.join(",")
            )
        }
    };
    line.push('\n');
    line.into_bytes()
}
