//! Decisions to request fields. In: decisions and a request that was stripped of look-alikes.
//! Out: one field a feature, and what the file opts into: payloads, the combined field, the revision.

use super::{Decision, Decisions, Feature, Snapshot, Toggles};
use http::{HeaderMap, HeaderValue};

/// Writes our fields, last. The map grows at most once.
pub fn write(snapshot: &Snapshot, headers: &mut HeaderMap, decisions: &Decisions) {
    // a map that cannot hold more goes on without us: the application is reached even then
    let _ = headers.try_reserve(decisions.answers.len() + 2);
    for (_, feature, decision) in sent(snapshot, decisions) {
        let variant = feature.variant(decision.variant);
        if let Some(name) = &feature.header {
            let _ = headers.try_insert(name.clone(), variant.header.clone());
        }
        if let (Some(name), Some(value)) = (&feature.value_header, &variant.value_header) {
            let _ = headers.try_insert(name.clone(), value.clone());
        }
    }
    if let Some(name) = &snapshot.combined {
        let members: Vec<&str> = sent(snapshot, decisions)
            .filter(|(_, feature, _)| feature.header.is_some())
            .map(|(_, feature, decision)| &*feature.variant(decision.variant).member)
            .collect();
        if let (false, Ok(value)) = (
            members.is_empty(),
            HeaderValue::from_str(&members.join(", ")),
        ) {
            let _ = headers.try_insert(name.clone(), value);
        }
    }
    if let Some((name, value)) = &snapshot.revision_header {
        let _ = headers.try_insert(name.clone(), value.clone());
    }
}

/// The answers that travel: not those of a file whose condition is false, a draft, or an omitted `off`.
pub fn sent<'a>(
    snapshot: &'a Snapshot,
    decisions: &'a Decisions,
) -> impl Iterator<Item = (&'a Toggles, &'a Feature, Decision)> {
    snapshot.features().filter_map(|(index, toggles, feature)| {
        let decision = decisions.answers[index]?;
        let omitted = !toggles.send_off && &*feature.variant(decision.variant).name == "off";
        (!omitted).then_some((toggles, feature, decision))
    })
}
