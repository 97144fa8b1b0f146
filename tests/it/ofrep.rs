//! OFREP over real sockets: every type, every error, what is known already.

use crate::support::{Answer, Burgee, PATIENCE, Toggles, ask, get, raw};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

pub(crate) const TYPES: &str = r##"version: 1
attributes: {country: header.x-country}
features:
  switch: on
  dark: off
  name: {variants: [gold, silver], serve: silver}
  nameless: {variants: [gold], rules: [{when: {country: XX}, serve: gold}]}
  whole: {variants: {few: 5, many: 9007199254740993}, serve: many}
  fraction: {variants: {one: 1, half: 0.5}, serve: one}
  text: {variants: {a: "1"}, serve: a}
  colors: {variants: {blue: {hex: "#0066cc"}}, serve: blue}
  list: {variants: {few: [1, 2]}, serve: few}
  valueless: {variants: {a: {x: 1}}, rules: [{when: {country: XX}, serve: a}]}
  targeted: {metadata: {owner: web, size: 2, list: [1], version: mine}, rules: [{name: home, when: {country: [CH, DE]}, serve: on}]}
  shared: 50%
  paused: {status: paused, variants: [old, new], default: old, serve: new}
  draft: {status: draft, serve: on}
  archived: {status: archived, serve: on}
"##;

pub(crate) fn start(text: &str, flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(text);
    let flags = [&["--evaluate-listen", "127.0.0.1:0"], flags].concat();
    (Burgee::start(&toggles.path(), "none", &flags), toggles)
}

pub(crate) fn post(at: SocketAddr, path: &str, body: &str, fields: &[&str]) -> Answer {
    let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    // `ask` ends every field with a line end; what follows the body is not read
    ask(at, "POST", path, &[fields, &[&length]].concat())
}

pub(crate) fn context(context: Value) -> String {
    json!({"context": context}).to_string()
}

pub(crate) const ONE: &str = "/ofrep/v1/evaluate/flags/";
pub(crate) const ALL: &str = "/ofrep/v1/evaluate/flags";

#[test]
fn every_type_of_flag_is_answered() {
    let (burgee, _toggles) = start(TYPES, &[]);
    for (flag, about, expected) in [
        ("switch", json!({}), json!(["on", true, "STATIC"])),
        ("dark", json!({}), json!(["off", false, "STATIC"])),
        ("name", json!({}), json!(["silver", "silver", "STATIC"])),
        ("nameless", json!({}), json!(["off", "off", "DEFAULT"])),
        (
            "whole",
            json!({}),
            json!(["many", 9007199254740993_u64, "STATIC"]),
        ),
        ("fraction", json!({}), json!(["one", 1.0, "STATIC"])),
        ("text", json!({}), json!(["a", "1", "STATIC"])),
        (
            "colors",
            json!({}),
            json!(["blue", {"hex": "#0066cc"}, "STATIC"]),
        ),
        ("list", json!({}), json!(["few", [1, 2], "STATIC"])),
        ("valueless", json!({}), json!(["off", null, "DEFAULT"])),
        (
            "targeted",
            json!({"country": "CH"}),
            json!(["on", true, "TARGETING_MATCH"]),
        ),
        (
            "targeted",
            json!({"country": 5}),
            json!(["off", false, "DEFAULT"]),
        ),
        ("paused", json!({}), json!(["old", "old", "DISABLED"])),
        (
            "shared",
            json!({"targetingKey": "user1"}),
            json!(["off", false, "SPLIT"]),
        ),
    ] {
        for at in [burgee.api, burgee.evaluate] {
            let answer = post(at, &format!("{ONE}{flag}"), &context(about.clone()), &[]);
            assert_eq!(answer.status, 200, "{flag}: {answer:?}");
            let told = answer.json();
            assert_eq!(told["key"], flag);
            let shown = json!([told["variant"], told["value"], told["reason"]]);
            assert_eq!(shown.to_string(), expected.to_string(), "{flag} {about}");
            // a null would be a value; there is none
            assert_eq!(told.get("value").is_none(), flag == "valueless");
        }
    }
}

#[test]
fn details_travel_as_metadata() {
    let (burgee, _toggles) = start(TYPES, &[]);
    let about = context(json!({"targetingKey": "mia", "country": "CH"}));
    let single = post(burgee.api, &format!("{ONE}targeted"), &about, &[]).json();
    let revision = get(burgee.api, "/features").json()["revision"].clone();
    let mut expected = json!({"owner": "web", "size": 2, "rule": "home", "version": revision});
    let bulk = post(burgee.api, ALL, &about, &[]).json();
    assert_eq!(bulk["metadata"]["version"], revision);
    assert_eq!(flag(&bulk, "targeted")["metadata"], expected);
    expected["bucket"] = single["metadata"]["bucket"].clone();
    assert!(expected["bucket"].is_number());
    assert_eq!(single["metadata"], expected);
}

