//! `burgee explain`: shows what a request gets, and why, with the engine that the proxy uses.
//! In: toggles files and a request described by flags. Out: sentences, or JSON in a stable format.

pub mod users;

use super::{
    output,
    request::{DescribedRequest, RequestArgs},
    style::Style,
    variables::Variables,
};
use crate::{
    config::{self, phrases},
    engine::{
        Decisions, Feature, Snapshot,
        describe::{explain, identity, json, overridden},
    },
    flags::values,
};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Show what a request gets, and why
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  burgee explain config/toggles.yaml --user mia
  burgee explain config/toggles.yaml --user mia --header 'X-Plan: pro' --at 2026-12-24 --feature checkout
  burgee explain config/toggles.yaml --users ids.txt > answers.jsonl

Drafts without an override and archived features get no variant; the JSON leaves them out.
With --users a summary is printed on standard error.")]
pub struct ExplainArgs {
    /// Toggles file, directory of them, or - for standard input
    file: PathBuf,
    #[command(flatten)]
    request: RequestArgs,
    /// Stops file [default: stops.yaml beside the toggles]
    #[arg(long, env = "BURGEE_STOPS", value_name = "PATH")]
    stops: Option<PathBuf>,
    /// Show only this feature; may be repeated
    #[arg(long, env = "BURGEE_FEATURE", value_name = "NAME")]
    feature: Vec<String>,
    /// Print one JSON object instead of sentences
    #[arg(long, env = "BURGEE_JSON", value_parser = values::switch)]
    json: bool,
    /// File of users, one per line, or - for standard input: an id, or {"user": ID, "country": "CH"} with attributes;
    /// prints a JSON object per line
    #[arg(
        long,
        env = "BURGEE_USERS",
        value_name = "FILE",
        conflicts_with = "user"
    )]
    users: Option<PathBuf>,
}

/// Exits 1 if the file has problems, 2 for a feature that it does not have.
pub fn main(args: &ExplainArgs, variables: &Variables) -> ExitCode {
    if args.file == Path::new("-") && args.users.as_deref() == Some(Path::new("-")) {
        return output::refuse(&"only one of PATH and --users can come from standard input");
    }
    let request = DescribedRequest::new(&args.request);
    let environment = |name: &str| {
        variables.note(name);
        args.request.environment(name)
    };
    let loaded = config::load(&args.file, &environment, request.now);
    variables.warn();
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => return output::bad_toggles(&problems),
    };
    let stops = match config::load_stops(&args.file, args.stops.as_deref()) {
        Ok(stops) => Arc::new(stops),
        Err(problems) => return output::bad_toggles(&problems),
    };
    let snapshot = &loaded.snapshot.with_stops(&stops);
    if let Some(unknown) = args
        .feature
        .iter()
        .find(|name| !snapshot.features().any(|(_, _, feature)| is(feature, name)))
    {
        let features = snapshot.features();
        let known = features.flat_map(|(_, _, feature)| [&*feature.key, &*feature.name]);
        let meant = phrases::meant(unknown, known);
        return output::refuse(&format!(
            "`{unknown}` is no feature of {}{meant}",
            args.file.display()
        ));
    }
    let wanted = |feature: &Feature| {
        args.feature.is_empty() || args.feature.iter().any(|name| is(feature, name))
    };
    let done = match &args.users {
        Some(file) => users::every(snapshot, &request, file, &wanted),
        None => one(snapshot, &request, args, &wanted),
    };
    match output::printed(done) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

fn is(feature: &Feature, name: &str) -> bool {
    &*feature.key == name || &*feature.name == name
}

fn one(
    snapshot: &Snapshot,
    request: &DescribedRequest,
    args: &ExplainArgs,
    wanted: &dyn Fn(&Feature) -> bool,
) -> io::Result<()> {
    let input = request.input(None);
    let mut decisions = Decisions::default();
    snapshot.decide(input, request.now, None, &mut decisions);
    let mut out = io::stdout().lock();
    if args.json {
        let mut line = Vec::new();
        json::write(
            snapshot,
            &decisions,
            input,
            request.now,
            args.request.user.as_deref(),
            wanted,
            &mut line,
        );
        line.push(b'\n');
        return out.write_all(&line);
    }
    for toggles in &*snapshot.files {
        let who = identity::of(toggles, input, request.now, &decisions);
        if let Some(who) = who.filter(|_| toggles.features.iter().any(wanted)) {
            writeln!(out, "{}", who.sentence())?;
        }
        for (feature, explained) in toggles.features.iter().zip(explain::file(
            snapshot,
            toggles,
            input,
            request.now,
            &decisions,
        )) {
            if wanted(feature) {
                sentence(&mut out, feature, &explained)?;
            }
        }
    }
    match overridden::remark(snapshot, input, request.now, &decisions) {
        Some(remark) => writeln!(out, "{remark}"),
        None => Ok(()),
    }
}

fn sentence(
    out: &mut impl Write,
    feature: &Feature,
    explained: &explain::Explanation,
) -> io::Result<()> {
    let Style { bold, plain, .. } = Style::stdout();
    let Some(decision) = explained.decision else {
        return writeln!(
            out,
            "{bold}{}: no variant{plain}\n  {}",
            feature.key, explained.why
        );
    };
    let header = json::header(feature).unwrap_or_else(|| "no header".to_owned());
    let bucket = explained
        .bucket
        .map_or(String::new(), |bucket| format!(", bucket {bucket}"));
    let name = &feature.variant(decision.variant).name;
    writeln!(out, "{bold}{}: {name}{plain}", feature.key)?;
    writeln!(out, "  {}", explained.why)?;
    if let Some(change) = &explained.change {
        writeln!(out, "  to change it: {change}")?;
    }
    writeln!(out, "  {}{bucket}, {header}", decision.reason.as_str())
}
