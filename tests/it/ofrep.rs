//! OFREP over real sockets: on the loopback API, and on `--evaluate-listen` with a token, CORS, a rate and events.

use crate::support::{Answer, Burgee, PATIENCE, Toggles, ask, eventually, get, raw};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

const TYPES: &str = r##"version: 1
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

fn start(text: &str, flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(text);
    let flags = [&["--evaluate-listen", "127.0.0.1:0"], flags].concat();
    (Burgee::start(&toggles.path(), "none", &flags), toggles)
}

pub(crate) fn post(at: SocketAddr, path: &str, body: &str, fields: &[&str]) -> Answer {
    let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    // `ask` ends every field with a line end; what follows the body is not read
    ask(at, "POST", path, &[fields, &[&length]].concat())
}

fn context(context: Value) -> String {
    json!({"context": context}).to_string()
}

const ONE: &str = "/ofrep/v1/evaluate/flags/";
const ALL: &str = "/ofrep/v1/evaluate/flags";

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
            r#"{"context": {"targetingKey": 7}}"#,
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
fn a_token_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let (burgee, _toggles) = start(TYPES, &["--api-token-file", token.to_str().unwrap()]);
    let switch = format!("{ONE}switch");
    for (field, status) in [
        ("Accept: */*", 401),
        ("Authorization: Bearer wrong", 401),
        ("Authorization: Basic s3cret", 401),
        ("Authorization: Bearer s3cret", 200),
        ("X-API-Key: s3cret", 200),
    ] {
        let answer = post(burgee.evaluate, &switch, "{}", &[field]);
        assert_eq!(answer.status, status, "{field}");
        assert_eq!(
            ask(burgee.evaluate, "GET", "/authz/x", &[field]).status,
            status,
            "{field}"
        );
        if status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            let told = answer.json();
            assert_eq!(
                (&told["key"], &told["errorCode"]),
                (&json!("switch"), &json!("GENERAL"))
            );
            assert!(told.get("value").is_none() && !answer.body.contains("s3cret"));
        }
    }
    let bulk = post(burgee.evaluate, ALL, "{}", &["X-API-Key: s3cret"]).json();
    let uri = bulk["eventStreams"][0]["endpoint"]["requestUri"]
        .as_str()
        .unwrap();
    assert!(!uri.contains("s3cret"));
    for (uri, status) in [
        (uri, 200),
        ("/ofrep/v1/events", 401),
        ("/ofrep/v1/events?key=", 401),
    ] {
        assert_eq!(
            Stream::open(burgee.evaluate, uri, &[]).status,
            status,
            "{uri}"
        );
    }
    // the loopback API asks for none
    assert_eq!(post(burgee.api, &switch, "{}", &[]).status, 200);
}

#[test]
fn a_token_file_without_a_token_is_no_door_without_a_token() {
    let toggles = Toggles::new(TYPES);
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("token");
    std::fs::write(&empty, "\n").unwrap();
    for (path, words) in [
        (empty, "first line"),
        (folder.path().join("none"), "No such file"),
    ] {
        let (toggles, path) = (toggles.path(), path.to_str().unwrap().to_owned());
        let (code, said) = crate::support::burgee(&[
            "run",
            "--upstream",
            "none",
            "--toggles",
            toggles.to_str().unwrap(),
            "--admin-listen",
            "127.0.0.1:0",
            "--api-listen",
            "none",
            "--evaluate-listen",
            "127.0.0.1:0",
            "--api-token-file",
            &path,
        ]);
        assert!(
            code != 0 && said.contains("--api-token-file") && said.contains(words),
            "{code} {said}"
        );
    }
}

