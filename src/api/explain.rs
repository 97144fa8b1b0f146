//! `GET /explain?user=mia&country=US`: what this user gets, as `burgee explain --json` says it.
//! In: a query whose names are attributes, as under OFREP. Out: the promised JSON.
//! Reserved: `user`, `at` (an instant instead of now), `feature` (only this one; may come more than once), `override` (what
//! a tester's link carries, unless a file has an attribute of that name) and `why` (`true` adds sentences, for the page).

use crate::engine::{
    Decisions, Feature, Snapshot,
    describe::{explain, json},
    given::Given,
    instant,
    request::{EvaluationContext, Input},
    source::percent_decoded,
    units::Second,
};
use http::StatusCode;
use serde_json::Value;
use std::collections::HashMap;

/// The JSON, or what is wrong with the query.
pub(super) fn response(
    snapshot: &Snapshot,
    query: &str,
    now: Second,
) -> Result<Vec<u8>, (StatusCode, String)> {
    let (mut context, mut at, mut features) = (EvaluationContext::default(), now, Vec::new());
    let (mut why, mut attributes) = (false, HashMap::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        match &*decoded(name) {
            "user" if !value.trim().is_empty() => context.user = Some(value),
            "user" => {}
            "at" => {
                at = instant::parse(&value).map_err(|_| {
                    let why = "`at` is a date (2026-03-01) or RFC 3339 (2026-03-01T09:00:00Z)";
                    (StatusCode::BAD_REQUEST, why.to_owned())
                })?;
            }
            "feature" => features.push(value),
            "why" => why = value == "true",
            "override" if !is_attribute(snapshot, "override") => {
                context.override_value = Some(value).filter(|text| !text.trim().is_empty())
            }
            name => attributes
                .entry(name.to_owned())
                .or_insert_with(Vec::new)
                .push(value),
        }
    }
    // one that comes more than once is a list
    let given = |(name, mut values): (String, Vec<String>)| match values.len() {
        1 => (name, Given::text(values.remove(0))),
        _ => (name, Given::list(values)),
    };
    context.attributes = attributes.into_iter().map(given).collect();
    let is = |feature: &Feature, name: &String| *feature.key == **name || *feature.name == **name;
    let unknown = |name: &&String| !snapshot.features().any(|(_, _, feature)| is(feature, name));
    if let Some(unknown) = features.iter().find(unknown) {
        let why = format!("there is no feature `{unknown}` in force");
        return Err((StatusCode::NOT_FOUND, why));
    }
    let wanted =
        |feature: &Feature| features.is_empty() || features.iter().any(|name| is(feature, name));
    let input = Input::Context(&context);
    let mut decisions = Decisions::default();
    snapshot.decide(input, at, None, &mut decisions);
    let mut out = Vec::new();
    let user = context.user.as_deref();
    json::write(snapshot, &decisions, input, at, user, &wanted, &mut out);
    if why {
        out = with_sentences(&out, snapshot, input, at, &decisions);
    }
    out.push(b'\n');
    Ok(out)
}

/// Whether a file calls an attribute so: then that is meant.
fn is_attribute(snapshot: &Snapshot, name: &str) -> bool {
    let mut all = snapshot.files.iter().flat_map(|file| &*file.attributes);
    all.any(|one| *one.name == *name)
}

/// Adds the sentences of `burgee explain`.
fn with_sentences(
    response: &[u8],
    snapshot: &Snapshot,
    input: Input<'_>,
    at: Second,
    decisions: &Decisions,
) -> Vec<u8> {
    // written a line above: it is JSON
    let mut response: Value = serde_json::from_slice(response).unwrap_or_default();
    for toggles in &*snapshot.files {
        let explanations = explain::file(snapshot, toggles, input, at, decisions);
        for (feature, explanation) in toggles.features.iter().zip(explanations) {
            if let Some(found) = response["features"].get_mut(&*feature.key) {
                found["why"] = explanation.why.into();
                if let Some(change) = explanation.change {
                    found["change"] = change.into();
                }
            }
        }
    }
    response.to_string().into_bytes()
}

/// As forms write it: a blank may be a plus.
fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(&text.replace('+', " "))).into_owned()
}
