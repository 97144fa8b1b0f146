//! Stops: what somebody has stopped is off, whatever the toggles say, and whether or not they can be read.

use crate::support::{Burgee, Toggles, ask, burgee, fed, get, raw};
use std::{fs, path::PathBuf};

const ON: &str = "version: 1\nfeatures:\n  checkout: on\n  search: 100%\n";
const STOP: &str = "version: 1\nstops:\n  checkout: {since: 2026-11-28T22:00:00Z, why: \"5xx in treatment\", by: mia}\n";
const NONE: &str = "version: 1\nstops: {}\n";

fn beside(toggles: &Toggles) -> PathBuf {
    toggles.path().with_file_name("stops.yaml")
}

fn variant(burgee: &Burgee, feature: &str) -> (String, String, bool) {
    let explained = get(burgee.api, "/explain?user=mia&why=true").json();
    let found = &explained["features"][feature];
    (
        found["variant"].as_str().unwrap_or("none").to_owned(),
        found["why"].as_str().unwrap_or_default().to_owned(),
        found["stopped"].as_bool().unwrap_or(false),
    )
}

fn reload(burgee: &Burgee) -> (u16, String) {
    let answer = ask(burgee.api, "POST", "/reload", &[]);
    (
        answer.status,
        answer.json()["stops"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn a_stop_is_in_force_at_once_and_every_door_says_so() {
    let toggles = Toggles::new(ON);
    let mut burgee = Burgee::start(&toggles.path(), "none", &[]);
    assert_eq!(variant(&burgee, "checkout").0, "on");
    fs::write(beside(&toggles), STOP).unwrap();
    let (status, stops) = reload(&burgee);
    assert_eq!((status, stops.len()), (200, 16));
    let said = burgee.said("stopped since 2026-11-28T22:00:00Z by mia: 5xx in treatment");
    assert_eq!(
        (&said["feature"], &said["stops"]),
        (&"checkout".into(), &stops.as_str().into())
    );

    let why =
        "stopped since 2026-11-28T22:00:00Z by mia: 5xx in treatment; everybody gets the default";
    assert_eq!(
        variant(&burgee, "checkout"),
        ("off".into(), why.into(), true)
    );
    assert_eq!(variant(&burgee, "search").0, "on");
    let ready = get(burgee.admin, "/ready").body;
    assert!(
        ready.starts_with("ready, revision ")
            && ready.contains(&format!(", stops {stops}, burgee ")),
        "{ready}"
    );
    let features = get(burgee.api, "/features").json();
    assert_eq!(features["stops"], stops.as_str());
    assert_eq!(
        features["features"]["checkout"]["stopped"],
        "stopped since 2026-11-28T22:00:00Z by mia: 5xx in treatment"
    );
    assert!(features["features"]["search"]["stopped"].is_null());
    let body = "{\"context\":{\"targetingKey\":\"mia\"}}";
    let flag = format!(
        "POST /ofrep/v1/evaluate/flags/checkout HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let flag = raw(burgee.api, &flag).json();
    assert_eq!(
        (
            &flag["value"],
            &flag["reason"],
            &flag["metadata"]["stopped"]
        ),
        (&false.into(), &"DISABLED".into(), &true.into())
    );
    assert_eq!(
        burgee.metric("burgee_stopped{feature=\"checkout\"}"),
        Some(1.0)
    );

    fs::write(beside(&toggles), NONE).unwrap();
    burgee.signal("HUP");
    burgee.said("nothing is stopped");
    assert_eq!(
        variant(&burgee, "checkout"),
        ("on".into(), variant(&burgee, "search").1, false)
    );
    assert_eq!(burgee.metric("burgee_stopped{feature=\"checkout\"}"), None);
    fs::remove_file(beside(&toggles)).unwrap();
    assert_eq!(reload(&burgee), (200, "none".into()));
}

#[test]
fn a_stop_works_while_the_toggles_are_broken_and_survives_a_restart() {
    let toggles = Toggles::new(ON);
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    toggles.write("version: 1\nfeatures: {checkout: perhaps}\n");
    fs::write(beside(&toggles), STOP).unwrap();
    assert_eq!(reload(&burgee).0, 422, "the toggles are bad");
    assert_eq!(variant(&burgee, "checkout").0, "off");
    assert_eq!(variant(&burgee, "search").0, "on", "the last good toggles");
    drop(burgee);

    let burgee = Burgee::start(&toggles.path(), "none", &["--on-bad-start", "forward"]);
    let ready = get(burgee.admin, "/ready").body;
    assert!(
        ready.starts_with("degraded: no toggles yet") && !ready.contains("stops none"),
        "{ready}"
    );
    toggles.write(ON);
    reload(&burgee);
    assert_eq!(variant(&burgee, "checkout").0, "off");
    assert_eq!(variant(&burgee, "search").0, "on");
}

#[test]
fn broken_stops_change_nothing_while_it_runs_and_are_a_bad_start() {
    let toggles = Toggles::new(ON);
    fs::write(beside(&toggles), STOP).unwrap();
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    let stops = get(burgee.api, "/features").json()["stops"].clone();
    for bad in [
        "",
        "version: 2\nstops: {}\n",
        "features: {checkout: on}\n",
        "version: 1\nstops: {checkout: {hold: later}}\n",
    ] {
        fs::write(beside(&toggles), bad).unwrap();
        assert_eq!(
            reload(&burgee),
            (422, stops.as_str().unwrap().into()),
            "{bad:?}"
        );
        assert_eq!(variant(&burgee, "checkout").0, "off");
        assert_eq!(
            burgee.metric("burgee_config_last_reload_successful"),
            Some(0.0)
        );
    }
    drop(burgee);
    let path = toggles.path();
    let (code, said) = super::support::burgee(&[
        "run",
        "--toggles",
        path.to_str().unwrap(),
        "--upstream",
        "none",
    ]);
    assert_eq!(code, 78, "{said}");
    assert!(
        said.contains("stops.yaml:1:") || said.contains("stops.yaml:2:"),
        "{said}"
    );

    // features that might be stopped are not sent before it is known
    let burgee = Burgee::start(&path, "none", &["--on-bad-start", "forward"]);
    assert_eq!(variant(&burgee, "checkout").0, "none");
    fs::write(beside(&toggles), NONE).unwrap();
    assert_eq!(reload(&burgee).0, 200);
    assert_eq!(variant(&burgee, "checkout").0, "on");
}

#[test]
fn an_override_does_not_pass_a_stop_and_a_draft_stays_silent() {
    let toggles = Toggles::new(
        "version: 1\noverride: {from: header.x-force, when: {header.x-force: {present: true}}}\nfeatures:\n  checkout: on\n  search: off\n  sketch: {status: draft, serve: on}\n",
    );
    let path = toggles.path();
    let forced = |header: &str| {
        let all = [
            "explain",
            path.to_str().unwrap(),
            "--json",
            "--user",
            "mia",
            "--header",
            header,
        ];
        let said: serde_json::Value = serde_json::from_str(&burgee(&all).1).unwrap();
        ["checkout", "search", "sketch"].map(|name| {
            said["features"][name]["variant"]
                .as_str()
                .map(str::to_owned)
        })
    };
    let some = |name: &str| Some(name.to_owned());
    let force = "X-Force: checkout=on, search=on";
    assert_eq!(forced(force), [some("on"), some("on"), None]);
    fs::write(beside(&toggles), "version: 1\nstops: {\"*\": }\n").unwrap();
    assert_eq!(forced(force), [some("off"), some("off"), None]);
    assert_eq!(forced("X-Other: a"), [some("off"), some("off"), None]);
}

#[test]
fn a_tester_is_told_that_the_feature_is_stopped() {
    let toggles = Toggles::new(
        "version: 1
override: {from: header.x-force, when: {header.x-force: {present: true}}}
features:
  checkout: off
  search: off
  parked: {status: paused, serve: on}
  gone: {status: archived, serve: on}
  sketch: {status: draft, serve: on}
  sale: {rollout: {from: 1%, to: 2%, start: 2026-01-01, end: 2099-01-01}}
",
    );
    let stops = "version: 1
stops: {checkout: , gone: , parked: , sketch: , sale: {hold: 2026-01-01}}
";
    fs::write(beside(&toggles), stops).unwrap();
    let path = toggles.path();
    for (forces, result, remark) in [
        (
            "checkout=on",
            "no_effect",
            "The override has no effect: `checkout` is stopped.",
        ),
        (
            "sketch=on",
            "no_effect",
            "The override has no effect: `sketch` is stopped.",
        ),
        (
            "checkout=on, search=on",
            "applied",
            "A part of the override has no effect: `checkout` is stopped.",
        ),
        (
            "checkout=on, search=blue",
            "no_effect",
            "The override has no effect: `checkout` is stopped; `search` has no variant `blue`.",
        ),
        (
            "parked=on, gone=on",
            "no_effect",
            "The override has no effect: `parked` is paused; `gone` is archived.",
        ),
        // what is held is forced, and so is what nobody has stopped
        ("sale=on, search=on", "applied", ""),
    ] {
        let force = format!("X-Force: {forces}");
        let explain = ["explain", path.to_str().unwrap(), "--header", &force];
        let (_, text) = burgee(&explain);
        let (_, json) = burgee(&[&explain[..], &["--json"]].concat());
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["override"], result, "{forces}");
        assert!(text.trim_end().ends_with(remark), "{forces}: {text}");
        assert_eq!(text.contains("no effect"), !remark.is_empty(), "{text}");
        // the same sentence
        assert_eq!(json["remark"].as_str().unwrap_or_default(), remark);
    }
}

#[test]
fn an_unknown_name_is_a_warning_and_check_reads_the_stops_of_a_directory() {
    let toggles = Toggles::new(ON);
    fs::write(
        beside(&toggles),
        "version: 1\nstops:\n  checkuot: {since: 2026-11-28}\n",
    )
    .unwrap();
    let directory = toggles.path().parent().unwrap().to_owned();
    let (code, said) = burgee(&["check", directory.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("stops.yaml:3:1: warning: `checkuot` is no feature of the toggles in force"),
        "{said}"
    );
    assert!(said.contains("1 stopped or held"), "{said}");
    fs::write(beside(&toggles), "version: 1\nfeatures: {a: on}\n").unwrap();
    for path in [directory, beside(&toggles)] {
        let (code, said) = burgee(&["check", path.to_str().unwrap()]);
        assert_eq!(code, 1, "{said}");
        assert!(
            said.contains("the stops file has no key `features`"),
            "{said}"
        );
    }
}

#[test]
fn a_file_of_stops_by_another_name_is_told_where_it_belongs() {
    let toggles = Toggles::new(ON);
    let directory = toggles.path().parent().unwrap().to_owned();
    fs::write(directory.join("stops.yml"), STOP).unwrap();
    let (code, said) = burgee(&["check", directory.to_str().unwrap()]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("the file has no key `stops`")
            && said.contains("`stops.yaml` beside the toggles: that name and no other"),
        "{said}"
    );
}

#[test]
fn diff_compares_the_toggles_alone_and_says_so() {
    let toggles = Toggles::new(ON);
    let path = toggles.path();
    let path = path.to_str().unwrap();
    for (stops, note) in [
        (STOP, Some("`checkout` is stopped or held by `stops.yaml`")),
        (
            "version: 1\nstops: {\"*\": }\n",
            Some("features are stopped or held by `stops.yaml`"),
        ),
        ("version: 1\nstops: {somewhere.else: }\n", None),
        (NONE, None),
        ("version: 2\n", Some("stops.yaml:1:")),
    ] {
        fs::write(beside(&toggles), stops).unwrap();
        let ran = fed(&["diff", "-", path], &ON.replace(": on", ": off"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("on") && !ran.out.contains("stops"));
        match note {
            Some(note) => assert!(ran.err.contains(note), "{}", ran.err),
            None => assert_eq!(ran.err, "", "{stops}"),
        }
    }
}

#[test]
fn explain_reads_the_stops_beside_the_toggles_or_those_that_are_named() {
    let toggles = Toggles::new(ON);
    let path = toggles.path();
    let path = path.to_str().unwrap();
    fs::write(beside(&toggles), STOP).unwrap();
    let (_, said) = burgee(&["explain", path, "--user", "mia", "--feature", "checkout"]);
    assert!(
        said.contains("checkout: off") && said.contains("by mia: 5xx in treatment"),
        "{said}"
    );
    let other = beside(&toggles).with_file_name("other.yaml");
    fs::write(&other, NONE).unwrap();
    let named = [
        "explain",
        path,
        "--user",
        "mia",
        "--stops",
        other.to_str().unwrap(),
    ];
    assert!(burgee(&named).1.contains("checkout: on"));
}

/// Nothing of it reaches a log, a page or a terminal, and nothing is executed.
#[test]
fn hostile_stops_are_refused_with_a_sentence() {
    let long = format!("version: 1\nstops: {{a: {{why: {}}}}}\n", "x".repeat(201));
    let large = format!(
        "version: 1\nstops: {{a: {{why: x}}}}\n#{}\n",
        "x".repeat(1 << 20)
    );
    let many: String = (0..10_001).map(|one| format!("  a{one}:\n")).collect();
    let many = format!("version: 1\nstops:\n{many}");
    for (stops, expected) in [
        (
            "version: 1\nstops: {\"--all\": {since: 2026-11-28}}\n",
            "is no name of a feature",
        ),
        (
            "version: 1\nstops: {\"a b\": }\n",
            "is no name of a feature",
        ),
        (
            "version: 1\nstops: {\"a\\nb\": }\n",
            "is no name of a feature",
        ),
        (
            "version: 1\nstops: {\"../a\": }\n",
            "is no name of a feature",
        ),
        ("version: 1\nstops: {a: {why: \"x\\ny\"}}\n", "printable"),
        ("version: 1\nstops: {a: {why: \"\\e[2J\"}}\n", "printable"),
        ("version: 1\nstops: {a: {by: \"\\u202Ex\"}}\n", "printable"),
        (&long, "printable"),
        (&large, "larger than 1 MiB"),
        (&many, "more than 10000 stops"),
        (
            "version: 1\nstops: {a: {since: 2026-11-28, hold: 2026-11-28}}\n",
            "exclude each other",
        ),
        ("version: 1\nstops: {a: on}\n", "must be a map"),
        ("version: 1\nstops: [a]\n", "must be a map"),
        ("version: 1\nstops: {a: , a: }\n", "duplicate key"),
        (
            "version: 1\na: &a [x]\nstops: {b: *a}\n",
            "the stops file has no key `a`",
        ),
        ("stops: {a: }\n", "`version` is missing"),
        (
            "version: 1\nstops: {a: {until: 2026-11-28}}\n",
            "a stop has no key `until`",
        ),
    ] {
        let toggles = Toggles::new(ON);
        fs::write(beside(&toggles), stops).unwrap();
        let (code, said) = burgee(&["check", beside(&toggles).to_str().unwrap()]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
    }
}
