//! Lines of the exposure log that say who reached a goal, and what the draws gave them. In: a response that reached goals. Out: a
//! line a goal and a person; nearly always one. It is also written where nothing is drawn: the exposure may be another service's.

use super::{
    decided::decided,
    event::ExposureEvent,
    goals::{NAMES, is_name},
    log_fields::UserNames,
};
use serde_json::{Map, Value};

/// As many goals of one response are written: no response takes the whole queue.
pub(super) const MOST: usize = NAMES;

/// A person, and what draws gave: a name by feature.
type Person<'a> = (Option<&'a [u8]>, Map<String, Value>);

pub(super) fn lines(
    event: &ExposureEvent<'_>,
    time: &str,
    names: &UserNames,
) -> Vec<Map<String, Value>> {
    if event.goals.is_empty() {
        return Vec::new();
    }
    let mut goals: Vec<_> = event
        .goals
        .iter()
        .take(MOST)
        .map(|goal| name(goal))
        .collect();
    goals.sort_unstable();
    goals.dedup();
    let mut lines = Vec::new();
    for (id, features) in people(event, names) {
        let id = id.and_then(|id| names.name(id));
        for goal in &goals {
            let mut line = Map::new();
            line.insert("time".into(), time.into());
            line.insert("goal".into(), (*goal).into());
            let version = &*event.snapshot.revision;
            line.insert("feature_flag.version".into(), version.into());
            if let Some(id) = &id {
                line.insert("feature_flag.context.id".into(), id.clone().into());
            }
            line.insert("features".into(), features.clone().into());
            lines.push(line);
        }
    }
    lines
}

/// As metrics name it.
fn name(goal: &str) -> &str {
    match is_name(goal) {
        true => goal,
        false => "other",
    }
}

/// Each user, and each other unit that a feature is drawn by, once. Where nobody is named, they are one.
fn people<'a>(event: &'a ExposureEvent<'_>, names: &UserNames) -> Vec<Person<'a>> {
    let decisions = event.decisions;
    let ids = decisions.users.iter().chain(&decisions.units);
    let ids = ids.flatten().map(|id| &**id);
    let mut people: Vec<Person<'a>> = Vec::new();
    for id in ids.filter(|_| names.name_anybody()) {
        if !people.iter().any(|(known, _)| *known == Some(id)) {
            people.push((Some(id), Map::new()));
        }
    }
    if people.is_empty() {
        people.push((None, Map::new()));
    }
    for (_, one) in decided(event.snapshot, decisions) {
        let mut people = people.iter_mut();
        let of = people.find(|(id, _)| id.is_none() || *id == one.unit);
        if let Some((_, features)) = of
            && one.draw().is_some()
        {
            features.insert(one.feature.key.to_string(), one.variant().into());
        }
    }
    people
}
