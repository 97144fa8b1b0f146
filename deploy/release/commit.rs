//! The build script: what `burgee --version` says besides the version in a release build, and which image `burgee inject` puts in.
//! In: git, or the note that `cargo package` leaves, or `$BURGEE_COMMIT`; `$BURGEE_REPOSITORY`, where the image is published. Out:
//! `BURGEE_VERSION`, such as `0.2.0 (1b10774a9c3e 2026-11-29)`, and `BURGEE_REPOSITORY`, `burgee` where nobody said.

use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=deploy/release/commit.rs");
    println!("cargo:rerun-if-env-changed=BURGEE_COMMIT");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    // a debug build would be compiled anew after every commit
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = is_release.then(commit).flatten();
    let said = commit.map_or(version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo:rustc-env=BURGEE_VERSION={said}");
    println!("cargo:rerun-if-env-changed=BURGEE_REPOSITORY");
    let repository = env::var("BURGEE_REPOSITORY").unwrap_or("burgee".to_owned());
    println!("cargo:rustc-env=BURGEE_REPOSITORY={repository}");
}

fn commit() -> Option<String> {
    env::var("BURGEE_COMMIT")
        .ok()
        .filter(|commit| !commit.is_empty())
        .or_else(packaged)
        .or_else(of_git)
}

/// In a crate of crates.io: `{"git": {"sha1": "…"}, …}`.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\":")?;
    let commit = rest.split('"').nth(1)?;
    commit.get(..12).map(str::to_owned)
}

/// Commit and its date. Nothing in a folder that lies in somebody else's repository.
fn of_git() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    for file in [
        git(&["rev-parse", "--git-path", "HEAD"])?,
        git(&["rev-parse", "--git-path", "logs/HEAD"])?,
    ] {
        println!("cargo:rerun-if-changed={file}");
    }
    git(&["log", "-1", "--abbrev=12", "--format=%h %cs"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let said = said.trim();
    (output.status.success() && !said.is_empty()).then(|| said.to_owned())
}
