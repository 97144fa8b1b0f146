//! HTTP/2 in clear text: as HTTP/1.1 to the application, as HTTP/2 where it is gRPC or where it is told to.

use crate::{
    frames::{self, CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, frame},
    raw::{App, Burgee, PATIENCE, in_force},
};
use burgee::{
    engine::{Snapshot, forged_fields::ForgedFields},
    live::Phase,
    proxy::Protocol,
};
use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderName, Request, Response};
use std::{future::poll_fn, net::SocketAddr, sync::mpsc, time::Duration};
use tokio::net::{TcpListener, TcpStream};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What came back: head, body, trailers; or the reason of a reset.
pub(crate) type Got = Result<(Response<()>, Vec<u8>, Option<HeaderMap>), h2::Error>;

/// One exchange of a real HTTP/2 client.
pub(crate) fn ask(
    address: SocketAddr,
    request: Request<()>,
    body: Option<&str>,
    trailers: Option<HeaderMap>,
) -> Got {
    run(async {
        let socket = TcpStream::connect(address).await.unwrap();
        let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(connection);
        let ends = body.is_none();
        let (answer, mut stream) = client.send_request(request, ends).unwrap();
        if let Some(body) = body {
            stream.send_data(Bytes::copy_from_slice(body.as_bytes()), trailers.is_none())?;
        }
        if let Some(trailers) = trailers {
            stream.send_trailers(trailers)?;
        }
        let (head, mut body) = answer.await?.into_parts();
        let all = read(&mut body).await?;
        let trailers = body.trailers().await?;
        Ok((Response::from_parts(head, ()), all, trailers))
    })
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, future)
            .await
            .expect("in time")
    })
}

async fn read(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut all = Vec::new();
    while let Some(some) = body.data().await {
        let some = some?;
        body.flow_control().release_capacity(some.len())?;
        all.extend_from_slice(&some);
    }
    Ok(all)
}

pub(crate) fn request(fields: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().uri("http://shop/a?b").method("POST");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

#[test]
fn blanks_around_a_value_are_no_part_of_it() {
    let file = "version: 1\nuser: [header.x-user-id]\nfeatures: {is-mia: {when: {user: mia}, serve: on}}\n";
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let (snapshot, _) = crate::toggles::compile(&[("a.yaml", file.as_bytes())]).unwrap();
    burgee.publisher.publish(crate::raw::in_force(snapshot));
    for id in ["mia", " mia", "mia\t", "\t mia "] {
        ask(burgee.address, request(&[("x-user-id", id)]), None, None).unwrap();
        assert_eq!(app.request().get("x-feature-is-mia"), Some("on"), "{id:?}");
    }
}

#[test]
fn an_http2_request_reaches_the_application_as_http1() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let asked = request(&[("cookie", "a=b"), ("cookie", "c=d; e=f"), ("x-own", "1")]);
    let (answer, body, _) = ask(burgee.address, asked, None, None).unwrap();
    assert_eq!((answer.status().as_u16(), &body[..]), (200, &b"ok"[..]));
    let got = app.request();
    assert_eq!(got.start(), "POST /a?b HTTP/1.1");
    assert_eq!(got.get("host"), Some("shop"));
    assert_eq!(got.get("cookie"), Some("a=b; c=d; e=f"));
    assert_eq!(got.names(), ["cookie", "host", "x-own"]);
}

#[test]
fn a_body_over_http2_arrives_whole_with_and_without_a_length() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for method in ["POST", "GET", "DELETE"] {
        for length in [Some("5"), None] {
            let mut asked = request(&[]);
            *asked.method_mut() = method.parse().unwrap();
            if let Some(length) = length {
                asked
                    .headers_mut()
                    .insert("content-length", length.parse().unwrap());
            }
            ask(burgee.address, asked, Some("hello"), None).unwrap();
            let got = app.request();
            assert_eq!(
                (got.text().as_str(), got.get("content-length")),
                ("hello", length),
                "{method}"
            );
        }
    }
}

