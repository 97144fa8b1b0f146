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
        (
            "  f: on",
            "  f: on\n  g: 5%",
            "g: new: 5% of users get something else than its default\n  off -> on: 5%",
        ),
        ("  f: on\n  g: 5%", "  f: on", "g: removed"),
        (
            "  old-name: 10%",
            "  new-name: {salt: old-name, rollout: 14%}",
            "new-name: renamed from old-name, with its salt: 4% of users switch variant",
        ),
        (
            "  f: on",
            "  f: {rollout: {from: 100%, to: 0%, start: 2090-01-01, end: 2090-02-01}}",
            "From 2090-02-01T00:00:00Z on, up to 100% switch.",
        ),
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
            "Of users whom its conditions reach, up to 20% switch.",
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

/// Edits that move at most 5% of whatever group of users there is.
const SMALL: [(&str, &str); 20] = [
    ("  f: 10%", "  f: 15%"),
    ("  f: 95%", "  f: 100%"),
    ("  f: 5%", "  f: off"),
    ("  f: on", "  f: on\n  g: 5%"),
    ("  f: on\n  g: 5%", "  f: on"),
    ("  f: off", "  f: off\n  g: {default: on, serve: off}"),
    (
        "  f: {when: {plan: pro}, rollout: 10%}",
        "  f: {when: {plan: pro}, rollout: 15%}",
    ),
    ("  a: 50%", "  b: {salt: a, rollout: 45%}"),
    ("  a: on", "  b: {salt: a, serve: on}"),
    // the same in other words
    (
        "  f: {when: {plan: pro}, serve: on}",
        "  f: {rules: [{when: {plan: pro}, serve: on}]}",
    ),
    (
        "  f: {when: paid, serve: on}\nsegments: {paid: {plan: [pro, team]}}",
        "  f: {when: {plan: [team, pro]}, serve: on}",
    ),
    (
        "  f: {rules: [{when: {plan: pro}, serve: on}, {when: {plan: team}, rollout: 5%}]}",
        "  f: {rules: [{when: {plan: team}, rollout: 5%}, {when: {plan: pro}, serve: on}]}",
    ),
    (
        "  f: {rules: [{when: {plan: {present: false}}, serve: on}, {when: {plan: pro}, serve: off}]}",
        "  f: {rules: [{when: {plan: pro}, serve: off}, {when: {plan: {present: false}}, serve: on}]}",
    ),
    // a parent that moves so many takes no more with it
    (
        "  a: 10%\n  f: {when: {feature.a: on}, serve: on}",
        "  a: 14%\n  f: {when: {feature.a: on}, serve: on}",
    ),
    (
        "  a: {when: {plan: pro}, rollout: 10%}\n  f: {when: {feature.a: on}, serve: on}",
        "  a: {when: {plan: pro}, rollout: 14%}\n  f: {when: {feature.a: on}, serve: on}",
    ),
    // a window that is over, a schedule that is done
    (
        "  f: off",
        "  f: {when: {now: {until: 2020-01-01}}, serve: on}",
    ),
    (
        "  f: 50%",
        "  f: {rollout: {2020-01-01: 0%, 2020-01-02: 52%}}",
    ),
    // the same plan, an hour later
    (
        "  f: {rollout: {from: 0%, to: 100%, start: 2090-01-01, end: 2090-02-01}}",
        "  f: {rollout: {from: 0%, to: 100%, start: 2090-01-02, end: 2090-02-02}}",
    ),
    (
        "  f: {status: draft, serve: on}",
        "  f: {status: archived, serve: on}",
    ),
    (
        "  f: {description: a, serve: on}",
        "  f: {description: b, serve: on}",
    ),
];

