//! Reports of `burgee diff`: text or Markdown.
//! In: rows. Out: what `burgee diff` prints.

use super::{
    json,
    part::Part,
    row::{How, Row},
};
use crate::{
    cli::style::Style,
    engine::{
        diff::{ChangeKind, Renamed},
        instant,
    },
};
use std::io::{self, Write};

/// Prints the rows.
pub fn print(
    rows: &[Row<'_>],
    renamed: &[Renamed<'_>],
    how: How,
    out: &mut impl Write,
) -> io::Result<()> {
    match how {
        How { json: true, .. } => json::print(rows, renamed, how, out),
        How { markdown: true, .. } => markdown(rows, renamed, how, out),
        _ => text(rows, renamed, how, out),
    }
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
    for row in rows.iter().filter(|row| row.is_changed()) {
        let shade = if row.moved > Part::default() {
            yellow
        } else {
            ""
        };
        let (key, headline) = (row.change.key, headline(row));
        writeln!(out, "{bold}{key}{plain}: {shade}{headline}{plain}")?;
        for (from, to, share) in &row.flows {
            writeln!(out, "  {from} -> {to}: {}", share.percent())?;
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
    for (key, guard) in only_guards(rows) {
        writeln!(out, "{bold}{key}{plain}: {guard}")?;
    }
    if !rows.iter().any(Row::is_changed) {
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
    if !rows.iter().any(Row::is_changed) {
        writeln!(out, "Nobody.")?;
    } else {
        table(rows, how, out)?;
    }
    for (key, guard) in only_guards(rows) {
        writeln!(out, "\n`{key}`: {guard}")?;
    }
    for line in renamed.iter().map(rename) {
        writeln!(out, "\n⚠️ {line}")?;
    }
    Ok(())
}

fn table(rows: &[Row<'_>], how: How, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "| feature | who switches | from → to | |\n|---|---:|---|---|"
    )?;
    for row in rows.iter().filter(|row| row.is_changed()) {
        let flow = |(from, to, share): &(String, String, Part)| {
            format!("`{from}` → `{to}` {}", share.percent())
        };
        let flows = row.flows.iter().map(flow).collect::<Vec<_>>().join("<br>");
        let (key, headline, notes) = (row.change.key, headline(row), notes(row, how).join(" "));
        writeln!(out, "| `{key}` | {headline} | {flows} | {notes} |")?;
    }
    Ok(())
}

/// Features of which nothing changes but the guard.
fn only_guards<'r>(rows: &'r [Row<'_>]) -> impl Iterator<Item = (&'r str, String)> {
    let same = rows.iter().filter(|row| !row.is_changed());
    same.filter_map(|row| Some((row.change.key, row.guard()?)))
}

fn headline(row: &Row<'_>) -> String {
    let who = match row.change.flows {
        Some(_) => format!("{} of users", row.moved.percent()),
        None => format!("{} of the counted users", row.moved.percent()),
    };
    match row.change.kind {
        ChangeKind::Added => format!("new: {who} get something else than its default"),
        ChangeKind::Removed => format!(
            "removed: its header is no longer sent; {who} had something else than its default"
        ),
        ChangeKind::Renamed(from) => {
            format!("renamed from {from}, with its salt: {who} switch variant")
        }
        ChangeKind::Same => "the same".into(),
        ChangeKind::Changed => format!("{who} switch variant"),
    }
}

fn notes(row: &Row<'_>, how: How) -> Vec<String> {
    let (change, mut notes) = (&row.change, Vec::new());
    if let (None, Some(counted)) = (&change.flows, &row.counted) {
        let users = counted.users;
        notes.push(match how.sample {
            Some(_) => format!("Depends on the request: counted over {users} made-up ids, with the request that the flags describe. Count your own users with --users FILE."),
            None => format!("Depends on the request: counted over the {users} users in the file."),
        });
        let [before, after] = counted.reached();
        if before != after && change.kind == ChangeKind::Changed {
            let word = if after > before {
                "Reaches more"
            } else {
                "Reaches fewer"
            };
            notes.push(format!(
                "{word}: {} get a variant other than the default, {} before.",
                after.percent(),
                before.percent()
            ));
        }
        let concerned = Part::of(change.concerned).percent();
        notes.push(format!(
            "Of users whom its conditions reach, up to {concerned} switch."
        ));
    } else if let Some(counted) = row.counted.as_ref().filter(|_| how.sample.is_none()) {
        notes.push(format!(
            "{} of the {} users in the file switch.",
            counted.switched().percent(),
            counted.users
        ));
    }
    for name in row.counted.iter().flat_map(|counted| &counted.unknown) {
        notes.push(format!(
            "Nobody in the file has `{name}`, which its conditions ask for."
        ));
    }
    if let Some((at, share)) = change.later {
        let (at, share) = (instant::show(at), Part::of(share).percent());
        notes.push(format!("From {at} on, up to {share} switch."));
    }
    notes.extend(row.guard().map(|guard| format!("{}.", capitalised(&guard))));
    if row.accepted {
        notes.push("Accepted: it may move more than --max-moved.".into());
    }
    notes
}

fn capitalised(sentence: &str) -> String {
    let (first, rest) = sentence.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn rename(renamed: &Renamed<'_>) -> String {
    let Renamed { from, to, salt } = renamed;
    format!(
        "{to} looks like {from} under a new name: users are assigned anew unless you add `salt: {salt}`"
    )
}
