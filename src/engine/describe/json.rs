//! Decisions as JSON, in the promised shape, for `explain --json`, `--users` and the API. Written straight into a buffer,
//! so that a million users take seconds. In: decisions. Out: one JSON object.

use super::{
    explain::{self, Standing},
    identity,
    overridden::{self, Origin},
};
use crate::engine::{
    decision::{Decision, Decisions, Reason},
    instant,
    model::{Feature, Snapshot},
    request::Input,
    units::Second,
};

/// `{"user":…,"revision":…,"at":…,"override":…,"remark":…,"identities":[…],"features":{…}}`, no line end; of an override where one
/// came, identities where visitors have one. `wanted` leaves features out.
pub fn write(
    snapshot: &Snapshot,
    decisions: &Decisions,
    input: Input<'_>,
    at: Second,
    user: Option<&str>,
    wanted: &dyn Fn(&Feature) -> bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"user\":");
    json(out, &user);
    out.extend_from_slice(b",\"revision\":");
    json(out, &snapshot.revision);
    out.extend_from_slice(b",\"at\":\"");
    out.extend_from_slice(instant::show(at).as_bytes());
    out.push(b'"');
    if let Some(result) = decisions.override_result() {
        out.extend_from_slice(b",\"override\":");
        json(out, &result.as_str());
        if let Some(remark) = overridden::remark(snapshot, input, at, decisions) {
            out.extend_from_slice(b",\"remark\":");
            json(out, &remark);
        }
    }
    let files = snapshot.files.iter();
    let asked = files.filter(|toggles| toggles.features.iter().any(wanted));
    let who = asked.filter_map(|toggles| identity::of(toggles, input, at, decisions));
    let who: Vec<_> = who.collect();
    if !who.is_empty() {
        out.extend_from_slice(b",\"identities\":");
        json(out, &who);
    }
    out.extend_from_slice(b",\"features\":{");
    let mut first = true;
    for toggles in &*snapshot.files {
        let decided = &decisions.by_feature[toggles.first..][..toggles.features.len()];
        let is_overridden = decided.iter().flatten().any(|one| one.overridden);
        let origin = is_overridden.then(|| overridden::origin(toggles, input, at));
        let standings = explain::standings(toggles, input, at, decisions);
        for (index, (feature, standing)) in toggles.features.iter().zip(standings).enumerate() {
            if let Some(decision) = decided[index].filter(|_| wanted(feature)) {
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                let stopped = snapshot.is_stopped(toggles, feature, decision);
                let origin = origin.as_ref().filter(|_| decision.overridden);
                member(feature, decision, standing, (stopped, origin), out);
            }
        }
    }
    out.extend_from_slice(b"}}");
}

fn member(
    feature: &Feature,
    decision: Decision,
    standing: Standing,
    (stopped, origin): (bool, Option<&Origin>),
    out: &mut Vec<u8>,
) {
    let variant = feature.variant(decision.variant);
    json(out, &feature.key);
    out.extend_from_slice(b":{\"variant\":");
    json(out, &variant.name);
    out.extend_from_slice(b",\"reason\":");
    json(out, &decision.reason.as_str());
    out.extend_from_slice(b",\"rule\":");
    match decision
        .rule
        .checked_sub(1)
        .map(|rule| &feature.rules[usize::from(rule)].name)
    {
        None => out.extend_from_slice(b"null"),
        Some(Some(name)) => json(out, name),
        Some(None) => json(out, &decision.rule),
    }
    out.extend_from_slice(b",\"bucket\":");
    json(out, &standing.bucket);
    if let Some([rollout, serve]) = standing.draw {
        let draw = [rollout, serve].map(|place| place.to_string());
        out.extend_from_slice(b",\"draw\":");
        json(out, &draw);
    }
    out.extend_from_slice(b",\"header\":");
    json(out, &header(feature));
    if let Some(value) = &variant.value {
        out.extend_from_slice(b",\"value\":");
        json(out, value);
    }
    if let Some(Origin { from, until }) = origin {
        out.extend_from_slice(b",\"forced\":true");
        for (name, value) in [("forced_by", from), ("forced_until", until)] {
            if let Some(value) = value {
                out.extend_from_slice(format!(",\"{name}\":").as_bytes());
                json(out, &value);
            }
        }
    }
    if stopped {
        out.extend_from_slice(b",\"stopped\":true");
    }
    if decision.reason == Reason::Error {
        out.extend_from_slice(b",\"error\":\"TARGETING_KEY_MISSING\"");
    }
    out.push(b'}');
}

fn json(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    // text, numbers and JSON values always serialise
    let _ = serde_json::to_writer(out, value);
}

/// A feature's header as people write it.
pub fn header(feature: &Feature) -> Option<String> {
    let name = feature.header.as_ref()?;
    Some(canonical(name.as_str()))
}

/// A field name as people write it: `x-feature-briefcase` is `X-Feature-Briefcase`.
pub fn canonical(name: &str) -> String {
    let mut start = true;
    let case = |letter: char| {
        let shown = if start {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        start = !letter.is_ascii_alphanumeric();
        shown
    };
    name.chars().map(case).collect()
}