fn flag<'a>(bulk: &'a Value, key: &str) -> &'a Value {
    let flags = bulk["flags"].as_array().unwrap();
    flags.iter().find(|flag| flag["key"] == key).unwrap()
}

#[test]
fn a_bulk_answer_has_every_flag_that_has_an_answer() {
    let (burgee, _toggles) = start(TYPES, &[]);
    let bulk = post(burgee.api, ALL, "{}", &[]).json();
    let keys: Vec<_> = bulk["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| &flag["key"])
        .collect();
    let expected = [
        "switch",
        "dark",
        "name",
        "nameless",
        "whole",
        "fraction",
        "text",
        "colors",
        "list",
        "valueless",
        "targeted",
        "shared",
        "paused",
    ];
    assert_eq!(keys, expected);
    let shared = flag(&bulk, "shared");
    assert_eq!(
        (&shared["variant"], &shared["errorCode"], &shared["reason"]),
        (
            &json!("off"),
            &json!("TARGETING_KEY_MISSING"),
            &json!("ERROR")
        )
    );
    let stream = &bulk["eventStreams"][0];
    assert_eq!(stream["type"], "sse");
    assert!(
        stream["endpoint"]["requestUri"]
            .as_str()
            .unwrap()
            .starts_with("/ofrep/v1/events")
    );
}

#[test]
fn every_error_has_its_status_and_its_code() {
    let (burgee, _toggles) = start(TYPES, &[]);
    let shared = format!("{ONE}shared");
    for (method, path, body, status, code) in [
        (
            "POST",
            "/ofrep/v1/evaluate/flags/unknown",
            "{}",
            404,
            "FLAG_NOT_FOUND",
        ),
        (
            "POST",
            "/ofrep/v1/evaluate/flags/draft",
            "{}",
            404,
            "FLAG_NOT_FOUND",
        ),
        (
            "POST",
            "/ofrep/v1/evaluate/flags/archived",
            "{}",
            404,
            "FLAG_NOT_FOUND",
        ),
        (
            "POST",
            "/ns/nobody/ofrep/v1/evaluate/flags/shared",
            "{}",
            404,
            "FLAG_NOT_FOUND",
        ),
        (
            "POST",
            "/ns/nobody/ofrep/v1/evaluate/flags",
            "{}",
            404,
            "FLAG_NOT_FOUND",
        ),
        ("POST", &shared, "{}", 400, "TARGETING_KEY_MISSING"),
        (
            "POST",
            &shared,
            r#"{"context": {"targetingKey": " "}}"#,
            400,
            "TARGETING_KEY_MISSING",
        ),
        (
            "POST",
            &shared,
            r#"{"context": {"targetingKey": 7.5}}"#,
            400,
            "INVALID_CONTEXT",
        ),
        (
            "POST",
            &shared,
            r#"{"context": []}"#,
            400,
            "INVALID_CONTEXT",
        ),
        ("POST", &shared, "{", 400, "PARSE_ERROR"),
        ("POST", &shared, "", 400, "PARSE_ERROR"),
        ("POST", &shared, "[]", 400, "PARSE_ERROR"),
        ("POST", ALL, "nonsense", 400, "PARSE_ERROR"),
        ("GET", &shared, "", 405, "GENERAL"),
        ("GET", ALL, "", 405, "GENERAL"),
        ("DELETE", ALL, "", 405, "GENERAL"),
    ] {
        for at in [burgee.api, burgee.evaluate] {
            let answer = match method {
                "POST" => post(at, path, body, &[]),
                _ => ask(at, method, path, &[]),
            };
            let told = answer.json();
            assert_eq!(
                (answer.status, &told["errorCode"]),
                (status, &json!(code)),
                "{method} {path} {body}"
            );
            assert!(!told["errorDetails"].as_str().unwrap().is_empty());
            assert_eq!(answer.header("content-type"), Some("application/json"));
            if status == 405 {
                assert_eq!(answer.header("allow"), Some("POST"));
            } else if let Some((_, key)) = path.split_once("/flags/") {
                assert_eq!(told["key"], key, "clients read no error without a key");
            }
        }
    }
}

#[test]
fn an_answer_that_is_known_is_not_sent_again() {
    let (burgee, toggles) = start(TYPES, &[]);
    let mia = context(json!({"targetingKey": "mia"}));
    let first = post(burgee.api, ALL, &mia, &[]);
    let tag = first.header("etag").unwrap().to_owned();
    let check = |body: &str, known: &str, status: u16| {
        let answer = post(burgee.api, ALL, body, &[&format!("If-None-Match: {known}")]);
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.body.is_empty(), status == 304);
        answer
    };
    assert_eq!(check(&mia, &tag, 304).header("etag"), Some(&*tag));
    check(&mia, &format!("W/{tag}"), 304);
    check(&mia, &format!("\"other\", {tag}"), 304);
    check(&mia, "*", 304);
    check(&mia, "\"other\"", 200);
    // an attribute that no flag asks for changes no answer; one that a flag asks for does
    check(
        &context(json!({"targetingKey": "mia", "shoe": 44})),
        &tag,
        304,
    );
    check(
        &context(json!({"targetingKey": "mia", "country": "CH"})),
        &tag,
        200,
    );
    toggles.write(&TYPES.replace("dark: off", "dark: on"));
    assert_eq!(ask(burgee.api, "POST", "/reload", &[]).status, 200);
    check(&mia, &tag, 200);
}

