//! `--evaluate-listen`: the token, origins, the rate, the stream of events; and what strangers do to the doors.

use crate::{
    ofrep::{ALL, ONE, TYPES, post, start},
    support::{Answer, Burgee, PATIENCE, Toggles, ask, eventually, get},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

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
        let revision = ask(burgee.api, "POST", "/reload", &[]).json()["revision"].clone();
        // it is in force: how long a busy machine took to read it is another matter
        (revision.as_str().unwrap().to_owned(), Instant::now())
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
