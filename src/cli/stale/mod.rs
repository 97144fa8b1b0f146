//! `burgee stale`: which features may be taken out, what would be lost, and where code names them.
//! In: toggles files, their history in git, folders of code, Prometheus. Out: a row a feature, as text, Markdown or JSON; nothing is edited.
//!
//! `spellings` (what code may write) -> `walk` (files) -> `search` (lines) ┐
//! `git` -> `history` (since when) ------------------------------------------> `judge` (why, lost, next) -> `report`, `json`
//! `seen` (Prometheus) ------------------------------------------------------┘

pub mod advice;
pub mod asked;
pub mod context;
pub mod gathered;
pub mod git;
pub mod history;
pub mod ignored;
pub mod json;
pub mod judge;
pub mod report;
pub mod row;
pub mod search;
pub mod seen;
pub mod spellings;
pub mod walk;

use super::{output, variables::Variables};
use crate::{
    config,
    engine::{Snapshot, describe::standing, instant, units::Second},
    flags::values,
    http::client::Url,
    server::clock::wall_clock,
};
use gathered::{Gathered, Source};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Show which features may be taken out, what would be lost, and where code names them
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  burgee stale toggles.yaml --code src
  burgee stale deploy/toggles/ --code . --code ../web --markdown
  burgee stale toggles.yaml --code . --prometheus http://prometheus:9090 --since 2026-06-01

Since when a share stands at 0% or 100% is read from the file's history in git, and from its own dates. Code is searched for each header in the
spellings of frameworks (X-Feature-New-Ui, HTTP_X_FEATURE_NEW_UI, x_feature_new_ui, xFeatureNewUi) and for keys in calls of OpenFeature.
Files that .gitignore and .ignore name are left out, and no file is changed. What is `permanent` is listed only where no code names it.")]
pub struct StaleArgs {
    /// Toggles files, or directories of them
    #[arg(value_name = "TOGGLES", required = true)]
    toggles: Vec<PathBuf>,
    /// Folder of code that reads the features; may be repeated
    #[arg(long, env = "BURGEE_CODE", value_name = "DIR")]
    code: Vec<PathBuf>,
    /// Prometheus, which says who got what since then
    #[arg(long, env = "BURGEE_PROMETHEUS", value_name = "URL")]
    prometheus: Option<Url>,
    /// What has stood still since this day may go [default: 90 days ago]
    #[arg(long, env = "BURGEE_SINCE", value_name = "DATE", value_parser = date)]
    since: Option<Second>,
    /// Today, for whoever asks about another day: 2026-03-01 or RFC 3339 [default: now]
    #[arg(long, env = "BURGEE_AT", value_name = "INSTANT", value_parser = date)]
    at: Option<Second>,
    /// Print one JSON object
    #[arg(long, env = "BURGEE_JSON", value_parser = values::switch)]
    json: bool,
    /// Print Markdown, for a pull request or an issue
    #[arg(long, env = "BURGEE_MARKDOWN", value_parser = values::switch)]
    markdown: bool,
}

/// Exits 1 where something cannot be read.
pub fn main(args: &StaleArgs, variables: &Variables) -> ExitCode {
    if args.json && args.markdown {
        return output::refuse(&"--json and --markdown: choose one");
    }
    let now = args.at.unwrap_or_else(wall_clock);
    let since = args.since.unwrap_or(Second(now.0 - standing::LONG));
    if since > now {
        return output::refuse(&"--since: this day is still to come");
    }
    let mut sources = Vec::new();
    for path in &args.toggles {
        match load(path, now, variables) {
            Ok(snapshot) => sources.push(Source { path, snapshot }),
            Err(problems) => return output::bad_toggles(&problems),
        }
    }
    variables.warn();
    let prometheus = args.prometheus.as_ref();
    let gathered = match Gathered::of(&sources, &args.code, prometheus, now, since) {
        Ok(gathered) => gathered,
        Err(error) => return output::fail(&error),
    };
    let report = judge::report(&gathered);
    let mut text = Vec::new();
    let _ = match (args.json, args.markdown) {
        (true, _) => json::print(&report, &mut text),
        (_, true) => report::markdown(&report, &mut text),
        _ => report::text(&report, &mut text),
    };
    output::print(&text)
}

/// The toggles, under the stops that stand beside them.
fn load(path: &Path, now: Second, variables: &Variables) -> Result<Snapshot, config::Problems> {
    let environment = |name: &str| {
        variables.note(name);
        config::set_elsewhere(name)
    };
    config::load_with_stops(path, &environment, now)
}

fn date(text: &str) -> Result<Second, String> {
    instant::parse(text).map_err(|_| {
        "write a date (2026-03-01, which is 00:00 UTC) or RFC 3339 (2026-03-01T09:00:00Z)".into()
    })
}
