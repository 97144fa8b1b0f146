//! `burgee completions` and `burgee man`, made from the same definitions as `--help`.
//! In: a shell, or nothing. Out: a script or a page on standard output.

use super::output::{fail, print};
use clap_complete::Shell;
use std::process::ExitCode;

/// Print a script that completes commands and flags in your shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  burgee completions bash > ~/.local/share/bash-completion/completions/burgee"
)]
pub struct CompletionsArgs {
    /// Shell to complete in
    shell: Shell,
}

/// Print the manual page
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  burgee man | man -l -")]
pub struct ManArgs {}

/// Prints the script.
pub fn completions(args: &CompletionsArgs, mut burgee: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut burgee, "burgee", &mut script);
    print(&script)
}

/// Prints one page: burgee, then every command.
pub fn man(burgee: clap::Command) -> ExitCode {
    // `burgee help` would repeat every command
    let mut whole = burgee.disable_help_subcommand(true);
    whole.build();
    let mut page = Vec::new();
    let mut render = |command: clap::Command| clap_mangen::Man::new(command).render(&mut page);
    let commands: Vec<_> = whole.get_subcommands().cloned().collect();
    let rendered = render(whole).and_then(|()| commands.into_iter().try_for_each(render));
    match rendered {
        Ok(()) => print(&page),
        Err(error) => fail(&error),
    }
}
