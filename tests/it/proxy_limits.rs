//! Limits and time: what a client may cost, and how connections end.

use crate::raw::{App, Burgee, Client, PATIENCE, eventually};
use burgee::live::Phase;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn who_says_nothing_or_not_enough_is_not_waited_for() {
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| settings.head_timeout = SHORT);
    for part in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n\r\nSM",
        "G",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-",
    ] {
        let mut client = burgee.connect();
        let begun = Instant::now();
        client.send(part);
        assert!(client.is_closed(), "{part:?}");
        assert!(
            begun.elapsed() >= SHORT && begun.elapsed() < PATIENCE,
            "{part:?}"
        );
    }
    assert!(app.heard_nothing());
}

#[test]
fn a_head_that_trickles_is_not_waited_for_either() {
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| settings.head_timeout = SHORT);
    let mut client = burgee.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    let begun = Instant::now();
    while client.try_send("X: y\r\n") {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    assert!(app.heard_nothing());
}

#[test]
fn the_second_head_has_a_deadline_of_its_own_and_idling_another() {
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| {
        settings.head_timeout = SHORT;
        settings.idle_timeout = 4 * SHORT;
    });
    let mut idle = burgee.connect();
    idle.send(GET);
    idle.message();
    let begun = Instant::now();
    assert!(idle.is_closed());
    assert!(begun.elapsed() >= 4 * SHORT, "{:?}", begun.elapsed());
    let mut slow = burgee.connect();
    slow.send(GET);
    slow.message();
    slow.send("GET / HT");
    let begun = Instant::now();
    assert!(slow.is_closed());
    assert!(begun.elapsed() < 4 * SHORT, "{:?}", begun.elapsed());
}

#[test]
fn no_timeout_applies_to_an_answer_in_progress() {
    let app = App::script(|client, _| {
        client.message();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
        let until = Instant::now() + 6 * SHORT;
        while Instant::now() < until {
            std::thread::park_timeout(until - Instant::now());
        }
        client.send("i");
        client.rest();
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.head_timeout = SHORT;
        settings.idle_timeout = SHORT;
        settings.response_timeout = SHORT;
        settings.upstream_idle_timeout = SHORT;
    });
    assert_eq!(burgee.answer(GET).text(), "hi");
}

