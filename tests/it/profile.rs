//! What cargo runs in place of the compiler, `.cargo/rustc`: a release build is given the profile, by the compiler that can read it.
//! In: the arguments of a compiler. Out: those that `tests/it/compiler`, which stands for one, was given.

use std::{path::Path, process::Command};

const THIS: &str = ".cargo/sidecar.compiler";
const ANOTHER: &str = "Cargo.toml";
const OPTIMISED: [&str; 4] = ["--crate-name", "burgee", "-C", "opt-level=3"];
const PLAIN: [&str; 2] = ["--crate-name", "build_script_build"];

/// The arguments arrive, and after them this one.
fn check(compiler: &str, arguments: &[&str], into: &str, expected: Option<&str>) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = Command::new(project.join(".cargo/rustc"))
        .arg(project.join("tests/it/compiler"))
        .args(arguments)
        .env("SAYS", project.join(compiler))
        .env("BURGEE_PROFILE_INTO", into)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let profile = format!(
        "-Cprofile-use={}",
        project.join(".cargo/sidecar.profdata").display()
    );
    let more = expected.map(|flag| flag.replace("PROFILE", &profile));
    let expected: Vec<&str> = arguments.iter().copied().chain(more.as_deref()).collect();
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_release_build_is_given_the_profile() {
    check(THIS, &OPTIMISED, "", Some("PROFILE"));
}

#[test]
fn another_compiler_builds_as_if_there_were_no_profile() {
    check(ANOTHER, &OPTIMISED, "", None);
}

#[test]
fn what_is_not_optimised_is_left_alone() {
    check(THIS, &PLAIN, "", None);
}

#[test]
fn training_makes_a_profile_and_uses_none() {
    check(THIS, &OPTIMISED, "/seen", Some("-Cprofile-generate=/seen"));
    check(THIS, &PLAIN, "/seen", None);
}
