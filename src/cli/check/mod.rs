//! `burgee check`: shows every problem in toggles files before they are deployed.
//! In: files and directories. Out: each problem with its line; exits 1 if there is one.

mod large;
pub mod report;

use super::{output, variables::Variables};
use crate::{
    config::{self, Severity},
    engine::{Snapshot, stops::Stops},
    exit,
    flags::values,
    server::clock::wall_clock,
};
use clap::{Args, ValueEnum};
use report::Checked;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Show every problem in toggles files; exits 1 if there is one
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  burgee check toggles.yaml\n  burgee check --strict --format github deploy/toggles/\n  \
    helm template . | yq 'select(.kind == \"ConfigMap\").data.\"toggles.yaml\"' | burgee check -\n\n\
    Each path is checked separately; the files of a directory belong together, as in a pod.\n\
    Variables that the files name count as set."
)]
pub struct CheckArgs {
    /// Toggles files, directories of them, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// How to print problems
    #[arg(long, value_enum, env = "BURGEE_FORMAT", default_value = "text")]
    format: Format,
    /// Check a file in a directory called `toggles…` together with the files beside it, as a pod reads them
    #[arg(long, env = "BURGEE_WITH_SIBLINGS", value_parser = values::switch)]
    with_siblings: bool,
    /// Count warnings as problems
    #[arg(long, env = "BURGEE_STRICT", value_parser = values::switch)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// each problem with its line and a caret
    Text,
    /// one object
    Json,
    /// annotations for a GitHub workflow
    Github,
}

/// Checks every path.
pub fn main(args: &CheckArgs, variables: &Variables) -> ExitCode {
    let mut paths: Vec<&Path> = Vec::new();
    for path in &args.paths {
        let path = match args.with_siblings {
            true => whole(path),
            false => path,
        };
        if !(args.with_siblings && paths.contains(&path)) {
            paths.push(path);
        }
    }
    let checked = |path| checked(path, variables);
    let mut all: Vec<Checked<'_>> = paths.into_iter().map(checked).collect();
    variables.warn();
    for problem in all.iter_mut().flat_map(|one| &mut one.problems) {
        if args.strict {
            problem.severity = Severity::Error;
        }
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = match args.format {
        Format::Text => report::text(&all, &mut out),
        Format::Json => report::json(&all, &mut out),
        Format::Github => report::github(&all, &mut out),
    };
    if let Err(error) = output::printed(result.and_then(|()| out.flush())) {
        return output::fail(&error);
    }
    match all.iter().any(Checked::is_bad) {
        true => exit::PROBLEMS.into(),
        false => ExitCode::SUCCESS,
    }
}

/// A stops file by itself.
fn checked_stops(path: &Path) -> Checked<'_> {
    let (texts, read) = match config::stops(path) {
        Ok(text) => {
            let read = text.as_ref().map(config::compile_stops);
            (
                text.into_iter().collect(),
                read.unwrap_or_else(|| Ok(Stops::default())),
            )
        }
        Err(problems) => (Vec::new(), Err(problems)),
    };
    let (snapshot, problems) = match read {
        Ok(stops) => (
            Some(Snapshot::empty().with_stops(&Arc::new(stops))),
            Vec::new(),
        ),
        Err(problems) => (None, problems.0),
    };
    Checked {
        path,
        texts,
        problems,
        snapshot,
    }
}

/// What was checked, under the stops that stand in the same directory: a pod reads both.
fn with_stops<'a>(mut checked: Checked<'a>, path: &Path) -> Checked<'a> {
    let stops = path.join(config::STOPS);
    if !stops.exists() {
        return checked;
    }
    let mut beside = checked_stops(&stops);
    checked.texts.append(&mut beside.texts);
    checked.problems.append(&mut beside.problems);
    let stops_of = |snapshot: Snapshot| snapshot.stopped.stops;
    checked.snapshot = match (checked.snapshot, beside.snapshot.map(stops_of)) {
        (Some(toggles), Some(found)) => {
            let snapshot = toggles.with_stops(&found);
            let name = stops.display().to_string();
            checked
                .problems
                .extend(config::unknown_stops(&name, &snapshot));
            Some(snapshot)
        }
        _ => None,
    };
    checked
}

/// The directory, where it is one of toggles files.
fn whole(file: &Path) -> &Path {
    let is_of_toggles = |directory: &&Path| {
        let name = directory.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b"toggles")
    };
    file.parent().filter(is_of_toggles).unwrap_or(file)
}

fn checked<'p>(path: &'p Path, variables: &Variables) -> Checked<'p> {
    if path.file_name().is_some_and(|name| name == config::STOPS) && path.exists() {
        return checked_stops(path);
    }
    let generation = match config::generation(path) {
        Ok(generation) => generation,
        Err(problems) => {
            return Checked {
                path,
                texts: Vec::new(),
                problems: problems.0,
                snapshot: None,
            };
        }
    };
    // outside the pod its variables are not set
    let environment = |name: &str| {
        variables.note(name);
        config::set_elsewhere(name)
    };
    let (snapshot, problems) =
        match config::compile_texts(&generation.texts, &environment, wall_clock()) {
            Ok((snapshot, warnings)) => (Some(snapshot), warnings),
            Err(problems) => (None, problems.0),
        };
    let large = large::warnings(&generation.texts);
    let problems = large.into_iter().chain(problems).collect();
    let checked = Checked {
        path,
        texts: generation.texts,
        problems,
        snapshot,
    };
    with_stops(checked, path)
}
