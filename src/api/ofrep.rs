//! OFREP 0.3: the evaluations that an OpenFeature client asks for.
//! In: a request body and a snapshot. Out: a status and a JSON body; every error has a code and a sentence.

use super::ofrep_responses::{
    Bulk, BulkMetadata, Evaluation, EventStream, FlagValue, Metadata, Refusal, Success,
};
use crate::engine::{
    Decision, Decisions, Feature, Reason, Snapshot, Toggles,
    describe::explain,
    request::{EvaluationContext, Input},
    units::Second,
};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

/// Which features a request is about.
#[derive(Clone, Copy, Debug)]
pub enum FlagSet<'a> {
    /// every file; the key is `namespace.feature` where there are several
    All,
    /// one file; the key is the feature's name
    Namespace(&'a str),
}

/// A status and a JSON body.
pub type StatusAndBody = (u16, Vec<u8>);

/// An error, with the key of the flag where one was asked for: clients read no error without it.
pub fn refusal(
    status: u16,
    key: Option<&str>,
    code: &'static str,
    details: String,
) -> StatusAndBody {
    let refusal = Refusal {
        key: key.map(Into::into),
        error_code: code.into(),
        error_details: details,
    };
    (status, bytes(&refusal))
}

/// Reads `{"context": {…}}`: `targetingKey` is the user, every other key an attribute.
pub fn context(body: &[u8], key: Option<&str>) -> Result<EvaluationContext, StatusAndBody> {
    let refuse = |code, details: &str| refusal(400, key, code, details.to_owned());
    let parse =
        |error: serde_json::Error| refuse("PARSE_ERROR", &format!("the body is not JSON: {error}"));
    let mut body: Value = serde_json::from_slice(body).map_err(parse)?;
    if !body.is_object() {
        return Err(refuse(
            "PARSE_ERROR",
            "the body has to be an object, as in {\"context\": {\"targetingKey\": \"mia\"}}",
        ));
    }
    match body.get_mut("context").map(Value::take) {
        None | Some(Value::Null) => Ok(EvaluationContext::default()),
        Some(Value::Object(entries)) => EvaluationContext::from_json(entries, "targetingKey")
            .map_err(|why| refuse("INVALID_CONTEXT", &why)),
        Some(_) => Err(refuse("INVALID_CONTEXT", "`context` has to be an object")),
    }
}

/// One feature.
pub fn single(
    snapshot: &Snapshot,
    flag_set: FlagSet<'_>,
    key: &str,
    context: &EvaluationContext,
    now: Second,
) -> StatusAndBody {
    let decisions = decide(snapshot, context, now);
    let found = features(snapshot, flag_set, &decisions)
        .find(|(_, feature, _)| name(flag_set, feature) == key);
    let Some((toggles, feature, decision)) = found else {
        let details = format!("there is no flag `{key}` in force");
        return refusal(404, Some(key), "FLAG_NOT_FOUND", details);
    };
    let bucket = explain::bucket(toggles, Input::Context(context), feature);
    let status = if decision.reason == Reason::Error {
        400
    } else {
        200
    };
    let evaluation = evaluation(snapshot, flag_set, toggles, feature, decision, bucket);
    (status, bytes(&evaluation))
}

/// Every feature; the body's hash is its ETag.
pub fn bulk(
    snapshot: &Snapshot,
    flag_set: FlagSet<'_>,
    context: &EvaluationContext,
    now: Second,
    event_streams: Vec<EventStream>,
) -> (String, Vec<u8>) {
    let decisions = decide(snapshot, context, now);
    let one = |(toggles, feature, decision)| {
        evaluation(snapshot, flag_set, toggles, feature, decision, None)
    };
    let body = bytes(&Bulk {
        flags: features(snapshot, flag_set, &decisions).map(one).collect(),
        event_streams,
        metadata: BulkMetadata {
            version: (&*snapshot.revision).into(),
        },
    });
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

fn bytes(evaluation: &impl Serialize) -> Vec<u8> {
    // text, numbers and JSON values always serialise
    serde_json::to_vec(evaluation).unwrap_or_default()
}

fn decide(snapshot: &Snapshot, context: &EvaluationContext, now: Second) -> Decisions {
    let mut decisions = Decisions::default();
    snapshot.decide(Input::Context(context), now, None, &mut decisions);
    decisions
}

fn features<'a>(
    snapshot: &'a Snapshot,
    flag_set: FlagSet<'a>,
    decisions: &'a Decisions,
) -> impl Iterator<Item = (&'a Toggles, &'a Feature, Decision)> {
    let is_in = move |toggles: &Toggles| match flag_set {
        FlagSet::All => true,
        FlagSet::Namespace(namespace) => toggles.namespace.as_deref() == Some(namespace),
    };
    snapshot
        .features()
        .filter(move |(_, toggles, _)| is_in(toggles))
        .filter_map(|(index, toggles, feature)| {
            Some((toggles, feature, decisions.by_feature[index]?))
        })
}

fn name<'a>(flag_set: FlagSet<'_>, feature: &'a Feature) -> &'a str {
    match flag_set {
        FlagSet::All => &feature.key,
        FlagSet::Namespace(_) => &feature.name,
    }
}

/// Always with `variant`; with `errorCode` and `errorDetails` where a share had nobody to decide on.
fn evaluation<'a>(
    snapshot: &'a Snapshot,
    flag_set: FlagSet<'_>,
    toggles: &'a Toggles,
    feature: &'a Feature,
    decision: Decision,
    bucket: Option<u16>,
) -> Evaluation<'a> {
    let key = name(flag_set, feature);
    let variant = &*feature.variant(decision.variant).name;
    let reason = decision.reason.as_str();
    if decision.reason == Reason::Error {
        let missing = match feature.unit {
            0 => "targetingKey",
            unit => &toggles.attributes[usize::from(unit)].name,
        };
        return Evaluation::Failure {
            key: key.into(),
            reason: reason.into(),
            variant: variant.into(),
            error_code: "TARGETING_KEY_MISSING".into(),
            error_details: format!("needs `{missing}`, which the context does not have"),
        };
    }
    Evaluation::Success(Success {
        key: key.into(),
        reason: reason.into(),
        variant: variant.into(),
        value: value(feature, decision.variant),
        metadata: Metadata {
            snapshot,
            toggles,
            feature,
            decision,
            bucket,
        },
    })
}

/// A value wherever one exists, and of one type for one feature: numbers keep a fraction where any of them has one.
fn value(feature: &Feature, variant: u8) -> Option<FlagValue<'_>> {
    let variant = feature.variant(variant);
    let mut payloads = feature
        .variants
        .iter()
        .filter_map(|variant| variant.value.as_ref());
    match &variant.value {
        Some(Value::Number(number)) if number.as_i64().is_some() && payloads.any(is_fraction) => {
            let number = format!("{number}.0").parse().map(Value::Number);
            number.ok().map(FlagValue::Fraction)
        }
        Some(value) => Some(FlagValue::Payload(value)),
        None if payloads.next().is_some() => None,
        None if feature.declared == 0 => Some(FlagValue::Switch(&*variant.name == "on")),
        None => Some(FlagValue::Name(&variant.name)),
    }
}

fn is_fraction(value: &Value) -> bool {
    value.as_number().is_some_and(|number| {
        number.as_i64().is_none() && number.to_string().contains(['.', 'e', 'E'])
    })
}
