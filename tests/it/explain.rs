//! `burgee explain`, as somebody who has never seen it would use it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

const TOGGLES: &str = "version: 1
namespace: pulp_fiction
attributes: {plan: header.x-plan}
segments:
  beta-testers: {user: [quentin, vincent_vega, butch, the_wolf]}
features:
  briefcase:
    variants: [gold, silver]
    rules:
      - {name: testers, when: beta-testers, serve: silver}
    serve: {gold: 99%, silver: 1%}
  wallet: {when: {plan: [pro, team]}, rollout: 25%}
  dance: {status: paused, serve: on}
  twist: {status: draft, serve: on}
";

/// Runs the binary with the toggles on standard input.
fn explain(arguments: &[&str]) -> Output {
    explain_file(TOGGLES, arguments)
}

fn explain_file(toggles: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args([&["explain", "-"], arguments].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // whoever sees at once that the command line is wrong does not read this
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(toggles.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_json_has_the_promised_shape() {
    let output = explain(&[
        "--user",
        "mia",
        "--json",
        "--at",
        "2026-11-20T12:00:00Z",
        "--feature",
        "briefcase",
    ]);
    let line: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(
        (line["user"].as_str(), line["at"].as_str()),
        (Some("mia"), Some("2026-11-20T12:00:00Z"))
    );
    assert_eq!(line["revision"].as_str().unwrap().len(), 16);
    assert_eq!(
        line["features"],
        serde_json::json!({"briefcase": {
            "variant": "gold", "reason": "SPLIT", "rule": null, "bucket": 6121, "header": "X-Feature-Briefcase"
        }})
    );
}

/// One line of every promise that the JSON makes.
#[test]
fn the_json_keeps_every_promise_of_its_shape() {
    let toggles = "version: 1
features:
  value: {variants: {a: {x: 1.0}}, serve: a}
  no-unit: 25%
  named: {rules: [{name: first, when: {path: /}, serve: on}]}
  numbered: {rules: [{when: {path: /no}}, {when: {path: /}, serve: on}]}
  kept: {header: none, serve: on}
  renamed: {header: X-Other, serve: on}
  twist: {status: draft, serve: on}
  gone: {status: archived, serve: on}
";
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    let line = json(&out(&explain_file(toggles, &["--json"])));
    assert_eq!(line["user"], serde_json::Value::Null);
    let features = line["features"].as_object().unwrap();
    let names: Vec<_> = features.keys().collect();
    assert_eq!(
        names,
        ["value", "no-unit", "named", "numbered", "kept", "renamed"]
    );
    for (feature, member, expected) in [
        ("value", "value", "{\"x\":1.0}"),
        ("value", "variant", "\"a\""),
        ("no-unit", "error", "\"TARGETING_KEY_MISSING\""),
        ("no-unit", "reason", "\"ERROR\""),
        ("no-unit", "bucket", "null"),
        ("named", "rule", "\"first\""),
        ("named", "reason", "\"TARGETING_MATCH\""),
        ("numbered", "rule", "2"),
        ("kept", "header", "null"),
        ("kept", "rule", "null"),
        ("renamed", "header", "\"X-Other\""),
    ] {
        assert_eq!(
            features[feature][member].to_string(),
            expected,
            "{feature}.{member}"
        );
    }
    assert!(features["kept"].get("value").is_none() && features["kept"].get("error").is_none());
    // several files
    let folder = tempfile::tempdir().unwrap();
    for name in ["shop", "cart"] {
        let text = format!("version: 1\nnamespace: {name}\nfeatures: {{{name}-new: on}}\n");
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let ran = crate::support::fed(&["explain", folder.path().to_str().unwrap(), "--json"], "");
    let names = json(&ran.out)["features"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(names, ["cart.cart-new", "shop.shop-new"]);
}

#[test]
fn a_sentence_says_what_decided_and_what_would_change_it() {
    for (arguments, expected) in [
        (
            &["--user", "quentin"][..],
            "briefcase: silver\n  rule 1 (testers) matches: in segment beta-testers (user is quentin); serves silver",
        ),
        (
            &["--user", "mia"],
            "briefcase: gold\n  no rule matches; serves gold 99%, silver 1%",
        ),
        (
            &["--user", "mia"],
            "default, because its condition does not hold: plan is missing but must be pro or team",
        ),
        (
            &["--user", "mia", "--header", "X-Plan: free"],
            "plan is free but must be pro or team",
        ),
        (
            &["--header", "X-Plan: pro"],
            "wallet: off\n  its condition holds: plan is pro; needs a user id; none was given, so the default applies",
        ),
        (
            &["--user", "mia"],
            "dance: off\n  paused: everybody gets the default",
        ),
        (
            &["--user", "mia"],
            "twist: no variant\n  draft: no header without an override",
        ),
    ] {
        let text = out(&explain(arguments));
        assert!(
            text.contains(expected),
            "{arguments:?} should say {expected:?}:\n{text}"
        );
    }
    let pro = out(&explain(&[
        "--user",
        "mia",
        "--header",
        "X-Plan: pro",
        "--feature",
        "wallet",
    ]));
    assert!(
        pro.contains("is not in the 25% rollout") || pro.contains("is in the 25% rollout"),
        "{pro}"
    );
    assert!(pro.contains(" rollout, this user "), "{pro}");
}

/// The share that a sentence names is the least that takes somebody over, to its two decimals.
#[test]
fn a_draw_says_which_share_would_turn_it() {
    let file = |shares: [f64; 3]| {
        let [a, b, c] = shares;
        format!(
            "version: 1\nfeatures: {{f: {{variants: [a, b, c], serve: {{a: {a:.6}%, b: {b:.6}%, c: {c:.6}%}}}}}}\n"
        )
    };
    let said = |shares, user| out(&explain_file(&file(shares), &["--user", user]));
    let before = [50.0, 30.0, 20.0];
    for user in ["ann", "bo", "cy", "dee", "eve", "mia"] {
        let text = said(before, user);
        let (_, sentence) = text.split_once("to change it: at ").unwrap();
        let (share, rest) = sentence.split_once("% ").unwrap();
        let (share, name) = (share.parse::<f64>().unwrap(), &rest[..1]);
        for (share, taken) in [(share, true), (share - 0.02, false)] {
            let of = ["a", "b", "c"].iter().position(|arm| *arm == name).unwrap();
            let mut after = before.map(|other| other * (100.0 - share) / (100.0 - before[of]));
            after[of] = share;
            // what was rounded away, so that they add up
            let rounded = after.map(|share| (share * 1e6).round() / 1e6);
            after[(of + 1) % 3] += 100.0 - rounded.iter().sum::<f64>();
            let text = said(after, user);
            assert_eq!(
                text.starts_with(&format!("f: {name}")),
                taken,
                "{user} {share} for {name}: {text}"
            );
        }
    }
}

#[test]
fn a_rule_says_what_it_is_without_it() {
    let text = out(&explain(&["--user", "quentin", "--feature", "briefcase"]));
    assert!(
        text.contains("to change it: without rule 1, this request gets gold"),
        "{text}"
    );
}

#[test]
fn every_id_of_a_file_is_answered_and_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let ids = directory.path().join("ids.txt");
    std::fs::write(&ids, "mia\n\nquentin\r\nvincent_vega\n").unwrap();
    let output = explain(&["--users", ids.to_str().unwrap(), "--feature", "briefcase"]);
    let users: Vec<_> = out(&output)
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["user"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(users, ["mia", "quentin", "vincent_vega"]);
    let summary = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "3 users",
        "briefcase = gold: 1 (33.33%)",
        "briefcase = silver: 2 (66.67%)",
        "segment beta-testers: 2 (66.67%)",
    ] {
        assert!(summary.contains(expected), "{summary}");
    }
}

#[test]
fn the_effective_weight_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let ids = directory.path().join("ids.txt");
    std::fs::write(&ids, "a\nb\n").unwrap();
    let toggles =
        "version: 1\nuser: {from: header.x-user-id, weights: {a: 30, b: 10}}\nfeatures: {f: 50%}\n";
    let output = explain_file(toggles, &["--users", ids.to_str().unwrap()]);
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(summary.contains("of 40 ("), "{summary}");
}

#[test]
fn exit_codes_say_who_must_act() {
    assert_eq!(
        explain_file("version: 1\nfeatures: {a: 25}\n", &[])
            .status
            .code(),
        Some(1)
    );
    for wrong in [
        &["--feature", "nobody"][..],
        &["--user", ""],
        &["--at", "2026-03-01T00:00"],
        &["--header", "nonsense"],
    ] {
        let output = explain(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(!output.stderr.is_empty(), "{wrong:?}");
    }
}