#[test]
fn pages_of_named_origins_may_read_the_answers() {
    let (burgee, _toggles) = start(TYPES, &["--api-cors", "https://shop.example"]);
    let allowed = |answer: &Answer| {
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    for (origin, expected) in [
        ("https://shop.example", Some("https://shop.example")),
        ("https://evil.example", None),
    ] {
        let origin = format!("Origin: {origin}");
        let answer = post(burgee.evaluate, ALL, "{}", &[&origin]);
        assert_eq!(
            (answer.status, allowed(&answer).as_deref()),
            (200, expected)
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
        let fields = [&*origin, "Access-Control-Request-Method: POST"];
        let preflight = ask(burgee.evaluate, "OPTIONS", ALL, &fields);
        assert_eq!(preflight.status, if expected.is_some() { 204 } else { 403 });
        assert_eq!(allowed(&preflight).as_deref(), expected);
        if expected.is_some() {
            let may = preflight.header("access-control-allow-headers").unwrap();
            assert!(
                may.contains("content-type") && may.contains("if-none-match"),
                "{may}"
            );
            assert_eq!(
                answer.header("access-control-expose-headers"),
                Some("ETag, Retry-After")
            );
        }
        // the loopback API is not for pages of other sites, named or not
        assert_eq!(post(burgee.api, ALL, "{}", &[&origin]).status, 403);
    }
    assert_eq!(
        post(burgee.api, ALL, "{}", &["Host: evil.example"]).status,
        403
    );
}

#[test]
fn more_than_the_rate_is_told_when_to_come_again() {
    let (burgee, _toggles) = start(TYPES, &["--api-rate", "2/s"]);
    let switch = format!("{ONE}switch");
    let answers: Vec<_> = (0..20)
        .map(|_| post(burgee.evaluate, &switch, "{}", &[]))
        .collect();
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["key"], "switch");
    assert_eq!(answers[0].status, 200);
    eventually("the rate allows one again", || {
        (post(burgee.evaluate, &switch, "{}", &[]).status == 200).then_some(())
    });
    // the loopback API is not counted
    assert!((0..20).all(|_| post(burgee.api, &switch, "{}", &[]).status == 200));
}

#[test]
fn the_door_for_others_has_nothing_else() {
    let (burgee, _toggles) = start(TYPES, &[]);
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/features"),
        ("GET", "/explain?user=mia"),
        ("POST", "/reload"),
        ("POST", "/drain"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("POST", "/ofrep/v1/configuration"),
        ("GET", "/authzed"),
    ] {
        assert_eq!(
            ask(burgee.evaluate, method, path, &[]).status,
            404,
            "{method} {path}"
        );
    }
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

/// An event stream, as a browser's EventSource reads it.
struct Stream {
    status: u16,
    lines: BufReader<TcpStream>,
}

impl Stream {
    fn open(at: SocketAddr, path: &str, fields: &[&str]) -> Stream {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut stream = Stream {
            status: 0,
            lines: BufReader::new(stream),
        };
        stream.status = stream.line().split(' ').nth(1).unwrap().parse().unwrap();
        while !stream.line().is_empty() {}
        stream
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The fields of the next event.
    fn event(&mut self) -> Vec<String> {
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() && fields.len() > 2 {
                return fields;
            }
            if ["id: ", "event: ", "data: "]
                .iter()
                .any(|field| line.starts_with(field))
            {
                fields.push(line);
            }
        }
    }
}

#[test]
fn a_reload_is_told_at_once_and_a_change_that_was_missed_on_coming_back() {
    let (burgee, toggles) = start(TYPES, &[]);
    let bulk = post(burgee.evaluate, ALL, "{}", &[]).json();
    let uri = bulk["eventStreams"][0]["endpoint"]["requestUri"]
        .as_str()
        .unwrap()
        .to_owned();
    let old = bulk["metadata"]["version"].as_str().unwrap().to_owned();
    let mut stream = Stream::open(burgee.evaluate, &uri, &[]);
    let change = |from: &str, to: &str| {
        toggles.write(&TYPES.replace(from, to));
        let began = Instant::now();
        let revision = ask(burgee.api, "POST", "/reload", &[]).json()["revision"].clone();
        (revision.as_str().unwrap().to_owned(), began)
    };
    let (new, began) = change("dark: off", "dark: on");
    let event = stream.event();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(event[..2], [format!("id: {new}"), "event: message".into()]);
    let data: Value = serde_json::from_str(event[2].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(
        (&data["type"], &data["etag"]),
        (&json!("refetchEvaluation"), &json!(new))
    );
    assert!(data["lastModified"].is_u64());
    // what was asked before the change and connects after it; what comes back having heard the old one
    let last = format!("Last-Event-ID: {old}");
    for fields in [&[][..], &[&*last]] {
        assert_eq!(Stream::open(burgee.evaluate, &uri, fields).event(), event);
    }
    // who knows hears nothing until the next change
    let mut knows = Stream::open(burgee.evaluate, &uri, &[&format!("Last-Event-ID: {new}")]);
    let (newer, _) = change("dark: off", "dark: 5%");
    assert_eq!(knows.event()[0], format!("id: {newer}"));
    assert_eq!(stream.event()[0], format!("id: {newer}"));
}

#[test]
fn streams_that_nobody_closes_leave_room_for_questions() {
    let (burgee, _toggles) = start(TYPES, &[]);
    let streams: Vec<_> = (0..300)
        .map(|_| Stream::open(burgee.evaluate, "/ofrep/v1/events", &[]))
        .collect();
    let open = streams.iter().filter(|stream| stream.status == 200).count();
    assert_eq!((open, streams[299].status), (256, 503));
    assert_eq!(post(burgee.evaluate, ALL, "{}", &[]).status, 200);
    drop(streams);
    eventually("the streams are given back", || {
        (Stream::open(burgee.evaluate, "/ofrep/v1/events", &[]).status == 200).then_some(())
    });
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

#[test]
fn whatever_is_done_to_the_doors_the_traffic_goes_on() {
    let toggles = Toggles::new(TYPES);
    let echo = crate::run::Echo::start();
    let flags = ["--evaluate-listen", "127.0.0.1:0"];
    let burgee = Burgee::start(&toggles.path(), &format!("http://{}", echo.at), &flags);
    // bodies that do not come, streams that nobody reads: more than the door answers at a time
    let head = format!("POST {ONE}switch HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\n");
    let stalled: Vec<_> = (0..80)
        .map(|_| {
            let mut stream = TcpStream::connect(burgee.evaluate).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream
        })
        .collect();
    let long = "x".repeat(10_000_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for body in ["{", "{}", "[]", &*long] {
                for (field, at) in [
                    ("Host: evil.example", burgee.api),
                    ("Origin: https://evil.example", burgee.api),
                    ("Authorization: Bearer wrong", burgee.evaluate),
                ] {
                    let mut stream = TcpStream::connect(at).unwrap();
                    let length = body.len();
                    let head = format!(
                        "POST {ALL} HTTP/1.1\r\n{field}\r\nContent-Length: {length}\r\n\r\n"
                    );
                    // the door closes on who talks too long
                    let _ = stream.write_all((head + body).as_bytes());
                }
            }
        });
        for _ in 0..100 {
            let began = Instant::now();
            let answer = get(burgee.listen, "/");
            assert_eq!(answer.status, 200);
            assert!(answer.body.contains("X-Feature-Switch: on"), "{answer:?}");
            assert!(began.elapsed() < Duration::from_secs(2));
        }
    });
    // and who stalled is sent away, so that others are answered again
    eventually("the door answers again", || {
        let mut stream = TcpStream::connect(burgee.evaluate).unwrap();
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(b"{} \r\n\r\n  ");
        let mut status = [0; 12];
        (stream.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 200").then_some(())
    });
    let told = |mut stream: TcpStream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    let mut statuses: Vec<_> = stalled.into_iter().map(told).collect();
    statuses.sort();
    statuses.dedup();
    assert_eq!(statuses, ["408", "503"]);
}
