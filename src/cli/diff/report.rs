//! Reports of `burgee diff`: text, JSON or Markdown.
//! In: rows. Out: what `burgee diff` prints.

use super::count::FeatureCount;
use crate::{
    cli::style::Style,
    engine::diff::{ChangeKind, Renamed, flows},
};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

/// What the edit changes in one feature.
pub struct Row<'a> {
    /// the feature's key
    pub key: &'a str,
    /// what happened to it
    pub kind: ChangeKind<'a>,
    /// the share of users that switches variant, 0 to 1
    pub switched: f64,
    /// from, to, share: those that switch
    pub flows: Vec<(String, String, f64)>,
    /// the counts, if ids were counted
    pub counted: Option<FeatureCount>,
}

/// How to print it.
#[derive(Clone, Copy)]
pub struct How {
    /// as JSON
    pub json: bool,
    /// as Markdown
    pub markdown: bool,
    /// the number of made-up ids, if those were counted
    pub sample: Option<u64>,
}

/// Prints the rows.
pub fn print(
    rows: &[Row<'_>],
    renamed: &[Renamed<'_>],
    how: How,
    out: &mut impl Write,
) -> io::Result<()> {
    match how {
        How { json: true, .. } => json(rows, renamed, how, out),
        How { markdown: true, .. } => markdown(rows, renamed, how, out),
        _ => text(rows, renamed, how, out),
    }
}

/// A share as a percentage, with as many digits as it needs.
pub fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

fn text(
    rows: &[Row<'_>],
    renamed: &[Renamed<'_>],
    how: How,
    out: &mut impl Write,
) -> io::Result<()> {
    let Style {
        bold,
        yellow,
        plain,
        ..
    } = Style::stdout();
    for row in rows.iter().filter(|row| changed(row)) {
        let shade = if row.switched > 0.0 { yellow } else { "" };
        writeln!(
            out,
            "{bold}{}{plain}: {shade}{}{plain}",
            row.key,
            headline(row)
        )?;
        for (from, to, share) in &row.flows {
            writeln!(out, "  {from} -> {to}: {}", percent(*share))?;
        }
        for note in notes(row, how) {
            writeln!(out, "  {note}")?;
        }
        for (id, from, to) in row.counted.iter().flat_map(|counted| &counted.who) {
            writeln!(out, "  {id}: {from} -> {to}")?;
        }
    }
    for line in renamed.iter().map(rename) {
        writeln!(out, "{line}")?;
    }
    if !rows.iter().any(changed) {
        writeln!(out, "nobody switches variant")?;
    }
    Ok(())
}

fn markdown(
    rows: &[Row<'_>],
    renamed: &[Renamed<'_>],
    how: How,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "### Who switches variant\n")?;
    if !rows.iter().any(changed) {
        return writeln!(out, "Nobody.");
    }
    writeln!(
        out,
        "| feature | who switches | from → to | |\n|---|---:|---|---|"
    )?;
    for row in rows.iter().filter(|row| changed(row)) {
        let flow = |(from, to, share): &(String, String, f64)| {
            format!("`{from}` → `{to}` {}", percent(*share))
        };
        let flows = row.flows.iter().map(flow).collect::<Vec<_>>().join("<br>");
        writeln!(
            out,
            "| `{}` | {} | {flows} | {} |",
            row.key,
            headline(row),
            notes(row, how).join(" ")
        )?;
    }
    for line in renamed.iter().map(rename) {
        writeln!(out, "\n⚠️ {line}")?;
    }
    Ok(())
}

fn json(
    rows: &[Row<'_>],
    renamed: &[Renamed<'_>],
    how: How,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut features = Map::new();
    for row in rows {
        let flow = |(from, to, share): &(String, String, f64)| json!({"from": from, "to": to, "share": share});
        let mut shown = json!({
            "moved": row.switched,
            "flows": row.flows.iter().map(flow).collect::<Vec<_>>(),
            "exact": !matches!(row.kind, ChangeKind::Depends(_)),
            "change": change(row),
        });
        if let ChangeKind::Depends(Some(flows)) = &row.kind {
            shown["moved_of_those_led_here"] = flows::switched(flows).into();
        }
        if let Some(counted) = &row.counted {
            shown["counted"] = json!({
                "people": counted.users,
                "moved": counted.switched(),
                "reached": counted.reached(),
                "made_up": how.sample.is_some(),
            });
            if how.sample.is_none() {
                let who = |(user, from, to): &(String, String, String)| json!({"user": user, "from": from, "to": to});
                shown["people"] = counted.who.iter().map(who).collect();
            }
        }
        features.insert(row.key.to_owned(), shown);
    }
    let pair = |renamed: &Renamed<'_>| json!({"from": renamed.from, "to": renamed.to, "salt": renamed.salt});
    let whole = json!({"features": Value::Object(features), "renamed": renamed.iter().map(pair).collect::<Vec<_>>()});
    serde_json::to_writer(&mut *out, &whole)?;
    writeln!(out)
}

fn changed(row: &Row<'_>) -> bool {
    !matches!(row.kind, ChangeKind::Same)
}

fn change(row: &Row<'_>) -> &'static str {
    match row.kind {
        ChangeKind::Added => "new",
        ChangeKind::Removed => "gone",
        ChangeKind::Same => "same",
        ChangeKind::Exact(_) | ChangeKind::Depends(_) => "changed",
    }
}

fn headline(row: &Row<'_>) -> String {
    match row.kind {
        ChangeKind::Added => "new".into(),
        ChangeKind::Removed => "removed: its header is no longer sent".into(),
        ChangeKind::Same => "the same".into(),
        ChangeKind::Exact(_) => format!("{} of users switch variant", percent(row.switched)),
        ChangeKind::Depends(_) => format!(
            "{} of the counted users switch variant",
            percent(row.switched)
        ),
    }
}

fn notes(row: &Row<'_>, how: How) -> Vec<String> {
    let mut notes = Vec::new();
    if let (ChangeKind::Depends(led), Some(counted)) = (&row.kind, &row.counted) {
        let users = counted.users;
        notes.push(match how.sample {
            Some(_) => format!("Depends on the request: counted over {users} made-up ids, with the request that the flags describe. Count your own ids with --users FILE."),
            None => format!("Depends on the request: counted over {users} ids, with the request that the flags describe."),
        });
        let [before, after] = counted.reached();
        if before != after {
            let word = if after > before {
                "Reaches more"
            } else {
                "Reaches fewer"
            };
            notes.push(format!(
                "{word}: {} get a variant other than the default, {} before.",
                percent(after),
                percent(before)
            ));
        }
        if let Some(flows) = led {
            let switched = percent(flows::switched(flows));
            notes.push(format!(
                "Exactly {switched} of the users who match its conditions switch."
            ));
        }
    } else if let Some(counted) = row.counted.as_ref().filter(|_| how.sample.is_none()) {
        notes.push(format!(
            "{} of the {} ids in the file switch.",
            percent(counted.switched()),
            counted.users
        ));
    }
    notes
}

fn rename(renamed: &Renamed<'_>) -> String {
    let Renamed { from, to, salt } = renamed;
    format!(
        "{to} looks like {from} under a new name: users are assigned anew unless you add `salt: {salt}`"
    )
}
