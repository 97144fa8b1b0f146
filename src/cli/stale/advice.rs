//! What would be lost without a feature, and what to do next.
//! In: a row. Out: two sentences.

use super::row::{Row, Why};
use crate::engine::describe::standing::Standing;

/// What would be lost.
pub fn lost(row: &Row<'_>) -> String {
    let mut lost = match (&row.named, row.perhaps.len()) {
        (Some(named), 0) if named.is_empty() => match row.header() {
            Some(header) => {
                format!("nothing that code reads: {header} is sent, and nobody names it")
            }
            None => "nothing that code reads".to_owned(),
        },
        (Some(named), _) if named.is_empty() => {
            "perhaps nothing: no code names its header, but look at the places where its key stands"
                .to_owned()
        }
        _ => given(row),
    };
    if let Some(seen) = row.seen {
        let decisions = seen.decisions.iter().filter(|(_, count)| **count > 0);
        let decisions: Vec<_> = decisions
            .map(|(variant, count)| format!("`{variant}` {count} times"))
            .collect();
        lost += &match decisions.is_empty() {
            true => "; nobody got anything in that time".to_owned(),
            false => format!("; Prometheus counted {}", decisions.join(", ")),
        };
        if seen.exposures > 0 {
            lost += &format!(", and {} uses by the application", seen.exposures);
        }
    }
    lost
}

/// Of a feature that code reads, or may read.
fn given(row: &Row<'_>) -> String {
    match &row.standing {
        Standing::Everybody(variant) if is_default(row, variant) => {
            format!(
                "nothing that anybody has: everybody gets `{variant}`, and the code behind the rest is not reached"
            )
        }
        Standing::Everybody(variant) => {
            format!(
                "what everybody has, unless code does for everybody what it does for `{variant}`"
            )
        }
        Standing::Parked(_) => {
            "nothing that anybody has, but the code behind it can no longer be turned on".to_owned()
        }
        Standing::Share | Standing::Targeted => format!("what some people have: {}", row.sentence),
    }
}

fn is_default(row: &Row<'_>, variant: &str) -> bool {
    *row.feature.variant(row.feature.default).name == *variant
}

/// What to do next, and whom to ask.
pub fn next(row: &Row<'_>, is_new: bool) -> String {
    if row.why.is_empty() {
        return String::new();
    }
    let ask = match &row.feature.owner {
        Some(owner) => format!("ask {owner}: "),
        None => String::new(),
    };
    let askers = match row.asked_by.is_empty() {
        true => String::new(),
        false => format!(
            "take it out of the conditions of {}, then ",
            row.asked_by.join(", ")
        ),
    };
    format!("{ask}{askers}{}", step(row, is_new))
}

fn step(row: &Row<'_>, is_new: bool) -> String {
    let Row { key, path, .. } = row;
    let remove = format!("remove `{key}` from {}", path.display());
    let places = match &row.named {
        Some(named) if named.is_empty() => return unnamed(row, &remove, is_new),
        Some(named) => match named.len() {
            1 => "in the place below".to_owned(),
            many => format!("in the {many} places below"),
        },
        None => "wherever code names it".to_owned(),
    };
    match &row.standing {
        Standing::Everybody(variant) if !is_default(row, variant) => {
            format!("keep the code of `{variant}` {places}, release it, then {remove}")
        }
        Standing::Everybody(variant) => {
            format!(
                "begin its rollout, or keep the code of `{variant}` {places}, release it, then {remove}"
            )
        }
        Standing::Parked(_) => {
            format!("bring it back, or delete its code {places}, release it, then {remove}")
        }
        Standing::Share | Standing::Targeted if row.why == [Why::Expired] => {
            "end it, or move `expires`".to_owned()
        }
        Standing::Share | Standing::Targeted => {
            format!(
                "choose, by `burgee report`: give one variant to everybody, keep its code {places}, then {remove}"
            )
        }
    }
}

/// Of a feature that no code names.
fn unnamed(row: &Row<'_>, remove: &str, is_new: bool) -> String {
    match (row.perhaps.len(), is_new) {
        (_, true) => format!("wait for its code, or {remove}: it is new"),
        (0, false) if row.feature.permanent => {
            format!("{remove}, or search the code that reads it too")
        }
        (0, false) => remove.to_owned(),
        (_, false) => format!("look at the places below; if none of them means it, {remove}"),
    }
}
