//! What an HTTP/2 application did not begin with is sent once more; where it breaks off, gRPC is told what it is told without us.

use crate::{
    frames::{
        self, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, RST_STREAM, SETTINGS, fields,
        frame,
    },
    proxy_http2::{Got, ask, request},
    raw::{App, Burgee, Message, eventually},
};
use burgee::proxy::Protocol;
use h2::Reason;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// An HTTP/2 application. The script is told each frame, and how many connections there have been; it says what is sent back.
/// An empty piece closes the connection. Each request that has come whole is told.
fn application(script: impl Fn(usize, &Frame) -> Vec<Vec<u8>> + Send + Sync + 'static) -> App {
    let count = AtomicUsize::new(0);
    App::script(move |client, tell| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        client.exactly(frames::PREFACE.len());
        client.send(frame(SETTINGS, 0, 0, &[]));
        while let Some(came) = frames::next(client) {
            if ends(&came) {
                let _ = tell.send(Message::default());
            }
            for piece in script(number, &came) {
                if piece.is_empty() {
                    return;
                }
                client.send(piece);
            }
        }
    })
}

fn ends(frame: &Frame) -> bool {
    matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0
}

fn head(stream: u32) -> Vec<u8> {
    frame(
        HEADERS,
        END_HEADERS,
        stream,
        &fields(&[(":status", "200"), GRPC]),
    )
}

fn whole(stream: u32) -> Vec<Vec<u8>> {
    let status = fields(&[("grpc-status", "0")]);
    let trailers = frame(HEADERS, END_HEADERS | END_STREAM, stream, &status);
    vec![head(stream), frame(DATA, 0, stream, b"ok"), trailers]
}

fn reset(stream: u32, reason: Reason) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &u32::from(reason).to_be_bytes())
}

/// The last stream that was begun with, and no reason why.
fn goaway(last: u32) -> Vec<u8> {
    let no_error = [0; 4];
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), no_error].concat())
}

fn over_h2(app: &App) -> Burgee {
    Burgee::with(app, |settings| settings.protocol = Protocol::H2)
}

fn call(burgee: &Burgee, body: &str) -> Got {
    ask(burgee.address, request(&[GRPC]), Some(body), None)
}

fn grpc_status(got: &Got) -> Option<&str> {
    let (.., trailers) = got.as_ref().unwrap();
    trailers.as_ref()?.get("grpc-status")?.to_str().ok()
}

#[test]
fn a_call_below_a_goaway_is_made_once_more() {
    for (at_head, leaves) in [(true, true), (false, true), (false, false)] {
        let app = application(move |number, came| match number {
            1 if ends(came) || at_head && came.kind == HEADERS => match leaves {
                true => vec![goaway(0), Vec::new()],
                false => vec![goaway(0)],
            },
            1 => Vec::new(),
            _ if ends(came) => whole(came.stream),
            _ => Vec::new(),
        });
        let burgee = Burgee::before(&app);
        for _ in 0..3 {
            let got = call(&burgee, "hello");
            assert_eq!(grpc_status(&got), Some("0"), "{at_head} {leaves}");
            assert_eq!(got.unwrap().1, b"ok");
        }
    }
}

#[test]
fn a_stream_that_is_refused_is_asked_for_once_more_and_no_more() {
    let app = application(|number, came| match ends(came) {
        true if number == 1 => vec![reset(came.stream, Reason::REFUSED_STREAM)],
        true => whole(came.stream),
        false => Vec::new(),
    });
    let burgee = Burgee::before(&app);
    assert_eq!(grpc_status(&call(&burgee, "hello")), Some("0"));

    let app = application(|_, came| match ends(came) {
        true => vec![reset(came.stream, Reason::REFUSED_STREAM)],
        false => Vec::new(),
    });
    let burgee = Burgee::before(&app);
    let (answer, ..) = call(&burgee, "hello").unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    let told = answer.headers().get("proxy-status").unwrap();
    assert_eq!(told, "burgee; error=destination_unavailable");
    app.request();
    app.request();
    assert!(app.heard_nothing());
}

