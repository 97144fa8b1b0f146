//! The report for people: text, or Markdown.
//! In: a report. Out: what `burgee stale` prints.

use super::row::{Leftover, Place, Report, Row, day};
use crate::cli::{fleet::words::printable, style::Style};
use std::io::{self, Write};

/// Of each feature so many places are shown; `--json` has all.
const SHOWN: usize = 10;

/// For a terminal.
pub fn text(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let Style {
        bold,
        yellow,
        plain,
        ..
    } = Style::stdout();
    for row in stale(report) {
        let owner = row
            .feature
            .owner
            .as_deref()
            .map(|owner| format!(" ({})", printable(owner)));
        let (owner, words) = (owner.unwrap_or_default(), printable(&row.words.join("; ")));
        writeln!(
            out,
            "{bold}{}{plain}{owner}: {yellow}{words}{plain}",
            row.key
        )?;
        writeln!(out, "  lost: {}", printable(&row.lost))?;
        writeln!(out, "  next: {}", printable(&row.next))?;
        if let [(first, _), ..] = &*row.names {
            writeln!(out, "  was called {first} before")?;
        }
        let named = row.named.iter().flatten().copied();
        places(named, "", out)?;
        places(row.perhaps.iter().copied(), " (perhaps)", out)?;
    }
    for Leftover {
        gone,
        named,
        lost,
        next,
    } in &report.leftovers
    {
        writeln!(
            out,
            "{bold}{}{plain}: {yellow}code names it, and no file has it{plain}",
            gone.name
        )?;
        writeln!(
            out,
            "  lost: {}\n  next: {}",
            printable(lost),
            printable(next)
        )?;
        places(named.iter().copied(), "", out)?;
    }
    writeln!(out, "{}", summary(report))?;
    for note in &report.notes {
        writeln!(out, "{}", printable(note))?;
    }
    Ok(())
}

fn places<'a>(
    places: impl Iterator<Item = &'a Place>,
    remark: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let all: Vec<&Place> = places.collect();
    for (path, one) in all.iter().take(SHOWN) {
        let path = printable(&path.display().to_string());
        writeln!(
            out,
            "  {path}:{}: {}{remark}",
            one.line,
            printable(&one.text)
        )?;
    }
    match all.len().checked_sub(SHOWN) {
        Some(more @ 1..) => writeln!(out, "  and {more} more{remark}"),
        _ => Ok(()),
    }
}

/// For a pull request or an issue.
pub fn markdown(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "### What may be taken out\n")?;
    if stale(report).next().is_some() {
        writeln!(
            out,
            "| feature | owner | why | what would be lost | next |\n|---|---|---|---|---|"
        )?;
    }
    for row in stale(report) {
        let owner = row.feature.owner.as_deref().map(code).unwrap_or_default();
        let cells = [&row.words.join("; "), &row.lost, &row.next].map(|text| escaped(text));
        writeln!(
            out,
            "| {} | {owner} | {} |",
            code(row.key),
            cells.join(" | ")
        )?;
    }
    for one in &report.leftovers {
        let name = code(&one.gone.name);
        writeln!(
            out,
            "\n{name}: code names it, and no file has it. {}.",
            escaped(&one.next)
        )?;
        listed(&one.named, out)?;
    }
    writeln!(out, "\n{}", escaped(&summary(report)))?;
    for note in &report.notes {
        writeln!(out, "\n{}", escaped(note))?;
    }
    for row in stale(report) {
        let named: Vec<&Place> = row
            .named
            .iter()
            .flatten()
            .chain(&row.perhaps)
            .copied()
            .collect();
        if !named.is_empty() {
            writeln!(
                out,
                "\n<details><summary>Where code names <code>{}</code></summary>\n",
                row.key
            )?;
            listed(&named, out)?;
            writeln!(out, "\n</details>")?;
        }
    }
    Ok(())
}

fn listed(places: &[&Place], out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    for (path, one) in places.iter().take(SHOWN) {
        writeln!(
            out,
            "- {}",
            code(&format!("{}:{}", path.display(), one.line))
        )?;
    }
    match places.len().checked_sub(SHOWN) {
        Some(more @ 1..) => writeln!(out, "- and {more} more"),
        _ => Ok(()),
    }
}

fn stale<'r, 'a>(report: &'r Report<'a>) -> impl Iterator<Item = &'r Row<'a>> {
    report.rows.iter().filter(|row| !row.why.is_empty())
}

fn summary(report: &Report<'_>) -> String {
    let (all, some) = (report.rows.len(), stale(report).count());
    let searched = report
        .found
        .map(|found| format!(" Files of code searched: {}.", found.files));
    let since = day(report.since);
    let what = match some {
        0 => format!(
            "Nothing to take out of {all} features: none has expired or stood still since {since}."
        ),
        1 => format!("1 of {all} features may go, or needs a word. Long is since {since}."),
        some => format!("{some} of {all} features may go, or need a word. Long is since {since}."),
    };
    what + &searched.unwrap_or_default()
}

/// Text of files and people, as a span of code: it is shown as it is, and calls nobody.
fn code(text: &str) -> String {
    format!(
        "`{}`",
        printable(text).replace('`', "'").replace('|', "\\|")
    )
}

/// Spans of code stay; what else Markdown would read is text.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    let mut is_code = false;
    for letter in printable(text).chars() {
        match letter {
            '`' => is_code = !is_code,
            '|' => safe.push('\\'),
            '<' | '@' | '*' | '[' | '#' | '_' | '&' if !is_code => safe.push('\\'),
            _ => {}
        }
        safe.push(letter);
    }
    safe
}
