//! OFREP 0.3, the answers: what an OpenFeature client asks and what it is told.
//! In: a request body and a snapshot. Out: a status and a JSON body; every error has a code and a sentence.

use crate::engine::{
    Decision, Decisions, Feature, Reason, Snapshot, Toggles,
    attributes::{Asked, Context},
    explain,
    units::Second,
};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Which features are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Over<'a> {
    /// every file; the key is `namespace.feature` where there are several
    All,
    /// one file; the key is the feature's name
    Namespace(&'a str),
}

/// A status and a JSON body.
pub type Answer = (u16, Vec<u8>);

/// Reads `{"context": {…}}`: `targetingKey` is the user, every other key an attribute.
pub fn context(body: &[u8]) -> Result<Context, Answer> {
    let refuse = |code, details: &str| {
        (
            400,
            json!({"errorCode": code, "errorDetails": details})
                .to_string()
                .into_bytes(),
        )
    };
    let parse =
        |error: serde_json::Error| refuse("PARSE_ERROR", &format!("the body is not JSON: {error}"));
    let mut body: Value = serde_json::from_slice(body).map_err(parse)?;
    if !body.is_object() {
        return Err(refuse(
            "PARSE_ERROR",
            "the body has to be an object, as in {\"context\": {\"targetingKey\": \"mia\"}}",
        ));
    }
    let mut context = Context::default();
    match body.get_mut("context").map(Value::take) {
        None | Some(Value::Null) => {}
        Some(Value::Object(entries)) => {
            for (key, value) in entries {
                if key != "targetingKey" {
                    attribute(key, value, &mut context);
                    continue;
                }
                match value {
                    Value::String(user) => {
                        context.user = Some(user).filter(|user| !user.trim().is_empty())
                    }
                    Value::Null => {}
                    _ => {
                        return Err(refuse(
                            "INVALID_CONTEXT",
                            "`targetingKey` has to be a string",
                        ));
                    }
                }
            }
        }
        Some(_) => return Err(refuse("INVALID_CONTEXT", "`context` has to be an object")),
    }
    Ok(context)
}

/// Text as text, numbers and truths as written, lists as their elements, an object as `key.inner`.
fn attribute(key: String, value: Value, context: &mut Context) {
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match value {
        Value::Object(inner) => {
            for (name, value) in inner {
                attribute(format!("{key}.{name}"), value, context);
            }
        }
        Value::Array(items) => {
            context
                .attributes
                .insert(key, items.into_iter().filter_map(text).collect());
        }
        value => {
            if let Some(text) = text(value) {
                context.attributes.insert(key, vec![text]);
            }
        }
    }
}

/// One feature.
pub fn single(
    snapshot: &Snapshot,
    over: Over<'_>,
    key: &str,
    context: &Context,
    now: Second,
) -> Answer {
    let decisions = decide(snapshot, context, now);
    let found =
        features(snapshot, over, &decisions).find(|(_, feature, _)| name(over, feature) == key);
    let Some((toggles, feature, decision)) = found else {
        let details = format!("there is no flag `{key}` in force");
        return (
            404,
            json!({"key": key, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details})
                .to_string()
                .into_bytes(),
        );
    };
    let asked = Asked::Context(context);
    let index = toggles
        .features
        .iter()
        .position(|one| std::ptr::eq(one, feature))
        .unwrap_or_default();
    let bucket = explain::buckets(toggles, asked, None)
        .get(index)
        .copied()
        .flatten();
    let answer = answer(snapshot, over, toggles, feature, decision, bucket);
    let status = if decision.reason == Reason::Error {
        400
    } else {
        200
    };
    (status, answer.to_string().into_bytes())
}

/// Every feature; the body's hash is its ETag.
pub fn bulk(
    snapshot: &Snapshot,
    over: Over<'_>,
    context: &Context,
    now: Second,
    streams: Option<Value>,
) -> (String, Vec<u8>) {
    let decisions = decide(snapshot, context, now);
    let one =
        |(toggles, feature, decision)| answer(snapshot, over, toggles, feature, decision, None);
    let flags: Vec<Value> = features(snapshot, over, &decisions).map(one).collect();
    let mut whole = json!({"flags": flags, "metadata": {"version": snapshot.revision}});
    if let Some(streams) = streams {
        whole["eventStreams"] = streams;
    }
    let body = whole.to_string().into_bytes();
    let mut tag = String::from("\"");
    let _ = write!(tag, "{:016x}\"", xxhash_rust::xxh3::xxh3_64(&body));
    (tag, body)
}

