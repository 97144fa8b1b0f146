//! Where a message begins and ends, and for whom it is: Host, targets, lengths, codings.

use crate::raw::{App, Burgee};

/// What the application sees first (request line, Host), or the status that refuses it.
type Expected<'a> = Result<(&'a str, &'a str), u16>;

fn check(rows: &[(&str, Expected<'_>)]) {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for (sent, expected) in rows {
        let answer = burgee.answer(sent);
        match expected {
            Ok((start, host)) => {
                assert_eq!(answer.status(), 200, "{sent:?}: {}", answer.head);
                let request = app.request();
                assert_eq!(
                    (request.start(), request.get("host")),
                    (*start, Some(*host)),
                    "{sent:?}"
                );
            }
            Err(status) => {
                assert_eq!(answer.status(), *status, "{sent:?}");
                assert!(app.heard_nothing(), "{sent:?}");
            }
        }
    }
}

#[test]
fn a_request_is_for_exactly_one_valid_host() {
    check(&[
        (
            "GET / HTTP/1.1\r\nHost: shop:80\r\n\r\n",
            Ok(("GET / HTTP/1.1", "shop:80")),
        ),
        (
            "GET / HTTP/1.1\r\nhOsT: [::1]:80\r\n\r\n",
            Ok(("GET / HTTP/1.1", "[::1]:80")),
        ),
        ("GET / HTTP/1.1\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Err(400)),
        (
            "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n",
            Ok(("GET /x HTTP/1.1", "b")),
        ),
        (
            "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n",
            Ok(("GET / HTTP/1.1", "b")),
        ),
        (
            "GET http://b:81?q HTTP/1.1\r\nHost: a\r\n\r\n",
            Ok(("GET /?q HTTP/1.1", "b:81")),
        ),
        ("GET http://b/ HTTP/1.1\r\n\r\n", Err(400)),
        ("GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", Err(400)),
        ("GET http://u:p@b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET b:80 HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET b HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        (
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            Ok(("OPTIONS * HTTP/1.1", "a")),
        ),
    ]);
}

#[test]
fn an_old_client_without_a_host_gets_the_upstreams() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    burgee.answer("GET /a HTTP/1.0\r\n\r\n");
    let request = app.request();
    assert_eq!(request.start(), "GET /a HTTP/1.1");
    assert_eq!(request.get("host"), Some(app.address.to_string().as_str()));
    burgee.answer("GET /a HTTP/1.0\r\nHost: b\r\n\r\n");
    assert_eq!(app.request().get("host"), Some("b"));
}

#[test]
fn a_target_passes_as_it_is() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for target in [
        "/",
        "//",
        "//evil.example/x",
        "/a/../b/./c",
        "/%2e%2e/%2F%00%zz%",
        "/a//b///",
        "/a?b?c=/../d",
        "/?",
        "/a?",
        "/{a}|b^c\"e",
        "/a`b",
        "/a<b",
        "/\u{e9}",
        "/a;b=c,d:e@f!$&'()*+~",
        "/a\\b",
        "/health/",
        "/health%20",
        "/%68ealth",
        "/HEALTH",
        "//health",
        "/health;a",
    ] {
        let sent = crate::raw::text(target.as_bytes());
        let answer = burgee.answer(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        match answer.status() {
            200 => assert_eq!(app.request().start(), format!("GET {sent} HTTP/1.1")),
            400 => assert!(app.heard_nothing(), "{target}"),
            other => panic!("{target}: {other}"),
        }
        // RFC 3986 allows none of these; the sweep over all bytes says which others there are
        let refused = target.contains(['`', '<']);
        assert_eq!(answer.status() == 400, refused, "{target}");
    }
}

#[test]
fn health_is_answered_here_on_exactly_its_path() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for (line, here) in [
        ("GET /health", true),
        ("HEAD /health", true),
        ("POST /health", false),
        ("GET /health/", false),
        ("GET /healthz", false),
    ] {
        let mut client = burgee.connect();
        client.send(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.head().status(), 200, "{line}");
        assert_eq!(app.heard_nothing(), here, "{line}");
    }
    let handed_over = Burgee::with(&app, |settings| settings.health_path = None);
    handed_over.answer("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(app.request().start(), "GET /health HTTP/1.1");
}

#[test]
fn connect_trace_and_options_end_where_they_should() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for target in ["a:443", "/"] {
        let answer = burgee.answer(format!("CONNECT {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status(), 405);
    }
    let trace = "TRACE /a HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nMax-Forwards: 0\r\n\r\n";
    let answer = burgee.answer(trace);
    assert_eq!(
        (answer.status(), answer.get("content-type")),
        (200, Some("message/http"))
    );
    assert!(
        answer.text().starts_with("TRACE /a HTTP/1.1\r\n"),
        "{}",
        answer.text()
    );
    assert!(!answer.text().contains("secret"));
    let answer = burgee.answer("OPTIONS /a HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
    assert_eq!(
        (answer.status(), answer.get("allow").is_some()),
        (200, true)
    );
    assert!(app.heard_nothing());
    for (sent, left) in [("TRACE", "4"), ("OPTIONS", "4"), ("GET", "5")] {
        burgee.answer(format!(
            "{sent} / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n"
        ));
        assert_eq!(app.request().get("max-forwards"), Some(left), "{sent}");
    }
}

#[test]
fn a_chunked_get_keeps_its_body_and_a_plain_one_gains_nothing() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "POST"] {
        let mut client = burgee.connect();
        client.send(format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        ));
        client.head();
        let request = app.request();
        assert_eq!(request.text(), "abcde", "{method}");
        assert_eq!(request.names(), ["host", "transfer-encoding"], "{method}");
        let mut client = burgee.connect();
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(app.request().names(), ["host"], "{method}");
        let mut client = burgee.connect();
        client.send(format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
        ));
        let request = app.request();
        assert_eq!(
            (request.get("content-length"), request.text().as_str()),
            (Some("2"), "hi"),
            "{method}"
        );
    }
}

