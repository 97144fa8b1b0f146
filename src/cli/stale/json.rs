//! The report for programs: one object, every feature in it. Fields may be added, never renamed.
//! In: a report. Out: JSON.

use super::row::{Place, Report, Row, Why};
use crate::{cli::stale::history::Since, engine::instant};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// Prints it.
pub fn print(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let features = report
        .rows
        .iter()
        .map(|row| (row.key.to_owned(), feature(row)));
    let gone = report.leftovers.iter().map(|one| {
        let now = one.gone.now.as_deref();
        let at = instant::show(one.gone.at);
        let said = json!({"now": now, "at": at, "named": places(&one.named), "lost": one.lost, "next": one.next});
        (one.gone.name.clone(), said)
    });
    let searched = report.found.map(|found| json!({"files": found.files, "bytes": found.bytes, "unread": found.unread, "not_listed": found.more}));
    let all = json!({
        "at": instant::show(report.now),
        "since": instant::show(report.since),
        "features": features.collect::<Map<_, _>>(),
        "gone": gone.collect::<Map<_, _>>(),
        "built": places(&report.built),
        "searched": searched,
        "notes": report.notes,
    });
    writeln!(out, "{all}")
}

fn feature(row: &Row<'_>) -> Value {
    let feature = row.feature;
    let why = row.why.iter().map(|why| match why {
        Why::Expired => "expired",
        Why::Everybody => "everybody",
        Why::Nobody => "nobody",
        Why::Parked => "parked",
        Why::Unnamed => "unnamed",
    });
    let seen = row
        .seen
        .map(|seen| json!({"decisions": seen.decisions, "exposures": seen.exposures}));
    json!({
        "file": row.path.display().to_string(),
        "owner": feature.owner,
        "expires": feature.expires.as_ref().map(|end| &*end.day),
        "permanent": feature.permanent,
        "header": row.header(),
        "stands": row.standing.as_str(),
        "variant": row.standing.variant(),
        "since": row.since.map(since),
        "at_least": row.since.is_some_and(|since| since.at_least),
        "names": row.names.iter().map(|(name, at)| json!({"name": name, "until": instant::show(*at)})).collect::<Vec<_>>(),
        "stale": why.collect::<Vec<_>>(),
        "asked_by": row.asked_by,
        "named": row.named.as_deref().map(places),
        "perhaps": places(&row.perhaps),
        "seen": seen,
        "lost": row.lost,
        "next": row.next,
    })
}

fn since(since: Since) -> String {
    instant::show(since.at)
}

fn places(places: &[&Place]) -> Vec<Value> {
    let place = |(path, one): &&Place| json!({"file": path.display().to_string(), "line": one.line, "text": one.text});
    places.iter().map(place).collect()
}
