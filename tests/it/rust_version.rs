//! The oldest Rust that Cargo.toml promises is the oldest that its dependencies allow.
//! In: `cargo metadata`. Out: the dependency that asks for a newer one.

use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

/// What `burgee` itself is written in: the edition is of 1.85, `if … && let` is of 1.88.
const OURS: Version = (1, 88);

type Version = (u32, u32);

#[test]
fn the_rust_version_is_what_the_dependencies_and_our_own_code_need() {
    let metadata = metadata();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let packages = list(&metadata["packages"]);
    let nodes = list(&metadata["resolve"]["nodes"]);
    let root = metadata["resolve"]["root"].as_str().unwrap().to_owned();
    let promised = packages.iter().find(|package| package["id"] == root);
    let promised = version(promised.unwrap()).unwrap();
    let mut built = BTreeSet::new();
    let mut ahead = vec![root];
    while let Some(id) = ahead.pop() {
        if !built.insert(id.clone()) {
            continue;
        }
        let node = nodes.iter().find(|node| node["id"] == id).unwrap();
        for dependency in list(&node["deps"]) {
            let kinds = list(&dependency["dep_kinds"]);
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                ahead.push(dependency["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(built.len() > 100, "{} crates are built", built.len());
    let crates = packages
        .iter()
        .filter(|package| built.contains(package["id"].as_str().unwrap()));
    let mut least = OURS;
    for package in crates.filter(|package| package["name"] != "burgee") {
        let needed = version(package).unwrap_or((1, 0));
        assert!(
            needed <= promised,
            "{} {} asks for Rust {needed:?}, and Cargo.toml promises {promised:?}",
            package["name"],
            package["version"]
        );
        least = least.max(needed);
    }
    assert_eq!(promised, least, "Cargo.toml may promise an older Rust");
}

/// Of this platform alone, for of others not everything has been downloaded.
fn metadata() -> Value {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let about = told("rustc", &["-vV"]);
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = ["--filter-platform", host.unwrap()];
    let json = told(
        env!("CARGO"),
        &[
            &["metadata", "--offline", "--format-version", "1"],
            &host[..],
        ]
        .concat(),
    );
    serde_json::from_str(&json).unwrap()
}

fn version(package: &Value) -> Option<Version> {
    let (major, rest) = package["rust_version"].as_str()?.split_once('.')?;
    let minor = rest.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
