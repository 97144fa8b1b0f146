//! Everything that flows: event streams, uploads in progress, slow readers, WebSockets.

use crate::raw::{App, Burgee, Message, PATIENCE};
use burgee::live::Phase;
use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const WEBSOCKET: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=\r\n\r\n";

#[test]
fn an_event_reaches_the_client_before_the_next_one_is_sent() {
    let (go, going) = mpsc::channel::<()>();
    let going = Mutex::new(going);
    let app = App::script(move |client, _| {
        client.message();
        client.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        while going.lock().unwrap().recv_timeout(PATIENCE).is_ok() {
            client.send("9\r\ndata: x\n\n\r\n");
        }
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(GET);
    client.until(b"\r\n\r\n");
    for _ in 0..20 {
        go.send(()).unwrap();
        assert_eq!(client.until(b"\n\n\r\n"), "9\r\ndata: x\n\n\r\n");
    }
}

#[test]
fn an_upload_is_seen_before_it_ends() {
    let (seen, has_seen) = mpsc::channel();
    let app = App::script(move |client, _| {
        client.until(b"\r\n\r\n");
        for _ in 0..5 {
            let _ = seen.send(client.until(b"x\r\n"));
        }
        client.until(b"0\r\n\r\n");
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client.rest();
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..5 {
        client.send("1\r\nx\r\n");
        assert_eq!(has_seen.recv_timeout(PATIENCE).unwrap(), "1\r\nx\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.message().status(), 200);
}

#[test]
fn a_client_that_reads_nothing_yet_can_still_send_everything() {
    const LEN: usize = 32 * 1024 * 1024;
    let app = App::script(|client, tell| {
        client.until(b"\r\n\r\n");
        let mut socket = client.socket.try_clone().unwrap();
        // its answer has begun, and is stuck, long before the upload has ended
        let answering = std::thread::spawn(move || {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LEN}\r\n\r\n");
            socket.write_all(head.as_bytes()).unwrap();
            socket.write_all(&vec![b'a'; LEN]).unwrap();
        });
        let len = client.exactly(LEN).len();
        let _ = tell.send(Message::of(len.to_string()));
        answering.join().unwrap();
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LEN}\r\n\r\n"
    ));
    assert!(client.try_send(vec![b'u'; LEN]));
    assert_eq!(app.request().head, LEN.to_string());
    assert_eq!(client.message().body.len(), LEN);
}

#[test]
fn a_slow_reader_holds_little_and_gets_everything() {
    const ALL: usize = 200 << 20;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let app = App::script(move |client, _| {
        client.message();
        client.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {ALL}\r\n\r\n"));
        let some = vec![b'x'; 1 << 20];
        for _ in 0..ALL >> 20 {
            if !client.try_send(&some) {
                return;
            }
            counter.fetch_add(1 << 20, SeqCst);
        }
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(GET);
    client.until(b"\r\n\r\n");
    // without a reader the application is held up: what it could send is what is held here and in the kernel
    let mut last = 0;
    loop {
        let now = sent.load(SeqCst);
        std::thread::park_timeout(Duration::from_millis(200));
        if now > 0 && now == last {
            break;
        }
        last = now;
    }
    assert!(last < 24 << 20, "{last}");
    let mut left = ALL;
    while left > 0 {
        let some = left.min(1 << 20);
        assert!(client.exactly(some).iter().all(|byte| *byte == b'x'));
        left -= some;
    }
}

#[test]
fn a_websocket_carries_bytes_both_ways_until_both_sides_have_ended() {
    let app = App::script(|client, tell| {
        let request = client.message();
        let _ = tell.send(request);
        client.send(format!("{SWITCH}hello"));
        assert_eq!(client.exactly(5), b"early");
        assert_eq!(client.exactly(4), b"\0\xff\r\n");
        client.send("bye");
        client.end();
        // the other direction is still open
        assert_eq!(client.rest(), "last");
        let _ = tell.send(crate::raw::Message::of("ended".into()));
    });
    let burgee = Burgee::before(&app);
    let mut client = burgee.connect();
    client.send(format!("{WEBSOCKET}early"));
    let head = client.until(b"\r\n\r\n");
    let answer = crate::raw::Message::of(head);
    assert_eq!(answer.start(), "HTTP/1.1 101 Switching Protocols");
    assert_eq!(
        (answer.get("upgrade"), answer.get("connection")),
        (Some("websocket"), Some("upgrade"))
    );
    assert_eq!(
        answer.get("sec-websocket-accept"),
        Some("HSmrc0sMlYUkAGmm5OPpG2HaGWk=")
    );
    let request = app.request();
    assert_eq!(
        (request.get("upgrade"), request.get("connection")),
        (Some("websocket"), Some("upgrade"))
    );
    assert_eq!(request.get("sec-websocket-version"), Some("13"));
    assert_eq!(client.exactly(5), b"hello");
    client.send(b"\0\xff\r\n");
    assert_eq!(client.exactly(3), b"bye");
    assert!(client.is_closed());
    client.send("last");
    client.end();
    assert_eq!(app.request().head, "ended");
}

#[test]
fn there_is_no_tunnel_before_the_applications_word() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
    ] {
        let app = App::answering(answer);
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(WEBSOCKET);
        assert_eq!(client.message().text(), "no");
        // the connection speaks HTTP as before
        client.send(GET);
        assert_eq!(client.message().text(), "no");
        app.request();
        assert_eq!(app.request().start(), "GET / HTTP/1.1");
    }
}

#[test]
fn nothing_but_a_websocket_is_tunnelled() {
    for lines in [
        "Connection: Upgrade\r\nUpgrade: h2c",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c",
        "Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket",
        "Connection: Upgrade\r\nUpgrade: foo/1",
        "Upgrade: websocket",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1",
    ] {
        let app = App::answering(SWITCH);
        let burgee = Burgee::before(&app);
        let mut client = burgee.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\nx"));
        let answer = client.message();
        assert_eq!(
            (answer.status(), answer.get("proxy-status")),
            (502, Some("burgee; error=http_upgrade_failed")),
            "{lines}"
        );
        assert_eq!(app.request().get("upgrade"), None, "{lines}");
    }
    let app = App::answering(SWITCH);
    let burgee = Burgee::before(&app);
    assert_eq!(
        burgee.answer(WEBSOCKET.replace("GET", "POST")).status(),
        502
    );
    let other = App::answering(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: Upgrade\r\n\r\n",
    );
    assert_eq!(Burgee::before(&other).answer(WEBSOCKET).status(), 502);
}

#[test]
fn silent_websockets_live_through_every_timeout_and_end_at_the_deadline() {
    let short = Duration::from_millis(400);
    let app = App::script(|client, _| {
        client.message();
        client.send(SWITCH);
        let all = client.rest();
        client.send(all);
    });
    let mut burgee = Burgee::with(&app, |settings| {
        settings.head_timeout = short;
        settings.idle_timeout = short;
        settings.response_timeout = short;
        settings.upstream_idle_timeout = short;
    });
    let open = |_| {
        let mut client = burgee.connect();
        client.send(WEBSOCKET);
        client.until(b"\r\n\r\n");
        client
    };
    let mut clients: Vec<_> = (0..20).map(open).collect();
    let until = Instant::now() + 5 * short;
    while Instant::now() < until {
        std::thread::park_timeout(until - Instant::now());
    }
    let mut alive = clients.pop().unwrap();
    alive.send("ping");
    alive.end();
    assert_eq!(alive.rest(), "ping");
    burgee.enter(Phase::Stopping);
    burgee.enter(Phase::Closing);
    burgee.ended();
    for client in &mut clients {
        assert!(client.is_closed());
    }
}
