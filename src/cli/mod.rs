//! The command line: a file a command.
//! In: arguments and `BURGEE_` variables. Out: an exit code.

pub mod check;
pub mod completions;
pub mod demo;
pub mod diff;
pub mod drain;
pub mod echo;
pub mod explain;
pub mod health;
pub mod ids;
pub mod inject;
pub mod override_link;
pub mod probe;
pub mod reload;
pub mod request;
pub mod schema;
pub mod style;

use crate::{config, signals};
use clap::{Parser, Subcommand};
use std::{io, io::Write as _, process::ExitCode};

/// Problems were found, or a check failed.
pub const PROBLEMS: u8 = 1;
/// The command line was wrong; clap exits with the same.
pub const USAGE: u8 = 2;
/// The configuration was bad at the start (`EX_CONFIG` of sysexits.h).
pub const CONFIG: u8 = 78;

/// A sidecar that puts feature flags on every request.
#[derive(Debug, Parser)]
#[command(
    name = "burgee",
    version,
    after_help = "Every flag can be given as a variable: --log-format is BURGEE_LOG_FORMAT.\n\
                  Exit codes: 0 good, 1 problems found or a check failed, 2 wrong usage, 78 bad toggles at the start."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<crate::flags::run::Run>),
    Demo(demo::Demo),
    Echo(echo::Echo),
    Check(check::Check),
    Schema(schema::Schema),
    Explain(Box<explain::Explain>),
    Diff(Box<diff::Diff>),
    Override(override_link::Override),
    Completions(completions::Completions),
    Man(completions::Man),
    Reload(reload::Reload),
    Drain(drain::Drain),
    Health(health::Health),
    Probe(probe::Probe),
    Inject(inject::Inject),
}

/// The sidecar's own command line: the flags of the other commands would be 70 KB of memory in every pod, for life.
#[derive(Parser)]
struct Sidecar {
    #[command(subcommand)]
    command: Running,
}

#[derive(Subcommand)]
enum Running {
    Run(Box<crate::flags::run::Run>),
}

/// The command line as clap sees it: for completions, the man page and tests.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Everything.
pub fn main() -> ExitCode {
    // As PID 1 a signal without a handler is dropped: a process that stays takes its handlers before anything else.
    let stays = |command| {
        ["run", "echo", "demo"]
            .iter()
            .any(|known| command == *known)
    };
    let signals = std::env::args_os()
        .nth(1)
        .is_some_and(stays)
        .then(signals::install);
    let signals = match signals.transpose() {
        Ok(signals) => signals,
        Err(error) => return fail(&error),
    };
    let command = match signals.is_some().then(Sidecar::try_parse) {
        Some(Ok(Sidecar {
            command: Running::Run(run),
        })) => Command::Run(run),
        // another command, a request for help, or a mistake: all of them know all commands
        _ => Cli::parse().command,
    };
    match (command, signals) {
        (Command::Run(run), Some(signals)) => crate::flags::run::main(&run, signals),
        (Command::Demo(demo), Some(signals)) => demo::main(&demo, signals),
        (Command::Echo(echo), Some(signals)) => echo::main(echo, signals),
        (Command::Check(check), _) => check::main(&check),
        (Command::Schema(schema), _) => schema::main(&schema),
        (Command::Explain(explain), _) => explain::main(&explain),
        (Command::Diff(diff), _) => diff::main(&diff),
        (Command::Override(wanted), _) => override_link::main(&wanted),
        (Command::Completions(wanted), _) => completions::completions(&wanted),
        (Command::Man(_), _) => completions::man(),
        (Command::Reload(reload), _) => reload::main(&reload),
        (Command::Drain(drain), _) => drain::main(&drain),
        (Command::Health(health), _) => health::main(health),
        (Command::Probe(probe), _) => probe::main(probe),
        (Command::Inject(inject), _) => inject::main(inject),
        // not the first argument, so that nobody took the signals
        (Command::Run(_) | Command::Demo(_) | Command::Echo(_), None) => USAGE.into(),
    }
}

/// One line on standard output. Whoever closed it (`| head`) has read enough.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Why a command could not do its work. A standard error that is closed is no reason to panic, as `eprintln!` does.
pub fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "burgee: {error}");
    PROBLEMS.into()
}

/// What was wrong with the command line, where clap cannot know it.
pub fn refuse(error: &dyn std::fmt::Display) -> ExitCode {
    fail(error);
    USAGE.into()
}

/// Every problem of toggles that a command needs, a line each.
pub fn bad_toggles(problems: &config::Problems) -> ExitCode {
    let _ = write!(io::stderr(), "{problems}");
    PROBLEMS.into()
}

/// What became of the output. Whoever closed it (`| head`) has read enough; a full disk is a failure.
pub fn printed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Runs what asks another process.
fn client(asking: impl Future<Output = io::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.and_then(|runtime| runtime.block_on(asking)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}