#[test]
fn a_response_that_comes_before_the_body_is_not_lost_with_the_rest_of_the_body() {
    // more than a stream may have on its way
    const PIECES: usize = 20;
    const PIECE: &[u8] = &[0; 16 * 1024];
    let app = App::script(|client, _| {
        client.head();
        client.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    });
    let burgee = Burgee::before(&app);
    run(async {
        let socket = TcpStream::connect(burgee.address).await.unwrap();
        let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(connection);
        // by our own Host check, without the application; and by the application
        for (host, status) in [(Some("a, b"), 400), (None, 413)] {
            let mut asked = request(&[]);
            if let Some(host) = host {
                asked.headers_mut().insert("host", host.parse().unwrap());
            }
            let (answer, mut stream) = client.send_request(asked, false).unwrap();
            for piece in 1..=PIECES {
                stream.reserve_capacity(PIECE.len());
                while stream.capacity() < PIECE.len() {
                    let more = poll_fn(|cx| stream.poll_capacity(cx)).await;
                    more.expect("the stream goes on").unwrap();
                }
                let piece_sent = stream.send_data(Bytes::from_static(PIECE), piece == PIECES);
                piece_sent.unwrap();
            }
            assert_eq!(answer.await.unwrap().status(), status);
        }
    });
}

#[test]
fn a_client_cannot_turn_a_feature_on_over_http2() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let user = HeaderName::from_static("x-user-id");
    let forged_fields = ForgedFields::new(["X-Feature-"], [], [&user]);
    burgee.publisher.publish(in_force(Snapshot {
        forged_fields: forged_fields.into(),
        ..Snapshot::empty()
    }));
    let asked = request(&[
        ("x-feature-a", "on"),
        ("x_feature_a", "on"),
        ("x.feature.a", "on"),
        ("x_user_id", "root"),
    ]);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-feature-a", "on".parse().unwrap());
    ask(burgee.address, asked, Some("hello"), Some(trailers)).unwrap();
    let got = app.request();
    assert_eq!(got.names(), ["host", "transfer-encoding"]);
    assert_eq!(got.trailers, "");
}

#[test]
fn trailers_of_an_answer_reach_an_http2_client() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
    );
    let burgee = Burgee::before(&app);
    let (_, body, trailers) =
        ask(burgee.address, request(&[("te", "trailers")]), None, None).unwrap();
    assert_eq!(
        (
            &body[..],
            trailers.unwrap().get("x-sum").unwrap().as_bytes()
        ),
        (&b"hi"[..], &b"1"[..])
    );
}

#[test]
fn fields_of_a_connection_are_refused_over_http2() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for (name, value) in [
        ("connection", "x-feature-a"),
        ("transfer-encoding", "chunked"),
        ("keep-alive", "1"),
        ("proxy-connection", "1"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("X-Upper", "1"),
        ("a b", "1"),
        ("x", "a\r\nx-feature-a: on"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        (":path", "/again"),
        (":unknown", "1"),
    ] {
        let mut client = frames::connect(&burgee);
        client.send(frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            1,
            &frames::get(&[(name, value)]),
        ));
        let got = frames::until(&mut client, &[HEADERS, RST_STREAM, GOAWAY]);
        let refused =
            got.is_none_or(|frame| frame.kind != HEADERS || frames::status(&frame) == 400);
        assert!(refused && app.heard_nothing(), "{name}: {value}");
    }
}

/// What h2spec asks of RFC 7541. (What it asks of RFC 9113, the crate `httpwg` asks: it finds in burgee what it finds in hyper.)
#[test]
fn a_field_block_that_cannot_be_read_ends_the_connection() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let get = || frames::get(&[]);
    let value = |value: &[u8]| [&get()[..], b"\x10\x01x", value].concat();
    for (name, block, is_good) in [
        (
            "as it should be: `a` in Huffman's code",
            value(b"\x81\x1f"),
            true,
        ),
        ("an index of 0 (6.1)", [get(), vec![0x80]].concat(), false),
        (
            "an index of nothing (2.3.3)",
            [get(), vec![0xc6]].concat(),
            false,
        ),
        (
            "a table size behind a field (4.2)",
            [get(), vec![0x20]].concat(),
            false,
        ),
        (
            "a table size above ours (6.3)",
            [vec![0x3f, 0xe2, 0x1f], get()].concat(),
            false,
        ),
        (
            "the end of the string in it (5.2)",
            value(b"\x84\xff\xff\xff\xff"),
            false,
        ),
        ("padding of 11 bits (5.2)", value(b"\x82\x1f\xff"), false),
        ("padding of zeros (5.2)", value(b"\x81\x18"), false),
        ("a length beyond the block", value(b"\x05a"), false),
        (
            "a length without end (5.1)",
            value(b"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            false,
        ),
    ] {
        let mut client = frames::connect(&burgee);
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &block));
        let got = frames::until(&mut client, &[HEADERS, RST_STREAM, GOAWAY]);
        let answered = got.is_some_and(|frame| frame.kind == HEADERS);
        assert_eq!(answered, is_good, "{name}");
        assert_eq!(app.heard_nothing(), !is_good, "{name}");
    }
}

