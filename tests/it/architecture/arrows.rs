//! Who may use whom, and that nobody is led back to. In: `src/`. Out: every arrow that is wrong, where it stands.

use std::collections::{BTreeMap, BTreeSet};

use super::{circles::circles, ours, uses, uses::Use};

/// The arrows, from a folder or file to those that it may use besides itself. The row of a file comes before that of its folder.
const MAY_USE: [(&str, &[&str]); 20] = [
    ("engine", &[]),
    ("live", &["engine"]),
    ("telemetry", &["engine", "background"]),
    ("config/reload", &["config", "engine", "live", "background"]),
    ("config", &["engine", "background"]),
    ("http", &[]),
    ("signals", &[]),
    ("inject", &[]),
    ("import", &["engine", "config"]),
    ("background", &[]),
    ("exit", &[]),
    // neither a connection of a client nor the worker
    (
        "proxy/upstream",
        &[
            "live",
            "proxy/budget",
            "proxy/clock",
            "proxy/client_body",
            "proxy/dead_peers",
            "proxy/failure",
            "proxy/header_case",
            "proxy/hop_by_hop",
            "proxy/http2",
            "proxy/informational",
            "proxy/settings",
            "proxy/watched_stream",
        ],
    ),
    (
        "proxy",
        &["engine", "live", "telemetry", "http", "background"],
    ),
    ("admin", &["engine", "live", "telemetry", "http"]),
    ("api", &["engine", "live", "telemetry", "http"]),
    // what a flag sets: nothing that runs
    (
        "flags",
        &[
            "engine/units",
            "proxy/settings",
            "api/authz",
            "telemetry/log_fields",
        ],
    ),
    (
        "server",
        &[
            "engine",
            "live",
            "telemetry",
            "config",
            "http",
            "signals",
            "background",
            "exit",
            "proxy",
            "admin",
            "api",
            "flags",
        ],
    ),
    ("cli", &["*"]),
    ("main", &["*"]),
    // declares the others
    ("lib", &["*"]),
];

#[test]
fn each_folder_uses_only_whom_it_may() {
    let wrong: Vec<_> = uses()
        .iter()
        .filter(|one| !may_use(&one.from.name, &one.to.name))
        .map(shown)
        .collect();
    assert!(
        wrong.is_empty(),
        "arrows that MAY_USE does not have:\n{}",
        wrong.join("\n")
    );
    for file in &ours().files {
        let row = MAY_USE.iter().any(|(row, _)| below(&file.name, row));
        assert!(row, "whom may src/{} use? MAY_USE does not say", file.name);
    }
    for (row, _) in MAY_USE {
        assert!(
            ours().files.iter().any(|file| below(&file.name, row)),
            "there is no src/{row}"
        );
    }
}

#[test]
fn no_file_uses_one_that_leads_back_to_it() {
    let uses: Vec<_> = uses()
        .iter()
        .filter(|one| one.item && one.from.name != one.to.name)
        .collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in &uses {
        arrows
            .entry(&one.from.name)
            .or_default()
            .insert(&one.to.name);
    }
    let step = |step: &[&str]| {
        let found = uses
            .iter()
            .find(|one| one.from.name == step[0] && one.to.name == step[1]);
        found.map(|one| shown(one))
    };
    let told = circles(&arrows).into_iter().map(|way| {
        way.windows(2)
            .filter_map(step)
            .collect::<Vec<_>>()
            .join("\n")
    });
    let told = told.collect::<Vec<_>>().join("\n\n");
    assert!(
        told.is_empty(),
        "circles, each by its shortest way:\n{told}"
    );
}

#[test]
fn the_row_of_a_file_comes_before_that_of_its_folder() {
    for (from, to, expected) in [
        ("engine/evaluate.rs", "engine/bucket.rs", true),
        ("live.rs", "engine/bucket.rs", true),
        ("engine/evaluate.rs", "live.rs", false),
        ("config/reload.rs", "live.rs", true),
        ("config/read.rs", "live.rs", false),
        ("flags/run.rs", "proxy/settings.rs", true),
        ("flags/run.rs", "proxy/mod.rs", false),
        ("engineering.rs", "engine/mod.rs", false),
    ] {
        assert_eq!(may_use(from, to), expected, "{from} -> {to}");
    }
}

/// Whether a row's name is that of the file, or of a folder around it.
fn below(file: &str, row: &str) -> bool {
    file.strip_prefix(row)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn may_use(from: &str, to: &str) -> bool {
    let row = MAY_USE.iter().find(|(row, _)| below(from, row));
    row.is_some_and(|(row, others)| {
        below(to, row) || others.iter().any(|one| *one == "*" || below(to, one))
    })
}

fn shown(one: &Use) -> String {
    format!(
        "src/{}:{}: `{}` of src/{}",
        one.from.name, one.line, one.said, one.to.name
    )
}
