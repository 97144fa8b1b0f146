//! `burgee diff`: shows who would switch variant, before an edit is merged.
//! In: two versions of the toggles, a request described by flags, and user ids if a condition depends on the request.
//! Out: the share of users that switches, per feature, as text, JSON or Markdown; exits 1 above `--max-moved`.

pub mod count;
pub mod gate;
pub mod json;
pub mod part;
pub mod report;
pub mod row;

use super::{
    output,
    request::{DescribedRequest, RequestArgs},
    variables::Variables,
};
use crate::{
    config::{self, phrases},
    engine::{
        Snapshot,
        diff::{self, Change},
        units::Share,
    },
    exit,
    flags::values,
};
use part::Part;
use row::{How, Row};
use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Show who would switch variant, per feature, and how many
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  burgee diff old.yaml new.yaml
  git show main:toggles.yaml | burgee diff - toggles.yaml --max-moved 5%
  burgee diff old.yaml new.yaml --users users.jsonl --header 'X-Plan: pro' --json
  burgee diff old.yaml new.yaml --max-moved 5% --accept checkout

The share is exact unless a condition makes it depend on the request. Then it is counted over --users, or else over --sample made-up ids, for the request that the other flags describe.

--max-moved takes the greatest of: the share of all users that switch; the share of those whom the conditions reach; the same at every later date that the files name. Of a new or removed feature it takes the share that gets something else than the default. With --users only these users count.")]
pub struct DiffArgs {
    /// The toggles today: a file, a directory, or - for standard input
    old: PathBuf,
    /// The toggles after the edit
    new: PathBuf,
    #[command(flatten)]
    request: RequestArgs,
    /// File of users to count over, one per line: an id, or {"user": ID, "country": "CH"} with attributes; lists those
    /// that switch
    #[arg(long, env = "BURGEE_USERS", value_name = "FILE")]
    users: Option<PathBuf>,
    /// Number of made-up ids to count over, without --users
    #[arg(long, env = "BURGEE_SAMPLE", value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    sample: u64,
    /// Exit 1 if an edit can move more than this share of users (`5%`) in any feature [default: no limit]
    #[arg(long, env = "BURGEE_MAX_MOVED", value_name = "SHARE", value_parser = share)]
    max_moved: Option<Share>,
    /// Let this feature move more than --max-moved; may be repeated
    #[arg(long, env = "BURGEE_ACCEPT", value_name = "FEATURE")]
    accept: Vec<String>,
    /// Print one JSON object
    #[arg(long, env = "BURGEE_JSON", value_parser = values::switch)]
    json: bool,
    /// Print a Markdown summary for a pull request
    #[arg(long, env = "BURGEE_MARKDOWN", value_parser = values::switch)]
    markdown: bool,
}

/// As `burgee diff` with these flags, for toggles that are read already.
pub(super) fn between(old: &Snapshot, new: &Snapshot, flags: &[&str]) -> ExitCode {
    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        diff: DiffArgs,
    }
    let words = ["burgee diff", "OLD", "NEW"].iter().chain(flags);
    let args = <Alone as clap::Parser>::parse_from(words).diff;
    told(old, new, &DescribedRequest::new(&args.request), &args)
}

/// Exits 1 if a file has problems, or if more users switch than `--max-moved` allows.
pub fn main(args: &DiffArgs, variables: &Variables) -> ExitCode {
    // not clap's `conflicts_with`: a variable that says `0` contradicts nothing
    if args.json && args.markdown {
        return output::refuse(&"--json and --markdown: choose one");
    }
    let inputs = [Some(&args.old), Some(&args.new), args.users.as_ref()];
    let from_stdin = |path: &&PathBuf| path.as_path() == Path::new("-");
    if inputs.into_iter().flatten().filter(from_stdin).count() > 1 {
        return output::refuse(&"only one of OLD, NEW and --users can come from standard input");
    }
    let request = DescribedRequest::new(&args.request);
    let environment = |name: &str| {
        variables.note(name);
        args.request.environment(name)
    };
    let load = |path: &Path| config::load(path, &environment, request.now);
    let loaded = (load(&args.old), load(&args.new));
    variables.warn();
    let (old, new) = match loaded {
        (Ok(old), Ok(new)) => (old.snapshot, new.snapshot),
        (old, new) => {
            for problems in [old.err(), new.err()].iter().flatten() {
                output::bad_toggles(problems);
            }
            return exit::PROBLEMS.into();
        }
    };
    if let Some(note) = stopped([&args.old, &args.new], &new) {
        output::fail(&note);
    }
    told(&old, &new, &request, args)
}

