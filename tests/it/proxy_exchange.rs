//! Exchanges as real clients have them: Expect, early hints, HEAD, old clients, pipelining, slow bytes, trailers.

use crate::raw::{App, Burgee, Client, PATIENCE};
use std::{sync::mpsc, time::Duration};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const EXPECT: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn an_expected_body_is_sent_when_the_application_asks_for_it() {
    let app = App::script(|client, tell| {
        let head = client.until(b"\r\n\r\n");
        assert!(head.contains("expect: 100-continue"), "{head}");
        client.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = client.exactly(3);
        let _ = tell.send(crate::raw::Message::of(crate::raw::text(&body)));
        client.send(OK);
        client.rest();
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.continue_timeout = Duration::from_secs(3600)
    });
    let mut client = burgee.connect();
    client.send(EXPECT);
    assert_eq!(client.until(b"\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    assert_eq!(client.message().text(), "ok");
    assert_eq!(app.request().head, "abc");
}

#[test]
fn an_application_that_refuses_an_expected_body_is_heard_and_nothing_is_out_of_step() {
    for status in [
        "401 Unauthorized",
        "413 Content Too Large",
        "417 Expectation Failed",
    ] {
        let app = App::script(move |client, tell| {
            let head = client.until(b"\r\n\r\n");
            client.send(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno"));
            // the body must never be sent, nor another request in its place
            let rest = client.rest();
            let _ = tell.send(crate::raw::Message::of(format!("{head}{rest}")));
        });
        let burgee = Burgee::with(&app, |settings| {
            settings.continue_timeout = Duration::from_secs(3600)
        });
        let mut client = burgee.connect();
        client.send(EXPECT);
        let answer = client.message();
        assert_eq!(answer.start(), format!("HTTP/1.1 {status}"));
        assert_eq!(
            (answer.get("connection"), answer.text().as_str()),
            (Some("close"), "no")
        );
        client.send("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.rest(), "", "{status}");
        assert!(app.request().head.ends_with("\r\n\r\n"), "{status}");
        assert!(app.heard_nothing(), "{status}");
    }
}

#[test]
fn an_application_that_does_not_know_expect_gets_the_body_all_the_same() {
    let app = App::answering(OK);
    let burgee = Burgee::with(&app, |settings| {
        settings.continue_timeout = Duration::from_millis(50)
    });
    let mut client = burgee.connect();
    client.send(EXPECT);
    assert_eq!(client.until(b"\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    assert_eq!(client.message().text(), "ok");
    assert_eq!(app.request().text(), "abc");
}

#[test]
fn a_client_that_does_not_wait_for_leave_is_served() {
    let app = App::script(|client, tell| {
        let head = client.until(b"\r\n\r\n");
        client.send("HTTP/1.1 100 Continue\r\n\r\n");
        let body = client.exactly(3);
        let _ = tell.send(crate::raw::Message::of(format!(
            "{head}{}",
            crate::raw::text(&body)
        )));
        client.send(OK);
        client.rest();
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(format!("{EXPECT}abc"));
    let first = client.until(b"\r\n\r\n");
    let answer = match first.contains("100 Continue") {
        true => client.message(),
        false => panic!("no leave was given: {first}"),
    };
    assert_eq!(answer.text(), "ok");
    assert!(app.request().head.ends_with("abc"));
}

#[test]
fn early_hints_reach_the_client_before_the_answer() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, _| {
        client.message();
        client.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n",
        );
        let _ = going.lock().unwrap().recv_timeout(PATIENCE);
        client.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
        );
        client.send(OK);
        client.rest();
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(GET);
    assert_eq!(
        client.until(b"\r\n\r\n"),
        "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    );
    go.send(()).unwrap();
    assert_eq!(
        client.until(b"\r\n\r\n"),
        "HTTP/1.1 103 Early Hints\r\nlink: </b.css>\r\n\r\n"
    );
    assert_eq!(client.until(b"\r\n\r\n"), "HTTP/1.1 102 Processing\r\n\r\n");
    assert_eq!(client.message().text(), "ok");
}

#[test]
fn an_old_client_is_told_nothing_before_the_answer() {
    let app = App::answering(format!(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n{OK}"
    ));
    let burgee = Burgee::before(&app);
    let back = burgee.ask("GET / HTTP/1.0\r\n\r\n");
    assert!(
        back.starts_with("HTTP/1.0 200 OK\r\n") || back.starts_with("HTTP/1.1 200 OK\r\n"),
        "{back}"
    );
    assert!(!back.contains("103"), "{back}");
}

#[test]
fn early_hints_of_an_abandoned_request_do_not_reach_the_next() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, _| {
        let request = client.message();
        if request.start().contains("/slow") {
            let _ = going.lock().unwrap().recv_timeout(PATIENCE);
            client.send("HTTP/1.1 103 Early Hints\r\nLink: </late.css>\r\n\r\n");
        } else {
            let _ = going.lock().unwrap().recv_timeout(PATIENCE);
            client.send(OK);
        }
        client.rest();
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.response_timeout = Duration::from_millis(100)
    });
    let mut client = burgee.connect();
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.message().status(), 504);
    client.send(GET);
    go.send(()).unwrap();
    go.send(()).unwrap();
    let answer = client.message();
    assert!([200, 504].contains(&answer.status()), "{}", answer.head);
    assert!(!answer.head.contains("late"), "{}", answer.head);
}

#[test]
fn answers_without_a_body_have_none() {
    for (request, answer, status) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            200,
        ),
        ("HEAD", "HTTP/1.1 200 OK\r\n\r\n", 200),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
            304,
        ),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
            304,
        ),
        ("POST", "HTTP/1.1 204 No Content\r\n\r\n", 204),
    ] {
        let app = App::answering(answer);
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        // the second answer begins where the first has ended
        for _ in 0..2 {
            client.send(format!("{request} / HTTP/1.1\r\nHost: a\r\n\r\n"));
            let got = client.head();
            assert_eq!(got.status(), status, "{request} {answer}");
            assert_eq!(got.get("transfer-encoding"), None, "{request} {answer}");
        }
    }
    let app = App::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().get("content-length"), Some("5"));
}

