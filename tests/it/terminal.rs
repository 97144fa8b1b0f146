//! What people see on a terminal, and what a pipe never gets: colour, and a bar that says how far it is.

use crate::support::fed;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    os::unix::ffi::OsStrExt as _,
    process::{Command, Stdio},
};

const OLD: &str = "version: 1\nfeatures: {dark-mode: on, beta-search: 25%}\n";
const NEW: &str = "version: 1\nfeatures: {dark-mode: on, beta-search: 35%}\n";

/// What a command writes to a terminal: both its outputs, or the second one alone.
fn on_a_terminal(arguments: &[&str], both: bool, variables: &[(&str, &str)]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let path = OsStr::from_bytes(name.as_bytes());
    let open = || File::options().write(true).open(path).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command
        .args(arguments)
        .env_clear()
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdout(if both {
            Stdio::from(open())
        } else {
            Stdio::null()
        })
        .stderr(open());
    let mut child = command.spawn().unwrap();
    // only the child's own ends are left, so that its end is the end of what can be read
    drop(command);
    let (mut terminal, mut bytes) = (File::from(terminal), [0; 4096]);
    let mut written = Vec::new();
    while let Ok(read @ 1..) = terminal.read(&mut bytes) {
        written.extend_from_slice(&bytes[..read]);
    }
    child.wait().unwrap();
    String::from_utf8(written).unwrap()
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (write("old.yaml", OLD), write("new.yaml", NEW));
    let bad = write("bad.yaml", "version: 2\n");
    for arguments in [
        &["check", &old][..],
        &["check", &bad],
        &["explain", &old, "--user", "mia"],
        &["diff", &old, &new],
        &["--help"],
        &["check", "--strct"],
    ] {
        let is_coloured = |text: &str| text.contains('\x1b');
        for (variables, expected) in [
            (&[][..], true),
            (&[("NO_COLOR", "")], true),
            (&[("NO_COLOR", "1")], false),
            (&[("TERM", "dumb")], false),
        ] {
            let text = on_a_terminal(arguments, true, variables);
            assert!(!text.is_empty());
            assert_eq!(
                is_coloured(&text),
                expected,
                "{arguments:?} {variables:?}: {text}"
            );
        }
        let ran = fed(arguments, "");
        assert!(
            !is_coloured(&ran.out) && !is_coloured(&ran.err),
            "{arguments:?}: {ran:?}"
        );
    }
}

#[test]
fn what_was_typed_does_nothing_to_a_terminal() {
    let hostile = "\x1b]0;x\x07\u{202e}";
    for arguments in [
        &["stop", "a", "--why", hostile][..],
        &["stop", hostile],
        &["resume", hostile, "--dir", "/nowhere"],
        &["status", "--context", hostile],
        &["status", "--namespace", hostile],
        &["status", "--selector", hostile],
        &["status", "--configmap", hostile],
        &["apply", "x", "--configmap", hostile],
        &["stop", "a", &format!("--{hostile}")],
        &[hostile],
    ] {
        let text = on_a_terminal(arguments, true, &[("NO_COLOR", "1")]);
        assert!(text.contains("u{202e}"), "{arguments:?}: {text:?}");
        assert!(
            !text.contains(['\x1b', '\x07', '\u{202e}']),
            "{arguments:?}: {text:?}"
        );
    }
}

#[test]
fn a_bar_is_for_terminals_that_nothing_else_runs_over() {
    let folder = tempfile::tempdir().unwrap();
    let (toggles, ids) = (folder.path().join("a.yaml"), folder.path().join("ids.txt"));
    std::fs::write(&toggles, OLD).unwrap();
    let text: String = (0..5_000)
        .map(|number| format!("user-{number}\n"))
        .collect();
    std::fs::write(&ids, text).unwrap();
    let [toggles, ids] = [&toggles, &ids].map(|path| path.to_str().unwrap());
    let explain = ["explain", toggles, "--users", ids];
    let diff = ["diff", toggles, toggles, "--users", ids];
    let bar = "[####################] 100%";
    for (arguments, both, expected) in [
        (&explain[..], false, true),
        (&explain, true, false),
        (&diff, false, true),
        (&diff, true, true),
    ] {
        let text = on_a_terminal(arguments, both, &[]);
        assert_eq!(text.contains(bar), expected, "{arguments:?} {both}");
    }
    for arguments in [&explain[..], &diff] {
        let ran = fed(arguments, "");
        assert!(!ran.err.contains(['\r', '#']), "{}", ran.err);
    }
}