#[test]
fn whatever_the_method_a_request_without_a_body_is_sent_once_more() {
    for method in ["GET", "POST", "DELETE"] {
        let app = application(|number, came| match ends(came) {
            true if number == 1 => vec![reset(came.stream, Reason::REFUSED_STREAM)],
            true => whole(came.stream),
            false => Vec::new(),
        });
        let burgee = over_h2(&app);
        let answer = burgee.answer(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status(), 200, "{method}");
    }
}

#[test]
fn a_body_is_sent_once_more_only_while_all_of_it_is_there() {
    // refused when the body has come, or before
    for at_head in [false, true] {
        let connections = Arc::new(AtomicUsize::new(0));
        let seen = connections.clone();
        let app = application(move |number, came| {
            seen.fetch_max(number, Ordering::SeqCst);
            match (came.kind, ends(came)) {
                (HEADERS, _) if number == 1 && at_head => {
                    vec![reset(came.stream, Reason::REFUSED_STREAM)]
                }
                (_, true) if number == 1 => vec![reset(came.stream, Reason::REFUSED_STREAM)],
                (_, true) => whole(came.stream),
                _ => Vec::new(),
            }
        });
        let burgee = over_h2(&app);
        let mut client = burgee.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
        if !at_head {
            client.send("body");
            assert_eq!(client.message().status(), 503);
            app.request();
            assert!(app.heard_nothing());
            continue;
        }
        // what is sent now goes to the second
        eventually("a second connection", || {
            connections.load(Ordering::SeqCst) == 2
        });
        client.send("body");
        assert_eq!(client.message().status(), 200);
    }
    // more than is held
    let app = application(|number, came| match ends(came) {
        true if number == 1 => vec![reset(came.stream, Reason::REFUSED_STREAM)],
        true => whole(came.stream),
        false => Vec::new(),
    });
    let burgee = Burgee::before(&app);
    let (answer, ..) = call(&burgee, &"a".repeat(20_000)).unwrap();
    assert_eq!(answer.status().as_u16(), 503);
}

#[test]
fn the_reason_of_a_reset_is_passed_on_to_grpc_and_is_a_bad_gateway_to_others() {
    for reason in [
        Reason::CANCEL,
        Reason::INTERNAL_ERROR,
        Reason::ENHANCE_YOUR_CALM,
        Reason::INADEQUATE_SECURITY,
        Reason::NO_ERROR,
    ] {
        for behind_a_message in [false, true] {
            let app = application(move |_, came| match (ends(came), behind_a_message) {
                (false, _) => Vec::new(),
                (true, false) => vec![reset(came.stream, reason)],
                (true, true) => vec![
                    head(came.stream),
                    frame(DATA, 0, came.stream, b"first"),
                    reset(came.stream, reason),
                ],
            });
            let burgee = over_h2(&app);
            let error = call(&burgee, "hello").unwrap_err();
            assert_eq!(error.reason(), Some(reason), "{behind_a_message}");
            if !behind_a_message {
                let (answer, ..) = ask(burgee.address, request(&[]), None, None).unwrap();
                assert_eq!(answer.status().as_u16(), 502, "{reason:?}");
            }
        }
    }
}

#[test]
fn an_application_that_goes_away_in_mid_stream_is_unavailable_to_grpc() {
    for says_goaway in [false, true] {
        let app = application(move |_, came| match ends(came) {
            false => Vec::new(),
            true => {
                let mut sent = vec![head(came.stream), frame(DATA, 0, came.stream, b"first")];
                sent.extend(says_goaway.then(|| goaway(came.stream)));
                sent.push(Vec::new());
                sent
            }
        });
        let burgee = over_h2(&app);
        let got = call(&burgee, "hello");
        assert_eq!(grpc_status(&got), Some("14"), "{says_goaway}");
        assert_eq!(got.unwrap().1, b"first");
        // to others, what is broken stays broken
        assert!(ask(burgee.address, request(&[]), None, None).is_err());
    }
}
