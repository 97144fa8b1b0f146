//! The guard of a feature: what the commands say of it, and what a process does that is certain.

use serde_json::Value;
use std::process::{Command, Output};

fn burgee(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command.args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const FAILS: &str = "its guard gives everybody the default as soon as it is certain that a variant fails more than 0.1 points more often than off";

/// Files with one feature each, in a directory that lasts as long as the first value.
fn files<const N: usize>(features: [&str; N]) -> (tempfile::TempDir, [String; N]) {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    let paths = features.map(|feature| {
        number += 1;
        let path = directory.path().join(format!("{number}.yaml"));
        std::fs::write(&path, format!("version: 1\nfeatures:\n  {feature}\n")).unwrap();
        path.display().to_string()
    });
    (directory, paths)
}

#[test]
fn explain_says_what_watches_over_a_drawn_variant() {
    let (_directory, [path]) = files(["checkout: {rollout: 50%, guard: stop}"]);
    let why = |arguments: &[&str]| out(&burgee(&[&["explain", &path], arguments].concat()));
    let said = why(&["--user", "mia"]);
    assert!(said.contains(FAILS), "{said}");
    // who is in no arm is nobody's evidence
    assert!(!why(&[]).contains("guard"));
}

#[test]
fn diff_says_what_becomes_of_a_guard_and_that_nobody_moves() {
    let (_directory, [none, stop, report, wider]) = files([
        "checkout: {rollout: 50%}",
        "checkout: {rollout: 50%, guard: stop}",
        "checkout: {rollout: 50%, guard: report}",
        "checkout: {rollout: 60%, guard: stop}",
    ]);
    let diff = |old: &str, new: &str, flag: &[&str]| {
        out(&burgee(&[&["diff", old, new][..], flag].concat()))
    };
    assert_eq!(
        diff(&none, &stop, &[]),
        format!("checkout: guarded from now on: {FAILS}\nnobody switches variant\n")
    );
    assert_eq!(
        diff(&stop, &none, &[]),
        "checkout: no longer guarded\nnobody switches variant\n"
    );
    assert!(
        diff(&stop, &report, &[]).starts_with("checkout: guarded otherwise: its guard reports")
    );
    assert_eq!(
        diff(&none, &stop, &["--markdown"]),
        format!(
            "### Who switches variant\n\nNobody.\n\n`checkout`: guarded from now on: {FAILS}\n"
        )
    );
    let moved = diff(&none, &wider, &[]);
    assert!(moved.contains("10% of users switch variant\n"), "{moved}");
    assert!(
        moved.contains("  Guarded from now on: its guard"),
        "{moved}"
    );
    let json: Value = serde_json::from_str(&diff(&none, &stop, &["--json"])).unwrap();
    assert_eq!(json["features"]["checkout"]["moved"], 0.0);
    assert_eq!(
        json["features"]["checkout"]["guard"],
        format!("guarded from now on: {FAILS}")
    );
}
