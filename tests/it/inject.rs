//! `burgee inject`, as text: what is put in, what stays, and what is refused. `UPDATE=1` rewrites `tests/data/inject/*.out`.

use burgee::{
    flags::run::OnBadStart,
    inject::{Defaults, inject, is_on_bad_start},
};
use serde::Deserialize as _;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn defaults() -> Defaults {
    Defaults {
        image: "burgee:0.1.0".into(),
        toggles_config_map: "burgee-toggles".into(),
        on_bad_start: "unready:15m".into(),
        port_name: "http".into(),
        upstream_port: None,
    }
}

fn inputs() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inject");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let inputs: Vec<_> = paths
        .filter(|path| path.extension().is_none_or(|extension| extension != "out"))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    assert!(inputs.len() >= 5);
    inputs
}

#[test]
fn what_is_put_in_is_what_the_golden_files_say() {
    for (path, text) in inputs() {
        let injected = inject(&text, &defaults()).unwrap();
        let notes: String = injected
            .notes
            .iter()
            .map(|note| format!("# {note}\n"))
            .collect();
        let out = PathBuf::from(format!("{}.out", path.display()));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&out, format!("{notes}{}", injected.text)).unwrap();
        }
        let wanted = fs::read_to_string(&out).unwrap_or_default();
        assert_eq!(
            wanted,
            format!("{notes}{}", injected.text),
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_second_time_changes_nothing() {
    for (path, text) in inputs() {
        let once = inject(&text, &defaults()).unwrap();
        let twice = inject(&once.text, &defaults()).unwrap();
        assert_eq!(once.text, twice.text, "{}", path.display());
        assert!(twice.notes.iter().all(|note| note.contains("left alone")));
    }
}

#[test]
fn how_it_is_written_does_not_matter() {
    let read = |yaml: &str| -> Vec<Value> {
        let documents = serde_yaml::Deserializer::from_str(yaml);
        documents
            .map(|document| Value::deserialize(document).unwrap())
            .collect()
    };
    for (path, text) in inputs() {
        let as_json: Vec<_> = read(&text).iter().map(Value::to_string).collect();
        let from_json = inject(&as_json.join("\n---\n"), &defaults()).unwrap().text;
        let from_text = inject(&text, &defaults()).unwrap().text;
        assert_eq!(read(&from_json), read(&from_text), "{}", path.display());
    }
}

#[test]
fn every_line_that_is_not_about_the_port_or_the_grace_period_stays() {
    for (path, text) in inputs() {
        let injected = inject(&text, &defaults()).unwrap().text;
        let mut after = injected.lines();
        let kept = |line: &&str| {
            !["http", "web", "Grace", "{", "[]", "null", "~"]
                .iter()
                .any(|word| line.contains(word))
        };
        for line in text.lines().filter(kept) {
            assert!(after.any(|new| new == line), "{}: {line}", path.display());
        }
    }
}

#[test]
fn what_cannot_be_injected_is_refused_with_a_sentence() {
    let pod =
        |spec: &str| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n{spec}");
    let check = |text: &str, expected: &str| {
        let problem = inject(text, &defaults()).unwrap_err();
        assert!(problem.contains(expected), "{problem}\n{text}");
    };
    check("a: [", "not YAML");
    check(
        "apiVersion: v1\nkind: Pod\n",
        "line 1: pod/?: the pod has no `spec`",
    );
    check(&pod("  containers: []\n"), "no `containers`");
    check(
        &pod("  containers: [{name: a}]\n"),
        "no container port is named http",
    );
    check(
        &pod("  containers: [{name: a, ports: [{name: http}]}]\n"),
        "no `containerPort`",
    );
    check(
        &pod("  containers: [{name: a, ports: [{name: http, containerPort: 70000}]}]\n"),
        "no `containerPort`",
    );
    check(
        &pod("  x: &x {ports: [{name: http, containerPort: 1}]}\n  containers: [*x]\n"),
        "an alias",
    );
    check(
        &pod("  containers:\n  - <<: {a: b}\n    ports: [{name: http, containerPort: 1}]\n"),
        "a merge key",
    );
    check(
        &pod(
            "  terminationGracePeriodSeconds: long\n  containers: [{ports: [{name: http, containerPort: 1}]}]\n",
        ),
        "is not a number",
    );
    let annotated = |annotation: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{annotations: {{{annotation}}}}}\nspec: {{containers: [{{name: a}}]}}\n"
        )
    };
    check(
        &annotated("burgee.dev/upstream-port: http"),
        "which is not a port",
    );
    check(
        &annotated("burgee.dev/upstream-port: '80', burgee.dev/on-bad-start: later"),
        "on-bad-start is `later`: write `refuse`",
    );
    check(
        &annotated("burgee.dev/take-port: a-name-too-long"),
        "1 to 11",
    );
    check(
        "apiVersion: apps/v1\nkind: Deployment\n",
        "there is no spec.template",
    );
}

#[test]
fn the_flag_tells_the_port_where_no_port_has_the_name() {
    let defaults = Defaults {
        upstream_port: Some(9000),
        ..defaults()
    };
    let pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}\n";
    assert!(
        inject(pod, &defaults)
            .unwrap()
            .text
            .contains("http://127.0.0.1:9000")
    );
}

#[test]
fn an_annotation_takes_what_the_flag_takes() {
    for text in [
        "refuse",
        "forward",
        "unready",
        "unready:15m",
        "unready:250ms",
        "unready:1h",
        "unready:0s",
        "unready:",
        "unready:m",
        "unready:15",
        "unready:1.5m",
        "unready:15 m",
        "unready:-1m",
        "forward:1m",
        "Unready",
        "",
        "unready:15m ",
    ] {
        assert_eq!(
            is_on_bad_start(text),
            text.parse::<OnBadStart>().is_ok(),
            "{text}"
        );
    }
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {annotations: {burgee.dev/on-bad-start: forward}}\nspec: {containers: [{ports: [{name: http, containerPort: 1}]}]}\n";
    assert!(
        inject(pod, &defaults())
            .unwrap()
            .text
            .contains("\"--on-bad-start\",\"forward\"")
    );
}

#[test]
fn a_deadline_that_is_too_late_is_told() {
    let deployment = |deadline: u32| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: shop}}\nspec:\n  progressDeadlineSeconds: {deadline}\n  template: {{spec: {{containers: [{{ports: [{{name: http, containerPort: 1}}]}}]}}}}\n"
        )
    };
    for (what, deadline, told) in [
        ("unready:15m", 899, false),
        ("unready:15m", 900, true),
        ("unready:90s", 600, true),
        ("unready:1h", 1200, false),
        ("unready", 100_000, false),
        ("forward", 100_000, false),
    ] {
        let defaults = Defaults {
            on_bad_start: what.into(),
            ..defaults()
        };
        let notes = inject(&deployment(deadline), &defaults).unwrap().notes;
        let said = notes[0].contains("would go on before it has failed, so lower it");
        assert_eq!(said, told, "{what} {deadline}: {notes:?}");
    }
}
