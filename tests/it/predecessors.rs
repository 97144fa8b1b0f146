//! The table of deploy/evaluation.md of what five other systems were asked: each request stands there, and is answered.

use crate::{
    ofrep::post,
    support::{Answer, Burgee, Toggles, get},
};
use serde_json::{Value, json};

/// The request as the page writes it, and the answer to it.
fn asked(row: &str, toggles: &str, request: &str, body: Option<&str>) -> Answer {
    let page = include_str!("../../deploy/evaluation.md");
    let row = page
        .lines()
        .find(|line| line.starts_with(&format!("| {row} |")))
        .unwrap();
    for part in [Some(request), body].into_iter().flatten() {
        assert!(
            row.contains(&format!("`{part}`")),
            "deploy/evaluation.md does not say `{part}`"
        );
    }
    let toggles = Toggles::new(toggles);
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    let (method, path) = request.split_once(' ').unwrap();
    match method {
        "GET" => get(burgee.api, path),
        _ => {
            let answer = post(burgee.api, path, body.unwrap_or("{}"), &[]);
            if let Some(tag) = answer.header("etag") {
                let known = format!("If-None-Match: {tag}");
                let again = post(burgee.api, path, body.unwrap_or("{}"), &[&known]);
                assert_eq!((again.status, &*again.body), (304, ""));
                let other = path.replace("pulp_fiction", "jackie_brown");
                let expected = if other == path { 200 } else { 404 };
                assert_eq!(post(burgee.api, &other, "{}", &[]).status, expected);
            }
            answer
        }
    }
}

/// Flag to variant, of a bulk answer.
fn variants(answer: &Answer) -> Value {
    let flags = answer.json()["flags"].clone();
    let flags = flags.as_array().unwrap().iter();
    let pair = |flag: &Value| {
        (
            flag["key"].as_str().unwrap().to_owned(),
            flag["variant"].clone(),
        )
    };
    flags.map(pair).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn experimentor_asks_for_a_contexts_toggles_with_a_hash() {
    let answer = asked(
        "Experimentor",
        "version: 1\nnamespace: pulp_fiction\nsegments:\n  beta-testers: {user: [quentin, butch]}\nfeatures:\n  briefcase:\n    variants: [gold, silver]\n    rules:\n      - {when: beta-testers, serve: silver}\n    serve: {gold: 99%, silver: 1%}\n",
        "POST /ns/pulp_fiction/ofrep/v1/evaluate/flags",
        Some(r#"{"context": {"targetingKey": "quentin"}}"#),
    );
    assert_eq!(variants(&answer), json!({"briefcase": "silver"}));
}

#[test]
fn flipper_asks_with_a_query() {
    let answer = asked(
        "flipper",
        "version: 1\nattributes: {version: header.x-version, group: header.x-group}\nfeatures:\n  feature_A: {when: {version: v1}, serve: on}\n  feature_B:\n    rules:\n      - {when: {group: g1}, serve: off}\n      - {when: {version: v1}, serve: on}\n  special_g1_feature: {when: {group: g1}, serve: on}\n",
        "GET /explain?user=ann&version=v1&group=g1",
        None,
    );
    let features = &answer.json()["features"];
    let shown = ["feature_A", "feature_B", "special_g1_feature"]
        .map(|name| features[name]["variant"].clone());
    assert_eq!(shown, ["on", "off", "on"]);
}

#[test]
fn experiments_asks_to_decide() {
    let answer = asked(
        "experiments",
        "version: 1\nattributes: {country: header.x-country, plan: header.x-plan}\nfeatures:\n  checkout-button-color:\n    variants:\n      control:   {color: \"#0066cc\"}\n      treatment: {color: \"#00cc66\"}\n    when: {country: [US, CA], plan: pro}\n    buckets: {control: 0-4999, treatment: 5000-9999}\n",
        "POST /ofrep/v1/evaluate/flags/checkout-button-color",
        Some(r#"{"context": {"targetingKey": "user-123", "country": "US", "plan": "pro"}}"#),
    );
    let told = answer.json();
    assert_eq!(
        (&told["variant"], &told["value"]),
        (&json!("control"), &json!({"color": "#0066cc"}))
    );
    assert_eq!(told["metadata"]["bucket"], 965);
}

#[test]
fn flaggery_asks_for_a_subjects_flags() {
    let answer = asked(
        "Flaggery",
        "version: 1\nuser: {from: header.x-user-id, weights: {42: 5, 7: 9}}\nsegments:\n  friends: {user: [42]}\nfeatures:\n  foobar:\n    variants: [A, B]\n    rules:\n      - {when: friends, serve: B}\n    rollout: 10%\n    serve: A\n",
        "POST /ofrep/v1/evaluate/flags",
        Some(r#"{"context": {"targetingKey": "42"}}"#),
    );
    assert_eq!(variants(&answer), json!({"foobar": "B"}));
}

#[test]
fn the_fastapi_service_asks_for_a_users_flags() {
    let toggles = "version: 1\nfeatures: {dark_mode: on, beta_search: 25%, experimental_ai: off, new_feature: 50%}\n";
    let (row, user1) = (
        "the FastAPI service",
        r#"{"context": {"targetingKey": "user1"}}"#,
    );
    let answer = asked(row, toggles, "POST /ofrep/v1/evaluate/flags", Some(user1));
    let shown = variants(&answer);
    assert_eq!(
        (&shown["dark_mode"], &shown["experimental_ai"]),
        (&json!("on"), &json!("off"))
    );
    assert_eq!(shown["beta_search"], "on");
    let one = asked(
        row,
        toggles,
        "POST /ofrep/v1/evaluate/flags/beta_search",
        Some(user1),
    )
    .json();
    assert_eq!(
        (&one["value"], &one["reason"]),
        (&json!(true), &json!("SPLIT"))
    );
}
