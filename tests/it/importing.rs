//! `burgee import`: people keep what their old system gave them, by the answers of its own code; what cannot be kept is said.

use crate::{
    draws::{Answers, received},
    support::{Toggles, burgee, fed},
    toggles::{compile, files, name},
};
use std::{fs, path::Path};

/// Recorded schemes: the file of their system, and what has to be said of it.
const RECORDED: [(&str, &str, &[&str]); 15] = [
    ("flagd-int.json", "flagd", &["--flagd", "int"]),
    ("flagd-int-js.json", "flagd", &["--flagd", "int"]),
    ("flagd-float.json", "flagd", &["--flagd", "float"]),
    ("flagd-float-js.json", "flagd", &["--flagd", "float"]),
    ("unleash.json", "unleash", &[]),
    ("unleash-node.json", "unleash", &[]),
    (
        "unleash-2022.json",
        "unleash",
        &["--unleash-variants", "old"],
    ),
    ("launchdarkly.json", "launchdarkly", &[]),
    ("nginx.conf", "nginx", &[]),
    ("fastapi-code.json", "fastapi", &[]),
    ("experiments.json", "experiments", &[]),
    ("goff.json", "goff", &[]),
    ("flipt-client.json", "flipt", &["--flipt", "client"]),
    ("posthog.json", "posthog", &[]),
    ("microsoft.json", "microsoft", &[]),
];

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/import")
        .join(name)
}

/// What `burgee import` writes and says; the name of the file is told without its folder.
fn import(system: &str, options: &[&str], file: &Path) -> crate::support::Ran {
    let path = file.to_str().unwrap();
    let mut ran = fed(&[&["import", system, path], options].concat(), "");
    ran.err = ran.err.replace(path, &name(file));
    ran
}