#[test]
fn an_answer_with_both_length_and_coding_is_not_cut_short() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    let burgee = Burgee::before(&app);
    let answer = burgee.answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.get("content-length"), None);
}

#[test]
fn a_length_said_twice_is_said_once() {
    for (lines, expected) in [
        ("Content-Length: 5, 5\r\n", Ok("5")),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", Ok("5")),
        ("Content-Length: 5,5 ,  5\r\n", Ok("5")),
        ("Content-Length: 5, 6\r\n", Err(502)),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", Err(502)),
        ("Content-Length: +5\r\n", Err(502)),
        ("Content-Length: 0x5\r\n", Err(502)),
        ("Content-Length: \r\n", Err(502)),
        ("Content-Length: 99999999999999999999\r\n", Err(502)),
    ] {
        let app = App::answering(format!("HTTP/1.1 200 OK\r\n{lines}\r\nhello"));
        let answer = Burgee::before(&app).answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        match expected {
            Ok(length) => {
                assert_eq!(answer.get("content-length"), Some(length), "{lines}");
                assert_eq!(answer.text(), "hello", "{lines}");
            }
            Err(status) => assert_eq!(answer.status(), status, "{lines}"),
        }
    }
}

#[test]
fn a_length_under_head_is_said_once_or_not_at_all() {
    for (lines, expected) in [
        ("Content-Length: 5\r\n", Some("5")),
        ("Content-Length: 5, 5\r\n", Some("5")),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", None),
        ("Content-Length: x\r\n", None),
    ] {
        let app = App::answering(format!("HTTP/1.1 200 OK\r\n{lines}\r\n"));
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.head().get("content-length"), expected, "{lines}");
    }
}

#[test]
fn nothing_can_be_smuggled_behind_a_request() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let post = |lines: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n{body}");
    for (lines, body, status) in [
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", 400),
        ("Content-Length: 3, 3\r\n", "abc", 400),
        ("Content-Length: +3\r\n", "abc", 400),
        ("Content-Length: -1\r\n", "", 400),
        ("Content-Length: 0x3\r\n", "abc", 400),
        ("Content-Length: 3 3\r\n", "abc", 400),
        ("Content-Length:\r\n", "", 400),
        ("Content-Length: 99999999999999999999\r\n", "", 400),
        ("Transfer-Encoding: gzip\r\n", "", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", "", 400),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", 501),
        ("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n", 501),
        ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n", 501),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            501,
        ),
        (
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
            "0\r\n\r\n",
            501,
        ),
        ("Transfer-Encoding:\x0bchunked\r\n", "0\r\n\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", 400),
        ("Transfer-Encoding\r\n : chunked\r\n", "0\r\n\r\n", 400),
        ("X: a\r\n folded: b\r\n", "", 400),
        (" X: a\r\n", "", 400),
        ("X: a\rb\r\n", "", 400),
        ("X: a\0b\r\n", "", 400),
        (": a\r\n", "", 400),
        ("X\r\n", "", 400),
    ] {
        let answer = burgee.answer(post(lines, body));
        assert_eq!(answer.status(), status, "{lines:?}");
        assert!(app.heard_nothing(), "{lines:?}");
    }
    for line in [
        "GET  / HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET / HTTP/2.0",
        "GET / HTTP/1.2",
        "GET /",
        "G@T / HTTP/1.1",
    ] {
        let answer = burgee.answer(format!("{line}\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status(), 400, "{line:?}");
        assert!(app.heard_nothing(), "{line:?}");
    }
}

#[test]
fn a_request_with_both_length_and_coding_is_read_by_its_coding_and_ends_the_connection() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for lines in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let back = burgee.ask(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        let request = app.request();
        assert_eq!(
            (request.text().as_str(), request.get("content-length")),
            ("abc", None)
        );
        assert_eq!(back.matches("HTTP/1.1").count(), 1, "{back}");
        assert!(
            back.to_ascii_lowercase().contains("connection: close"),
            "{back}"
        );
        assert!(app.heard_nothing());
    }
}

