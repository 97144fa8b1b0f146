//! What the built binary says of variants whose application fails as it is told: the cases that made a healthy feature look
//! guilty, and one that is guilty.

use crate::{
    raw::App,
    support::{Burgee, Toggles, ask, get},
    watch::{app, behind},
};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A burgee before an application that fails one in so many of the requests that `guilty` holds for.
fn before(
    text: &str,
    one_in: usize,
    guilty: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> (Burgee, Toggles, App) {
    let turn = AtomicUsize::new(0);
    let app = App::script(move |client, _| {
        while client.has_more() {
            let head = client.message().head;
            let fails = guilty(&head) && turn.fetch_add(1, Relaxed) % one_in == one_in / 2;
            let status = if fails { "500 Oh" } else { "200 OK" };
            client.send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    let toggles = Toggles::new(text);
    let burgee = Burgee::start(&toggles.path(), &app.upstream().to_string(), &[]);
    (burgee, toggles, app)
}

fn comparison(burgee: &Burgee, feature: &str) -> Value {
    get(burgee.api, &format!("/features/{feature}")).json()["comparison"].clone()
}

/// A sum over the arms of the only draw.
fn all(comparison: &Value, what: &str) -> u64 {
    let arms = comparison["draws"][0]["arms"].as_array().unwrap();
    arms.iter().map(|arm| arm[what].as_u64().unwrap()).sum()
}

fn says(comparison: &Value) -> &str {
    comparison["tested"][0]["words"].as_str().unwrap()
}

fn counted(burgee: &Burgee, labels: &str) -> f64 {
    let classes = ["2xx", "5xx"].into_iter();
    let series = classes.filter_map(|class| {
        let labels = format!("{labels},status=\"{class}\"");
        burgee.metric(&format!("burgee_feature_requests_total{{{labels}}}"))
    });
    series.sum()
}

/// Ten percent of what professionals ask for fails, whatever variant they have. `off` holds everybody who is not one.
#[test]
fn people_who_are_not_eligible_make_no_feature_look_guilty() {
    let text = "version: 1\nattributes: {plan: header.x-plan}\nfeatures:\n  checkout: {when: {plan: pro}, rollout: 50%}\n";
    let (burgee, _toggles, _app) = before(text, 10, |head| head.contains("x-plan: pro"));
    for user in 0..1500 {
        let plan = if user % 3 == 0 { "pro" } else { "free" };
        let fields = [format!("X-User-Id: user-{user}"), format!("X-Plan: {plan}")];
        ask(burgee.listen, "GET", "/", &[&fields[0], &fields[1]]);
    }
    ask(burgee.listen, "GET", "/", &["X-Plan: pro"]);
    let comparison = comparison(&burgee, "checkout");
    assert_eq!(all(&comparison, "requests"), 500, "{comparison}");
    assert_eq!(all(&comparison, "errors"), 50, "{comparison}");
    let said = says(&comparison);
    assert!(!said.contains("often"), "{said}");
    let not = &comparison["not_compared"];
    assert_eq!(not["words"], "1,000 not eligible, 1 without an id");
    let arms = ["on", "off"].map(|variant| {
        counted(
            &burgee,
            &format!("feature=\"checkout\",variant=\"{variant}\",rule=\"-\""),
        )
    });
    assert_eq!(arms[0] + arms[1], 500.0);
}

/// Strangers are half of the traffic and fail; they have no part in the draw.
#[test]
fn strangers_make_no_feature_look_guilty() {
    let text = "version: 1\nfeatures:\n  new-search: 50%\n";
    let (burgee, _toggles, _app) = before(text, 4, |head| !head.contains("x-user-id"));
    for user in 0..400 {
        ask(
            burgee.listen,
            "GET",
            "/",
            &[&format!("X-User-Id: user-{user}")],
        );
        ask(burgee.listen, "GET", "/", &[]);
    }
    let comparison = comparison(&burgee, "new-search");
    assert_eq!(all(&comparison, "requests"), 400, "{comparison}");
    assert_eq!(all(&comparison, "errors"), 0, "{comparison}");
    assert!(!says(&comparison).contains("often"), "{comparison}");
    assert_eq!(comparison["not_compared"]["words"], "400 without an id");
}

/// One in twenty of the treatment: at 5 requests a second of it, 9 of 10 such rollouts are named within 160 s.
#[test]
fn a_variant_that_fails_one_in_twenty_is_named() {
    let text = "version: 1\nfeatures:\n  checkout:\n    variants: [control, treatment]\n    serve: {control: 50%, treatment: 50%}\n";
    let (burgee, _toggles, _app) = before(text, 20, |head| {
        head.contains("x-feature-checkout: treatment")
    });
    for user in 0..2 * 5 * 160 {
        ask(
            burgee.listen,
            "GET",
            "/",
            &[&format!("X-User-Id: user-{user}")],
        );
    }
    let comparison = comparison(&burgee, "checkout");
    assert_eq!(comparison["control"], "control");
    assert_eq!(comparison["tested"][0]["variant"], "treatment");
    assert_eq!(says(&comparison), "fails more often", "{comparison}");
    let difference = &comparison["tested"][0]["difference"];
    let at = |key: &str| difference[key].as_f64().unwrap();
    assert!((at("value") - 0.05).abs() < 0.01, "{comparison}");
    assert!(0.0 < at("low") && at("high") < 0.12, "{comparison}");
    // 1,600 people, each seen once
    let people = all(&comparison, "people") as f64;
    assert!((people / 1600.0 - 1.0).abs() < 0.02, "{comparison}");
    assert_eq!(comparison["draws"][0]["split"], Value::Null);
    for arm in comparison["draws"][0]["arms"].as_array().unwrap() {
        let durations = arm["durations"].as_array().unwrap().iter();
        let timed: u64 = durations.map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(Some(timed), arm["requests"].as_u64(), "{arm}");
    }
}

/// Each draw by itself; an edit begins a new comparison and keeps what Prometheus counts.
#[test]
fn a_new_text_begins_a_new_comparison() {
    let text = "version: 1\nattributes: {plan: header.x-plan}\nfeatures:\n  checkout:\n    rules: [{when: {plan: pro}, name: vip, rollout: 90%}]\n    rollout: 10%\n";
    let (burgee, toggles, _app) = before(text, 2, |_| false);
    let traffic = || {
        for user in 0..100 {
            let user = format!("X-User-Id: user-{user}");
            ask(burgee.listen, "GET", "/", &[&user, "X-Plan: pro"]);
            ask(burgee.listen, "GET", "/", &[&user]);
        }
    };
    let requests = || {
        let comparison = comparison(&burgee, "checkout");
        let draws = comparison["draws"].as_array().unwrap().iter();
        let shown = draws.map(|draw| {
            let arms = draw["arms"].as_array().unwrap().iter();
            let sum: u64 = arms.map(|arm| arm["requests"].as_u64().unwrap()).sum();
            format!("{} {sum}", draw["rule"].as_str().unwrap())
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    let whole = || {
        let arm = |rule: &str, variant: &str| {
            let labels = format!("feature=\"checkout\",variant=\"{variant}\",rule=\"{rule}\"");
            counted(&burgee, &labels)
        };
        ["-", "vip"].map(|rule| arm(rule, "on") + arm(rule, "off"))
    };
    traffic();
    assert_eq!(requests(), "- 100, vip 100");
    let reload = || ask(burgee.api, "POST", "/reload", &[]);
    // a comment, and another feature, are not this feature's text
    toggles.write(&format!("# a comment\n{text}  other: 50%\n"));
    assert_eq!(reload().status, 200);
    traffic();
    assert_eq!(requests(), "- 200, vip 200");
    toggles.write(&text.replace("10%", "20%"));
    assert_eq!(reload().status, 200);
    assert_eq!(requests(), "- 0, vip 0");
    traffic();
    assert_eq!(requests(), "- 100, vip 100");
    assert_eq!(whole(), [300.0, 300.0]);
}

/// Some of the people of each variant buy, and buy again: each counts once. What this pod saw is what its page draws.
#[test]
fn people_who_reach_a_goal_are_counted_once_with_an_interval_and_the_split_is_told() {
    let app = app(|head| match head.starts_with("POST") {
        true => "200 OK\r\nX-Feature-Goal: purchase".into(),
        false => "200 OK".into(),
    });
    let text = "version: 1\nfeatures:\n  checkout: 50%\n  dark-mode: on\n";
    let (burgee, _toggles) = behind(&app, text, &[]);
    for user in 0..1000 {
        let field = format!("X-User-Id: user-{user}");
        ask(burgee.listen, "GET", "/", &[&field]);
        // one in five, twice
        for _ in 0..if user % 5 == 0 { 2 } else { 0 } {
            ask(burgee.listen, "POST", "/", &[&field]);
        }
    }
    let comparison = crate::support::eventually("a look was taken", || {
        let comparison = comparison(&burgee, "checkout");
        let looked = &comparison["draws"][0]["arms"][0]["split"]["people"];
        looked
            .as_u64()
            .is_some_and(|people| people > 980)
            .then_some(comparison)
    });
    let arms = comparison["draws"][0]["arms"].as_array().unwrap();
    let (mut reached, mut people, mut drawn) = (0, 0, 0.0);
    for arm in arms {
        let goal = &arm["goals"]["purchase"];
        let number = |value: &Value| value.as_f64().unwrap();
        let share = &goal["share"];
        let expected = number(&goal["people"]) / number(&arm["people"]);
        assert!((number(&share["value"]) - expected).abs() < 0.02, "{arm}");
        assert!(
            number(&share["low"]) < 0.2 && 0.2 < number(&share["high"]),
            "{arm}"
        );
        let split = &arm["split"];
        assert_eq!(split["drawn"], 0.5);
        assert!((number(&split["arrived"]) - 0.5).abs() < 0.06, "{arm}");
        drawn += number(&split["arrived"]);
        reached += goal["people"].as_u64().unwrap();
        people += arm["people"].as_u64().unwrap();
    }
    // within 2%
    assert!(
        (196..=204).contains(&reached) && (980..=1020).contains(&people),
        "{comparison}"
    );
    assert!((drawn - 1.0).abs() < 1e-9);
    let plain = get(burgee.api, "/features/dark-mode").json();
    assert!(plain["comparison"].is_null());
}