#[test]
fn http2_requests_are_for_exactly_one_valid_host_too() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let rest = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
    for (more, expected) in [
        (vec![(":authority", "a")], Some("a")),
        (vec![(":authority", "a"), ("host", "b")], Some("a")),
        (vec![("host", "b")], Some("b")),
        (vec![], None),
        (vec![(":authority", "u@a")], None),
        (vec![(":authority", "")], None),
        (vec![("host", "b"), ("host", "b")], None),
        (
            vec![(":authority", "a"), ("host", "b"), ("host", "c")],
            None,
        ),
        (vec![(":authority", "a"), ("host", "b c")], None),
    ] {
        let mut all = rest.to_vec();
        all.extend(&more);
        let mut client = frames::connect(&burgee);
        client.send(frame(
            HEADERS,
            END_HEADERS | END_STREAM,
            1,
            &frames::fields(&all),
        ));
        let got = frames::until(&mut client, &[HEADERS, RST_STREAM, GOAWAY]);
        match expected {
            Some(host) => {
                assert_eq!(app.request().get("host"), Some(host), "{more:?}");
            }
            None => {
                let refused =
                    got.is_none_or(|frame| frame.kind != HEADERS || frames::status(&frame) == 400);
                assert!(refused && app.heard_nothing(), "{more:?}");
            }
        }
    }
}

#[test]
fn an_upload_that_is_reset_never_looks_finished_even_when_reset_without_error() {
    for code in [
        h2::Reason::NO_ERROR,
        h2::Reason::CANCEL,
        h2::Reason::INTERNAL_ERROR,
    ] {
        let (ended, has_ended) = mpsc::channel();
        let app = App::script(move |client, tell| {
            let head = client.until(b"\r\n\r\n");
            let begun = client.until(b"hello");
            let _ = tell.send(crate::raw::Message::of(head + &begun));
            let _ = ended.send(client.rest());
        });
        let burgee = Burgee::before(&app);
        run(async {
            let socket = TcpStream::connect(burgee.address).await.unwrap();
            let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
            tokio::spawn(connection);
            let (answer, mut stream) = client.send_request(request(&[]), false).unwrap();
            stream.send_data("hello".into(), false).unwrap();
            tokio::task::spawn_blocking(move || app.request())
                .await
                .unwrap();
            stream.send_reset(code);
            let _ = answer.await;
        });
        let rest = has_ended.recv_timeout(PATIENCE).unwrap();
        assert!(!rest.ends_with("0\r\n\r\n"), "{code:?}: {rest:?}");
    }
}

#[test]
fn a_stream_that_is_reset_cancels_the_applications_request() {
    let (ended, has_ended) = mpsc::channel();
    let app = App::script(move |client, tell| {
        let _ = tell.send(client.message());
        assert!(client.is_closed());
        let _ = ended.send(());
    });
    let burgee = Burgee::before(&app);
    let mut client = frames::connect(&burgee);
    client.send(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &frames::get(&[]),
    ));
    app.request();
    client.send(frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes()));
    has_ended.recv_timeout(Duration::from_secs(3)).unwrap();
}

#[test]
fn an_answer_that_is_cut_short_resets_the_stream() {
    let app = App::script(|client, _| {
        client.message();
        client.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    });
    let burgee = Burgee::before(&app);
    assert!(ask(burgee.address, request(&[]), None, None).is_err());
}

#[test]
fn early_hints_do_not_reach_http2_clients_yet() {
    // hyper's server cannot send them (hyperium/hyper#4114); when it can, this has to be turned round
    let app = App::answering(format!(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n{OK}"
    ));
    let burgee = Burgee::before(&app);
    let (answer, body, _) = ask(burgee.address, request(&[]), None, None).unwrap();
    assert_eq!((answer.status().as_u16(), &body[..]), (200, &b"ok"[..]));
    assert!(answer.headers().get("link").is_none());
}

