//! `burgee diff`: the figures that it prints are the closed form, and people counted one by one agree.

use serde_json::Value;
use std::process::{Command, Output};

fn diff(old: &str, new: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, features: &str| {
        let path = directory.path().join(name);
        std::fs::write(
            &path,
            format!("version: 1\nattributes: {{plan: header.x-plan}}\nfeatures:\n{features}\n"),
        )
        .unwrap();
        path
    };
    let (old, new) = (write("old.yaml", old), write("new.yaml", new));
    Command::new(env!("CARGO_BIN_EXE_burgee"))
        .arg("diff")
        .args([old, new])
        .args(arguments)
        .output()
        .unwrap()
}

fn json(old: &str, new: &str, arguments: &[&str]) -> Value {
    let output = diff(old, new, &[&["--json"], arguments].concat());
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn split(shares: &[(&str, u32)]) -> String {
    let names: Vec<_> = shares.iter().map(|(name, _)| *name).collect();
    let arms: Vec<_> = shares
        .iter()
        .map(|(name, percent)| format!("{name}: {percent}%"))
        .collect();
    format!(
        "  f: {{variants: [{}], serve: {{{}}}}}",
        names.join(", "),
        arms.join(", ")
    )
}

/// The edits of the bucketing section, to a tenth of a percent.
#[test]
fn the_printed_share_is_the_closed_form_and_what_happens_to_people() {
    let directory = tempfile::tempdir().unwrap();
    let ids = directory.path().join("ids.txt");
    let people = 100_000;
    let text: String = (0..people).map(|id| format!("user-{id:06}\n")).collect();
    std::fs::write(&ids, text).unwrap();
    for (old, new, expected) in [
        (
            &[("a", 50), ("b", 50)][..],
            &[("a", 60), ("b", 40)][..],
            0.1,
        ),
        (
            &[("a", 33), ("b", 33), ("c", 34)],
            &[("a", 40), ("b", 30), ("c", 30)],
            0.0727,
        ),
        (
            &[("a", 50), ("b", 25), ("c", 25)],
            &[("a", 40), ("b", 25), ("c", 35)],
            0.123,
        ),
        (
            &[("a", 80), ("b", 10), ("c", 10)],
            &[("a", 60), ("b", 20), ("c", 20)],
            0.2,
        ),
        (
            &[("a", 50), ("b", 50)],
            &[("a", 40), ("b", 40), ("c", 20)],
            0.2,
        ),
        (
            &[("a", 34), ("b", 33), ("c", 33)],
            &[("a", 0), ("b", 50), ("c", 50)],
            0.34,
        ),
    ] {
        let found = json(
            &split(old),
            &split(new),
            &["--users", ids.to_str().unwrap()],
        )["features"]["f"]
            .clone();
        assert_eq!(found["exact"], true);
        let moved = found["moved"].as_f64().unwrap();
        assert!(
            (moved - expected).abs() < 0.001,
            "{old:?} to {new:?}: {moved}"
        );
        let flows: f64 = found["flows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flow| flow["share"].as_f64().unwrap())
            .sum();
        assert!(
            (flows - moved).abs() < 1e-9,
            "flows sum to {flows}, not to {moved}"
        );
        let counted = found["counted"]["moved"].as_f64().unwrap();
        let noise = 5.0 * (moved * (1.0 - moved) / f64::from(people)).sqrt();
        assert!(
            (counted - moved).abs() < noise,
            "{counted} counted, {moved} computed"
        );
        assert_eq!(
            found["people"].as_array().unwrap().len(),
            (counted * f64::from(people)).round() as usize
        );
    }
}

#[test]
fn each_kind_of_edit_is_named() {
    for (old, new, expected) in [
        (
            "  f: 10%",
            "  f: 15%",
            "f: 5% of users switch variant\n  off -> on: 5%",
        ),
        (
            "  f: on",
            "  f: off",
            "f: 100% of users switch variant\n  on -> off: 100%",
        ),
        ("  f: 10%", "  f: 10%", "nobody switches variant"),
        (
            "  f: {description: a, rollout: 10%}",
            "  f: {description: b, rollout: 10%}",
            "nobody switches variant",
        ),
        ("  f: on", "  f: on\n  g: 5%", "g: new"),
        ("  f: on\n  g: 5%", "  f: on", "g: removed"),
        (
            "  old-name: 10%",
            "  new-name: 10%",
            "users are assigned anew unless you add `salt: old-name`",
        ),
        (
            "  f: 10%",
            "  f: {salt: x, rollout: 10%}",
            "f: 18% of users switch variant",
        ),
        (
            "  f: {status: paused, rollout: 10%}",
            "  f: 10%",
            "f: 10% of users switch variant",
        ),
        (
            "  f: {variants: [a], serve: a}",
            "  f: {variants: [a], buckets: {a: 0-4999}}",
            "a -> off: 50%",
        ),
        (
            "  f: {when: {plan: pro}, rollout: 10%}",
            "  f: {when: {plan: pro}, rollout: 30%}",
            "Exactly 20% of the users who match its conditions switch.",
        ),
        (
            "  f: {when: {plan: pro}, serve: on}",
            "  f: {when: {plan: [pro, team]}, serve: on}",
            "Depends on the request: counted over 100000 made-up ids",
        ),
        (
            "  f: {when: {plan: pro}, serve: on}",
            "  f: {when: {plan: {not: pro}}, serve: on}",
            "Reaches more: 100% get a variant other than the default, 0% before.",
        ),
        (
            "  f: {when: {plan: {not: pro}}, serve: on}",
            "  f: {when: {plan: pro}, serve: on}",
            "Reaches fewer: 0% get a variant other than the default, 100% before.",
        ),
    ] {
        let output = diff(old, new, &[]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(expected),
            "{old} to {new} should say {expected:?}:\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Everybody gets the same of it, with any salt.
#[test]
fn a_plain_on_is_not_taken_for_another_one_renamed() {
    let output = diff("  old-name: on", "  new-name: on", &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("looks like"), "{text}");
}

#[test]
fn where_it_depends_on_the_request_users_are_counted() {
    let found = json(
        "  f: {when: {plan: pro}, serve: on}",
        "  f: {when: {plan: [pro, team]}, serve: on}",
        &["--header", "X-Plan: team", "--sample", "1000"],
    );
    assert_eq!(found["features"]["f"]["exact"], false);
    assert_eq!(found["features"]["f"]["moved"], 1.0);
    assert_eq!(found["features"]["f"]["counted"]["people"], 1000);
}

#[test]
fn the_gate_fails_above_its_share_and_only_then() {
    for (most, code) in [("4.9%", 1), ("5%", 0), ("100%", 0)] {
        let output = diff("  f: 10%", "  f: 15%", &["--max-moved", most]);
        assert_eq!(output.status.code(), Some(code), "{most}");
    }
    assert_eq!(
        diff("  f: 10%", "  f: 15", &[]).status.code(),
        Some(1),
        "a bad file"
    );
    assert_eq!(
        diff("  f: 10%", "  f: 15%", &["--max-moved", "5"])
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn the_markdown_is_fit_for_a_pull_request() {
    let output = diff("  f: 10%\n  g: on", "  f: 15%\n  g: on", &["--markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("| `f` | 5% of users switch variant | `off` → `on` 5% |"),
        "{text}"
    );
    assert!(!text.contains("`g`"), "{text}");
}
