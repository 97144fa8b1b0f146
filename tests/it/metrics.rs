//! What the counters of two workers and several reloads add up to.

use burgee::{
    config::{Text, compile_texts},
    engine::{
        Decisions, Snapshot,
        compare::Person,
        request::{EvaluationContext, Input},
        units::Second,
    },
    telemetry::{Metrics, Recorder, RequestEvent, RequestLine},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

fn snapshot(text: &str) -> Arc<Snapshot> {
    let text = Text {
        name: "toggles.yaml".into(),
        bytes: text.into(),
    };
    let (snapshot, _) = compile_texts(&[text], &|_| None, Second(0)).unwrap();
    Arc::new(snapshot)
}

/// Decides for this user, and counts the answer.
fn serve(worker: &Recorder, snapshot: &Snapshot, user: &str) {
    answer(worker, snapshot, user, |_| 200);
}

/// The same, with a status that depends on the variant of the first feature.
fn answer(worker: &Recorder, snapshot: &Snapshot, user: &str, status: impl Fn(u8) -> u16) {
    let context = EvaluationContext {
        user: Some(user.into()),
        ..EvaluationContext::default()
    };
    record(worker, snapshot, &context, status);
}

fn record(
    worker: &Recorder,
    snapshot: &Snapshot,
    context: &EvaluationContext,
    status: impl Fn(u8) -> u16,
) {
    let mut decisions = Decisions::default();
    snapshot.decide(Input::Context(context), Second(0), None, &mut decisions);
    let event = RequestEvent {
        request: &RequestLine::default(),
        status: decisions.by_feature[0].map_or(200, |decision| status(decision.variant)),
        duration: Duration::from_millis(3),
        snapshot,
        decisions: &decisions,
    };
    worker.record_request(&event);
}

fn line<'t>(text: &'t str, series: &str) -> Option<&'t str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(series))?;
    rest.strip_prefix(' ')
}

const HALF: &str = "version: 1\nfeatures:\n  half: 50%\n  steady: on\n";

