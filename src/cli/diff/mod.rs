//! `burgee diff`: shows who would switch variant, before an edit is merged.
//! In: two versions of the toggles, a request described by flags, and user ids if a condition depends on the request.
//! Out: the share of users that switches, per feature, as text, JSON or Markdown; exits 1 above `--max-moved`.

pub mod count;
pub mod report;

use super::{
    output,
    request::{DescribedRequest, RequestArgs},
};
use crate::{
    config,
    engine::{
        Snapshot,
        diff::{self, Change, ChangeKind},
        units::Share,
    },
    exit,
};
use report::Row;
use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Show who would switch variant, per feature, and how many
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  burgee diff old.yaml new.yaml
  git show main:toggles.yaml | burgee diff - toggles.yaml --max-moved 5%
  burgee diff old.yaml new.yaml --users ids.txt --header 'X-Plan: pro' --json

The share is exact unless a condition makes it depend on the request. Then it is counted over --users, or else over --sample made-up ids, for the request that the other flags describe.")]
pub struct DiffArgs {
    /// The toggles today: a file, a directory, or - for standard input
    old: PathBuf,
    /// The toggles after the edit
    new: PathBuf,
    #[command(flatten)]
    request: RequestArgs,
    /// File of user ids to count over, one per line; lists those that switch
    #[arg(long, env = "BURGEE_USERS", value_name = "FILE")]
    users: Option<PathBuf>,
    /// Number of made-up ids to count over, without --users
    #[arg(long, env = "BURGEE_SAMPLE", value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    sample: u64,
    /// Exit 1 if more than this share of users (`5%`) switch variant in any feature [default: no limit]
    #[arg(long, env = "BURGEE_MAX_MOVED", value_name = "SHARE", value_parser = share)]
    max_moved: Option<Share>,
    /// Print one JSON object
    #[arg(long, env = "BURGEE_JSON", conflicts_with = "markdown")]
    json: bool,
    /// Print a Markdown summary for a pull request
    #[arg(long, env = "BURGEE_MARKDOWN")]
    markdown: bool,
}

/// Exits 1 if a file has problems, or if more users switch than `--max-moved` allows.
pub fn main(args: &DiffArgs) -> ExitCode {
    let inputs = [Some(&args.old), Some(&args.new), args.users.as_ref()];
    let from_stdin = |path: &&PathBuf| path.as_path() == Path::new("-");
    if inputs.into_iter().flatten().filter(from_stdin).count() > 1 {
        return output::refuse(&"only one of OLD, NEW and --users can come from standard input");
    }
    let request = DescribedRequest::new(&args.request);
    let environment = |name: &str| args.request.environment(name);
    let load = |path: &Path| config::load(path, &environment, request.now);
    let (old, new) = match (load(&args.old), load(&args.new)) {
        (Ok(old), Ok(new)) => (old.snapshot, new.snapshot),
        (old, new) => {
            for problems in [old.err(), new.err()].iter().flatten() {
                output::bad_toggles(problems);
            }
            return exit::PROBLEMS.into();
        }
    };
    let (old, new) = (&old, &new);
    let rows = match rows(old, new, &request, args) {
        Ok(rows) => rows,
        Err(error) => return output::fail(&error),
    };
    let renamed = diff::renamed(old, new);
    let how = report::How {
        json: args.json,
        markdown: args.markdown,
        sample: args.users.is_none().then_some(args.sample),
    };
    let result = report::print(&rows, &renamed, how, &mut io::stdout().lock());
    if let Err(error) = output::printed(result) {
        return output::fail(&error);
    }
    let most = args
        .max_moved
        .map(|share| f64::from(share.millionths()) / f64::from(Share::WHOLE));
    let over: Vec<_> = rows
        .iter()
        .filter(|row| most.is_some_and(|most| row.switched > most + 1e-9))
        .collect();
    for row in &over {
        output::fail(&format!(
            "{}: {} of users switch variant, more than --max-moved",
            row.key,
            report::percent(row.switched)
        ));
    }
    if over.is_empty() {
        ExitCode::SUCCESS
    } else {
        exit::PROBLEMS.into()
    }
}

fn rows<'a>(
    old: &'a Snapshot,
    new: &'a Snapshot,
    request: &DescribedRequest,
    args: &DiffArgs,
) -> io::Result<Vec<Row<'a>>> {
    let changes = diff::changes(old, new, request.now);
    let depends = changes
        .iter()
        .any(|change| matches!(change.kind, ChangeKind::Depends(_)));
    let mut counts = match (&args.users, depends) {
        (Some(file), _) => count::over_file(old, new, request, file)?,
        (None, true) => count::over_sample(old, new, request, args.sample),
        (None, false) => Default::default(),
    };
    let row = |Change { key, kind }: Change<'a>| {
        let counted = counts.remove(key);
        let (switched, flows) = match (&kind, &counted) {
            (ChangeKind::Exact(flows), _) => {
                let moving = flows
                    .iter()
                    .filter(|((from, to), share)| from != to && **share > 0.0);
                let flows = moving
                    .map(|((from, to), share)| ((*from).to_owned(), (*to).to_owned(), *share));
                let flows: Vec<_> = flows.collect();
                (flows.iter().map(|(_, _, share)| share).sum(), flows)
            }
            (ChangeKind::Depends(_), Some(counted)) => (counted.switched(), counted.flows()),
            _ => (0.0, Vec::new()),
        };
        Row {
            key,
            kind,
            switched,
            flows,
            counted,
        }
    };
    Ok(changes.into_iter().map(row).collect())
}

fn share(text: &str) -> Result<Share, String> {
    Share::parse(text).map_err(|_| "write a percentage, as in 5% or 0.5%".into())
}
