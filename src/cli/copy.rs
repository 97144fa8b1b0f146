//! `burgee copy`: the binary from its empty image into a volume, for an init container: such an image has no `cp`.
//! In: where to. Out: a file, or a sentence.

use super::output;
use std::{env, fs, path::PathBuf, process::ExitCode};

/// Copy this binary into a volume, for a container of another image
#[derive(Debug, clap::Args)]
#[command(after_help = "Example, for an init container:\n  burgee copy /burgee/burgee")]
pub struct CopyArgs {
    /// Where to write the copy
    path: PathBuf,
}

/// Copies it.
pub fn main(args: &CopyArgs) -> ExitCode {
    let copied = env::current_exe().and_then(|binary| fs::copy(binary, &args.path));
    match copied {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => output::fail(&format!("{}: {error}", args.path.display())),
    }
}
