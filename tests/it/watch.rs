//! What an operator sees of a rollout: figures by variant, lines by request, exposures; by the built binary.

use crate::{
    raw::App,
    support::{Burgee, Toggles, ask, get, raw},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An application that looks at the head of each request and answers with this status line and these fields.
pub(crate) fn app(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> App {
    App::script(move |client, _| {
        while client.has_more() {
            let request = client.message();
            let answer = answer(&request.head);
            if answer.is_empty() {
                return;
            }
            client.send(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n"));
        }
    })
}

/// A burgee before it.
pub(crate) fn behind(app: &App, text: &str, flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(text);
    let burgee = Burgee::start(&toggles.path(), &app.upstream().to_string(), flags);
    (burgee, toggles)
}

fn visit(burgee: &Burgee, user: &str) -> crate::support::Answer {
    ask(burgee.listen, "GET", "/", &[&format!("X-User-Id: {user}")])
}

const HALVES: &str = "version: 1
features:
  checkout:
    variants: [control, treatment]
    serve: {control: 50%, treatment: 50%}
";

#[test]
fn an_application_that_fails_one_in_twenty_with_treatment_shows_up_as_exactly_that() {
    let failing = std::sync::atomic::AtomicUsize::new(0);
    let app = app(move |head| {
        let treated = head.contains("x-feature-checkout: treatment");
        let turn = || failing.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 20 == 7;
        if treated && turn() {
            "500 Oh".into()
        } else {
            "200 OK".into()
        }
    });
    let (burgee, _toggles) = behind(&app, HALVES, &[]);
    (0..800).for_each(|user| {
        visit(&burgee, &format!("user-{user}"));
    });
    let count = |variant: &str, status: &str| {
        let labels = format!(
            "{{feature=\"checkout\",variant=\"{variant}\",rule=\"-\",status=\"{status}\"}}"
        );
        let requests = burgee.metric(&format!("burgee_feature_requests_total{labels}"));
        let timed = burgee.metric(&format!(
            "burgee_feature_request_duration_seconds_count{labels}"
        ));
        assert_eq!(requests, timed);
        requests.unwrap_or(0.0)
    };
    let treated = count("treatment", "2xx") + count("treatment", "5xx");
    // of every twenty that got treatment the eighth failed, and nobody else
    assert_eq!(count("treatment", "5xx"), ((treated + 12.0) / 20.0).floor());
    assert_eq!(count("control", "5xx"), 0.0);
    assert_eq!(count("control", "2xx") + treated, 800.0);
    assert!((350.0..450.0).contains(&treated), "{treated}");
}

/// The metrics of `deploy/metrics.md` with their labels.
fn promised() -> BTreeMap<String, Vec<String>> {
    let words = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // no file guards a feature yet: `metrics.rs` has one that is guarded by hand
    let table = include_str!("../../deploy/metrics.md");
    let (table, _) = table.split_once("## Of guarded features").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').map(words).collect::<Vec<_>>());
    cells
        .map(|mut cells| (cells[1].remove(0), cells.remove(2)))
        .collect()
}

/// Every sample's name without the suffixes of a histogram, with the names of its labels in their order, but for `le`.
fn found(text: &str) -> BTreeMap<String, BTreeSet<Vec<String>>> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        let labels = labels
            .split('"')
            .step_by(2)
            .map(|name| name.trim_matches([',', '=', '}']));
        let labels = labels
            .filter(|label| !label.is_empty() && *label != "le")
            .map(str::to_owned);
        found
            .entry(name.to_owned())
            .or_default()
            .insert(labels.collect());
    }
    found
}

#[test]
fn the_metrics_are_those_of_the_table() {
    let app = app(|head| match head.split(' ').nth(1) {
        Some("/gone") => String::new(),
        _ => "200 OK\r\nX-Feature-Used: checkout\r\nX-Feature-Goal: purchase".into(),
    });
    let text = format!(
        "{HALVES}  grown: {{when: {{header.x-age: {{min: 18}}}}, serve: on}}\noverride: {{from: [header.x-qa], when: {{header.x-staff: yes}}}}\nuser: [header.x-user-id]\nanonymous: {{cookie: visitor, max-age: 1d, for: everybody}}\n"
    );
    let (burgee, toggles) = behind(&app, &text, &[]);
    let stops = "version: 1\nstops: {grown: {since: 2026-01-01}, checkout: {hold: 2026-01-01}}\n";
    std::fs::write(toggles.path().with_file_name("stops.yaml"), stops).unwrap();
    assert_eq!(ask(burgee.api, "POST", "/reload", &[]).status, 200);
    visit(&burgee, "mia");
    for visitor in 0..9 {
        let cookie = format!("Cookie: visitor={visitor:032x}");
        ask(burgee.listen, "GET", "/", &["X-User-Id: mia", &cookie]);
    }
    ask(
        burgee.listen,
        "GET",
        "/gone",
        &[
            "X_Feature_Checkout: treatment",
            "X-Qa: checkout=control",
            "X-Age: ten",
        ],
    );
    raw(burgee.listen, "GET / HTTP/1.1\r\nHost: \u{1}\r\n\r\n");
    raw(burgee.listen, "no request at all\r\n\r\n");
    let text = get(burgee.admin, "/metrics").body;
    let found = found(&text);
    for (name, labels) in promised() {
        let expected = BTreeSet::from([labels]);
        assert_eq!(found.get(&name), Some(&expected), "{name} in {text}");
    }
    let promised = promised();
    let unknown: Vec<_> = found
        .keys()
        .filter(|name| !promised.contains_key(*name))
        .collect();
    assert!(unknown.is_empty(), "not in deploy/metrics.md: {unknown:?}");
}

#[test]
fn exposures_and_goals_are_counted_once_a_request_by_what_the_user_got() {
    let app = app(|head| {
        match head.split(' ').nth(1) {
        Some("/buy") => "200 OK\r\nX-Feature-Goal: purchase, purchase\r\nX-Feature-Goal: no name".into(),
        _ => "200 OK\r\nX-Feature-Used: checkout, quiet, checkout\r\nX-Feature-Used: plain, nobody-knows".into(),
    }
    });
    let text = format!("{HALVES}  plain: on\n  quiet: {{rollout: 50%, metrics: off}}\n");
    let (burgee, _toggles) = behind(&app, &text, &[]);
    for _ in 0..3 {
        visit(&burgee, "mia");
    }
    ask(burgee.listen, "GET", "/buy", &["X-User-Id: mia"]);
    let series = |family: &str, more: &str| {
        let variants = ["control", "treatment"].into_iter();
        variants
            .filter_map(|variant| {
                burgee.metric(&format!(
                    "burgee_{family}{{feature=\"checkout\",variant=\"{variant}\"{more}}}"
                ))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(series("exposures_total", ""), [3.0]);
    assert_eq!(series("goals_total", ",goal=\"purchase\""), [1.0]);
    assert_eq!(series("goals_total", ",goal=\"other\""), [1.0]);
    let text = get(burgee.admin, "/metrics").body;
    assert_eq!(
        burgee.metric("burgee_exposures_total{feature=\"plain\",variant=\"on\"}"),
        Some(3.0)
    );
    for (family, feature) in [
        ("exposures_total", "quiet"),
        ("goals_total", "quiet"),
        ("goals_total", "plain"),
    ] {
        assert!(
            !text.contains(&format!("burgee_{family}{{feature=\"{feature}\"")),
            "{family} {feature} {text}"
        );
    }
}

#[test]
fn an_exposure_is_written_once_for_each_user_and_variant_in_the_published_shape() {
    let app = app(|_| "200 OK\r\nX-Feature-Used: checkout".into());
    let (burgee, _toggles) = behind(&app, HALVES, &["--exposure-log", "--log-user", "plain"]);
    for user in ["mia", "mia", "quentin", "mia", "quentin"] {
        visit(&burgee, user);
    }
    visit(&burgee, "the-last");
    let lines: Vec<_> = (0..3).map(|_| burgee.wrote()).collect();
    let users: Vec<_> = lines
        .iter()
        .map(|line| line["feature_flag.context.id"].as_str().unwrap())
        .collect();
    assert_eq!(users, ["mia", "quentin", "the-last"]);
    for line in lines {
        assert_eq!(misfits(&line), Vec::<String>::new(), "{line}");
        assert_eq!(
            (
                &line["feature_flag.key"],
                &line["feature_flag.result.reason"]
            ),
            (&json!("checkout"), &json!("split"))
        );
    }
}

#[test]
fn a_line_of_another_shape_is_found_out() {
    let good = json!({
        "time": "2026-11-21T09:00:00.000000Z", "feature_flag.key": "checkout", "feature_flag.result.variant": "control",
        "feature_flag.result.reason": "split", "feature_flag.version": "0123456789abcdef",
    });
    assert_eq!(misfits(&good), Vec::<String>::new());
    for (name, value) in [
        ("time", json!("yesterday")),
        ("feature_flag.result.reason", json!("SPLIT")),
        ("feature_flag.result.variant", json!("a b")),
        ("user", json!("mia")),
        ("feature_flag.key", Value::Null),
    ] {
        let mut line = good.clone();
        line[name] = value;
        assert!(!misfits(&line).is_empty(), "{line}");
    }
}

#[test]
fn exposures_name_nobody_unless_they_are_told_to() {
    let app = app(|_| "200 OK\r\nX-Feature-Used: checkout".into());
    let (burgee, _toggles) = behind(&app, HALVES, &["--exposure-log"]);
    for user in ["mia", "mia", "quentin"] {
        visit(&burgee, user);
    }
    for _ in 0..2 {
        let line = burgee.wrote();
        assert_eq!(misfits(&line), Vec::<String>::new(), "{line}");
        assert_eq!(line.get("feature_flag.context.id"), None);
    }
}

/// Where this line is not what `config/exposure.schema.json` says.
pub(crate) fn misfits(line: &Value) -> Vec<String> {
    let schema = include_str!("../../config/exposure.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let errors = schema.iter_errors(line);
    errors.map(|error| error.to_string()).collect()
}

#[test]
fn the_access_log_says_what_was_asked_and_what_was_decided() {
    let app = app(|_| "404 No".into());
    let (mut burgee, _toggles) = behind(&app, HALVES, &["--access-log", "--log-user", "plain"]);
    ask(
        burgee.listen,
        "PUT",
        "/a%20b?token=secret",
        &["X-User-Id: m\tia\u{9b}31m"],
    );
    let line = burgee.said("request");
    let revision = burgee.label("burgee_config_info");
    let variant = &line["assignments"][0]["feature_flag.result.variant"];
    assert!(
        ["control", "treatment"].contains(&variant.as_str().unwrap()),
        "{line}"
    );
    assert!(line["duration"].as_f64().unwrap() > 0.0, "{line}");
    let expected = json!({
        "timestamp": line["timestamp"], "level": "INFO", "message": "request", "method": "PUT", "path": "/a%20b", "status": 404,
        "duration": line["duration"], "revision": revision, "feature_flag.context.id": "m\tia\u{9b}31m",
        "assignments": [{"feature_flag.key": "checkout", "feature_flag.result.variant": variant, "feature_flag.result.reason": "split"}],
    });
    assert_eq!(line, expected);
}

#[test]
fn the_access_log_is_a_line_for_people_where_nobody_asked_for_json() {
    for (naming, user) in [
        ("none", ""),
        ("hash", " feature_flag.context.id=\"a6ae07ad556c5f93\""),
        ("plain", " feature_flag.context.id=\"mia\""),
    ] {
        let app = app(|_| "200 OK".into());
        let (mut burgee, _toggles) = behind(
            &app,
            HALVES,
            &["--access-log", "--log-user", naming, "--log-format", "text"],
        );
        visit(&burgee, "mia");
        let line = burgee.said(" INFO request ");
        let line = line.as_str().unwrap();
        let shape = format!(
            r"^\S+Z  INFO request method=GET path={:?} status=200 duration=0\.\d+ revision=\w+{user} assignments=checkout:(control|treatment)$",
            "/"
        );
        assert!(
            regex::Regex::new(&shape).unwrap().is_match(line),
            "{line} {shape}"
        );
    }
}

#[test]
fn nothing_is_written_of_a_request_unless_somebody_asked_for_it() {
    let app = app(|_| "200 OK\r\nX-Feature-Used: checkout".into());
    let (mut burgee, _toggles) = behind(&app, HALVES, &[]);
    visit(&burgee, "mia");
    burgee.signal("TERM");
    burgee.said("stopped");
    assert!(
        !burgee
            .log
            .iter()
            .any(|line| line.to_string().contains("mia") || line["message"] == "request"),
        "{:?}",
        burgee.log
    );
    burgee.ended();
    assert!(burgee.wrote_nothing());
}