/// Edits that move more than 5% of some group of users, now or later.
const LARGE: [(&str, &str); 33] = [
    ("  f: 10%", "  f: 15.000001%"),
    // among those whom a condition reaches
    (
        "  f: {when: {plan: pro}, rollout: 20%}",
        "  f: {when: {plan: pro}, rollout: 90%}",
    ),
    ("  f: off", "  f: {when: {plan: pro}, serve: on}"),
    ("  f: {when: {plan: pro}, serve: on}", "  f: off"),
    (
        "  f: {when: {plan: pro}, serve: on}",
        "  f: {when: {plan: [pro, team]}, serve: on}",
    ),
    (
        "  f: {when: {plan: pro}, serve: on}",
        "  f: {when: {not: {plan: pro}}, serve: on}",
    ),
    (
        "  f: {when: {path: {prefix: /a}}, serve: on}",
        "  f: {when: {path: {prefix: /b}}, serve: on}",
    ),
    (
        "  f: {when: paid, serve: on}\nsegments: {paid: {plan: pro}}",
        "  f: {when: paid, serve: on}\nsegments: {paid: {plan: team}}",
    ),
    (
        "  f: {when: {ip: {within: 10.0.0.0/8}}, serve: on}",
        "  f: {serve: on}",
    ),
    (
        "  f: {rules: [{when: {plan: pro}, serve: on}, {when: {path: /a}, rollout: 5%}]}",
        "  f: {rules: [{when: {path: /a}, rollout: 5%}, {when: {plan: pro}, serve: on}]}",
    ),
    (
        "  f: 1%",
        "  f: {rules: [{when: {plan: pro}, rollout: 7%}], rollout: 1%, serve: on}",
    ),
    (
        "  f: {status: paused, when: {plan: pro}, serve: on}",
        "  f: {when: {plan: pro}, serve: on}",
    ),
    ("  f: on", "  f: on\nwhen: {plan: pro}"),
    // new, removed, renamed
    ("  f: on", "  f: on\n  g: on"),
    ("  f: on", "  f: on\n  g: 6%"),
    ("  f: on", "  f: on\n  g: {when: {plan: pro}, serve: on}"),
    ("  f: on", "  f: on\n  g: {default: on, rules: []}"),
    (
        "  f: on",
        "  f: on\n  g: {variants: [a, b], serve: {a: 50%, b: 50%}}",
    ),
    ("  f: {status: draft, serve: on}", "  f: {serve: on}"),
    ("  f: on\n  g: on", "  f: on"),
    ("  f: on", "  f: {status: archived, serve: on}"),
    ("  a: 10%", "  b: 10%"),
    ("  a: on", "  b: on"),
    ("  a: 10%", "  b: {salt: a, rollout: 20%}"),
    // a parent that moves takes others with it, and one that stays has a group of its own
    (
        "  a: 10%\n  f: {when: {feature.a: on}, serve: on}",
        "  a: 60%\n  f: {when: {feature.a: on}, serve: on}",
    ),
    (
        "  a: 5%\n  f: {when: {feature.a: on}, rollout: 10%}",
        "  a: 6%\n  f: {when: {feature.a: on}, rollout: 60%}",
    ),
    // other ids, and none for some
    ("  f: 99%", "  f: 99%\nuser: header.x-other"),
    ("  f: 99%", "  f: 99%\nanonymous: {cookie: v}"),
    ("  f: {by: plan, rollout: 99%}", "  f: 99%"),
    // later
    (
        "  f: off",
        "  f: {when: {now: {from: 2090-01-01}}, serve: on}",
    ),
    (
        "  f: off",
        "  f: {rollout: {2090-01-01: 5%, 2090-01-02: 6%}}",
    ),
    (
        "  f: 1%",
        "  f: {rollout: {from: 1%, to: 100%, start: 2090-01-01, end: 2090-02-01}}",
    ),
    (
        "  a: off\n  f: {when: {not: {feature.a: on}}, serve: on}",
        "  a: {rollout: {2090-01-01: 100%}}\n  f: {when: {not: {feature.a: on}}, serve: on}",
    ),
];

