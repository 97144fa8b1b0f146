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
            // what moves the sidecar must not move a demo or an echo beside it
            let expected = match (command.get_name(), long) {
                (name @ ("demo" | "echo"), "listen") => {
                    format!("BURGEE_{}_LISTEN", name.to_uppercase())
                }
                _ => expected,
            };
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
            &["run", "--upstream", "http://10.0.0.256:80"],
            "an IP address or a name",
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

/// `burgee` with these variables and no others of ours: its code, standard output and standard error.
fn with_variables(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn toggles(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toggles.yaml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_flag_without_a_value_is_switched_by_its_variable() {
    let (_folder, path) = toggles("version: 1\nfeatures: {a: on}\n");
    let explain = ["explain", &*path];
    for (value, json) in [
        ("1", true),
        ("true", true),
        ("TRUE", true),
        ("yes", true),
        ("On", true),
        ("0", false),
        ("false", false),
        ("No", false),
        ("off", false),
        ("", false),
    ] {
        let (code, said, error) = with_variables(&explain, &[("BURGEE_JSON", value)]);
        assert_eq!(
            (code, said.starts_with('{')),
            (0, json),
            "{value:?}: {said}{error}"
        );
    }
    for value in ["2", "maybe"] {
        let (code, _, error) = with_variables(&explain, &[("BURGEE_JSON", value)]);
        assert_eq!(code, 2);
        assert!(error.contains("1, true, yes or on"), "{error}");
    }
    let both = ["diff", &*path, &*path, "--markdown"];
    assert_eq!(with_variables(&both, &[("BURGEE_JSON", "0")]).0, 0);
    // and each of the others
    for command in burgee::cli::command().get_subcommands() {
        let is_switch = |flag: &&clap::Arg| matches!(flag.get_action(), clap::ArgAction::SetTrue);
        for flag in command.get_arguments().filter(is_switch) {
            let name = flag.get_env().unwrap().to_str().unwrap();
            let (_, _, error) = with_variables(&[command.get_name()], &[(name, "maybe")]);
            assert!(error.contains("1, true, yes or on"), "{name}: {error}");
        }
    }
}

#[test]
fn a_variable_that_nothing_reads_is_named_and_never_its_value() {
    let file = "version: 1\nattributes: {stage: env.BURGEE_STAGE}\noverride: {from: [query.o], key: env.BURGEE_OVERRIDE_KEY}\nfeatures: {a: {when: {stage: live}, serve: on}}\n";
    let (_folder, path) = toggles(file);
    for (name, meant) in [
        ("BURGEE_UPSTRAEM", Some("; did you mean BURGEE_UPSTREAM?")),
        ("BURGEE_MAX_MOVE", Some("; did you mean BURGEE_MAX_MOVED?")),
        ("BURGEE_STAGES", Some("")),
        ("BURGEE_QQQQQQQQQ", Some("")),
        ("BURGEE_UPSTREAM", None),
        ("BURGEE_DEMO_LISTEN", None),
        ("BURGEE_STAGE", None),
        ("BURGEE_OVERRIDE_KEY", None),
        ("BURGEE_SERVICE_HOST", None),
        ("BURGEE_ECHO_SERVICE_PORT_HTTP", None),
        ("BURGEE_PORT_3524_TCP_ADDR", None),
        ("BURGEE_PORT", None),
        ("BURGEE", None),
    ] {
        for command in [
            &["check", &*path][..],
            &["explain", &*path],
            &["diff", &*path, &*path],
        ] {
            let (code, _, error) =
                with_variables(command, &[(name, "a-secret-of-32-bytes-and-no-less")]);
            assert_eq!(code, 0, "{name}: {error}");
            assert!(!error.contains("secret"), "{error}");
            match meant {
                None => assert_eq!(error, "", "{command:?}"),
                Some(meant) => {
                    let warning = format!("warning: {name} is set, and nothing reads it{meant}");
                    assert!(error.contains(&warning), "{error}");
                }
            }
        }
    }
}

/// The sidecar says it in its log, whether it starts or not.
#[test]
fn the_sidecar_names_such_a_variable_in_its_log() {
    let (_folder, path) =
        toggles("version: 1\nattributes: {stage: env.BURGEE_STAGE}\nfeatures: {a: 5}\n");
    let variables = [("BURGEE_POL", "value"), ("BURGEE_STAGE", "value")];
    let (code, said, error) = with_variables(
        &["run", "--toggles", &path, "--listen", "127.0.0.1:0"],
        &variables,
    );
    assert_eq!(code, 78);
    let log = said + &error;
    assert!(
        log.contains("BURGEE_POL is set, and nothing reads it; did you mean BURGEE_POLL?"),
        "{log}"
    );
    assert!(
        !log.contains("BURGEE_STAGE is set") && !log.contains("value"),
        "{log}"
    );
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

/// Its image has no `cp`, and the guard runs in an image of kubectl.
#[test]
fn the_binary_brings_itself_into_another_image() {
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("burgee");
    let path = copy.display().to_string();
    let run = |binary: &std::path::Path, arguments: &[&str]| {
        let mut command = std::process::Command::new(binary);
        command.args(arguments).output().unwrap()
    };
    let burgee = std::path::Path::new(env!("CARGO_BIN_EXE_burgee"));
    assert!(run(burgee, &["copy", &path]).status.success());
    let version = |binary| run(binary, &["--version"]).stdout;
    assert_eq!(version(&copy), version(burgee));
    let nowhere = run(burgee, &["copy", "/nowhere/burgee"]);
    let said = String::from_utf8(nowhere.stderr).unwrap();
    assert!(said.starts_with("burgee: /nowhere/burgee: "), "{said}");
}
