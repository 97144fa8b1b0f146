//! Reports of `burgee check`: text, JSON or GitHub annotations.
//! In: the paths that were checked. Out: what it prints.

use crate::{
    cli::style::Style,
    config::{Problem, Severity, Text},
    engine::{Snapshot, Status, headers::Budget},
};
use std::{
    io::{self, Write},
    path::Path,
};

/// The result for one path.
pub struct Checked<'a> {
    /// as the user gave it
    pub path: &'a Path,
    /// what was read
    pub texts: Vec<Text>,
    /// in the order of the files
    pub problems: Vec<Problem>,
    /// what it compiles to; none if there are errors
    pub snapshot: Option<Snapshot>,
}

impl Checked<'_> {
    /// Whether anything makes the exit code 1.
    pub fn is_bad(&self) -> bool {
        let mut problems = self.problems.iter();
        self.snapshot.is_none() || problems.any(|problem| problem.severity == Severity::Error)
    }
}

/// For people: each problem with its line and a caret, then a summary of each good path.
pub fn text(all: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    let Style {
        bold,
        red,
        yellow,
        green,
        plain,
    } = Style::stdout();
    let (mut errors, mut warnings) = (0, 0);
    for one in all {
        for problem in &one.problems {
            let (shade, count) = match problem.severity {
                Severity::Error => (red, &mut errors),
                Severity::Warning => (yellow, &mut warnings),
            };
            *count += 1;
            let place = format!("{}:{}:{}", problem.file, problem.line, problem.column);
            let kind = match problem.severity {
                Severity::Error => "",
                Severity::Warning => "warning: ",
            };
            let path = match &*problem.path {
                "" => String::new(),
                path => format!("`{path}`: "),
            };
            writeln!(out, "{bold}{place}:{plain} {kind}{path}{}", problem.message)?;
            let number = problem.line.to_string();
            let margin = " ".repeat(number.len());
            if let Some((line, caret)) = excerpt(&one.texts, problem) {
                writeln!(out, "  {number} | {line}")?;
                writeln!(out, "  {margin} | {}{shade}^{plain}", " ".repeat(caret))?;
            }
            if !problem.hint.is_empty() {
                writeln!(out, "  {margin} = {}", problem.hint)?;
            }
            writeln!(out)?;
        }
        if let Some(snapshot) = one.snapshot.as_ref().filter(|_| !one.is_bad()) {
            let summary = summary(snapshot);
            writeln!(out, "{}: {green}good{plain}: {summary}", one.path.display())?;
        }
    }
    if errors + warnings > 0 {
        writeln!(
            out,
            "{}, {}",
            some(errors, "problem"),
            some(warnings, "warning")
        )?;
    }
    Ok(())
}

/// The number of features, and how much of a request's headers they take.
fn summary(snapshot: &Snapshot) -> String {
    let sent = snapshot
        .features()
        .filter(|(_, _, feature)| feature.header.is_some() && feature.status != Status::Archived)
        .count();
    let features = snapshot.features().count();
    let files = match snapshot.files.len() {
        1 => String::new(),
        many => format!("{many} files, "),
    };
    let stops = &snapshot.stopped.stops;
    let stopped = match stops.list.len() {
        0 if &*stops.revision == "none" => String::new(),
        0 => "nothing is stopped".to_owned(),
        many => format!("{many} stopped or held"),
    };
    if snapshot.files.is_empty() {
        return stopped;
    }
    let stopped = match &*stopped {
        "" => String::new(),
        stopped => format!("; {stopped}"),
    };
    let Budget { fields, bytes } = snapshot.budget();
    format!(
        "{files}{}, {sent} with a header; a request gets at most {}, {bytes} of {} bytes; revision {}{stopped}",
        some(features, "feature"),
        some(fields, "header"),
        Budget::MOST_BYTES,
        snapshot.revision
    )
}

/// `1 feature`, `2 features`
fn some(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The line of a problem and where its caret stands; a long line is cut around it.
fn excerpt(texts: &[Text], problem: &Problem) -> Option<(String, usize)> {
    const BEFORE: usize = 60;
    const WIDE: usize = 100;
    const TOO_LONG: usize = 10_000;
    let text = texts.iter().find(|text| *text.name == *problem.file)?;
    let mut lines = text.bytes.split(|byte| *byte == b'\n');
    let line = lines.nth(problem.line as usize - 1)?;
    let line = String::from_utf8_lossy(line.get(..TOO_LONG).map_or(line, |_| b""));
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let line = line.trim_start_matches('\u{feff}').trim_end();
    let line: Vec<char> = line.chars().map(printable).collect();
    if line.is_empty() {
        return None;
    }
    let column = problem.column as usize - 1;
    if line.len() <= WIDE {
        return Some((line.iter().collect(), column));
    }
    let from = column.saturating_sub(BEFORE).min(line.len());
    let until = (from + WIDE).min(line.len());
    let lead = if from > 0 { "…" } else { "" };
    let tail = if until < line.len() { "…" } else { "" };
    let part: String = line[from..until].iter().collect();
    Some((
        format!("{lead}{part}{tail}"),
        column - from + lead.chars().count(),
    ))
}

fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// A stable format: fields may be added, never renamed or removed.
pub fn json(all: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    let problems = all.iter().flat_map(|one| &one.problems).map(|problem| {
        serde_json::json!({
            "file": &*problem.file,
            "line": problem.line,
            "column": problem.column,
            "path": problem.path,
            "severity": severity(problem),
            "message": problem.message,
            "hint": problem.hint,
        })
    });
    let problems: Vec<_> = problems.collect();
    // a path that could not be read counts as one file
    let files: usize = all.iter().map(|one| one.texts.len().max(1)).sum();
    let headers = all.iter().filter_map(|one| {
        let snapshot = one.snapshot.as_ref()?;
        let Budget { fields, bytes } = snapshot.budget();
        Some(serde_json::json!({
            "path": one.path.display().to_string(),
            "revision": snapshot.revision,
            "fields": fields,
            "bytes": bytes,
            "limit": Budget::MOST_BYTES,
        }))
    });
    let headers: Vec<_> = headers.collect();
    let mut shown = serde_json::json!({"files": files, "problems": problems, "headers": headers});
    // with several paths each has its own, below `headers`
    if let [
        Checked {
            snapshot: Some(snapshot),
            ..
        },
    ] = all
    {
        shown["revision"] = (&*snapshot.revision).into();
    }
    writeln!(out, "{shown}")
}

/// For a workflow: `::error file=…,line=…,col=…,title=…::message`
pub fn github(all: &[Checked<'_>], out: &mut impl Write) -> io::Result<()> {
    let data = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    for problem in all.iter().flat_map(|one| &one.problems) {
        let message = match &*problem.hint {
            "" => problem.message.clone(),
            hint => format!("{}; {hint}", problem.message),
        };
        let title = match &*problem.path {
            "" => "toggles",
            path => path,
        };
        writeln!(
            out,
            "::{} file={},line={},col={},title={}::{}",
            severity(problem),
            property(&problem.file),
            problem.line,
            problem.column,
            property(title),
            data(&message)
        )?;
    }
    Ok(())
}