#[test]
fn a_reload_loses_no_count_and_workers_are_added_up() {
    let metrics = Metrics::new(2);
    let workers: Vec<_> = metrics.workers().collect();
    let old = snapshot(HALF);
    metrics.prepare(&old, Second(0));
    (0..100).for_each(|i| serve(&workers[i % 2], &old, &format!("user-{i}")));
    let new = snapshot(&HALF.replace("50%", "100%"));
    metrics.prepare(&new, Second(0));
    // a request that began under the old file still counts
    serve(&workers[0], &old, "user-0");
    let text = metrics.scrape(Second(0));
    let evaluations = |variant: &str| {
        let series = format!(
            "burgee_evaluations_total{{feature=\"half\",variant=\"{variant}\",reason=\"SPLIT\"}}"
        );
        line(&text, &series).unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(
        line(&text, "burgee_requests_total{status=\"2xx\"}"),
        Some("101")
    );
    assert_eq!(evaluations("on") + evaluations("off"), 101);
    let steady = "burgee_evaluations_total{feature=\"steady\",variant=\"on\",reason=\"STATIC\"}";
    assert_eq!(line(&text, steady), Some("101"));
}

#[test]
fn a_feature_that_draws_nothing_has_nothing_to_compare() {
    for (feature, compared) in [
        ("on", false),
        ("100%", false),
        ("0%", false),
        ("{rollout: 50%, metrics: off}", false),
        ("{rollout: 50%, status: paused}", false),
        ("{rollout: 50%}", true),
        // whom a condition reaches is no draw
        ("{when: {path: /a}, serve: on}", false),
        ("{rules: [{when: {path: /a}, serve: on}]}", false),
        ("{variants: [a, b], serve: {a: 100%, b: 0%}}", false),
        ("{variants: [a, b], serve: {a: 50%, b: 50%}}", true),
        (
            "{rollout: {from: 1%, to: 100%, start: 2026-03-01, end: 2026-03-08}}",
            true,
        ),
    ] {
        let metrics = Metrics::new(1);
        let snapshot = snapshot(&format!("version: 1\nfeatures:\n  f: {feature}\n"));
        metrics.prepare(&snapshot, Second(0));
        let workers: Vec<_> = metrics.workers().collect();
        serve(&workers[0], &snapshot, "mia");
        let counted = metrics
            .scrape(Second(0))
            .contains("burgee_feature_requests_total{feature=\"f\",variant=");
        assert_eq!(counted, compared, "{feature}");
    }
}

#[test]
fn a_feature_that_is_gone_takes_its_series_along() {
    let metrics = Metrics::new(1);
    let workers: Vec<_> = metrics.workers().collect();
    for name in ["first", "second", "third"] {
        let snapshot = snapshot(&format!("version: 1\nfeatures:\n  {name}: on\n"));
        metrics.prepare(&snapshot, Second(0));
        serve(&workers[0], &snapshot, "mia");
    }
    let text = metrics.scrape(Second(0));
    assert!(!text.contains("first") && text.contains("third"), "{text}");
}

#[test]
fn labels_stand_in_the_promised_order() {
    let metrics = Metrics::new(1);
    let snapshot = snapshot(HALF);
    metrics.prepare(&snapshot, Second(0));
    metrics.reloaded("start", true, Second(1_000));
    let workers: Vec<_> = metrics.workers().collect();
    serve(&workers[0], &snapshot, "user-1");
    workers[0].upstream_failure("connection_refused");
    workers[0].refused("connections");
    workers[0].connection_opened();
    let text = metrics.scrape(Second(0));
    for expected in [
        "burgee_requests_total{status=\"2xx\"} 1\n",
        "burgee_request_duration_seconds_bucket{le=\"0.0025\",status=\"2xx\"} 0\n",
        "burgee_request_duration_seconds_bucket{le=\"0.005\",status=\"2xx\"} 1\n",
        "burgee_request_duration_seconds_bucket{le=\"+Inf\",status=\"2xx\"} 1\n",
        "burgee_request_duration_seconds_sum{status=\"2xx\"} 0.003\n",
        "burgee_feature_requests_total{feature=\"half\",variant=\"",
        "burgee_feature_request_duration_seconds_count{feature=\"half\",variant=\"",
        "burgee_upstream_failures_total{error=\"connection_refused\"} 1\n",
        "burgee_refused_total{limit=\"connections\"} 1\n",
        "burgee_connections 1\n",
        "burgee_config_reloads_total{trigger=\"start\",result=\"success\"} 1\n",
        "burgee_config_last_reload_successful 1\n",
        "burgee_config_last_success_timestamp_seconds 1000\n",
        "burgee_forged_fields_dropped_total 0\n",
        "burgee_identity_total{source=\"cookie.user_id\"} 0\n",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

const GUARD: &str = "guard: {errors: 0.5%, slow: {above: 1ms, by: 2%}}";

#[test]
fn a_guarded_feature_is_counted_by_group_from_the_first_moment() {
    let snapshot = snapshot(&format!(
        "version: 1\nfeatures:\n  half: {{rules: [{{when: {{path: /a}}, name: a, serve: on}}], rollout: 50%, {GUARD}}}\n  other: 50%\n"
    ));
    let metrics = Metrics::new(2);
    metrics.prepare(&snapshot, Second(0));
    let workers: Vec<_> = metrics.workers().collect();
    let sums = || {
        let scrape = metrics.scrape(Second(0));
        let lines = scrape
            .lines()
            .filter(|line| line.starts_with("burgee_group"));
        let mut sums = BTreeMap::<String, (u64, u64)>::new();
        for line in lines {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (series, _) = series.split_once(",group=").unwrap();
            let sum = sums.entry(series.to_owned()).or_default();
            sum.0 += 1;
            sum.1 += value.parse::<u64>().unwrap();
        }
        (sums, scrape)
    };
    let (none, scrape) = sums();
    assert_eq!(none.len(), 6, "{none:?}");
    assert!(none.values().all(|sum| *sum == (32, 0)), "{none:?}");
    let stage = format!("{:08x}", snapshot.files[0].features[0].text);
    let on =
        format!("feature=\"half\",stage=\"{stage}\",rule=\"-\",variant=\"on\",role=\"tested\"");
    for expected in [
        "burgee_guard_margin{feature=\"half\",measure=\"errors\",action=\"report\"} 0.005\n"
            .to_owned(),
        "burgee_guard_margin{feature=\"half\",measure=\"slow\",action=\"report\"} 0.02\n"
            .to_owned(),
        format!("burgee_group_requests_total{{{on},group=\"31\"}} 0\n"),
        format!("burgee_group_bad_total{{{on},measure=\"slow\",group=\"0\"}} 0\n"),
    ] {
        assert!(scrape.contains(&expected), "{expected} in {scrape}");
    }
    // each takes three milliseconds, and one is slow
    (0..200).for_each(|i| serve(&workers[i % 2], &snapshot, &format!("user-{i}")));
    let (some, _) = sums();
    let of = |series: &str| {
        some.iter()
            .filter(|(key, _)| key.contains(series))
            .map(|(_, sum)| sum.1)
            .sum::<u64>()
    };
    assert_eq!(of("requests_total{"), 200);
    assert_eq!(of("measure=\"errors\""), 0);
    assert_eq!(of("measure=\"slow\""), 200);
    let requests = |role: &str| of(&format!("rule=\"-\",variant=\"{role}"));
    assert!(requests("on\",role=\"tested\"") > 60 && requests("off\",role=\"control\"") > 60);
    // the same as one counts by hand
    let mut by_hand = [0; 32];
    (0..200).for_each(|i| by_hand[Person::of(format!("user-{i}").as_bytes()).group()] += 1);
    let scrape = metrics.scrape(Second(0));
    for (group, expected) in by_hand.iter().enumerate() {
        let lines = scrape.lines().filter(|line| {
            line.starts_with("burgee_group_requests")
                && line.contains(&format!("group=\"{group}\"}}"))
        });
        let values = lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap());
        assert_eq!(values.sum::<u64>(), *expected, "group {group}");
    }
}

#[test]
fn each_feature_counts_in_the_group_of_what_it_is_drawn_by() {
    let [of_user, of_org] = ["mia", "acme"].map(|unit| Person::of(unit.as_bytes()).group());
    assert_ne!(of_user, of_org);
    let (user, org) = ("rollout: 50%", "by: org, rollout: 50%");
    // in a row and in turn
    let features = [
        ("a", org),
        ("b", user),
        ("c", user),
        ("d", org),
        ("e", user),
    ];
    let mut text = "version: 1\nattributes: {org: header.x-org}\nfeatures:\n".to_owned();
    for (name, rollout) in features {
        text += &format!("  {name}: {{{rollout}, {GUARD}}}\n");
    }
    let snapshot = snapshot(&text);
    let metrics = Metrics::new(1);
    metrics.prepare(&snapshot, Second(0));
    let worker = metrics.workers().next().unwrap();
    let serde_json::Value::Object(entries) = serde_json::json!({"user": "mia", "org": "acme"})
    else {
        unreachable!()
    };
    let context = EvaluationContext::from_json(entries, "user").unwrap();
    record(&worker, &snapshot, &context, |_| 200);
    let scrape = metrics.scrape(Second(0));
    for (name, rollout) in features {
        let group = if rollout == org { of_org } else { of_user };
        let start = format!("burgee_group_requests_total{{feature=\"{name}\",");
        let counted = scrape.lines().filter(|line| line.starts_with(&start));
        let counted: Vec<_> = counted.filter(|line| line.ends_with(" 1")).collect();
        assert_eq!(counted.len(), 1, "{name}: {counted:?}");
        let label = format!("group=\"{group}\"}} 1");
        assert!(counted[0].ends_with(&label), "{label}: {counted:?}");
    }
}

#[test]
fn what_is_told_of_guarded_features_is_there() {
    let snapshot = snapshot(&HALF.replace("50%", &format!("{{rollout: 50%, {GUARD}}}")));
    let metrics = Metrics::new(1);
    metrics.prepare(&snapshot, Second(0));
    // so many that its guard is certain
    let worker = metrics.workers().next().unwrap();
    let fails = |variant| if variant == 0 { 500 } else { 200 };
    (0..400).for_each(|user| answer(&worker, &snapshot, &user.to_string(), fails));
    metrics.look(Second(2));
    let scrape = metrics.scrape(Second(2));
    let told = include_str!("../../deploy/metrics.md");
    let (_, told) = told.split_once("## Of guarded features").unwrap();
    let rows: Vec<_> = told
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let name = cells[1].trim().trim_matches('`');
        let line = scrape
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('{'));
        let labels = line
            .unwrap()
            .split("=\"")
            .flat_map(|part| part.rsplit(['"', ',', '{']).next());
        let labels: Vec<_> = labels
            .filter(|label| !label.contains('}'))
            .map(|label| format!("`{label}`"))
            .collect();
        assert_eq!(labels.join(", "), cells[2].trim(), "{name}");
    }
}