#[test]
fn a_broken_chunk_breaks_the_request() {
    for body in [
        "x\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "-1\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "11111111111111111\r\n",
        " 3\r\nabc\r\n0\r\n\r\n",
        "\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3 4\r\nabc\r\n0\r\n\r\n",
    ] {
        let app = App::script(|client, tell| {
            // an upload that broke must end without its last chunk
            let all = client.rest();
            let _ = tell.send(crate::raw::Message::of(all));
        });
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
        ));
        let back = client.rest();
        assert!(!back.contains(" 200 "), "{body:?}: {back}");
        let seen = app.request().head;
        assert!(!seen.ends_with("0\r\n\r\n"), "{body:?}: {seen:?}");
    }
}

#[test]
fn a_coding_that_we_cannot_undo_is_a_bad_answer() {
    for coding in ["gzip, chunked", "gzip", "chunked, chunked", "identity"] {
        let app = App::script(move |client, _| {
            client.message();
            client.send(format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"
            ));
        });
        let answer = Burgee::before(&app).answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(answer.status(), 502, "{coding}");
        assert_eq!(
            answer.get("proxy-status"),
            Some("burgee; error=http_response_transfer_coding")
        );
    }
}

#[test]
fn what_one_name_says_twice_keeps_its_order_and_its_bytes() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: b\r\nX: 2\r\nSet-Cookie: a\r\nX: \t 1 \t\r\nX: \u{ff}\r\n\r\n",
    );
    let burgee = Burgee::before(&app);
    let answer = burgee
        .answer("GET / HTTP/1.1\r\nHost: a\r\nX: 2\r\nY: z\r\nX: 1\r\nX: \u{ff} a\tb\r\n\r\n");
    let utf8 = crate::raw::text("\u{ff}".as_bytes());
    assert_eq!(answer.all("set-cookie"), ["b", "a"]);
    assert_eq!(answer.all("x"), ["2", "1", utf8.as_str()]);
    assert_eq!(
        app.request().all("x"),
        ["2", "1", format!("{utf8} a\tb").as_str()]
    );
}

#[test]
fn forwarding_fields_pass_and_we_add_nothing_unless_told_to() {
    let app = App::ok();
    let sent = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=10.0.0.1\r\n\r\n";
    let kept = Burgee::before(&app);
    let answer = kept.answer(sent);
    assert_eq!(
        answer.names(),
        ["content-length", "date"],
        "no Via, no Server"
    );
    let request = app.request();
    assert_eq!(request.all("x-forwarded-for"), ["10.0.0.1"]);
    assert_eq!(request.all("forwarded"), ["for=10.0.0.1"]);
    assert_eq!(
        request.names(),
        ["forwarded", "host", "x-forwarded-for", "x-forwarded-proto"]
    );
}

