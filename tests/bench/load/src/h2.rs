//! Clients of HTTP/2 without TLS, by prior knowledge: connections that have so many streams at once, a request at a time on each.
//! In: what was asked; with `--grpc` the path is of `grpc.rs`. Out: the same line of JSON as of `clients.rs`; of a stream of messages
//! each counts as an answer.

use crate::{asked::Asked, grpc, report::Report, wire};
use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::{Method, Request, StatusCode};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, runtime, task};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What all streams share, on one thread.
struct Run {
    until: Instant,
    left: AtomicU64,
    is_grpc: bool,
}

impl Run {
    fn goes_on(&self) -> bool {
        let one = |left: u64| left.checked_sub(1);
        let take = || {
            self.left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one)
        };
        Instant::now() < self.until && take().is_ok()
    }
}

pub fn run(asked: &Asked, streams: usize) -> io::Result<()> {
    let begun = Instant::now();
    let run = Arc::new(Run {
        until: begun + Duration::try_from_secs_f64(asked.seconds).unwrap_or(Duration::MAX / 4),
        left: AtomicU64::new(asked.requests),
        is_grpc: asked.grpc,
    });
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut total = runtime.block_on(async {
        let mut tasks = Vec::new();
        for connection in 0..asked.connections {
            let client = connect(asked.port).await.map_err(io::Error::other)?;
            for stream in 0..streams {
                let user = (connection * streams + stream) as u64 * 7919 % 100_000_000;
                let request = request(&asked.path, user, asked.grpc).map_err(io::Error::other)?;
                tasks.push(task::spawn(one_after_the_other(
                    client.clone(),
                    request,
                    Arc::clone(&run),
                )));
            }
        }
        let mut total = Report::default();
        for task in tasks {
            total.add(task.await?);
        }
        io::Result::Ok(total)
    })?;
    println!("{}", total.line(begun.elapsed().as_secs_f64()));
    Ok(())
}

async fn connect(port: u16) -> Result<SendRequest<Bytes>, Failure> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    let (client, connection) = client::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 24)
        .handshake(socket)
        .await?;
    task::spawn(connection);
    Ok(client)
}

/// The fields of HTTP/1.1's clients; those of a gRPC client, with the user's id where the others have it.
fn request(path: &str, user: u64, is_grpc: bool) -> Result<Request<()>, Failure> {
    let uri = format!("http://app.example.com{path}");
    if is_grpc {
        return Ok(Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("user-agent", "grpc-rust/1.0")
            .header("grpc-timeout", "10S")
            .header("cookie", format!("uid=user-{user:08}"))
            .body(())?);
    }
    let text = String::from_utf8(wire::request(path, 0, user))?;
    let mut request = Request::builder().uri(uri);
    for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
        if name != "Host" {
            request = request.header(name, value);
        }
    }
    Ok(request.body(())?)
}

async fn one_after_the_other(
    client: SendRequest<Bytes>,
    request: Request<()>,
    run: Arc<Run>,
) -> Report {
    let mut report = Report::default();
    while run.goes_on() {
        if let Err(problem) = exchange(&client, &request, run.is_grpc, &mut report).await {
            eprintln!("{problem}");
            report.errors += 1;
            break;
        }
    }
    report
}

async fn exchange(
    client: &SendRequest<Bytes>,
    request: &Request<()>,
    is_grpc: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut client = client.clone().ready().await?;
    let begun = Instant::now();
    let (answer, mut body) = client.send_request(request.clone(), !is_grpc)?;
    if is_grpc {
        body.send_data(grpc::message(&[b'm'; grpc::MESSAGE]), true)?;
    }
    let (head, mut body) = answer.await?.into_parts();
    let (mut length, mut messages) = (0, 0);
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        length += data.len();
        while is_grpc && length >= (messages + 1) * grpc::WHOLE {
            report.latencies.push(begun.elapsed().as_nanos() as u64);
            messages += 1;
        }
    }
    if is_grpc {
        let trailers = body.trailers().await?.ok_or("no trailers")?;
        let status = trailers.get("grpc-status").ok_or("no grpc-status")?;
        if status != "0" || messages == 0 {
            return Err(format!("grpc-status {status:?} after {messages} messages").into());
        }
    } else if head.status != StatusCode::OK || length != 200 {
        return Err(format!("{} with {length} bytes", head.status).into());
    } else {
        report.latencies.push(begun.elapsed().as_nanos() as u64);
    }
    Ok(())
}
