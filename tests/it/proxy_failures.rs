//! What a client sees when the application cannot be asked: the status, why, and nothing about the inside.

use crate::raw::{App, Burgee, PATIENCE};
use burgee::{live::Phase, proxy::Upstream};
use std::{
    net::TcpListener,
    sync::mpsc,
    time::{Duration, Instant},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn nobody() -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    format!("http://{address}").parse().unwrap()
}

#[test]
fn where_nothing_listens_the_answer_is_502_at_once_and_tells_no_address() {
    let burgee = Burgee::start(nobody(), |_| {});
    let begun = Instant::now();
    let answer = burgee.answer(GET);
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(answer.status(), 502);
    assert_eq!(
        answer.get("proxy-status"),
        Some("burgee; error=connection_refused")
    );
    let all = format!("{}{}", answer.head, answer.text());
    assert!(
        !all.contains("127.0.0.1") && !all.contains("hyper"),
        "{all}"
    );
    assert_eq!(
        answer.names(),
        ["content-length", "content-type", "date", "proxy-status"]
    );
}

#[test]
fn the_connection_goes_on_after_a_failure() {
    let burgee = Burgee::start(nobody(), |_| {});
    let mut client = burgee.connect();
    for _ in 0..3 {
        client.send(GET);
        assert_eq!(client.message().status(), 502);
    }
}

#[test]
fn an_application_that_answers_nonsense_is_a_bad_gateway() {
    for (answer, error) in [
        ("", "connection_terminated"),
        ("HTTP/1.1 200", "connection_terminated"),
        ("hello\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 abc\r\n\r\n", "http_protocol_error"),
        ("HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "http_protocol_error"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "http_protocol_error",
        ),
        ("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "http_protocol_error"),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "http_protocol_error",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            "http_upgrade_failed",
        ),
    ] {
        let app = App::script(move |client, _| {
            client.message();
            client.send(answer);
        });
        let got = Burgee::before(&app).answer(GET);
        assert_eq!(got.status(), 502, "{answer:?}");
        let expected = format!("burgee; error={error}");
        assert_eq!(
            got.get("proxy-status"),
            Some(expected.as_str()),
            "{answer:?}"
        );
    }
}

#[test]
fn an_answer_with_a_head_without_end_is_a_bad_gateway() {
    let app = App::script(move |client, _| {
        client.message();
        client.send("HTTP/1.1 200 OK\r\n");
        while client.try_send("X-Field: value\r\n".repeat(100)) {}
    });
    let got = Burgee::before(&app).answer(GET);
    assert_eq!(
        (got.status(), got.get("proxy-status")),
        (502, Some("burgee; error=http_response_header_section_size"))
    );
}

#[test]
fn an_application_that_does_not_answer_in_time_is_504() {
    let (ended, has_ended) = mpsc::channel();
    let app = App::script(move |client, _| {
        client.message();
        // burgee goes away, so that the application need not go on
        assert!(client.is_closed());
        let _ = ended.send(());
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.response_timeout = Duration::from_millis(100)
    });
    let mut client = burgee.connect();
    for request in [
        GET,
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
    ] {
        client.send(request);
        let answer = client.message();
        assert_eq!(
            (answer.status(), answer.get("proxy-status")),
            (504, Some("burgee; error=http_response_timeout"))
        );
        has_ended.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn a_slow_upload_is_not_a_slow_answer() {
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| {
        settings.response_timeout = Duration::from_millis(100)
    });
    let mut client = burgee.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n");
    let begun = Instant::now();
    for byte in b"abcdef" {
        // longer in all than the response timeout, which counts from the end of the upload
        client.send([*byte]);
        let until = Instant::now() + Duration::from_millis(60);
        while Instant::now() < until {
            std::thread::yield_now();
        }
    }
    assert!(begun.elapsed() > Duration::from_millis(200));
    assert_eq!(client.message().status(), 200);
}

#[test]
fn while_draining_an_application_that_has_gone_is_503_and_the_connection_closes() {
    let burgee = Burgee::start(nobody(), |_| {});
    let mut client = burgee.connect();
    client.send(GET);
    assert_eq!(client.message().status(), 502);
    burgee.enter(Phase::Draining);
    client.send(GET);
    let answer = client.message();
    assert_eq!(
        (answer.status(), answer.get("connection")),
        (503, Some("close"))
    );
    assert_eq!(client.rest(), "");
}

#[test]
fn an_application_that_dies_in_the_midst_gives_a_broken_answer() {
    for (answer, request) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ] {
        let app = App::script(move |client, _| {
            client.message();
            client.send(answer);
        });
        let back = Burgee::before(&app).ask(request);
        assert!(
            back.contains("200 OK") && !back.ends_with("0\r\n\r\n"),
            "{answer:?}: {back:?}"
        );
        assert!(!back.contains("content-length: 5"), "{back:?}");
    }
}

#[test]
fn an_old_client_sees_that_an_answer_was_cut_short() {
    use std::io::Read;
    let app = App::script(move |client, _| {
        client.message();
        client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let mut back = Vec::new();
    let ended = client.socket.read_to_end(&mut back);
    assert!(
        ended.is_err(),
        "a reset, not an end: {:?}",
        crate::raw::text(&back)
    );
}
