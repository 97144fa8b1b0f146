//! `burgee check`: every problem of toggles files, before they are deployed.
//! In: files and directories. Out: each problem with its line, and 1 if there is any.

use super::PROBLEMS;
use crate::{
    config::{self, Problem, Severity, Text},
    engine::{Snapshot, units::Second},
};
use clap::{Args, ValueEnum};
use std::{
    io::{self, IsTerminal as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Shows every problem of toggles files: 0 if there is none, 1 if there is
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  burgee check toggles.yaml\n  burgee check --strict --format github deploy/toggles/\n  \
    helm template . | yq 'select(.kind == \"ConfigMap\").data.\"toggles.yaml\"' | burgee check -\n\n\
    Each path is checked by itself; the files of a directory belong together, as they do in a pod.\n\
    Variables that the files name are taken as set."
)]
pub struct Check {
    /// Toggles files, directories of them, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// How problems are shown
    #[arg(long, value_enum, env = "BURGEE_FORMAT", default_value = "text")]
    format: Format,
    /// Warnings count as problems
    #[arg(long, env = "BURGEE_STRICT")]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// each problem with its line and a caret
    Text,
    /// one object
    Json,
    /// annotations of a GitHub workflow
    Github,
}

/// What was found in one path.
struct Checked {
    texts: Vec<Text>,
    problems: Vec<Problem>,
    snapshot: Option<Snapshot>,
}

/// Checks every path.
pub fn main(check: &Check) -> ExitCode {
    let mut all: Vec<Checked> = check.paths.iter().map(|path| checked(path)).collect();
    for problem in all.iter_mut().flat_map(|one| &mut one.problems) {
        if check.strict {
            problem.severity = Severity::Error;
        }
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    // whoever closed the pipe has read enough
    let _ = match check.format {
        Format::Text => text(&mut out, check, &all),
        Format::Json => json(&mut out, &all),
        Format::Github => github(&mut out, &all),
    };
    let _ = out.flush();
    let mut problems = all.iter().flat_map(|one| &one.problems);
    match problems.any(|problem| problem.severity == Severity::Error) {
        true => PROBLEMS.into(),
        false => ExitCode::SUCCESS,
    }
}

fn checked(path: &Path) -> Checked {
    let generation = match config::generation(path) {
        Ok(generation) => generation,
        Err(problems) => {
            return Checked {
                texts: Vec::new(),
                problems: problems.0,
                snapshot: None,
            };
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Second(now.map_or(0, |now| now.as_secs() as i64));
    // a laptop has neither the key nor the labels of the pod
    let environment = |_: &str| Some("set where it runs".to_owned());
    let (snapshot, problems) = match config::compile_texts(&generation.texts, &environment, now) {
        Ok((snapshot, warnings)) => (Some(snapshot), warnings),
        Err(problems) => (None, problems.0),
    };
    Checked {
        texts: generation.texts,
        problems,
        snapshot,
    }
}

fn text(out: &mut impl Write, check: &Check, all: &[Checked]) -> io::Result<()> {
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let paint = |code: &'static str| if colour { code } else { "" };
    let (mut errors, mut warnings) = (0, 0);
    for (one, path) in all.iter().zip(&check.paths) {
        for problem in &one.problems {
            let (shade, count) = match problem.severity {
                Severity::Error => (paint("\x1b[31m"), &mut errors),
                Severity::Warning => (paint("\x1b[33m"), &mut warnings),
            };
            *count += 1;
            let (bold, plain) = (paint("\x1b[1m"), paint("\x1b[0m"));
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
        if let Some(snapshot) = &one.snapshot {
            writeln!(out, "{}: good: {}", path.display(), summary(snapshot))?;
        }
    }
    if errors + warnings > 0 {
        let some = |count: usize, word: &str| {
            format!("{count} {word}{}", if count == 1 { "" } else { "s" })
        };
        writeln!(
            out,
            "{}, {}",
            some(errors, "problem"),
            some(warnings, "warning")
        )?;
    }
    Ok(())
}

/// How much there is, and how much of a request's head it takes.
fn summary(snapshot: &Snapshot) -> String {
    let sent = snapshot
        .features()
        .filter(|(_, _, feature)| feature.header.is_some())
        .count();
    let features = snapshot.features().count();
    let files = match snapshot.files.len() {
        1 => String::new(),
        many => format!("{many} files, "),
    };
    format!(
        "{files}{features} feature{}, {sent} sent; revision {}",
        if features == 1 { "" } else { "s" },
        snapshot.revision
    )
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
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let line = line.trim_start_matches('\u{feff}').trim_end();
    let line: Vec<char> = line.chars().map(shown).collect();
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

fn json(out: &mut impl Write, all: &[Checked]) -> io::Result<()> {
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
    // a path that could not be read is a file that was asked for
    let files: usize = all.iter().map(|one| one.texts.len().max(1)).sum();
    writeln!(
        out,
        "{}",
        serde_json::json!({"files": files, "problems": problems})
    )
}

/// `::error file=…,line=…,col=…,title=…::message`
fn github(out: &mut impl Write, all: &[Checked]) -> io::Result<()> {
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
