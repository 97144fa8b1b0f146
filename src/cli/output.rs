//! What a command prints, and how it ends.
//! In: lines, problems, results. Out: text on standard output or standard error, and an exit code.

use crate::{config, exit};
use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

/// One line on standard output. Whoever closed it (`| head`) has read enough.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Why a command could not do its work. A standard error that is closed is no reason to panic, as `eprintln!` does.
pub(super) fn fail(error: &dyn Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "burgee: {error}");
    exit::PROBLEMS.into()
}

/// What was wrong with the command line, where clap cannot know it.
pub(super) fn refuse(error: &dyn Display) -> ExitCode {
    fail(error);
    exit::USAGE.into()
}

/// Every problem of toggles that a command needs, a line each.
pub(super) fn bad_toggles(problems: &config::Problems) -> ExitCode {
    let _ = write!(io::stderr(), "{problems}");
    exit::PROBLEMS.into()
}

/// All of it, and whether it arrived.
pub(super) fn print(text: &[u8]) -> ExitCode {
    match printed(io::stdout().write_all(text)) {
        Err(error) => fail(&error),
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// What became of the output. Whoever closed it (`| head`) has read enough; a full disk is a failure.
pub(super) fn printed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Runs a command that talks to other processes.
pub(super) fn block_on(command: impl Future<Output = io::Result<ExitCode>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.and_then(|runtime| runtime.block_on(command)) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}