#[test]
fn several_files_are_asked_together_or_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, served) in [("shop", "on"), ("blog", "off")] {
        let text = format!(
            "version: 1\nnamespace: {name}\nheaders: {{prefix: X-{name}-}}\nfeatures:\n  dark: {served}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let burgee = Burgee::start(folder.path(), "none", &[]);
    for (path, status, expected) in [
        ("/ofrep/v1/evaluate/flags/shop.dark", 200, json!(true)),
        ("/ofrep/v1/evaluate/flags/blog.dark", 200, json!(false)),
        ("/ofrep/v1/evaluate/flags/dark", 404, Value::Null),
        ("/ns/shop/ofrep/v1/evaluate/flags/dark", 200, json!(true)),
        (
            "/ns/bl%6Fg/ofrep/v1/evaluate/flags/d%61rk",
            200,
            json!(false),
        ),
        (
            "/ns/shop/ofrep/v1/evaluate/flags/shop.dark",
            404,
            Value::Null,
        ),
    ] {
        let answer = post(burgee.api, path, "{}", &[]);
        assert_eq!(
            (answer.status, &answer.json()["value"]),
            (status, &expected),
            "{path}"
        );
    }
    let all = post(burgee.api, ALL, "{}", &[]).json();
    assert_eq!(flag(&all, "shop.dark")["metadata"]["flagSetId"], "shop");
    let one = post(burgee.api, "/ns/blog/ofrep/v1/evaluate/flags", "{}", &[]).json();
    assert_eq!(one["flags"].as_array().unwrap().len(), 1);
    assert_eq!(flag(&one, "dark")["value"], false);
}

#[test]
fn a_body_of_10_mb_is_refused_before_it_is_read() {
    let (burgee, _toggles) = start(TYPES, &[]);
    const BODY: usize = 10_000_000;
    for framing in [
        format!("Content-Length: {BODY}"),
        "Transfer-Encoding: chunked".into(),
    ] {
        let mut stream = TcpStream::connect(burgee.evaluate).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("POST {ONE}switch HTTP/1.1\r\nHost: b\r\n{framing}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        if framing.starts_with("Transfer") {
            // a client that does not listen while it talks
            let piece = "x".repeat(100_000);
            let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
            for _ in 0..BODY / piece.len() {
                if stream.write_all(chunk.as_bytes()).is_err() {
                    break;
                }
            }
        }
        let mut answer = String::new();
        // a connection that is closed on unread bytes ends with a reset, behind the answer
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 413"), "{framing}: {answer}");
        assert!(
            answer.contains("\"key\":\"switch\"") && answer.contains("256 KiB"),
            "{answer}"
        );
    }
    assert_eq!(
        post(burgee.evaluate, &format!("{ONE}switch"), "{}", &[]).status,
        200
    );
}

#[test]
fn without_a_good_file_a_client_is_told_so() {
    let (burgee, _toggles) = start(
        "version: 1\nfeatures: {a: 110%}\n",
        &["--on-bad-start", "forward"],
    );
    for path in [ALL, "/ofrep/v1/evaluate/flags/a"] {
        let answer = post(burgee.evaluate, path, "{}", &[]);
        assert_eq!(
            (answer.status, &answer.json()["errorCode"]),
            (500, &json!("GENERAL"))
        );
    }
    assert_eq!(ask(burgee.evaluate, "GET", "/authz/", &[]).status, 200);
}

#[test]
fn a_thousand_keys_in_a_context_and_a_pipelined_question_are_answered() {
    let (burgee, _toggles) = start(TYPES, &[]);
    let many: serde_json::Map<_, _> = (0..1000)
        .map(|n| (format!("key-{n}"), json!("v".repeat(40))))
        .collect();
    assert_eq!(
        post(burgee.api, ALL, &context(many.into()), &[]).status,
        200
    );
    let one = format!("POST {ONE}switch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n");
    let both = raw(
        burgee.api,
        &format!("{one}\r\n{{}}{one}Connection: close\r\n\r\n{{}}"),
    );
    assert_eq!(both.body.matches("\"key\":\"switch\"").count(), 2);
}