#[test]
fn a_timeout_of_zero_is_none() {
    /// More than two ticks of the clock.
    const PAUSE: Duration = Duration::from_millis(600);
    let pause = || {
        let until = Instant::now() + PAUSE;
        while Instant::now() < until {
            std::thread::park_timeout(until - Instant::now());
        }
    };
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let app = App::script(move |client, _| {
        counter.fetch_add(1, Ordering::SeqCst);
        while client.has_more() {
            client.message();
            pause();
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.head_timeout = Duration::ZERO;
        settings.idle_timeout = Duration::ZERO;
        settings.connect_timeout = Duration::ZERO;
        settings.response_timeout = Duration::ZERO;
        settings.upstream_idle_timeout = Duration::ZERO;
    });
    let mut client = burgee.connect();
    for _ in 0..2 {
        client.send("GET / HT");
        pause();
        client.send("TP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.message().text(), "ok");
        pause();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_head_that_is_too_large_is_431() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let fields = |count: usize| {
        (0..count)
            .map(|n| format!("X-{n}: a\r\n"))
            .collect::<String>()
    };
    let long = |len: usize| format!("X: {}\r\n", "a".repeat(len));
    for (lines, status) in [
        (fields(99), 200),
        (fields(100), 431),
        (long(60_000), 200),
        (long(66_000), 431),
        (long(20_000).repeat(3), 200),
        (long(20_000).repeat(4), 431),
    ] {
        let answer = burgee.answer(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        assert_eq!(answer.status(), status, "{}", lines.len());
    }
    let answer = burgee.answer(format!(
        "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n",
        "a".repeat(66_000)
    ));
    assert!([414, 431].contains(&answer.status()), "{}", answer.head);
    let smaller = Burgee::with(&app, |settings| {
        settings.max_fields = 10;
        settings.max_head = 8192;
    });
    let ask = |lines: String| {
        smaller
            .answer(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"))
            .status()
    };
    assert_eq!((ask(fields(9)), ask(fields(10))), (200, 431));
    assert_eq!((ask(long(8000)), ask(long(8200))), (200, 431));
}

#[test]
fn above_the_limit_of_connections_clients_are_turned_away_with_a_reason() {
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| settings.max_connections = 2);
    let mut first = burgee.connect();
    let mut second = burgee.connect();
    for client in [&mut first, &mut second] {
        client.send(GET);
        assert_eq!(client.message().status(), 200);
    }
    let answer = burgee.answer(GET);
    assert_eq!(
        (answer.status(), answer.get("connection")),
        (503, Some("close"))
    );
    assert_eq!(
        answer.get("proxy-status"),
        Some("burgee; error=connection_limit_reached")
    );
    drop(first);
    eventually("a place is free again", || {
        burgee.answer(GET).status() == 200
    });
}

#[test]
fn whoever_goes_away_takes_his_request_with_him() {
    for (request, vanishes) in [
        (GET, false),
        (GET, true),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            false,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            true,
        ),
    ] {
        let (ended, has_ended) = mpsc::channel();
        let app = App::script(move |client, tell| {
            let _ = tell.send(client.message());
            assert!(client.is_closed());
            let _ = ended.send(Instant::now());
        });
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(request);
        app.request();
        let begun = Instant::now();
        match vanishes {
            true => client.vanish(),
            false => drop(client),
        }
        let ended = has_ended.recv_timeout(PATIENCE).unwrap();
        assert!(ended - begun < Duration::from_secs(3));
    }
}

#[test]
fn an_upload_that_is_cut_short_never_looks_finished() {
    for head in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        for vanishes in [false, true] {
            let (ended, has_ended) = mpsc::channel();
            let app = App::script(move |client, tell| {
                let head = client.until(b"\r\n\r\n");
                let _ = tell.send(crate::raw::Message::of(head));
                let _ = ended.send(client.rest());
            });
            let burgee = Burgee::before(&app);
            let mut client = burgee.connect();
            client.send(format!(
                "POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n5\r\nhello"
            ));
            app.request();
            match vanishes {
                true => client.vanish(),
                false => drop(client),
            }
            let rest = has_ended.recv_timeout(PATIENCE).unwrap();
            assert!(
                rest.len() < 20 && !rest.ends_with("0\r\n\r\n"),
                "{head}: {rest:?}"
            );
        }
    }
}

#[test]
fn while_draining_answers_say_close_and_new_connections_are_taken() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let mut old = burgee.connect();
    old.send(GET);
    assert_eq!(old.message().get("connection"), None);
    burgee.enter(Phase::Draining);
    old.send(GET);
    assert_eq!(old.message().get("connection"), Some("close"));
    assert!(old.is_closed());
    let mut new = burgee.connect();
    new.send(GET);
    assert_eq!(new.message().get("connection"), Some("close"));
    assert_eq!(
        burgee
            .answer("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            .status(),
        200
    );
}

#[test]
fn stopping_finishes_what_has_begun_and_closes_what_is_idle() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, tell| {
        while client.has_more() {
            let request = client.message();
            let slow = request.start().contains("slow");
            let _ = tell.send(request);
            if slow {
                let _ = going.lock().unwrap().recv_timeout(PATIENCE);
            }
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let mut burgee = Burgee::before(&app);
    let mut idle = burgee.connect();
    idle.send(GET);
    idle.message();
    app.request();
    let mut silent = burgee.connect();
    let mut slow: Vec<Client> = (0..10).map(|_| burgee.connect()).collect();
    for client in &mut slow {
        client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        app.request();
    }
    let begun = Instant::now();
    burgee.enter(Phase::Stopping);
    assert!(idle.is_closed());
    assert!(silent.is_closed());
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    for _ in &slow {
        go.send(()).unwrap();
    }
    for client in &mut slow {
        let answer = client.message();
        assert_eq!(
            (answer.text().as_str(), answer.get("connection")),
            ("ok", Some("close"))
        );
    }
    burgee.ended();
    assert!(std::net::TcpStream::connect(burgee.address).is_err());
}

#[test]
fn what_has_come_before_the_process_stops_is_answered() {
    let app = App::script(|client, _| {
        while client.has_more() {
            client.message();
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    // when the worker hears of them, in which order, is the machine's affair
    for round in 0..20 {
        let mut burgee = Burgee::before(&app);
        let mut kept = burgee.connect();
        kept.send(GET);
        kept.message();
        let mut fresh = burgee.connect();
        fresh.send(GET);
        kept.send(GET);
        burgee.enter(Phase::Stopping);
        assert_eq!(fresh.message().status(), 200, "fresh, round {round}");
        assert_eq!(kept.message().status(), 200, "kept, round {round}");
        drop((fresh, kept));
        burgee.ended();
    }
}

#[test]
fn at_the_deadline_everything_ends() {
    let app = App::script(|client, tell| {
        let _ = tell.send(client.message());
        client.rest();
    });
    let mut burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(GET);
    app.request();
    burgee.enter(Phase::Stopping);
    burgee.enter(Phase::Closing);
    let begun = Instant::now();
    burgee.ended();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(client.is_closed());
}
