//! What HTTP/2 requests of different clients share: whoever does not read, or is not read, stalls nobody else.

use crate::{
    frames::{self, DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, fields, frame},
    proxy_http2::{ask, request, run},
    raw::{App, Burgee, Message, PATIENCE},
};
use bytes::Bytes;
use h2::{client::SendRequest, server::SendResponse};
use http::Response;
use std::{
    collections::BTreeSet,
    future::poll_fn,
    net::SocketAddr,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};
use tokio::net::{TcpListener, TcpStream};

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// As much as one stream may have on its way, with a client that reads nothing.
const PIECES: usize = 4;
const PIECE: &[u8] = &[0; 16 * 1024];

/// An application that answers `large` without an end, and tells when it has sent so many pieces of it.
fn endless() -> (SocketAddr, mpsc::Receiver<()>) {
    let (tell, told) = mpsc::channel();
    let (started, address) = mpsc::channel();
    std::thread::spawn(move || {
        run_for_ever(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            started.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((socket, _)) = listener.accept().await {
                let tell = tell.clone();
                tokio::spawn(async move {
                    let mut connection = h2::server::handshake(socket).await.unwrap();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let is_large = request.headers().contains_key("large");
                        tokio::spawn(answer(respond, is_large, tell.clone()));
                    }
                });
            }
        });
    });
    (address.recv().unwrap(), told)
}

fn run_for_ever(future: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future);
}

async fn answer(mut respond: SendResponse<Bytes>, is_large: bool, tell: mpsc::Sender<()>) {
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    if !is_large {
        let _ = stream.send_data(Bytes::from_static(b"ok"), true);
        return;
    }
    for sent in 1.. {
        stream.reserve_capacity(PIECE.len());
        while stream.capacity() < PIECE.len() {
            let Some(Ok(_)) = poll_fn(|cx| stream.poll_capacity(cx)).await else {
                return;
            };
        }
        stream.send_data(Bytes::from_static(PIECE), false).unwrap();
        if sent == PIECES {
            let _ = tell.send(());
        }
    }
}

async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    client
}

#[test]
fn clients_that_do_not_read_stall_no_other() {
    let (app, told) = endless();
    let burgee = Burgee::start(format!("http://{app}").parse().unwrap(), |_| {});
    let (address, told) = (burgee.address, Arc::new(std::sync::Mutex::new(told)));
    // clients of their own, and streams of one client
    for (clients, streams) in [(20, 1), (1, 20)] {
        let told = told.clone();
        run(async move {
            let mut held = Vec::new();
            for _ in 0..clients {
                let mut client = connect(address).await;
                for _ in 0..streams {
                    let asked = request(&[GRPC, ("large", "yes")]);
                    let (answer, _) = client.send_request(asked, true).unwrap();
                    held.push(answer.await.unwrap());
                }
            }
            let wait = move || {
                let told = told.lock().unwrap();
                for _ in 0..clients * streams {
                    told.recv_timeout(PATIENCE).unwrap();
                }
            };
            tokio::task::spawn_blocking(wait).await.unwrap();
            let small = move || {
                for _ in 0..20 {
                    let (_, body, _) = ask(address, request(&[GRPC]), Some("hi"), None).unwrap();
                    assert_eq!(body, b"ok", "{clients} x {streams}");
                }
            };
            tokio::task::spawn_blocking(small).await.unwrap();
        });
    }
}

/// An application by frames that gives no window back. It tells each head and each body that has ended, with the number of its
/// connection; it answers bodies that end, and heads that end when `hold` lets it.
fn application(settings: &'static [u8], hold: Option<Arc<Barrier>>) -> App {
    let count = AtomicUsize::new(0);
    App::script(move |client, tell| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        client.exactly(frames::PREFACE.len());
        client.send(frame(SETTINGS, 0, 0, settings));
        let mut taken = 0;
        while let Some(came) = frames::next(client) {
            let tell = |what: &str| tell.send(Message::of(format!("{what} {number}")));
            if came.kind == HEADERS {
                let _ = tell("head");
            }
            if came.kind == DATA {
                taken += came.payload.len();
                if taken == 65_535 {
                    let _ = tell("full");
                }
            }
            if came.kind <= HEADERS && came.flags & END_STREAM != 0 {
                if let (Some(hold), HEADERS) = (&hold, came.kind) {
                    hold.wait();
                }
                let status = fields(&[(":status", "200"), ("grpc-status", "0")]);
                let flags = END_HEADERS | END_STREAM;
                client.send(frame(HEADERS, flags, came.stream, &status));
            }
        }
    })
}

#[test]
fn uploads_that_are_not_read_stall_no_other_client() {
    let app = application(&[], None);
    let burgee = Burgee::before(&app);
    // a connection is there, and its settings are known
    ask(burgee.address, request(&[GRPC]), None, None).unwrap();
    assert_eq!(app.request().head, "head 1");
    run(async {
        let mut client = connect(burgee.address).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let (answer, mut stream) = client.send_request(request(&[GRPC]), false).unwrap();
            stream
                .send_data(Bytes::from(vec![0; 100_000]), false)
                .unwrap();
            held.push((answer, stream));
        }
        let address = burgee.address;
        tokio::task::spawn_blocking(move || {
            // both streams of the client are on one connection, as they would be without us
            let mut told: Vec<_> = (0..3).map(|_| app.request().head).collect();
            told.sort();
            assert_eq!(told, ["full 1", "head 1", "head 1"]);
            for _ in 0..3 {
                let (answer, ..) = ask(address, request(&[GRPC]), Some("hi"), None).unwrap();
                assert_eq!(answer.headers().get("grpc-status").unwrap(), "0");
                assert_eq!(app.request().head, "head 2");
            }
        })
        .await
        .unwrap();
    });
}

#[test]
fn an_application_gets_no_more_streams_on_a_connection_than_it_takes() {
    // SETTINGS_MAX_CONCURRENT_STREAMS is 1, and nobody is answered before all have come
    let app = application(&[0, 3, 0, 0, 0, 1], Some(Arc::new(Barrier::new(5))));
    let burgee = Burgee::before(&app);
    ask(burgee.address, request(&[GRPC]), Some("hi"), None).unwrap();
    assert_eq!(app.request().head, "head 1");
    run(async {
        let mut answers = Vec::new();
        let mut held = Vec::new();
        for _ in 0..5 {
            let mut client = connect(burgee.address).await;
            answers.push(client.send_request(request(&[GRPC]), true).unwrap().0);
            held.push(client);
        }
        for answer in answers {
            let answer = answer.await.unwrap();
            assert_eq!(answer.headers().get("grpc-status").unwrap(), "0");
        }
    });
    let connections: BTreeSet<_> = (0..5).map(|_| app.request().head).collect();
    assert_eq!(connections.len(), 5);
}
