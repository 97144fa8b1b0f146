//! What `/openapi.json` says is what is answered: every endpoint, every status that a request can bring about.

use crate::{
    ofrep::post,
    support::{Burgee, Toggles, ask, get},
};
use serde_json::{Value, json};

const TOGGLES: &str = r##"version: 1
namespace: shop
attributes: {country: header.x-country}
anonymous: {cookie: visitor, max-age: 1d, for: everybody}
features:
  switch: {description: A switch, serve: on}
  name: {metadata: {owner: web}, variants: [gold, silver], rules: [{name: home, when: {country: CH}, serve: gold}], serve: silver}
  colors: {variants: {blue: {hex: "#0066cc"}}, when: {country: CH}, serve: blue}
  shared: {rollout: 50%, header: none}
"##;

#[test]
fn every_answer_is_as_described() {
    let toggles = Toggles::new(TOGGLES);
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    let described = get(burgee.api, "/openapi.json").json();
    assert_eq!(described["openapi"], "3.1.0");
    let mut seen = Vec::new();
    for (method, template, path, body, status) in [
        ("get", "/features", "/features", "", 200),
        ("get", "/features/{key}", "/features/switch", "", 200),
        ("get", "/features/{key}", "/features/nothing", "", 404),
        ("get", "/explain", "/explain?user=mia&country=CH", "", 200),
        ("get", "/explain", "/explain", "", 200),
        ("get", "/explain", "/explain?user=mia&why=true", "", 200),
        ("get", "/explain", "/explain?at=yesterday", "", 400),
        ("get", "/explain", "/explain?feature=nothing", "", 404),
        (
            "post",
            "/ofrep/v1/evaluate/flags",
            "/ofrep/v1/evaluate/flags",
            "{}",
            200,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags",
            "/ofrep/v1/evaluate/flags",
            "{",
            400,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/switch",
            "{}",
            200,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/name",
            CH,
            200,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/colors",
            CH,
            200,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/colors",
            "{}",
            200,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/shared",
            "{}",
            400,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/shared",
            "{",
            400,
        ),
        (
            "post",
            "/ofrep/v1/evaluate/flags/{key}",
            "/ofrep/v1/evaluate/flags/nothing",
            "{}",
            404,
        ),
        (
            "post",
            "/ns/{namespace}/ofrep/v1/evaluate/flags",
            "/ns/shop/ofrep/v1/evaluate/flags",
            CH,
            200,
        ),
        (
            "post",
            "/ns/{namespace}/ofrep/v1/evaluate/flags",
            "/ns/x/ofrep/v1/evaluate/flags",
            "{}",
            404,
        ),
        (
            "post",
            "/ns/{namespace}/ofrep/v1/evaluate/flags/{key}",
            "/ns/shop/ofrep/v1/evaluate/flags/name",
            CH,
            200,
        ),
        ("post", "/reload", "/reload", "", 200),
        ("post", "/drain", "/drain", "", 200),
    ] {
        let answer = match method {
            "post" => post(burgee.api, path, body, &[]),
            _ => get(burgee.api, path),
        };
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        check(&described, method, template, status, &answer.json());
        seen.push(template);
    }
    toggles.write("version: 1\nfeatures: {a: 110%}\n");
    let kept = ask(burgee.api, "POST", "/reload", &[]);
    assert_eq!(kept.status, 422);
    check(&described, "post", "/reload", 422, &kept.json());
    // these answer something else than JSON
    seen.extend(["/", "/authz/{path}", "/ofrep/v1/events", "/openapi.json"]);
    for path in described["paths"].as_object().unwrap().keys() {
        assert!(
            seen.contains(&&**path),
            "{path} is described, and nobody has asked for it"
        );
    }
}

const CH: &str = r#"{"context": {"targetingKey": "mia", "country": "CH"}}"#;

fn check(described: &Value, method: &str, template: &str, status: u16, answer: &Value) {
    let response = &described["paths"][template][method]["responses"][status.to_string()];
    let schema = &response["content"]["application/json"]["schema"];
    assert!(
        schema.is_object(),
        "{method} {template} {status} is not described"
    );
    // the references in a schema are into the whole description
    let mut whole = described.clone();
    whole["allOf"] = json!([schema]);
    let errors: Vec<_> = jsonschema::draft202012::new(&whole)
        .unwrap()
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{method} {template} {status}: {errors:#?} in {answer:#}"
    );
}

#[test]
fn an_answer_that_is_not_as_described_is_found_out() {
    let toggles = Toggles::new(TOGGLES);
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    let described = get(burgee.api, "/openapi.json").json();
    let mut answer = get(burgee.api, "/explain?user=mia").json();
    answer["features"]["switch"]["bucket"] = json!("many");
    let checked = std::panic::catch_unwind(|| check(&described, "get", "/explain", 200, &answer));
    assert!(checked.is_err());
}

#[test]
fn the_api_explains_as_the_command_line_does() {
    let toggles = Toggles::new(TOGGLES);
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    let path = toggles.path();
    let file = path.to_str().unwrap();
    let at = "2026-03-01T09:00:00Z";
    for (query, flags) in [
        ("user=mia", &["--user", "mia"][..]),
        ("user=m+i%20a", &["--user", "m i a"]),
        (
            "user=mia&country=CH",
            &["--user", "mia", "--header", "X-Country: CH"],
        ),
        (
            "user=mia&feature=name&feature=switch",
            &["--user", "mia", "--feature", "name", "--feature", "switch"],
        ),
        ("", &[]),
    ] {
        let told = get(burgee.api, &format!("/explain?{query}&at={at}"));
        let arguments = [&["explain", file, "--json", "--at", at], flags].concat();
        let (code, said) = crate::support::burgee(&arguments);
        assert_eq!((code, told.body), (0, said), "{query}");
    }
}

#[test]
fn one_feature_is_answered_as_among_all() {
    let toggles = Toggles::new(TOGGLES);
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    let all = get(burgee.api, "/features").json();
    for (key, feature) in all["features"].as_object().unwrap() {
        assert_eq!(
            &get(burgee.api, &format!("/features/{key}")).json(),
            feature
        );
    }
    assert_eq!(all["features"]["switch"]["header"], "X-Feature-Switch");
    assert_eq!(all["features"]["shared"]["header"], Value::Null);
    for path in ["/features", "/features/switch", "/explain", "/openapi.json"] {
        let refused = ask(burgee.api, "POST", path, &[]);
        assert_eq!(
            (refused.status, refused.header("allow")),
            (405, Some("GET, HEAD")),
            "{path}"
        );
    }
    assert_eq!(get(burgee.api, "/nothing").status, 404);
}
