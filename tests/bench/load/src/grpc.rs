//! The application as a gRPC server without TLS: `/bench.Bench/Unary` answers the message that came, `/bench.Bench/Stream` sends a
//! hundred of them, each when it is due, and `/echo` a message with the head as it came.
//! In: connections on a free port of the loopback. Out: the port on standard output, and answers.

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::{
    RecvStream,
    server::{self, SendResponse},
};
use http::{HeaderMap, HeaderValue, Request, Response, request::Parts};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime, task, time,
};

pub const MESSAGE: usize = 64;
/// with the five bytes that gRPC puts before it
pub const WHOLE: usize = MESSAGE + 5;
const MESSAGES: usize = 100;
const BETWEEN: Duration = Duration::from_millis(5);

pub fn serve() -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            task::spawn(connection(socket));
        }
    })
}

async fn connection(socket: TcpStream) {
    let builder = server::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 24)
        .handshake(socket);
    let Ok(mut connection) = builder.await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        task::spawn(async {
            // whoever went away is not told
            let _ = answer(request, respond).await;
        });
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let (head, mut body) = request.into_parts();
    let mut came = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        came.extend_from_slice(&data);
    }
    let mut response = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    let mut stream = respond.send_response(response, false)?;
    match head.uri.path() {
        "/echo" => stream.send_data(message(echo(&head).as_bytes()), false)?,
        "/bench.Bench/Stream" => {
            let mut due = time::interval(BETWEEN);
            for _ in 0..MESSAGES {
                due.tick().await;
                stream.send_data(came.clone().freeze(), false)?;
            }
        }
        _ => stream.send_data(came.freeze(), false)?,
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

pub fn message(content: &[u8]) -> Bytes {
    let mut whole = BytesMut::with_capacity(5 + content.len());
    whole.put_u8(0);
    whole.put_u32(content.len() as u32);
    whole.put_slice(content);
    whole.freeze()
}

/// As the other application shows it.
fn echo(head: &Parts) -> String {
    let mut text = format!("{} {} HTTP/2\r\n", head.method, head.uri.path());
    for (name, value) in &head.headers {
        let _ = write!(text, "{name}: {}\r\n", value.to_str().unwrap_or_default());
    }
    text
}