/// What stands beside the files, and is not compared.
fn stopped(paths: [&Path; 2], new: &Snapshot) -> Option<String> {
    let mut names = BTreeSet::new();
    for path in paths {
        match config::load_stops(path, None) {
            Ok(stops) => {
                let stops = new.with_stops(&stops.into());
                let features = stops
                    .features()
                    .filter(|(_, toggles, feature)| stops.stop_of(toggles, feature).is_some());
                names.extend(features.map(|(_, _, feature)| feature.key.to_string()));
            }
            Err(problems) => drop(output::bad_toggles(&problems)),
        }
    }
    let what = match names.len() {
        0 => return None,
        1 => format!("`{}` is stopped or held", names.pop_first()?),
        many => format!("{many} features are stopped or held"),
    };
    Some(format!(
        "note: {what} by `{}`; this compares the toggles alone",
        config::STOPS
    ))
}

/// Counts, prints, and holds the result against the gate.
fn told(old: &Snapshot, new: &Snapshot, request: &DescribedRequest, args: &DiffArgs) -> ExitCode {
    if let Some(refusal) = args.accept.iter().find_map(|name| unknown(name, old, new)) {
        return output::refuse(&refusal);
    }
    let rows = match rows(old, new, request, args) {
        Ok(rows) => rows,
        Err(error) => return output::fail(&error),
    };
    let renamed = diff::renamed(old, new);
    let how = How {
        json: args.json,
        markdown: args.markdown,
        sample: args.users.is_none().then_some(args.sample),
    };
    let result = report::print(&rows, &renamed, how, &mut io::stdout().lock());
    if let Err(error) = output::printed(result) {
        return output::fail(&error);
    }
    match args.max_moved {
        Some(most) => held(&rows, most.into(), args.users.is_some()),
        None => ExitCode::SUCCESS,
    }
}

/// Says which rows move more than they may.
fn held(rows: &[Row<'_>], most: Part, by_file: bool) -> ExitCode {
    let greatest = rows.iter().map(|row| (row, gate::greatest(row, by_file)));
    let over = greatest.filter(|(row, (part, _))| *part > most && !row.accepted);
    let over: Vec<_> = over.collect();
    for (row, greatest) in &over {
        output::fail(&gate::refusal(row, *greatest, most));
    }
    let Some((first, _)) = over.first() else {
        return ExitCode::SUCCESS;
    };
    output::fail(&format!(
        "if it is meant, accept it by name: --accept {}",
        first.change.key
    ))
}

fn rows<'a>(
    old: &'a Snapshot,
    new: &'a Snapshot,
    request: &DescribedRequest,
    args: &DiffArgs,
) -> io::Result<Vec<Row<'a>>> {
    let changes = diff::changes(old, new, request.now);
    let depends = changes.iter().any(|change| change.flows.is_none());
    let sides = [old, new];
    let counts = match (&args.users, depends) {
        (Some(file), _) => count::over_file(sides, &changes, request, file)?,
        (None, true) => count::over_sample(sides, &changes, request, args.sample),
        (None, false) => Vec::new(),
    };
    let mut counts = counts.into_iter();
    let row = |change: Change<'a>| {
        let counted = counts.next();
        let flows: Vec<_> = match (&change.flows, &counted) {
            (Some(flows), _) => flows
                .iter()
                .filter(|((from, to), _)| from != to)
                .map(|((from, to), share)| ((*from).into(), (*to).into(), Part::of(*share)))
                .filter(|(_, _, share)| *share > Part::default())
                .collect(),
            (None, Some(counted)) => counted.flows(),
            (None, None) => Vec::new(),
        };
        let features = change.sides.iter().flatten().map(|(_, feature)| feature);
        let mut names = features.flat_map(|feature| [&*feature.key, &*feature.name]);
        Row {
            accepted: names.any(|name| args.accept.iter().any(|accepted| accepted == name)),
            moved: flows.iter().map(|(_, _, share)| *share).sum(),
            flows,
            counted,
            change,
        }
    };
    Ok(changes.into_iter().map(row).collect())
}

/// What to say of a name that neither side has.
fn unknown(name: &str, old: &Snapshot, new: &Snapshot) -> Option<String> {
    let features = || old.features().chain(new.features());
    let known: Vec<_> = features()
        .flat_map(|(_, _, feature)| [&*feature.key, &*feature.name])
        .collect();
    if known.contains(&name) {
        return None;
    }
    let meant = phrases::meant(name, known);
    Some(format!(
        "--accept {name}: neither side has this feature{meant}"
    ))
}

fn share(text: &str) -> Result<Share, String> {
    Share::parse(text).map_err(|_| "write a percentage, as in 5% or 0.5%".into())
}
