//! The guard of a feature: what the commands say of it, and what a process does that is certain.

use crate::{
    raw::App,
    support::{Burgee, Toggles, ask, get},
};
use burgee::{
    config::{Text, compile_texts},
    engine::{
        Decision, Decisions, Reason, Snapshot,
        compare::{guard::Test, sequences::Span, words::Measure},
        request::{EvaluationContext, Input},
        stops::{Stop, StopKind, Stops},
        units::Second,
    },
    telemetry::{Metrics, Recorder, RequestEvent, RequestLine},
};
use serde_json::Value;
use std::{
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

fn burgee(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command.args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

const FAILS: &str = "its guard gives everybody the default as soon as it is certain that a variant fails more than 0.1 points more often than off";

/// Files with one feature each, in a directory that lasts as long as the first value.
fn files<const N: usize>(features: [&str; N]) -> (tempfile::TempDir, [String; N]) {
    let directory = tempfile::tempdir().unwrap();
    let mut number = 0;
    let paths = features.map(|feature| {
        number += 1;
        let path = directory.path().join(format!("{number}.yaml"));
        std::fs::write(&path, format!("version: 1\nfeatures:\n  {feature}\n")).unwrap();
        path.display().to_string()
    });
    (directory, paths)
}

#[test]
fn explain_says_what_watches_over_a_drawn_variant() {
    let (_directory, [path]) = files(["checkout: {rollout: 50%, guard: stop}"]);
    let why = |arguments: &[&str]| out(&burgee(&[&["explain", &path], arguments].concat()));
    let said = why(&["--user", "mia"]);
    assert!(said.contains(FAILS), "{said}");
    // who is in no arm is nobody's evidence
    assert!(!why(&[]).contains("guard"));
}

#[test]
fn diff_says_what_becomes_of_a_guard_and_that_nobody_moves() {
    let (_directory, [none, stop, report, wider]) = files([
        "checkout: {rollout: 50%}",
        "checkout: {rollout: 50%, guard: stop}",
        "checkout: {rollout: 50%, guard: report}",
        "checkout: {rollout: 60%, guard: stop}",
    ]);
    let diff = |old: &str, new: &str, flag: &[&str]| {
        out(&burgee(&[&["diff", old, new][..], flag].concat()))
    };
    assert_eq!(
        diff(&none, &stop, &[]),
        format!("checkout: guarded from now on: {FAILS}\nnobody switches variant\n")
    );
    assert_eq!(
        diff(&stop, &none, &[]),
        "checkout: no longer guarded\nnobody switches variant\n"
    );
    assert!(
        diff(&stop, &report, &[]).starts_with("checkout: guarded otherwise: its guard reports")
    );
    assert_eq!(
        diff(&none, &stop, &["--markdown"]),
        format!(
            "### Who switches variant\n\nNobody.\n\n`checkout`: guarded from now on: {FAILS}\n"
        )
    );
    let moved = diff(&none, &wider, &[]);
    assert!(moved.contains("10% of users switch variant\n"), "{moved}");
    assert!(
        moved.contains("  Guarded from now on: its guard"),
        "{moved}"
    );
    let json: Value = serde_json::from_str(&diff(&none, &stop, &["--json"])).unwrap();
    assert_eq!(json["features"]["checkout"]["moved"], 0.0);
    assert_eq!(
        json["features"]["checkout"]["guard"],
        format!("guarded from now on: {FAILS}")
    );
}

const STOP: &str = "version: 1
features:
  checkout: {rollout: 50%, guard: stop}
  child: {when: {feature.checkout: on}, serve: on}
  other: 50%
";

/// Fails whatever has `checkout` on.
fn failing() -> App {
    App::script(|client, _| {
        while client.has_more() {
            let request = client.message();
            let status = match request.get("x-feature-checkout") {
                Some("on") => "500 Oh",
                _ => "200 OK",
            };
            client.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        }
    })
}

/// Different people come, until this holds.
fn visit_until(burgee: &Burgee, holds: impl Fn(&Value) -> bool) -> Value {
    let end = std::time::Instant::now() + crate::support::PATIENCE;
    for round in 0.. {
        for user in 0..50 {
            let user = format!("X-User-Id: {round}-{user}");
            ask(burgee.listen, "GET", "/", &[&user]);
        }
        let feature = get(burgee.api, "/features/checkout").json();
        if holds(&feature) {
            return feature;
        }
        assert!(std::time::Instant::now() < end, "{feature:#}");
    }
    unreachable!()
}

#[test]
fn a_pod_that_is_certain_gives_everybody_the_default_until_the_text_changes() {
    let app = failing();
    let toggles = Toggles::new(STOP);
    let upstream = app.upstream().to_string();
    let mut burgee = Burgee::start(&toggles.path(), &upstream, &["--guard-pods", "1"]);
    let feature = visit_until(&burgee, |feature| feature["stopped"].is_string());
    let sentence = feature["stopped"].as_str().unwrap();
    assert!(
        sentence.starts_with("stopped by the guard of this pod at ")
            && sentence.contains("on fails 100 points more often than off; at least "),
        "{sentence}"
    );
    assert_eq!(feature["guard"]["action"], "stop");
    let tripped = &feature["guard"]["tripped"][0];
    assert_eq!(tripped["variant"], "on");
    assert!(tripped["difference"].as_f64().unwrap() > 0.99);
    assert!(sentence.ends_with(tripped["words"].as_str().unwrap()));

    let line = burgee.said("the guard gives everybody the default: since ");
    for (field, expected) in [
        ("feature", Value::from("checkout")),
        ("rule", "-".into()),
        ("variant", "on".into()),
        ("measure", "errors".into()),
        ("margin", 0.001.into()),
        ("sequence", "stage".into()),
        ("test", "level".into()),
        ("control_bad", 0.into()),
    ] {
        assert_eq!(line[field], expected, "{field}: {line:#}");
    }
    assert_eq!(line["requests"], line["bad"]);
    let series = "burgee_guard_tripped{feature=\"checkout\",rule=\"-\",variant=\"on\"}";
    assert_eq!(burgee.metric(series), Some(1.0));

    // whoever asks for it too is asked with another version
    let explained = get(burgee.api, "/explain?user=mia&why=true").json();
    let explained = &explained["features"];
    assert_eq!(explained["checkout"]["variant"], "off");
    assert_eq!(explained["checkout"]["reason"], "DISABLED");
    let why = explained["checkout"]["why"].as_str().unwrap();
    assert_eq!(why, format!("{sentence}; everybody gets the default"));
    for user in 0..20 {
        let answer = ask(
            burgee.listen,
            "GET",
            "/",
            &[&format!("X-User-Id: later-{user}")],
        );
        assert_eq!(answer.status, 200);
    }

    // it is no stop of anybody's, and a look at the same files does not end it
    let reload = || ask(burgee.api, "POST", "/reload", &[]).json();
    assert_eq!(reload()["stops"], "none");
    toggles.write(&format!("# as it was\n{STOP}"));
    reload();
    let stopped = || get(burgee.api, "/features/checkout").json()["stopped"].clone();
    assert_eq!(stopped(), sentence);
    toggles.write(&STOP.replace("50%, guard", "40%, guard"));
    reload();
    assert_eq!(stopped(), Value::Null);
    assert_eq!(burgee.metric(series), None);
}

#[test]
fn a_guard_that_reports_says_so_and_stops_nothing() {
    let app = failing();
    let toggles = Toggles::new(&STOP.replace("guard: stop", "guard: report"));
    let upstream = app.upstream().to_string();
    let mut burgee = Burgee::start(&toggles.path(), &upstream, &["--guard-pods", "1"]);
    let tripped = |feature: &Value| feature["guard"]["tripped"][0].is_object();
    let feature = visit_until(&burgee, tripped);
    assert_eq!(feature["stopped"], Value::Null);
    burgee.said("the guard is certain: since ");
    let variant = |user: u32| {
        let explained = get(burgee.api, &format!("/explain?user={user}")).json();
        explained["features"]["checkout"]["variant"] == "on"
    };
    assert!((0..20).any(variant));
}

fn snapshot(text: &str) -> Snapshot {
    let text = Text {
        name: "toggles.yaml".into(),
        bytes: text.into(),
    };
    let compiled = compile_texts(&[text], &|_| None, Second(0));
    compiled.unwrap().0
}

/// The same toggles under one stop.
fn under(open: &Snapshot, name: &str, kind: StopKind, at: Option<Second>) -> Arc<Snapshot> {
    let stop = Stop {
        name: name.into(),
        kind,
        at,
        why: None,
        by: None,
        line: 0,
    };
    let stops = Stops {
        revision: "0".into(),
        list: [stop].into(),
    };
    Arc::new(open.with_stops(&stops.into()))
}

/// So many people, whose answers are errors where the first feature's decision is so. Out: for how many it was disabled.
fn serve(
    worker: &Recorder,
    snapshot: &Snapshot,
    now: Second,
    people: u32,
    fails: impl Fn(Decision) -> bool,
) -> u32 {
    let mut disabled = 0;
    for user in 0..people {
        let context = EvaluationContext {
            user: Some(format!("user-{user}")),
            ..EvaluationContext::default()
        };
        let mut decisions = Decisions::default();
        snapshot.decide(Input::Context(&context), now, None, &mut decisions);
        let decision = decisions.by_feature[0];
        disabled += u32::from(decision.is_some_and(|one| one.reason == Reason::Disabled));
        worker.record_request(&RequestEvent {
            request: &RequestLine::default(),
            status: if decision.is_some_and(&fails) {
                503
            } else {
                200
            },
            duration: Duration::from_millis(3),
            snapshot,
            decisions: &decisions,
        });
    }
    disabled
}

#[test]
fn a_verdict_is_given_once_and_outlives_a_resume_but_not_the_text() {
    let open = snapshot(STOP);
    let stopped = under(&open, "checkout", StopKind::Stop, None);
    let open = Arc::new(open);
    let feature = &open.files[0].features[0];
    let metrics = Metrics::new(1);
    let worker = metrics.workers().next().unwrap();
    metrics.prepare(&open, Second(0));
    serve(&worker, &open, Second(0), 400, |decision| {
        decision.variant == 0
    });
    let [verdict] = <[_; 1]>::try_from(metrics.look(Second(2))).unwrap();
    assert_eq!(
        (&*verdict.variant, verdict.measure),
        ("on", Measure::Errors)
    );
    assert_eq!(
        (verdict.harm.span, verdict.harm.test),
        (Span::Stage, Test::Level)
    );
    let [(requests, bad), (others, none)] = verdict.counted;
    assert_eq!((requests, requests + others, none), (bad, 400, 0));
    assert!(verdict.harm.at_least > 0.001 && verdict.harm.difference > 0.99);
    assert!(verdict.trip().unwrap().is_of(feature));
    assert_eq!(metrics.look(Second(4)).len(), 0);

    let since = || metrics.comparison(feature, Second(9)).unwrap().since;
    metrics.prepare(&stopped, Second(5));
    assert_eq!(since(), Second(0));
    metrics.prepare(&open, Second(8));
    assert_eq!(since(), Second(8), "what is resumed begins anew");
    assert_eq!(metrics.verdicts(feature).len(), 1);
    let other = Arc::new(snapshot(&STOP.replace("50%, guard", "40%, guard")));
    metrics.prepare(&other, Second(9));
    assert_eq!(metrics.verdicts(&other.files[0].features[0]).len(), 0);
}

/// Twenty thousand people come while a clock, or what a feature asks for, is held or stopped: who is held back is no sign of a broken
/// split, and when it is resumed, those who come then are not either.
#[test]
fn people_who_are_held_back_break_no_split() {
    let glide = "{from: 20%, to: 100%, start: 1970-01-01T00:00:00Z, end: 1970-01-03T00:00:00Z}";
    let now = |seconds: i64| Second(86_400 + seconds);
    for (features, name, kind) in [
        (format!("  f: {{rollout: {glide}}}\n"), "f", StopKind::Hold),
        (
            format!(
                "  f: {{when: {{feature.parent: on}}, rollout: 50%}}\n  parent: {{rollout: {glide}}}\n"
            ),
            "parent",
            StopKind::Hold,
        ),
        (
            "  f: {when: {feature.parent: on}, rollout: 50%}\n  parent: on\n".to_owned(),
            "parent",
            StopKind::Stop,
        ),
    ] {
        let open = snapshot(&format!("version: 1\nfeatures:\n{features}"));
        let held = under(&open, name, kind, Some(Second(3600)));
        let open = Arc::new(open);
        let metrics = Metrics::new(1);
        let worker = metrics.workers().next().unwrap();
        let come = |snapshot: &Arc<Snapshot>, seconds: i64, expected: bool| {
            metrics.prepare(snapshot, now(seconds));
            let disabled = serve(&worker, snapshot, now(seconds), 20_000, |_| false);
            assert_eq!(disabled > 1000, expected, "{features}: {disabled}");
            metrics.look(now(seconds + 2));
            let comparison = metrics
                .comparison(&open.files[0].features[0], now(seconds + 2))
                .unwrap();
            let broken = comparison
                .draws
                .iter()
                .find_map(|draw| draw.broken.as_ref());
            assert!(broken.is_none(), "{features} at {seconds}: {broken:?}");
        };
        come(&held, 0, true);
        come(&open, 100, false);
    }
}
