//! The report of `burgee diff --json`: its shape is a promise, fields are only ever added.
//! In: rows. Out: one object; shares are exact decimals, and the flows of a feature sum to what moves.

use super::{
    gate,
    part::Part,
    row::{How, Row},
};
use crate::engine::{
    diff::{ChangeKind, Renamed},
    instant,
};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Prints the rows.
pub fn print(
    rows: &[Row<'_>],
    renamed: &[Renamed<'_>],
    how: How,
    out: &mut impl Write,
) -> io::Result<()> {
    let features: Map<_, _> = rows
        .iter()
        .map(|row| (row.change.key.to_owned(), feature(row, how)))
        .collect();
    let pair = |renamed: &Renamed<'_>| json!({"from": renamed.from, "to": renamed.to, "salt": renamed.salt});
    let renamed: Vec<_> = renamed.iter().map(pair).collect();
    serde_json::to_writer(
        &mut *out,
        &json!({"features": features, "renamed": renamed}),
    )?;
    writeln!(out)
}

fn feature(row: &Row<'_>, how: How) -> Value {
    let change = &row.change;
    let by_file = how.sample.is_none();
    let flow = |(from, to, share): &(String, String, Part)| json!({"from": from, "to": to, "share": share.json()});
    let mut shown = json!({
        "moved": row.moved.json(),
        "flows": row.flows.iter().map(flow).collect::<Vec<_>>(),
        "exact": change.flows.is_some(),
        "change": word(change.kind),
        "gate": gate::greatest(row, by_file).0.json(),
    });
    if change.flows.is_none() {
        shown["concerned"] = Part::of(change.concerned).json();
    }
    if let Some((at, share)) = change.later {
        shown["later"] = json!({"at": instant::show(at), "moved": Part::of(share).json()});
    }
    if let ChangeKind::Renamed(from) = change.kind {
        shown["from"] = from.into();
    }
    if let Some(guard) = row.guard() {
        shown["guard"] = guard.into();
    }
    if row.accepted {
        shown["accepted"] = true.into();
    }
    if let Some(counted) = &row.counted {
        shown["counted"] = json!({
            "people": counted.users,
            "moved": counted.switched().json(),
            "reached": counted.reached().map(Part::json),
            "made_up": !by_file,
        });
        if by_file {
            let who = |(user, from, to): &(String, String, String)| json!({"user": user, "from": from, "to": to});
            shown["people"] = counted.who.iter().map(who).collect();
        }
    }
    shown
}

fn word(kind: ChangeKind<'_>) -> &'static str {
    match kind {
        ChangeKind::Added => "new",
        ChangeKind::Removed => "gone",
        ChangeKind::Renamed(_) => "renamed",
        ChangeKind::Same => "same",
        ChangeKind::Changed => "changed",
    }
}