#[test]
fn draining_says_goaway_and_finishes_what_has_begun() {
    let (go, going) = mpsc::channel::<()>();
    let going = std::sync::Mutex::new(going);
    let app = App::script(move |client, tell| {
        let _ = tell.send(client.message());
        let _ = going.lock().unwrap().recv_timeout(PATIENCE);
        client.send(OK);
        client.rest();
    });
    let mut burgee = Burgee::before(&app);
    let mut client = frames::connect(&burgee);
    client.send(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &frames::get(&[]),
    ));
    app.request();
    let mut idle = frames::connect(&burgee);
    frames::until(&mut idle, &[frames::SETTINGS]).unwrap();
    burgee.enter(Phase::Draining);
    assert!(frames::until(&mut client, &[GOAWAY]).is_some());
    assert!(frames::until(&mut idle, &[GOAWAY]).is_some());
    burgee.enter(Phase::Stopping);
    while frames::next(&mut idle).is_some() {}
    go.send(()).unwrap();
    let answer = frames::until(&mut client, &[HEADERS]).unwrap();
    assert_eq!(frames::status(&answer), 200);
    while frames::next(&mut client).is_some() {}
    burgee.ended();
}

#[test]
fn a_client_may_open_so_many_streams_and_send_so_many_fields() {
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| {
        settings.h2_max_streams = 7;
        settings.h2_max_header_list = 4096;
    });
    let mut client = frames::connect(&burgee);
    let settings = frames::until(&mut client, &[frames::SETTINGS]).unwrap();
    let has = |id: u16, value: u32| {
        let wanted = [&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat();
        settings.payload.chunks(6).any(|setting| setting == wanted)
    };
    assert!(has(3, 7) && has(6, 4096));
    let long = "a".repeat(5000);
    client.send(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &frames::get(&[("x", &long)]),
    ));
    let got = frames::until(&mut client, &[HEADERS, RST_STREAM, GOAWAY]);
    assert!(got.is_none_or(|frame| frames::status(&frame) != 200));
    assert!(app.heard_nothing());
}

#[test]
fn who_says_nothing_over_http2_is_not_waited_for() {
    let short = Duration::from_millis(100);
    let app = App::ok();
    let burgee = Burgee::with(&app, |settings| {
        settings.head_timeout = short;
        settings.idle_timeout = short;
    });
    // nothing but the preface; then a client that shakes hands and is idle; then one that was served and is idle
    let mut silent = burgee.connect();
    silent.send(frames::PREFACE);
    while frames::next(&mut silent).is_some() {}
    let mut idle = frames::connect(&burgee);
    assert!(frames::until(&mut idle, &[GOAWAY]).is_some());
    while frames::next(&mut idle).is_some() {}
    let mut served = frames::connect(&burgee);
    served.send(frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        1,
        &frames::get(&[]),
    ));
    assert_eq!(
        frames::status(&frames::until(&mut served, &[HEADERS]).unwrap()),
        200
    );
    assert!(frames::until(&mut served, &[GOAWAY]).is_some());
    while frames::next(&mut served).is_some() {}
}

#[test]
fn no_timeout_applies_to_a_stream_in_progress() {
    let short = Duration::from_millis(250);
    let app = App::script(move |client, _| {
        client.message();
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
        std::thread::park_timeout(8 * short);
        client.send("i");
        client.rest();
    });
    let burgee = Burgee::with(&app, |settings| {
        settings.head_timeout = short;
        settings.idle_timeout = short;
        settings.response_timeout = short;
    });
    let (_, body, _) = ask(burgee.address, request(&[]), None, None).unwrap();
    assert_eq!(body, b"hi");
}

/// The bytes of one more.
type Flood = Box<dyn Fn(u32) -> Vec<u8>>;