/// The table of deploy/operations.md: hops that are trusted, what comes, what is sent.
#[test]
fn forwarding_fields_that_are_appended_to_do_not_contradict_what_came() {
    const TABLE: [(usize, &str, &str); 12] = [
        // the first hop that says anything
        (
            0,
            "",
            "X-Forwarded-For: 127.0.0.1 | X-Forwarded-Proto: http | Forwarded: for=127.0.0.1;proto=http",
        ),
        // one kind came: the other is not begun
        (
            0,
            "X-Forwarded-For: 203.0.113.7",
            "X-Forwarded-For: 203.0.113.7, 127.0.0.1 | X-Forwarded-Proto: http",
        ),
        (
            0,
            "X-Forwarded-For: 203.0.113.7 | X-Forwarded-For: 198.51.100.1, 192.0.2.1",
            "X-Forwarded-For: 203.0.113.7, 198.51.100.1, 192.0.2.1, 127.0.0.1 | X-Forwarded-Proto: http",
        ),
        (
            0,
            "X-Forwarded-Host: shop.example",
            "X-Forwarded-For: 127.0.0.1 | X-Forwarded-Proto: http",
        ),
        (
            0,
            "Forwarded: for=203.0.113.7;proto=https",
            "Forwarded: for=203.0.113.7;proto=https, for=127.0.0.1;proto=http",
        ),
        (
            0,
            "Forwarded: for=203.0.113.7 | Forwarded: for=198.51.100.1",
            "Forwarded: for=203.0.113.7, for=198.51.100.1, for=127.0.0.1;proto=http",
        ),
        // the proto of a trusted hop is kept
        (
            1,
            "X-Forwarded-For: 203.0.113.7 | X-Forwarded-Proto: https",
            "X-Forwarded-For: 203.0.113.7, 127.0.0.1 | X-Forwarded-Proto: https",
        ),
        (
            1,
            "X-Forwarded-Proto: https",
            "X-Forwarded-For: 127.0.0.1 | X-Forwarded-Proto: https",
        ),
        (
            1,
            "X-Forwarded-For: 203.0.113.7",
            "X-Forwarded-For: 203.0.113.7, 127.0.0.1 | X-Forwarded-Proto: http",
        ),
        // a blank line says nothing
        (
            1,
            "X-Forwarded-For:  | X-Forwarded-Proto: https",
            "X-Forwarded-For: 127.0.0.1 | X-Forwarded-Proto: https",
        ),
        // both came: both go on, and say the same
        (
            1,
            "X-Forwarded-For: 203.0.113.7 | X-Forwarded-Proto: https | Forwarded: for=203.0.113.7;proto=https",
            "X-Forwarded-For: 203.0.113.7, 127.0.0.1 | X-Forwarded-Proto: https | \
             Forwarded: for=203.0.113.7;proto=https, for=127.0.0.1;proto=https",
        ),
        (
            1,
            "Forwarded: for=203.0.113.7;proto=https",
            "Forwarded: for=203.0.113.7;proto=https, for=127.0.0.1;proto=https",
        ),
    ];
    let app = App::ok();
    for hops in [0, 1] {
        let burgee = Burgee::with(&app, |settings| {
            settings.forwarded = burgee::proxy::Forwarded::Append;
            settings.trusted_hops = hops;
        });
        for (_, came, expected) in TABLE.iter().filter(|(trusted, ..)| *trusted == hops) {
            let fields = came.split(" | ").map(|field| match field {
                "" => String::new(),
                field => format!("{field}\r\n"),
            });
            let fields: String = fields.collect();
            burgee.answer(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
            let request = app.request();
            let names = ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"];
            let sent = names.iter().flat_map(|name| {
                let values = request.all(name).into_iter();
                values.map(move |value| format!("{name}: {value}"))
            });
            assert_eq!(sent.collect::<Vec<_>>().join(" | "), *expected, "{came:?}");
        }
    }
}

/// RFC 9112, 5.1.
#[test]
fn a_blank_before_a_colon_is_removed_from_an_answer_and_refused_in_a_request() {
    let app = App::answering("HTTP/1.1 200 OK\r\nX-Kind : odd\r\nContent-Length\t : 2\r\n\r\nok");
    for keep_case in [false, true] {
        let burgee = Burgee::with(&app, |settings| settings.preserve_header_case = keep_case);
        let answer = burgee.answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!((answer.get("x-kind"), &*answer.text()), (Some("odd"), "ok"));
        let expected = ["\r\nx-kind: odd\r\n", "\r\nX-Kind: odd\r\n"][usize::from(keep_case)];
        assert!(answer.head.contains(expected), "{}", answer.head);
        let refused = burgee.answer("GET / HTTP/1.1\r\nHost: a\r\nX-Kind : odd\r\n\r\n");
        assert_eq!(refused.status(), 400);
    }
}

#[test]
fn names_keep_their_case_when_asked_to() {
    let app = App::answering("HTTP/1.1 200 OK\r\nContent-LENGTH: 0\r\nX-CamelCase: 1\r\n\r\n");
    let burgee = Burgee::with(&app, |settings| settings.preserve_header_case = true);
    let answer = burgee.answer("GET / HTTP/1.1\r\nHost: a\r\nX-MixedCase: 1\r\n\r\n");
    assert!(
        answer.head.contains("X-CamelCase: 1\r\n"),
        "{}",
        answer.head
    );
    let request = app.request();
    assert!(
        request.head.contains("X-MixedCase: 1\r\n"),
        "{}",
        request.head
    );
}
