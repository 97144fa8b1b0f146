//! What commands print, and how they exit.
//! In: lines, problems, results. Out: text on standard output or standard error, and an exit code.

use crate::{config, exit};
use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

/// Prints a line on standard output. A closed pipe (`| head`) is no error.
pub(super) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Says why a command failed. Does not panic on a closed standard error, as `eprintln!` does.
pub(super) fn fail(error: &dyn Display) -> ExitCode {
    let _ = writeln!(io::stderr(), "burgee: {error}");
    exit::PROBLEMS.into()
}

/// Says what is wrong with the command line, where clap cannot see it.
pub(super) fn refuse(error: &dyn Display) -> ExitCode {
    fail(error);
    exit::USAGE.into()
}

/// Prints every problem of the toggles, one per line.
pub(super) fn bad_toggles(problems: &config::Problems) -> ExitCode {
    let _ = write!(io::stderr(), "{problems}");
    exit::PROBLEMS.into()
}

/// Prints a whole text.
pub(super) fn print(text: &[u8]) -> ExitCode {
    match printed(io::stdout().write_all(text)) {
        Err(error) => fail(&error),
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// The result of printing: a closed pipe (`| head`) is no error, a full disk is one.
pub(super) fn printed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// What comes of waiting for the network.
pub(super) fn waited<T>(wait: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.and_then(|runtime| runtime.block_on(wait))
}

/// Runs a command that waits for the network.
pub(super) fn block_on(command: impl Future<Output = io::Result<ExitCode>>) -> ExitCode {
    match waited(command) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

/// Text as HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
