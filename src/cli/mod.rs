//! The command line: one file per command.
//! In: arguments and `BURGEE_` variables. Out: an exit code.

mod api_client;
pub mod check;
pub mod completions;
pub mod copy;
pub mod demo;
mod demo_crowd;
mod demo_page;
pub mod demo_shop;
pub mod diff;
pub mod drain;
pub mod echo;
pub mod explain;
pub mod fleet;
pub mod health;
pub mod ids;
pub mod import;
pub mod init;
pub mod inject;
mod output;
mod override_file;
pub mod override_link;
mod override_url;
pub mod probe;
pub mod reload;
pub mod report;
pub mod request;
pub mod run;
pub mod schema;
pub mod stale;
pub mod style;
pub mod variables;

use crate::{exit, flags::run::RunArgs, signals};
use clap::{
    Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use std::process::ExitCode;

/// A sidecar that puts feature flags on every request
#[derive(Debug, Parser)]
#[command(
    name = "burgee",
    version = env!("BURGEE_VERSION"),
    after_help = "Every flag can be set by a variable: --log-format by BURGEE_LOG_FORMAT.\n\
                  Exit codes: 0 success, 1 problems found or a check failed, 2 wrong usage, 78 bad toggles at the start."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<RunArgs>),
    Demo(demo::DemoArgs),
    Import(Box<import::ImportArgs>),
    Init(init::InitArgs),
    Echo(echo::EchoArgs),
    Check(check::CheckArgs),
    Schema(schema::SchemaArgs),
    Explain(Box<explain::ExplainArgs>),
    Diff(Box<diff::DiffArgs>),
    Report(report::ReportArgs),
    Stale(Box<stale::StaleArgs>),
    Override(override_link::OverrideArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
    Copy(copy::CopyArgs),
    Reload(reload::ReloadArgs),
    Drain(drain::DrainArgs),
    Health(health::HealthArgs),
    Probe(probe::ProbeArgs),
    Inject(inject::InjectArgs),
    Stop(Box<fleet::stop::StopArgs>),
    Resume(Box<fleet::stop::ResumeArgs>),
    Apply(Box<fleet::apply::ApplyArgs>),
    Status(Box<fleet::status::StatusArgs>),
    Guard(Box<fleet::guard::GuardArgs>),
}

/// `burgee run` alone: the flags of all commands would take 70 KB of memory in every pod, for as long as it runs.
#[derive(Parser)]
struct Sidecar {
    #[command(subcommand)]
    command: SidecarCommand,
}

#[derive(Subcommand)]
enum SidecarCommand {
    Run(Box<RunArgs>),
}

/// The command line as clap sees it: for completions, the man page and tests.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// What was typed is shown again, and does nothing to a terminal: at night it may be the text of an alert.
fn plain(mut error: clap::Error) -> clap::Error {
    let escaped = |(kind, value): (ContextKind, &ContextValue)| match value {
        ContextValue::String(typed) => {
            let plain = fleet::words::printable(typed);
            (plain != *typed).then_some((kind, ContextValue::String(plain)))
        }
        _ => None,
    };
    let escaped: Vec<_> = error.context().filter_map(escaped).collect();
    for (kind, value) in escaped {
        error.insert(kind, value);
        // a tip repeats it
        error.insert(ContextKind::Suggested, ContextValue::None);
    }
    error
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    // PID 1 ignores a signal that has no handler: a command that keeps running installs its handlers first
    let keeps_running = |command| {
        ["run", "echo", "demo"]
            .iter()
            .any(|known| command == *known)
    };
    let signals = std::env::args_os()
        .nth(1)
        .is_some_and(keeps_running)
        .then(signals::install);
    let signals = match signals.transpose() {
        Ok(signals) => signals,
        Err(error) => return output::fail(&error),
    };
    let parsed = match signals.is_some().then(Sidecar::try_parse) {
        Some(Ok(Sidecar {
            command: SidecarCommand::Run(args),
        })) => Command::Run(args),
        // another command, `--help` or a mistake: the full parser handles all of them
        _ => Cli::try_parse().map_or_else(|error| plain(error).exit(), |cli| cli.command),
    };
    let variables = variables::Variables::of(command);
    match (parsed, signals) {
        (Command::Run(args), Some(signals)) => run::main(&args, signals, &variables),
        (Command::Demo(args), Some(signals)) => demo::main(&args, signals, &variables),
        (Command::Echo(args), Some(signals)) => echo::main(args, signals),
        (Command::Import(args), _) => import::main(&args),
        (Command::Init(args), _) => init::main(&args),
        (Command::Check(args), _) => check::main(&args, &variables),
        (Command::Schema(args), _) => schema::main(&args),
        (Command::Explain(args), _) => explain::main(&args, &variables),
        (Command::Diff(args), _) => diff::main(&args, &variables),
        (Command::Report(args), _) => report::main(&args),
        (Command::Stale(args), _) => stale::main(&args, &variables),
        (Command::Override(args), _) => override_link::main(&args),
        (Command::Completions(args), _) => completions::completions(&args, command()),
        (Command::Man(_), _) => completions::man(command()),
        (Command::Copy(args), _) => copy::main(&args),
        (Command::Reload(args), _) => reload::main(&args),
        (Command::Drain(args), _) => drain::main(&args),
        (Command::Health(args), _) => health::main(args),
        (Command::Probe(args), _) => probe::main(args),
        (Command::Inject(args), _) => inject::main(args),
        (Command::Stop(args), _) => fleet::stop::stop(&args),
        (Command::Resume(args), _) => fleet::stop::resume(&args),
        (Command::Apply(args), _) => fleet::apply::main(&args),
        (Command::Status(args), _) => fleet::status::main(&args),
        (Command::Guard(args), _) => fleet::guard::main(&args),
        // the command was not the first argument, so no handlers were installed
        (Command::Run(_) | Command::Demo(_) | Command::Echo(_), None) => exit::USAGE.into(),
    }
}