/// The file as somebody settles it: ids come in percent-encoding, so that a header can carry any.
fn settled(text: &str, scheme: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some(("version", _)) => {
            format!("version: 1\nnamespace: {scheme}\nheaders: {{prefix: X-{scheme}-}}")
        }
        Some(("user", _)) => "user: {from: header.x-user-id, decode: percent}".to_owned(),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn everybody_keeps_what_their_old_system_gave_them() {
    let answers = Answers::read();
    let directory = tempfile::tempdir().unwrap();
    for (file, system, options) in RECORDED {
        let path = folder("vectors").join(file);
        let ran = import(system, options, &path);
        assert_eq!(ran.code, 0, "{file}: {}", ran.err);
        let scheme = file.split('.').next().unwrap();
        let toggles = directory.path().join(format!("{scheme}.yaml"));
        fs::write(&toggles, &ran.out).unwrap();
        let (code, said) = burgee(&["check", "--strict", toggles.to_str().unwrap()]);
        assert_eq!(code, 0, "{file}: {said}");
        fs::write(&toggles, settled(&ran.out, scheme)).unwrap();
    }
    // all of them at once, over sockets
    let seen = received(directory.path(), answers.ids());
    let (mut compared, mut wrong) = (0, Vec::new());
    for (file, ..) in RECORDED {
        let scheme = file.split('.').next().unwrap();
        for recorded in answers.recorded(scheme) {
            let field = format!("x-{scheme}-{}", recorded.feature).replace('_', "-");
            for (id, answer) in recorded.answers() {
                let (_, message) = seen.iter().find(|(one, _)| one == id).unwrap();
                let known = |name: &str| !["DEFAULT", "none", ""].contains(&name);
                let expected = recorded.expected(answer, "off", known);
                let got = message.get(&field.to_ascii_lowercase());
                compared += 1;
                if got != Some(expected) {
                    wrong.push(format!("{field} of {id:?}: {got:?}, not {expected}"));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 20_000, "{compared}");
}

/// The system of a sample, and what has to be said.
fn system(file: &str) -> (&str, &'static [&'static str]) {
    let system = file.split('-').next().unwrap();
    match system {
        "flagd" => (system, &["--partial", "--flagd", "int"]),
        "flipt" => (system, &["--partial", "--flipt", "server"]),
        _ => (system, &["--partial"]),
    }
}

fn samples() -> Vec<std::path::PathBuf> {
    let all = ["json", "yaml", "yml", "conf"];
    let all = all
        .iter()
        .flat_map(|extension| files("tests/data/import/samples", extension));
    all.filter(|path| !name(path).contains(".out.")).collect()
}

/// `UPDATE=1` rewrites what is written and what is said.
#[test]
fn what_is_carried_is_written_and_what_is_not_is_listed() {
    let (mut wrong, samples) = (Vec::new(), samples());
    assert!(samples.len() >= 25, "{} samples", samples.len());
    for path in samples {
        let file = name(&path);
        let (system, options) = system(&file);
        let ran = import(system, options, &path);
        let refused = ran.err.lines().any(|line| line.contains(": refused: "));
        if ran.code != i32::from(refused) {
            wrong.push(format!("{file}: exit code {}", ran.code));
        }
        for (extension, said) in [("out.yaml", &ran.out), ("out.txt", &ran.err)] {
            let golden = path.with_file_name(format!("{file}.{extension}"));
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&golden, said).unwrap();
            }
            if fs::read_to_string(&golden).unwrap_or_default() != **said {
                wrong.push(format!("{file}: {extension} is now\n{said}"));
            }
        }
        match compile(&[(&file, ran.out.as_bytes())]) {
            Ok((_, warnings)) if warnings.is_empty() => {}
            Ok((_, warnings)) => wrong.push(format!("{file}: {warnings:?}")),
            Err(problems) => wrong.push(format!("{file}: {problems}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_thousand_people_hear_of_an_imported_file_what_explain_says() {
    let people: Vec<String> = (0..1_000)
        .map(|number| format!("person-{number}"))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let ids = directory.path().join("ids");
    fs::write(&ids, people.join("\n")).unwrap();
    for file in ["launchdarkly-percentage.json", "unleash-variants.json"] {
        let (system, options) = system(file);
        let ran = import(system, options, &folder("samples").join(file));
        let toggles = Toggles::new(&settled(&ran.out, "shop"));
        let path = toggles.path();
        let line = [
            "explain",
            path.to_str().unwrap(),
            "--json",
            "--users",
            ids.to_str().unwrap(),
        ];
        let said = fed(&line, "");
        assert_eq!(said.code, 0, "{said:?}");
        let seen = received(&path, people.iter().map(String::as_str));
        for (line, (id, message)) in said.out.lines().zip(&seen) {
            let answer: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(answer["user"], id.as_str());
            for feature in answer["features"].as_object().unwrap().values() {
                let field = feature["header"].as_str().unwrap().to_ascii_lowercase();
                assert_eq!(
                    message.get(&field),
                    feature["variant"].as_str(),
                    "{field} of {id}"
                );
            }
        }
    }
}

#[test]
fn a_file_that_is_none_is_a_sentence_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let deep = "[".repeat(100_000);
    let huge = format!("{{\"flags\": \"{}\"}}", "x".repeat(3 << 20));
    for system in [
        "flagd",
        "unleash",
        "launchdarkly",
        "nginx",
        "fastapi",
        "experiments",
        "experimentor",
        "goff",
        "flipt",
        "posthog",
        "microsoft",
    ] {
        for (what, text) in [
            ("empty", " \n"),
            ("broken", "{\"flags\": {\"a\": "),
            ("another", "{\"some\": 1}"),
            ("a list", "[1, 2]"),
            ("a word", "hello"),
            ("a bomb", "a: &a [x, x]\nb: [*a, *a]\n"),
            ("deep", &deep),
            ("huge", &huge),
            (
                "a version",
                "{\"version\": 99, \"features\": [], \"flags\": []}",
            ),
            (
                "an odd map",
                "{\"flags\": [[]], \"features\": [{}], \"experiments\": [7], \"contexts\": [null]}",
            ),
            (
                "odd flags",
                "{\"flags\": {\"a\": 7, \"b\": {\"variations\": []}}}",
            ),
        ] {
            let path = directory.path().join("in");
            fs::write(&path, text).unwrap();
            let ran = import(system, &[], &path);
            assert_eq!(ran.code, 1, "{system}, {what}: {ran:?}");
            assert!(ran.out.is_empty(), "{system}, {what}: {}", ran.out);
            assert!(ran.err.starts_with("in:"), "{system}, {what}: {}", ran.err);
        }
        let path = directory.path().join("in");
        fs::write(&path, [b'{', 0xff, 0xfe]).unwrap();
        let ran = import(system, &[], &path);
        assert_eq!(
            (ran.code, ran.err.starts_with("in:1:")),
            (1, true),
            "{system}: {}",
            ran.err
        );
    }
}

#[test]
fn what_the_files_do_not_say_is_asked_for() {
    let sample = |file: &str| folder("samples").join(file);
    for (system, options, file, code, said) in [
        (
            "flagd",
            &[][..],
            "flagd-rollout.json",
            1,
            "say `--flagd int` (from 2026-04) or `--flagd float` (before)",
        ),
        (
            "flagd",
            &["--flagd", "cbor"],
            "flagd-rollout.json",
            1,
            "the draw over CBOR",
        ),
        (
            "flipt",
            &[],
            "flipt-thirds.yaml",
            1,
            "say `--flipt server` or `--flipt client`",
        ),
        (
            "envoy",
            &[],
            "flagd-rollout.json",
            2,
            "Envoy's fractions are drawn anew for each request",
        ),
        (
            "appconfig",
            &[],
            "flagd-rollout.json",
            2,
            "is not published",
        ),
        (
            "statsig",
            &[],
            "flagd-rollout.json",
            2,
            "can be written by hand",
        ),
    ] {
        let ran = import(system, options, &sample(file));
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.err.contains(said), "{}", ran.err);
        assert!(ran.out.is_empty());
    }
}

/// Strategies that stand apart name their feature in one of two ways. Who has none at all is on, who has only disabled ones is not.
#[test]
fn a_feature_of_unleash_whose_strategies_are_all_disabled_is_off() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("features.json");
    for (apart, gives) in [
        (
            r#"{"feature": "dark", "name": "default", "disabled": true}"#,
            "off",
        ),
        (
            r#"{"featureName": "dark", "name": "default", "disabled": true}"#,
            "off",
        ),
        (r#"{"feature": "dark", "name": "default"}"#, "on"),
        (
            r#"{"feature": "other", "name": "default", "disabled": true}"#,
            "on",
        ),
    ] {
        let features = r#"[{"name": "dark", "enabled": true, "strategies": []}]"#;
        let text = format!(r#"{{"features": {features}, "featureStrategies": [{apart}]}}"#);
        fs::write(&file, text).unwrap();
        let ran = import("unleash", &[], &file);
        assert!(
            ran.out.ends_with(&format!("  dark:\n    serve: {gives}\n")),
            "{apart}: {}",
            ran.out
        );
    }
}

#[test]
fn a_report_is_markdown_or_json() {
    let directory = tempfile::tempdir().unwrap();
    let file = folder("samples").join("flagd-computed-weights.json");
    for (name, begins) in [
        ("report.md", "# Import from flagd\n"),
        ("report.json", "{\n  \"system\": \"flagd\","),
    ] {
        let report = directory.path().join(name);
        let ran = import(
            "flagd",
            &["--flagd", "int", "--report", report.to_str().unwrap()],
            &file,
        );
        assert_eq!((ran.code, &*ran.out), (1, ""));
        let text = fs::read_to_string(&report).unwrap();
        assert!(text.starts_with(begins), "{text}");
        assert!(
            text.contains("flags.billing.targeting.fractional[1][2]"),
            "{text}"
        );
    }
}

#[test]
fn answers_that_were_recorded_are_compared_user_by_user() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let answers = Answers::read();
    let ids: Vec<&str> = answers.ids().collect();
    let line = |id: &&str| serde_json::json!({"user": id}).to_string();
    let users: Vec<String> = ids.iter().map(line).collect();
    fs::write(
        path("ids"),
        users.join(
            "
",
        ),
    )
    .unwrap();
    let mut lines = Vec::new();
    for recorded in answers.recorded("launchdarkly") {
        for (id, variant) in recorded.answers().filter(|(id, _)| ids.contains(id)) {
            lines.push(
                serde_json::json!({"user": id, "flag": recorded.feature, "variant": variant})
                    .to_string(),
            );
        }
    }
    fs::write(path("expect"), lines.join("\n")).unwrap();
    let flags = folder("vectors").join("launchdarkly.json");
    let verify = ["--verify", &path("ids"), "--expect", &path("expect")];
    let ran = import("launchdarkly", &verify, &flags);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.out,
        format!("{0} of {0} answers are the same\n", lines.len())
    );
    // one who would move
    let moved = lines[0]
        .replace("\"variant\":\"on\"", "\"variant\":\"x\"")
        .replace("\"variant\":\"off\"", "\"variant\":\"on\"");
    lines[0] = moved.replace("\"variant\":\"x\"", "\"variant\":\"off\"");
    lines.push("{\"user\": \"mia\", \"flag\": \"gone\", \"variant\": true}".to_owned());
    fs::write(path("expect"), lines.join("\n")).unwrap();
    let toggles = path("toggles.yaml");
    fs::write(&toggles, import("launchdarkly", &[], &flags).out).unwrap();
    let ran = fed(
        &[&["import", "--imported", &toggles], &verify[..]].concat(),
        "",
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    let all = lines.len() - 1;
    assert!(
        ran.out
            .contains(&format!("{} of {all} answers are the same", all - 1)),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(": new-checkout was \""), "{}", ran.out);
    assert!(
        ran.err.contains("not compared: 1 answers of gone"),
        "{}",
        ran.err
    );
    fs::write(path("expect"), "{\"user\": 7}\n").unwrap();
    let ran = fed(
        &[&["import", "--imported", &toggles], &verify[..]].concat(),
        "",
    );
    assert!(
        ran.err
            .contains("expect:1: it has no `user`, `flag` and `variant`"),
        "{}",
        ran.err
    );
}

#[test]
fn check_points_to_import() {
    for (file, system) in [
        ("flagd-rollout.json", "flagd"),
        ("unleash-variants.json", "unleash"),
        ("launchdarkly-percentage.json", "launchdarkly"),
        ("nginx-canary.conf", "nginx"),
        ("fastapi-flags.json", "fastapi"),
        ("experiments-snapshot.json", "experiments"),
        ("experimentor-example.yml", "experimentor"),
        ("goff-percentages.yaml", "goff"),
        ("flipt-booleans.yaml", "flipt"),
        ("posthog-groups.json", "posthog"),
        ("microsoft-variants.json", "microsoft"),
    ] {
        let path = folder("samples").join(file);
        let (code, said) = burgee(&["check", path.to_str().unwrap()]);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains(&format!("burgee import {system} FILE")),
            "{file}: {said}"
        );
    }
}

/// What would make a reader of trees go on for ever, go too deep or take too much.
#[test]
fn hostile_files_are_refused_with_a_sentence() {
    let clause = |segment: &str| {
        format!(
            "{{\"clauses\": [{{\"op\": \"segmentMatch\", \"attribute\": \"\", \"values\": [\"{segment}\"]}}]}}"
        )
    };
    let segments = |count: usize, next: &dyn Fn(usize) -> String| -> String {
        let one = |number| format!("\"s{number}\": {{\"rules\": [{}]}}", clause(&next(number)));
        let all: Vec<String> = (0..count).map(one).collect();
        let flag = format!(
            "{{\"on\": true, \"salt\": \"s\", \"offVariation\": 1, \"variations\": [true, false], \"rules\": [{}], \"fallthrough\": {{\"variation\": 1}}}}",
            clause("s0").replacen('{', "{\"variation\": 0, ", 1)
        );
        format!(
            "{{\"flags\": {{\"a\": {flag}}}, \"segments\": {{{}}}}}",
            all.join(", ")
        )
    };
    let shared = |number: usize| {
        format!(
            "\"e{number}\": {{\"and\": [{}]}}",
            vec![format!("{{\"$ref\": \"e{}\"}}", number + 1); 20].join(", ")
        )
    };
    let bomb: Vec<String> = (0..6).map(shared).collect();
    let of_flags = |targeting: &str| {
        format!(
            "{{\"$evaluators\": {{{}, \"e6\": {{\"==\": [{{\"var\": \"a\"}}, \"b\"]}}}}, \"flags\": {{\"a\": {{\"state\": \"ENABLED\", \"variants\": {{\"on\": true, \"off\": false}}, \"defaultVariant\": \"off\", \"targeting\": {targeting}}}}}}}",
            bomb.join(", ")
        )
    };
    let many: Vec<String> = (0..2_000)
        .map(|number| format!("{{\"flag_name\": \"f{number}\", \"status\": true}}"))
        .collect();
    let variants: Vec<String> = (0..200)
        .map(|number| format!("\"v{number}\": {number}"))
        .collect();
    let rules: Vec<String> = (0..200)
        .map(|number| format!("{{\"==\": [{{\"var\": \"a\"}}, \"x{number}\"]}}, \"on\""))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    for (system, text, said) in [
        (
            "launchdarkly",
            segments(3, &|number| format!("s{}", (number + 1) % 3)),
            "refers to itself",
        ),
        (
            "launchdarkly",
            segments(500, &|number| format!("s{}", number + 1)),
            "more than 16 deep",
        ),
        (
            "flagd",
            of_flags("{\"if\": [{\"$ref\": \"e0\"}, \"on\", \"off\"]}"),
            "more than 100000 parts",
        ),
        (
            "flagd",
            of_flags(&format!("{{\"if\": [{}]}}", rules.join(", "))),
            "more than 100 rules",
        ),
        (
            "fastapi",
            format!("[{}]", many.join(", ")),
            "more than 1000 flags",
        ),
        (
            "flagd",
            format!(
                "{{\"flags\": {{\"a\": {{\"state\": \"ENABLED\", \"variants\": {{{}}}, \"defaultVariant\": \"v0\"}}}}}}",
                variants.join(", ")
            ),
            "more than 100 variants",
        ),
        ("nginx", ";".repeat(1 << 20), "more than 250000 words"),
        (
            "nginx",
            "split_clients \"$a$b$a\u{1b}[2J\" $c { * a; }".to_owned(),
            "\u{fffd}",
        ),
    ] {
        let path = directory.path().join("in");
        fs::write(&path, text).unwrap();
        let ran = import(system, &["--flagd", "int"], &path);
        assert_eq!(
            ran.code,
            1,
            "{system}, {said}: {}",
            &ran.err[..ran.err.len().min(400)]
        );
        assert!(
            ran.err.contains(said),
            "{said}: {}",
            &ran.err[..ran.err.len().min(400)]
        );
        assert!(
            ran.err.starts_with("in:") && !ran.err.contains('\u{1b}'),
            "{}",
            &ran.err[..ran.err.len().min(400)]
        );
    }
}

#[test]
fn names_that_are_not_allowed_are_turned_into_such_as_are() {
    let flags = "[{\"flag_name\": \"demoApp.step2\", \"status\": true, \"rollout_percentage\": 50},
        {\"flag_name\": \"1234\", \"status\": true}, {\"flag_name\": \"demoApp_step2\", \"status\": true}, {\"flag_name\": \"日本\", \"status\": true}]";
    let ran = fed(&["import", "fastapi", "-"], flags);
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in [
        "  demoApp-step2:",
        "text: \"{unit}:demoApp.step2\"",
        "  flag-1234:",
        "  demoApp_step2-2:",
        "  flag:",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
    for line in [
        "renamed: demoApp.step2 is demoApp-step2 here",
        "renamed: 1234 is flag-1234 here",
    ] {
        assert!(ran.err.contains(line), "{line}: {}", ran.err);
    }
    let checked = fed(&["check", "--strict", "-"], &ran.out);
    assert_eq!(checked.code, 0, "{checked:?}");
}
