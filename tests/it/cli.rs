//! The command line keeps its promises: a variable for every flag, an example in every help, the exit codes.

use crate::support::burgee;

#[test]
fn every_flag_can_be_given_as_a_variable() {
    for command in burgee::cli::command().get_subcommands() {
        for flag in command.get_arguments() {
            let Some(long) = flag
                .get_long()
                .filter(|long| !["help", "version"].contains(long))
            else {
                continue;
            };
            let expected = format!("BURGEE_{}", long.replace('-', "_").to_uppercase());
            let found = flag
                .get_env()
                .map(|name| name.to_string_lossy().into_owned());
            assert_eq!(
                found.as_deref(),
                Some(&*expected),
                "{} --{long}",
                command.get_name()
            );
        }
    }
}

#[test]
fn every_command_shows_an_example() {
    for command in burgee::cli::command().get_subcommands() {
        let name = command.get_name();
        let (code, text) = burgee(&[name, "--help"]);
        assert_eq!(code, 0);
        assert!(
            text.contains("Example") && text.contains(&format!("burgee {name}")),
            "{text}"
        );
    }
}

#[test]
fn help_says_how_a_timeout_is_switched_off() {
    let (_, text) = burgee(&["run", "--help"]);
    for name in ["head", "idle", "connect", "response", "upstream-idle"] {
        let (_, after) = text.split_once(&format!("--{name}-timeout ")).unwrap();
        let help: Vec<_> = after
            .split("[env:")
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        assert!(help.join(" ").contains("`0s` is no timeout"), "{help:?}");
    }
}

#[test]
fn wrong_usage_is_2_and_says_what_to_write() {
    for (arguments, expected) in [
        (&["run", "--poll", "5"][..], "`250ms`, `10s`, `5m`"),
        (&["run", "--max-head", "64KB"], "`64KiB`"),
        (
            &["run", "--upstream", "https://localhost"],
            "http://HOST:PORT",
        ),
        (
            &["run", "--upstream", "http://example.com:80"],
            "an IP address or localhost",
        ),
        (&["run", "--listen", "3524"], "an IP address and a port"),
        (&["run", "--workers", "0"], "1..=256"),
        (&["run", "--probe", "live"], "`ready=/healthz`"),
        (&["run", "--no-such-flag"], "--no-such-flag"),
        (&["rum"], "run"),
    ] {
        let (code, said) = burgee(arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn a_variable_counts_like_its_flag() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_burgee"))
        .arg("run")
        .env_clear()
        .env("BURGEE_POLL", "often")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("often"), "{said}");
}

#[test]
fn the_manual_and_the_completions_know_every_command_and_flag() {
    let text = |arguments: &[&str]| burgee(arguments).1;
    let man = text(&["man"]).replace("\\-", "-");
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&["completions", shell]);
        for command in burgee::cli::command().get_subcommands() {
            assert!(
                script.contains(command.get_name()),
                "{shell}: {}",
                command.get_name()
            );
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(script.contains(flag), "{shell}: --{flag}");
                assert!(man.contains(&format!("--{flag}")), "man: --{flag}");
            }
        }
    }
}