#[test]
fn no_edit_walks_past_the_gate_and_a_small_one_goes_through() {
    let rows = SMALL.map(|row| (row, 0)).into_iter();
    for ((old, new), code) in rows.chain(LARGE.map(|row| (row, 1))) {
        let output = diff(old, new, &["--max-moved", "5%", "--sample", "1000"]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{old}\nto\n{new}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// `--accept` is for one feature, by either of its names, and says so; a name that nobody has is a mistake.
#[test]
fn an_accepted_feature_passes_and_no_other() {
    let (old, new) = ("  a: off\n  b: off\n  c: on", "  a: on\n  b: on");
    for (accepted, code) in [
        (&["a", "b", "c"][..], 0),
        (&["a", "b"], 1),
        (&["a"], 1),
        (&["a", "b", "C"], 2),
    ] {
        let accept = accepted.iter().flat_map(|name| ["--accept", name]);
        let arguments: Vec<_> = ["--max-moved", "5%"].into_iter().chain(accept).collect();
        let output = diff(old, new, &arguments);
        assert_eq!(output.status.code(), Some(code), "{accepted:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let said = text.matches("Accepted: it may move more").count();
        assert_eq!(said, if code == 2 { 0 } else { accepted.len() }, "{text}");
    }
    let found = json(old, new, &["--accept", "a"]);
    assert_eq!(found["features"]["a"]["accepted"], true);
    assert_eq!(found["features"]["b"].get("accepted"), None);
}

/// With a file of users these count, as they are, and nobody else.
#[test]
fn only_the_users_of_a_file_count() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.jsonl");
    let off_to_pro = ("  f: off", "  f: {when: {plan: pro}, serve: on}");
    for (users, (old, new), moved, code) in [
        ("ann\nbo\n", off_to_pro, 0.0, 0),
        (
            "{\"user\": \"ann\", \"plan\": \"pro\"}\nbo\n",
            off_to_pro,
            0.5,
            1,
        ),
        (
            "{\"user\": 7, \"plan\": [\"team\", \"pro\"]}\n",
            off_to_pro,
            1.0,
            1,
        ),
        ("{\"user\": null, \"plan\": \"team\"}\n", off_to_pro, 0.0, 0),
        (
            "{0b8b2a}\n",
            ("  f: off", "  f: {when: {user: \"{0b8b2a}\"}, serve: on}"),
            1.0,
            1,
        ),
        ("ann\n", ("  f: off", "  f: off\n  g: on"), 0.0, 1),
        (
            "ann\n",
            (
                "  f: off",
                "  f: {when: {now: {from: 2090-01-01}}, serve: on}",
            ),
            0.0,
            1,
        ),
    ] {
        std::fs::write(&file, users).unwrap();
        let arguments = ["--users", file.to_str().unwrap()];
        assert_eq!(
            json(old, new, &arguments)["features"]["f"]["counted"]["moved"],
            moved,
            "{users}"
        );
        let output = diff(old, new, &[&arguments[..], &["--max-moved", "5%"]].concat());
        assert_eq!(output.status.code(), Some(code), "{users}: {output:?}");
    }
    for (users, complaint) in [
        ("", "no users to count"),
        ("\n  \n", "no users to count"),
        ("{\"id\": \"ann\"}\n", "users.jsonl:1: no `user`"),
        (
            "ann\n{\"user\": 1.5}\n",
            "users.jsonl:2: `user` has to be a string or a whole number",
        ),
        ("{\"user\": \"ann\"\n", "users.jsonl:1: not JSON"),
    ] {
        std::fs::write(&file, users).unwrap();
        let output = diff("  f: off", "  f: on", &["--users", file.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(complaint) && output.status.code() == Some(1),
            "{users}: {said}"
        );
    }
    std::fs::write(&file, "ann\n").unwrap();
    let output = diff(
        off_to_pro.0,
        off_to_pro.1,
        &["--users", file.to_str().unwrap()],
    );
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Nobody in the file has `plan`"), "{said}");
}

/// `0.05`, never `0.04999999999999999`, and flows that sum to what moves.
#[test]
fn shares_are_exact_decimals() {
    for (old, new, text) in [
        ("  f: 10%", "  f: 15%", "\"moved\":0.05"),
        ("  f: 70%", "  f: 80%", "\"moved\":0.1"),
        ("  f: 0.3%", "  f: 0.1%", "\"moved\":0.002"),
        ("  f: 10%", "  f: 10.000001%", "\"moved\":1e-8"),
        ("  f: 10%", "  f: {salt: x, rollout: 10%}", "\"moved\":0.18"),
        (
            "  f: {when: {plan: pro}, rollout: 20%}",
            "  f: {when: {plan: pro}, rollout: 90%}",
            "\"concerned\":0.7",
        ),
    ] {
        let output = diff(old, new, &["--json", "--sample", "1000"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains(&format!("{text},")) || said.contains(&format!("{text}}}")),
            "{said}"
        );
    }
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
