//! `burgee report`: what came of an experiment. In: exposure and goal lines of many pods, in any order.
//! Out: people by arm, goals with intervals, and what may be concluded, as text, Markdown or JSON.

pub mod arms;
pub mod draw;
pub mod input;
mod joined;
pub mod json;
pub mod markdown;
pub mod people;
pub mod readout;
pub mod record;
pub mod sentence;
mod strata;
pub mod text;

use super::{output, style::Style};
use crate::{config::phrases, engine::instant, flags::values};
use people::{People, Wanted};
use readout::Readout;
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Say what came of an experiment, from the lines of `burgee run --exposure-log --log-user hash`
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Examples:
  kubectl logs -l app=shop -c burgee --tail=-1 --prefix | burgee report
  burgee report pod-1.log pod-2.log.gz --feature checkout --goal purchase
  burgee report logs/*.gz --since 2026-11-20 --markdown

The order of lines and files is of no importance. Intervals hold at every look, 95 of 100 features: read it every day, and stop when you like.
Nothing is concluded where people do not arrive as they were drawn.")]
pub struct ReportArgs {
    /// Files with lines, as they are or packed by gzip, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// This feature alone; may be repeated
    #[arg(long, env = "BURGEE_FEATURE", value_name = "FEATURE")]
    feature: Vec<String>,
    /// This goal alone; may be repeated. Fewer goals have narrower intervals
    #[arg(long, env = "BURGEE_GOAL", value_name = "GOAL")]
    goal: Vec<String>,
    /// Variant that the others are compared with [default: `control`, else the feature's default]
    #[arg(long, env = "BURGEE_CONTROL", value_name = "VARIANT")]
    control: Option<String>,
    /// Leave out what came before this day (UTC): the day after shares were changed, say
    #[arg(long, env = "BURGEE_SINCE", value_name = "DAY", value_parser = day)]
    since: Option<i64>,
    /// Leave out what came on this day (UTC) or later
    #[arg(long, env = "BURGEE_UNTIL", value_name = "DAY", value_parser = day)]
    until: Option<i64>,
    /// Print one JSON object
    #[arg(long, env = "BURGEE_JSON", value_parser = values::switch)]
    json: bool,
    /// Print a Markdown summary for a pull request
    #[arg(long, env = "BURGEE_MARKDOWN", value_parser = values::switch)]
    markdown: bool,
}

/// Exits 1 where a file cannot be read, or nobody met a variant by a draw.
pub fn main(args: &ReportArgs) -> ExitCode {
    if args.json && args.markdown {
        return output::refuse(&"--json and --markdown: choose one");
    }
    let is_stdin = |path: &&PathBuf| path.as_path() == Path::new("-");
    match args.files.iter().filter(is_stdin).count() {
        0 => {}
        1 if io::stdin().is_terminal() => {
            return output::refuse(
                &"name files with exposure lines, or pipe them in: kubectl logs … | burgee report",
            );
        }
        1 => {}
        _ => return output::refuse(&"standard input can be read once"),
    }
    let mut people = People::new(Wanted {
        features: args.feature.clone(),
        goals: args.goal.clone(),
        since: args.since,
        until: args.until,
    });
    for path in &args.files {
        if let Err(error) = input::read(path, |line| people.take(line)) {
            return output::fail(&error);
        }
    }
    let readout = people.readout(args.control.as_deref());
    if readout.features.is_empty() {
        return output::fail(&nobody(&readout));
    }
    if let Some(why) = unknown(args, &readout) {
        return output::refuse(&why);
    }
    match output::printed(print(args, &readout)) {
        Err(error) => output::fail(&error),
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn print(args: &ReportArgs, readout: &Readout) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match (args.json, args.markdown) {
        (true, _) => json::print(readout, &mut out),
        (_, true) => markdown::print(readout, &mut out),
        _ => text::print(readout, Style::stdout(), &mut out),
    }?;
    out.flush()
}

/// Why there is nothing to say, and what to do.
fn nobody(readout: &Readout) -> String {
    let lines = &readout.lines;
    let why = match lines {
        lines if lines.left_out > 0 => "; see --feature, --since and --until",
        lines if lines.without_user > 0 => "; the lines name no user: burgee run --log-user hash",
        lines if lines.not_drawn > 0 => {
            "; what they say was given without a draw: a share between 0 and 100% draws"
        }
        _ => {
            "; burgee run --exposure-log --log-user hash writes them where the application answers with X-Feature-Used"
        }
    };
    format!(
        "nobody met a variant by a draw, in {}{why}",
        sentence::lines(lines)
    )
}

/// What to say of a name that no line has.
fn unknown(args: &ReportArgs, readout: &Readout) -> Option<String> {
    let features = readout.features.iter();
    let goals = features.clone().flat_map(|one| &one.goals);
    let arms = features.clone().flat_map(|one| &one.arms);
    let met = arms.filter(|arm| arm.people > 0);
    let check = |flag: &str, wanted: &[String], known: Vec<&str>| {
        let name = wanted.iter().find(|name| !known.contains(&&***name))?;
        let meant = phrases::meant(name, known);
        Some(format!("{flag} {name}: no line has it{meant}"))
    };
    check(
        "--feature",
        &args.feature,
        features.clone().map(|one| &*one.feature).collect(),
    )
    .or_else(|| check("--goal", &args.goal, goals.map(|one| &*one.goal).collect()))
    .or_else(|| {
        check(
            "--control",
            args.control.as_slice(),
            met.map(|arm| &*arm.variant).collect(),
        )
    })
}

/// Midnight of a day, in microseconds since 1970. A day, because a use is written once a day.
fn day(text: &str) -> Result<i64, String> {
    let at = instant::parse(text).ok().filter(|_| text.len() == 10);
    let at = at.and_then(|at| at.0.checked_mul(1_000_000));
    at.ok_or_else(|| "write a day, as in 2026-11-30".into())
}