#[test]
fn floods_end_the_connection_and_nobody_elses() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let rapid_reset = |stream: u32| {
        let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, &frames::get(&[]));
        both.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        both
    };
    let floods: [(&str, Flood); 6] = [
        ("rapid reset", Box::new(rapid_reset)),
        (
            "settings",
            Box::new(|_| frame(frames::SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255])),
        ),
        ("ping", Box::new(|_| frame(frames::PING, 0, 0, &[0; 8]))),
        (
            "reset",
            Box::new(|stream| frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())),
        ),
        (
            "continuation",
            Box::new(|n| match n {
                1 => frame(HEADERS, END_STREAM, 1, &frames::get(&[])),
                _ => frame(CONTINUATION, 0, 1, &frames::fields(&[("x", "y")])),
            }),
        ),
        (
            "empty data",
            Box::new(|n| match n {
                1 => frame(HEADERS, END_HEADERS, 1, &frames::get(&[])),
                _ => frame(frames::DATA, 0, 1, &[]),
            }),
        ),
    ];
    for (name, flood) in floods {
        let mut client = frames::connect(&burgee);
        client
            .socket
            .set_write_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let mut sent = 0;
        // bounded: whoever takes this much without a word must at least go on serving others
        for number in 0..20_000_u32 {
            if !client.try_send(flood(number * 2 + 1)) {
                break;
            }
            sent += 1;
        }
        assert_eq!(
            burgee.answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status(),
            200,
            "{name} after {sent}"
        );
        while !app.heard_nothing() {}
    }
}

/// What the application was sent: head, body, trailers.
type Told = (Request<()>, Vec<u8>, Option<HeaderMap>);

/// An application that speaks HTTP/2 and answers gRPC: what came in the trailers goes back in the trailers.
fn grpc() -> (SocketAddr, mpsc::Receiver<Told>) {
    let (tell, told) = mpsc::channel();
    let (started, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            started.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move {
                    let Ok(mut connection) = h2::server::handshake(socket).await else {
                        return;
                    };
                    while let Some(Ok((request, mut respond))) = connection.accept().await {
                        let tell = tell.clone();
                        tokio::spawn(async move {
                            let (parts, mut body) = request.into_parts();
                            let head =
                                Response::builder().header("content-type", "application/grpc");
                            let mut stream: SendStream<Bytes> = respond
                                .send_response(head.body(()).unwrap(), false)
                                .unwrap();
                            let mut all = Vec::new();
                            while let Some(Ok(some)) = body.data().await {
                                let _ = body.flow_control().release_capacity(some.len());
                                all.extend_from_slice(&some);
                                let _ = stream.send_data(some, false);
                            }
                            let trailers = body.trailers().await.ok().flatten();
                            let _ = tell.send((Request::from_parts(parts, ()), all, trailers));
                            let mut ending = HeaderMap::new();
                            ending.insert("grpc-status", "0".parse().unwrap());
                            let _ = stream.send_trailers(ending);
                        });
                    }
                });
            }
        });
    });
    (address.recv().unwrap(), told)
}

