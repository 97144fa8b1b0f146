//! The map in `src/lib.rs` is true: who uses whom, what the engine may touch, and that each file opens with its job.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The arrows. A module that is not here has to be put here, with what it may use.
const MAY_USE: [(&str, &[&str]); 16] = [
    ("engine", &[]),
    ("live", &["engine"]),
    ("telemetry", &["engine", "background"]),
    ("config", &["engine", "live", "background"]),
    ("http", &[]),
    ("signals", &[]),
    ("inject", &[]),
    ("background", &[]),
    ("proxy", &["engine", "live", "telemetry"]),
    ("admin", &["engine", "live", "telemetry", "http"]),
    ("api", &["engine", "live", "telemetry", "http"]),
    ("exit", &[]),
    ("flags", &["proxy", "api", "telemetry"]),
    (
        "server",
        &[
            "engine",
            "live",
            "telemetry",
            "config",
            "background",
            "http",
            "signals",
            "exit",
            "proxy",
            "admin",
            "api",
            "flags",
        ],
    ),
    ("cli", EVERYTHING),
    ("main", EVERYTHING),
];

const EVERYTHING: &[&str] = &["*"];

#[test]
fn modules_use_only_whom_they_may() {
    for (path, text) in sources("src") {
        let module = module(&path);
        if module == "lib" {
            continue;
        }
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{}: who may `{module}` use?", path.display()));
        for used in uses_of_ours(&text) {
            assert!(
                used == module || allowed.contains(&used.as_str()) || *allowed == EVERYTHING,
                "{}: `{module}` may not use `{used}`",
                path.display()
            );
            assert!(
                (module.as_str(), used.as_str()) != ("config", "live")
                    || path.ends_with("config/reload.rs"),
                "{}: in `config` only `reload` may use `live`",
                path.display()
            );
        }
    }
}

#[test]
fn the_engine_is_pure() {
    let forbidden = [
        "std::fs",
        "std::io",
        "std::env",
        "std::process",
        "std::thread",
        "std::sync",
        "std::time",
        "SystemTime",
        "TcpStream",
        "TcpListener",
        "Mutex",
        "tokio",
        "tracing",
        "println!",
        "arc_swap",
        "hyper",
        "async fn",
    ];
    for (path, text) in sources("src/engine") {
        let code = code(&text);
        for word in forbidden {
            assert!(
                !code.contains(word),
                "{}: `{word}` in the engine",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_opens_with_its_job() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(
            text.starts_with("//! "),
            "{} does not say what it is for",
            path.display()
        );
    }
}

#[test]
fn a_grouped_use_is_seen() {
    let used =
        uses_of_ours("use crate::{a::{b, c}, d, e::f};\nlet x = crate::g::h(); // crate::z\n");
    assert_eq!(Vec::from_iter(used), ["a", "d", "e", "g"]);
}

/// `src/proxy/accept.rs` and `src/proxy.rs` are both `proxy`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap();
    first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // what a fuzzer or a client of the tests has built is not ours
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// Without comments and without the unit tests, which may do what they like.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first names behind `crate::`, groups included.
fn uses_of_ours(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let mut used = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        if !rest.starts_with('{') {
            used.insert(name(rest));
            continue;
        }
        let (mut depth, mut item) = (0, true);
        for (at, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' => item = depth == 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            if depth == 1 && item && c.is_alphabetic() {
                used.insert(name(&rest[at..]));
                item = false;
            }
        }
    }
    used
}

fn name(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
