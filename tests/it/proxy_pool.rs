//! Connections to the application: reused, replaced when stale, never in a way that repeats what must not be repeated.

use crate::raw::{App, Burgee, PATIENCE, eventually};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

/// An application that counts its connections and answers everything.
fn counting() -> (App, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let app = App::script(move |client, tell| {
        counter.fetch_add(1, SeqCst);
        while client.has_more() {
            let _ = tell.send(client.message());
            client.send(OK);
        }
    });
    (app, connections)
}

#[test]
fn a_thousand_requests_share_one_connection() {
    let (app, connections) = counting();
    let burgee = Burgee::before(&app);
    for _ in 0..10 {
        let mut client = burgee.connect();
        for _ in 0..100 {
            client.send(GET);
            assert_eq!(client.message().status(), 200);
        }
    }
    assert_eq!(connections.load(SeqCst), 1);
}

#[test]
fn a_client_that_closes_does_not_close_the_applications_connection() {
    let (app, connections) = counting();
    let burgee = Burgee::before(&app);
    for _ in 0..5 {
        let back = burgee.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert!(back.contains("connection: close"), "{back}");
        assert!(!app.request().head.contains("connection"));
    }
    assert_eq!(connections.load(SeqCst), 1);
}

/// An application that takes one request a connection, answers as if it would take more, and closes as the next one comes.
fn stale(after: impl Fn(usize) -> &'static str + Send + Sync + 'static) -> App {
    let connections = AtomicUsize::new(0);
    App::script(move |client, tell| {
        let number = connections.fetch_add(1, SeqCst);
        client.message();
        client.send(OK);
        // only now is it certain that the connection was idle, and reused
        if client.has_more() {
            let _ = tell.send(client.message());
            client.send(after(number));
        }
    })
}

#[test]
fn a_get_on_a_connection_that_the_application_closes_is_sent_again() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        let app = stale(|_| "");
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(GET);
        assert_eq!(client.message().status(), 200);
        client.send(format!("{method} /second HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.head().status(), 200, "{method}");
        assert_eq!(app.request().start(), format!("{method} /second HTTP/1.1"));
    }
}

#[test]
fn what_may_not_be_repeated_is_never_sent_twice() {
    for request in [
        POST,
        "PUT / HTTP/1.1\r\nHost: a\r\n\r\n",
        "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    ] {
        let app = stale(|_| "");
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(GET);
        client.message();
        client.send(request);
        let answer = client.message();
        assert_eq!(answer.status(), 502, "{request}");
        assert_eq!(
            answer.get("proxy-status"),
            Some("burgee; error=connection_terminated")
        );
        app.request();
        assert!(app.heard_nothing(), "{request}");
    }
}

#[test]
fn nothing_is_repeated_once_a_byte_of_the_answer_was_seen() {
    let app = stale(|_| "HTTP/1.1 200 OK\r\nContent-");
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(GET);
    client.message();
    client.send(GET);
    assert_eq!(client.message().status(), 502);
    app.request();
    assert!(app.heard_nothing());
}

#[test]
fn nothing_is_repeated_on_a_new_connection() {
    let app = App::script(|client, tell| {
        let _ = tell.send(client.message());
    });
    let burgee = Burgee::before(&app);
    assert_eq!(burgee.answer(GET).status(), 502);
    app.request();
    assert!(app.heard_nothing());
}

