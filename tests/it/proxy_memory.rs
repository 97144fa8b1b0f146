//! Memory is a budget: what does not fit is refused with a reason, what has begun goes on, and what is over is given back.

use crate::{
    proxy_http2::{ask, request},
    raw::{App, Burgee, Message, PATIENCE, eventually},
};
use burgee::proxy::{Budget, Settings};
use std::{io::Write, sync::mpsc};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const NO_MEMORY: Option<&str> = Some("burgee; error=connection_limit_reached; details=\"memory\"");

fn budget(kib: usize) -> impl FnOnce(&mut Settings) {
    move |settings| settings.budget = Budget::new(kib * 1024).into()
}

fn nothing_is_taken(burgee: &Burgee) {
    eventually("all of it is given back", || {
        burgee.settings.budget.used() == 0
    });
}

#[test]
fn a_body_and_a_long_head_that_do_not_fit_are_refused_and_a_short_request_is_answered() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, tell| {
        while client.has_more() {
            let head = Message::of(client.until(b"\r\n\r\n"));
            let is_upload = head.start().starts_with("POST");
            let _ = tell.send(head);
            if is_upload {
                let _ = going.lock().unwrap().recv_timeout(PATIENCE);
            }
            client.send(OK);
        }
    });
    let burgee = Burgee::with(&app, budget(256));
    let mut upload = burgee.connect();
    upload.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
    app.request();

    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}",
        "a".repeat(60_000)
    );
    let second = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
    for refused in [long.as_str(), second] {
        let answer = burgee.answer(refused);
        assert_eq!(
            (answer.status(), answer.get("proxy-status")),
            (503, NO_MEMORY),
            "{}",
            answer.head
        );
        // a little is left
        for short in [GET, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"] {
            eventually("a little is left, once who was refused has gone", || {
                burgee.answer(short).status() == 200
            });
        }
    }
    go.send(()).unwrap();
    assert_eq!(upload.message().status(), 200, "what has begun goes on");
    drop((upload, app));
    nothing_is_taken(&burgee);
}

#[test]
fn where_little_is_left_a_head_is_refused_before_it_takes_a_second_buffer() {
    let app = App::ok();
    let burgee = Burgee::with(&app, budget(1024));
    let idle: Vec<_> = (0..64).map(|_| burgee.connect()).collect();
    eventually("three quarters are taken", || {
        burgee.settings.budget.used() == 768 * 1024
    });
    let unfinished = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}", "a".repeat(8192));
    let answer = burgee.answer(&unfinished);
    assert_eq!(
        (answer.status(), answer.get("proxy-status")),
        (503, NO_MEMORY)
    );
    // as many bytes, but the head ends among them
    let body = "a".repeat(8192);
    let upload = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8192\r\n\r\n{body}");
    assert_eq!(burgee.answer(&upload).status(), 200);
    drop((idle, app));
    nothing_is_taken(&burgee);
}

#[test]
fn a_connection_that_does_not_fit_is_told_so() {
    let app = App::ok();
    let burgee = Burgee::with(&app, budget(30));
    let idle = [burgee.connect(), burgee.connect()];
    let answer = burgee.answer(GET);
    assert_eq!(
        (answer.status(), answer.get("proxy-status")),
        (503, NO_MEMORY)
    );
    assert!(app.heard_nothing());
    drop(idle);
    nothing_is_taken(&burgee);
}

#[test]
fn a_stream_that_does_not_fit_is_refused_as_a_request_is() {
    let app = App::ok();
    let burgee = Burgee::with(&app, budget(60));
    let (answer, ..) = ask(burgee.address, request(&[]), Some("hi"), None).unwrap();
    let why = answer.headers().get("proxy-status");
    assert_eq!(
        (
            answer.status().as_u16(),
            why.and_then(|why| why.to_str().ok())
        ),
        (503, NO_MEMORY)
    );
    nothing_is_taken(&burgee);
}

#[test]
fn who_resets_an_upload_that_nobody_reads_gives_its_memory_back() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, tell| {
        let _ = tell.send(Message::of(client.until(b"\r\n\r\n")));
        let _ = going.lock().unwrap().recv_timeout(PATIENCE);
    });
    let burgee = Burgee::with(&app, budget(1024));
    let mut client = burgee.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    app.request();
    // until the kernel takes no more: then nobody reads any more either
    client
        .socket
        .set_write_timeout(Some(crate::raw::PATIENCE / 20))
        .unwrap();
    while client.socket.write(&[0; 16 * 1024]).is_ok() {}
    assert!(burgee.settings.budget.used() > 0);
    client.vanish();
    nothing_is_taken(&burgee);
    drop(go);
}

#[test]
fn a_tunnel_is_free_until_its_reader_does_not_keep_up_and_ends_where_there_is_no_memory_for_that() {
    let (ended, has_ended) = mpsc::channel();
    let app = App::script(move |client, _| {
        client.until(b"\r\n\r\n");
        client.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        for _ in 0..100 {
            let ping = client.exactly(1000);
            client.send(ping);
        }
        while client.try_send([0; 16 * 1024]) {}
        let _ = ended.send(());
    });
    let burgee = Burgee::with(&app, budget(128));
    let mut client = burgee.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.head().status(), 101);
    for byte in 0..100 {
        client.send([byte; 1000]);
        assert_eq!(client.exactly(1000), [byte; 1000]);
    }
    has_ended.recv_timeout(PATIENCE).unwrap();
    drop(client);
    nothing_is_taken(&burgee);
}

#[test]
fn long_answers_and_uploads_are_whole_within_a_small_budget_and_without_one() {
    let length = 3_000_000;
    let body: String = ('a'..='z').cycle().take(length).collect();
    let app = {
        let body = body.clone();
        App::script(move |client, tell| {
            while client.has_more() {
                let request = client.message();
                let framing = match request.start().contains("chunked") {
                    true => "Transfer-Encoding: chunked".to_owned(),
                    false => format!("Content-Length: {}", body.len()),
                };
                let _ = tell.send(request);
                client.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n"));
                match framing.starts_with('T') {
                    true => {
                        for piece in body.as_bytes().chunks(70_000) {
                            client.send(format!("{:x}\r\n", piece.len()));
                            client.send(piece);
                            client.send("\r\n");
                        }
                        client.send("0\r\n\r\n");
                    }
                    false => client.send(&body),
                }
            }
        })
    };
    for kib in [200, 1024, usize::MAX / 1024] {
        let burgee = Burgee::with(&app, budget(kib));
        for path in ["/chunked", "/length"] {
            let mut client = burgee.connect();
            client.send(format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
            ));
            client.send(&body);
            assert_eq!(app.request().text(), body, "{kib} KiB");
            let answer = client.message();
            assert_eq!(answer.text(), body, "{path}, {kib} KiB");
        }
    }
}