/// Whether the snapshot has this namespace.
pub fn knows(snapshot: &Snapshot, namespace: &str) -> bool {
    snapshot
        .files
        .iter()
        .any(|toggles| toggles.namespace.as_deref() == Some(namespace))
}

fn decide(snapshot: &Snapshot, context: &Context, now: Second) -> Decisions {
    let mut decisions = Decisions::default();
    snapshot.decide(Asked::Context(context), now, None, &mut decisions);
    decisions
}

fn features<'a>(
    snapshot: &'a Snapshot,
    over: Over<'a>,
    decisions: &'a Decisions,
) -> impl Iterator<Item = (&'a Toggles, &'a Feature, Decision)> {
    let asked = move |toggles: &Toggles| match over {
        Over::All => true,
        Over::Namespace(namespace) => toggles.namespace.as_deref() == Some(namespace),
    };
    snapshot
        .features()
        .filter(move |(_, toggles, _)| asked(toggles))
        .filter_map(|(index, toggles, feature)| Some((toggles, feature, decisions.answers[index]?)))
}

fn name<'a>(over: Over<'_>, feature: &'a Feature) -> &'a str {
    match over {
        Over::All => &feature.key,
        Over::Namespace(_) => &feature.name,
    }
}

/// Always with `variant`; with `errorCode` and `errorDetails` where a share had nobody to decide on.
fn answer(
    snapshot: &Snapshot,
    over: Over<'_>,
    toggles: &Toggles,
    feature: &Feature,
    decision: Decision,
    bucket: Option<u16>,
) -> Value {
    let variant = feature.variant(decision.variant);
    let mut answer = Map::new();
    answer.insert("key".into(), name(over, feature).into());
    answer.insert("reason".into(), decision.reason.as_str().into());
    answer.insert("variant".into(), (&*variant.name).into());
    if decision.reason == Reason::Error {
        let unit = &toggles.attributes[usize::from(feature.unit)].name;
        let missing = if feature.unit == 0 {
            "targetingKey"
        } else {
            unit
        };
        answer.insert("errorCode".into(), "TARGETING_KEY_MISSING".into());
        answer.insert(
            "errorDetails".into(),
            format!("a share decides, and the context has no `{missing}`").into(),
        );
        return answer.into();
    }
    if let Some(value) = value(feature, decision.variant) {
        answer.insert("value".into(), value);
    }
    let mut metadata: Map<_, _> = feature
        .metadata
        .iter()
        .filter(|(_, value)| !(value.is_object() || value.is_array() || value.is_null()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(rule) = decision.rule.checked_sub(1) {
        let name = feature.rules[usize::from(rule)].name.as_deref();
        metadata.insert(
            "rule".into(),
            name.map_or(decision.rule.into(), Value::from),
        );
    }
    if decision.forced {
        metadata.insert("forced".into(), true.into());
    }
    if let Some(bucket) = bucket {
        metadata.insert("bucket".into(), bucket.into());
    }
    metadata.insert("version".into(), (&*snapshot.revision).into());
    if let Some(namespace) = &toggles.namespace {
        metadata.insert("flagSetId".into(), (&**namespace).into());
    }
    answer.insert("metadata".into(), metadata.into());
    answer.into()
}

/// A value wherever one exists, and of one type for one feature: numbers keep a fraction where any of them has one.
fn value(feature: &Feature, variant: u8) -> Option<Value> {
    let variant = feature.variant(variant);
    let payloads = feature
        .variants
        .iter()
        .any(|variant| variant.value.is_some());
    match &variant.value {
        Some(Value::Number(number)) if number.as_i64().is_some() && is_float(feature) => {
            format!("{number}.0").parse().ok().map(Value::Number)
        }
        Some(value) => Some(value.clone()),
        None if payloads => None,
        None if feature.declared == 0 => Some((&*variant.name == "on").into()),
        None => Some((&*variant.name).into()),
    }
}

fn is_float(feature: &Feature) -> bool {
    let fractional = |value: &Value| {
        value.as_number().is_some_and(|number| {
            number.as_i64().is_none() && number.to_string().contains(['.', 'e', 'E'])
        })
    };
    feature
        .variants
        .iter()
        .filter_map(|variant| variant.value.as_ref())
        .any(fractional)
}