#[test]
fn grpc_goes_through_with_trailers_both_ways() {
    let (app, told) = grpc();
    let burgee = Burgee::start(format!("http://{app}").parse().unwrap(), |_| {});
    let asked = request(&[
        ("content-type", "application/grpc+proto"),
        ("te", "trailers"),
        ("grpc-timeout", "5S"),
        ("x_feature_a", "on"),
    ]);
    let mut trailers = HeaderMap::new();
    for (name, value) in [
        ("x-sum", "1"),
        ("x-feature-a", "on"),
        ("x_feature_a", "on"),
        ("host", "evil"),
        ("content-length", "5"),
    ] {
        trailers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    let (answer, body, ending) = ask(burgee.address, asked, Some("hello"), Some(trailers)).unwrap();
    assert_eq!((answer.status().as_u16(), &body[..]), (200, &b"hello"[..]));
    assert_eq!(ending.unwrap().get("grpc-status").unwrap(), "0");
    let (head, body, trailers) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(&body[..], b"hello");
    assert_eq!(head.uri(), "http://shop/a?b");
    assert_eq!(head.headers().get("te").unwrap(), "trailers");
    assert_eq!(head.headers().get("grpc-timeout").unwrap(), "5S");
    assert!(
        head.headers()
            .keys()
            .all(|name| !name.as_str().contains("feature"))
    );
    let trailers = trailers.unwrap();
    assert_eq!(
        trailers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
        ["x-sum"]
    );
}

#[test]
fn a_grpc_stream_flows_both_ways_at_once() {
    let (app, _told) = grpc();
    let burgee = Burgee::start(format!("http://{app}").parse().unwrap(), |_| {});
    run(async {
        let socket = TcpStream::connect(burgee.address).await.unwrap();
        let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(connection);
        let asked = request(&[("content-type", "application/grpc"), ("te", "trailers")]);
        let (answer, mut stream) = client.send_request(asked, false).unwrap();
        let mut body = answer.await.unwrap().into_body();
        for number in 0..50 {
            let message = format!("message {number}");
            stream.send_data(message.clone().into(), false).unwrap();
            let mut back = Vec::new();
            while back.len() < message.len() {
                back.extend_from_slice(&body.data().await.unwrap().unwrap());
            }
            assert_eq!(back, message.as_bytes());
        }
        stream.send_data(Bytes::new(), true).unwrap();
        assert!(body.data().await.is_none());
        assert_eq!(
            body.trailers()
                .await
                .unwrap()
                .unwrap()
                .get("grpc-status")
                .unwrap(),
            "0"
        );
    });
}

#[test]
fn the_protocol_to_the_application_can_be_forced() {
    let (h2_app, told) = grpc();
    let h1_app = App::ok();
    let grpc_type = ("content-type", "application/grpc");
    let at_h2 = |protocol: Protocol| {
        Burgee::start(format!("http://{h2_app}").parse().unwrap(), |settings| {
            settings.protocol = protocol
        })
    };
    let at_h1 = |protocol: Protocol| Burgee::with(&h1_app, |settings| settings.protocol = protocol);
    // h2: everything; mirror: what came by HTTP/2
    let forced = at_h2(Protocol::H2);
    assert_eq!(
        forced
            .answer("GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            .status(),
        200
    );
    let (head, ..) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(head.uri(), "http://a/x");
    assert!(head.headers().get("host").is_none() && head.headers().get("connection").is_none());
    assert!(
        ask(
            at_h2(Protocol::Mirror).address,
            request(&[]),
            Some("hi"),
            None
        )
        .is_ok()
    );
    told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        at_h1(Protocol::Mirror)
            .answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .status(),
        200
    );
    // h1: even gRPC
    assert!(
        ask(
            at_h1(Protocol::H1).address,
            request(&[grpc_type]),
            Some("hi"),
            None
        )
        .is_ok()
    );
    // an application that does not speak HTTP/2 is a bad gateway, not a hang
    let (answer, ..) = ask(
        at_h1(Protocol::Auto).address,
        request(&[grpc_type]),
        Some("hi"),
        None,
    )
    .unwrap();
    assert_eq!(answer.status().as_u16(), 502);
}

#[test]
fn grpc_is_told_by_its_media_type_and_by_no_other() {
    // it speaks no HTTP/2, so that what is sent to it as gRPC fails
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for (media_type, is_grpc) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc+json", true),
        ("Application/GRPC", true),
        ("APPLICATION/GRPC+PROTO", true),
        ("application/grpc;charset=utf-8", true),
        ("application/grpc ; charset=utf-8", true),
        ("application/grpc-web", false),
        ("application/grpc-web+proto", false),
        ("application/grpc-web-text", false),
        ("application/grpcfoo", false),
        ("application/json", false),
        ("text/plain;application/grpc", false),
    ] {
        let asked = request(&[("content-type", media_type)]);
        let (answer, ..) = ask(burgee.address, asked, Some("hi"), None).unwrap();
        let expected = if is_grpc { 502 } else { 200 };
        assert_eq!(answer.status().as_u16(), expected, "{media_type}");
    }
}

#[test]
fn a_thousand_http2_requests_share_one_connection_to_the_application() {
    let (app, told) = grpc();
    let burgee = Burgee::start(format!("http://{app}").parse().unwrap(), |settings| {
        settings.max_upstream_connections = 1
    });
    for _ in 0..20 {
        let asked = request(&[("content-type", "application/grpc")]);
        assert_eq!(
            ask(burgee.address, asked, Some("hi"), None)
                .unwrap()
                .0
                .status()
                .as_u16(),
            200
        );
    }
    assert_eq!(told.try_iter().count(), 20);
}

#[test]
fn a_body_of_no_bytes_is_no_body_that_broke_off() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for fields in [&[("content-length", "0")][..], &[]] {
        let (answer, ..) = ask(burgee.address, request(fields), Some(""), None).unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{fields:?}");
    }
}