#[test]
fn an_old_client_gets_no_chunks_and_the_end_of_the_connection_as_the_end() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    for connection in ["", "Connection: keep-alive\r\n"] {
        let app = App::answering(chunked);
        let back = Burgee::before(&app).ask(format!("GET / HTTP/1.0\r\n{connection}\r\n"));
        assert!(back.ends_with("\r\n\r\nhello"), "{back}");
        assert!(
            !back.to_ascii_lowercase().contains("transfer-encoding"),
            "{back}"
        );
        assert!(!back.to_ascii_lowercase().contains("keep-alive"), "{back}");
    }
}

#[test]
fn an_old_client_may_keep_the_connection() {
    let app = App::answering(OK);
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let answer = client.message();
        assert_eq!(
            (answer.text().as_str(), answer.get("connection")),
            ("ok", Some("keep-alive"))
        );
    }
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert!(client.rest().ends_with("ok"));
}

#[test]
fn an_answer_without_a_length_ends_with_the_applications_connection() {
    let app = App::script(|client, _| {
        client.message();
        client.send("HTTP/1.0 200 OK\r\n\r\nhello");
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    for _ in 0..2 {
        client.send(GET);
        let answer = client.message();
        assert_eq!(answer.start(), "HTTP/1.1 200 OK");
        assert_eq!(
            (answer.text().as_str(), answer.get("transfer-encoding")),
            ("hello", Some("chunked"))
        );
    }
}

#[test]
fn requests_in_one_packet_are_answered_in_order() {
    let app = App::script(|client, _| {
        while client.has_more() {
            let request = client.message();
            let path = request.start().split(' ').nth(1).unwrap().to_owned();
            client.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}",
                path.len()
            ));
        }
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    let all: String = (0..50)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    client.send(all);
    for number in 0..50 {
        assert_eq!(client.message().text(), format!("/{number}"));
    }
}

#[test]
fn a_request_may_come_byte_by_byte_and_after_empty_lines() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    for round in 0..2 {
        for byte in
            format!("\r\nPOST /{round} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").bytes()
        {
            client.send([byte]);
        }
        assert_eq!(client.message().status(), 200);
        let request = app.request();
        assert_eq!(
            (request.start(), request.text().as_str()),
            (format!("POST /{round} HTTP/1.1").as_str(), "abc")
        );
    }
}

#[test]
fn a_request_that_begins_like_http2_is_still_http1() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for (sent, status) in [
        ("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("P / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("PRI * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 400),
    ] {
        let mut client = burgee.connect();
        for part in sent.as_bytes().chunks(3) {
            client.send(part);
        }
        assert_eq!(client.message().status(), status, "{sent:?}");
    }
}

#[test]
fn trailers_of_an_answer_reach_a_client_that_asked_for_them() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    let burgee = Burgee::before(&app);
    let answer =
        burgee.answer("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    assert_eq!(
        (answer.text().as_str(), answer.trailers.as_str()),
        ("hi", "x-sum: 1\r\n")
    );
    assert_eq!(app.request().get("te"), Some("trailers"));
    let answer = burgee.answer(GET);
    assert_eq!(
        (answer.text().as_str(), answer.trailers.as_str()),
        ("hi", "")
    );
    assert_eq!(app.request().get("te"), None);
}

#[test]
fn an_upgrade_to_http2_is_refused_by_going_on_as_before() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    for _ in 0..2 {
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        );
        assert_eq!(client.message().status(), 200);
        assert_eq!(app.request().names(), ["host"]);
    }
}

#[test]
fn an_answer_that_comes_before_the_upload_has_ended_reaches_the_client() {
    let app = App::script(|client, _| {
        client.until(b"\r\n\r\n");
        client.exactly(10);
        client.send(
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        );
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    let part = vec![b'x'; 64 * 1024];
    let mut reader = Client::connect(burgee.address);
    reader.socket = client.socket.try_clone().unwrap();
    let upload = std::thread::spawn(move || while client.try_send(&part) {});
    let answer = reader.message();
    assert_eq!((answer.status(), answer.text().as_str()), (413, "no"));
    drop(reader);
    upload.join().unwrap();
}

#[test]
fn an_answer_may_come_byte_by_byte() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
        "\r\nHTTP/1.0 200 OK\nA: b\n\nhello",
    ] {
        let app = App::script(move |client, _| {
            client.message();
            for byte in answer.as_bytes() {
                client.send([*byte]);
            }
        });
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut message = client.message();
        if message.status() == 103 {
            message = client.message();
        }
        assert_eq!(
            (message.status(), &*message.text()),
            (200, "hello"),
            "{answer:?}"
        );
    }
}