#[test]
fn an_application_that_closes_after_every_answer_costs_no_request() {
    let app = App::script(|client, _| {
        client.message();
        client.send(OK);
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    for number in 0..2_000 {
        client.send(GET);
        assert_eq!(client.message().status(), 200, "{number}");
    }
}

#[test]
fn a_post_that_was_not_begun_is_sent_on_a_new_connection() {
    // the end of the idle connection is seen before the POST comes: nothing was sent, so nothing is repeated
    let (ended, has_ended) = mpsc::channel();
    let first = AtomicUsize::new(0);
    let app = App::script(move |client, tell| {
        let _ = tell.send(client.message());
        client.send(OK);
        if first.fetch_add(1, SeqCst) == 0 {
            client.end();
            // the other side closes when it has seen our end
            assert!(client.is_closed());
            let _ = ended.send(());
        }
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(GET);
    client.message();
    has_ended.recv_timeout(PATIENCE).unwrap();
    client.send(POST);
    assert_eq!(client.message().status(), 200);
    app.request();
    assert_eq!(app.request().start(), "POST / HTTP/1.1");
}

#[test]
fn an_idle_connection_is_closed_before_the_application_would() {
    let (ended, has_ended) = mpsc::channel();
    let app = App::script(move |client, _| {
        client.message();
        client.send(OK);
        assert!(client.is_closed());
        let _ = ended.send(());
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.upstream_idle_timeout = Duration::from_millis(50);
    });
    let mut client = burgee.connect();
    client.send(GET);
    client.message();
    has_ended.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn an_idle_connection_is_closed_before_the_application_says_that_it_closes_it() {
    for (says, idle_timeout) in [
        ("timeout=1", Duration::from_secs(3600)),
        ("max=10, Timeout = 1", Duration::ZERO),
        // never later than we are told to
        ("timeout=3600", Duration::from_millis(50)),
    ] {
        let (ended, has_ended) = mpsc::channel();
        let app = App::script(move |client, _| {
            client.message();
            client.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: {says}\r\n\r\nok"
            ));
            assert!(client.is_closed());
            let _ = ended.send(());
        });
        let burgee = Burgee::with(&app, |settings| {
            settings.upstream_idle_timeout = idle_timeout;
        });
        assert_eq!(burgee.answer(GET).get("keep-alive"), None);
        has_ended.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn a_connection_that_the_application_keeps_for_no_time_is_not_used_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let app = App::script(move |client, _| {
        counter.fetch_add(1, SeqCst);
        while client.has_more() {
            client.message();
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=0\r\n\r\nok");
        }
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    for _ in 0..3 {
        client.send(POST);
        assert_eq!(client.message().status(), 200);
    }
    assert_eq!(connections.load(SeqCst), 3);
}

#[test]
fn connections_to_the_application_are_limited() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, tell| {
        let _ = tell.send(client.message());
        let _ = going.lock().unwrap().recv();
        client.send(OK);
    });
    let burgee = Burgee::with(&app, |settings| settings.max_upstream_connections = 1);
    let mut first = burgee.connect();
    first.send(GET);
    app.request();
    let answer = burgee.answer(GET);
    assert_eq!(answer.status(), 503);
    assert_eq!(
        answer.get("proxy-status"),
        Some("burgee; error=connection_limit_reached")
    );
    drop(go);
    assert_eq!(first.message().status(), 200);
    eventually("a place is free again", || {
        burgee.answer(GET).status() == 200
    });
}

#[test]
fn an_application_on_a_unix_socket_is_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut some = [0; 1024];
            while stream.read(&mut some).is_ok_and(|len| len > 0) {
                let _ = stream.write_all(OK.as_bytes());
            }
        }
    });
    let upstream = format!("unix:{}", path.display()).parse().unwrap();
    let burgee = Burgee::start(upstream, |_| {});
    let mut client = burgee.connect();
    for _ in 0..3 {
        client.send(GET);
        assert_eq!(client.message().text(), "ok");
    }
    let missing = format!("unix:{}.not", path.display()).parse().unwrap();
    let answer = Burgee::start(missing, |_| {}).answer(GET);
    assert_eq!(
        (answer.status(), answer.get("proxy-status")),
        (502, Some("burgee; error=connection_refused"))
    );
}

#[test]
fn what_an_application_says_unasked_reaches_nobody() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let answers = [
        format!("{OK}{evil}"),
        format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{evil}"),
        format!("HTTP/1.1 204 No Content\r\n\r\n{evil}"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n{evil}"),
    ];
    for answer in answers {
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let first = answer.clone();
        let app = App::script(move |client, _| {
            let number = counter.fetch_add(1, SeqCst);
            while client.has_more() {
                client.message();
                client.send(if number == 0 { &*first } else { OK });
            }
        });
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(GET);
        client.message();
        client.send(GET);
        assert!(client.message().text().ends_with("ok"), "{answer:?}");
        assert_eq!(connections.load(SeqCst), 2, "{answer:?}");
    }
}
