//! HTTP/1.1 to the application: a request goes out and its response comes in, at the same time, because a body may still be
//! going up when the response comes.
//! In: a request as text. Out: the head of its response and where the body comes from, or why there is none.

use super::{
    encode::{EncodedRequest, SendError},
    head::{self, HeaderMaps, ResponseHead},
    pool::{Connection, Pool},
    request_body::RequestBody,
    response_body::{BodySource, H1Source},
};
use crate::proxy::{
    clock::{Alarm, Clock},
    dead_peers::DeadPeers,
    failure::Failure,
    header_case::HeaderCase,
    informational::Informational,
    settings::Settings,
};
use bytes::{Buf, Bytes, BytesMut};
use http::{Response, request, response};
use std::{
    cell::RefCell,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, ReadBuf};

/// What is read of a response at first: nearly always all of it.
const READ_BUFFER: usize = 16 * 1024;

/// Responses up to so long share a piece of memory of this size: it is used again as soon as nobody holds any of them.
const SHORT: usize = 1024;
const SHORT_ROOM: usize = 4 * 1024;

/// As many heads of requests keep their memory as are worth it: requests in progress at once. A longer one goes.
const SPARE_TEXTS: usize = 64;
const SPARE_TEXT: usize = 4 * 1024;

/// One worker's way to the application.
pub(crate) struct Client {
    pub(crate) pool: Rc<Pool>,
    pub(crate) header_maps: HeaderMaps,
    /// memory for the heads of requests, to be used again
    spare_texts: RefCell<Vec<Vec<u8>>>,
    /// where the head of a response is read
    read_buffer: RefCell<[u8; READ_BUFFER]>,
    /// where short responses go from there, one behind the other
    short: RefCell<BytesMut>,
}

/// What is known of a request besides its text.
pub(crate) struct RequestContext<'a> {
    pub(crate) is_head: bool,
    /// it is safe, and has no body: it may be sent again
    pub(crate) is_repeatable: bool,
    /// due when the response is late
    pub(crate) alarm: &'a Alarm,
    pub(crate) informational: Informational<'a>,
    pub(crate) header_case: Option<&'a HeaderCase>,
}

/// The head of a response, and the connection that it came on.
struct Received {
    head: ResponseHead,
    /// what came with the head
    rest: Bytes,
    connection: Connection,
}

/// Why there is no response.
enum Error {
    /// the connection had been idle, and ended before anything came
    Stale(Failure),
    Failed(Failure),
}

impl Client {
    pub(crate) fn new(
        settings: &Arc<Settings>,
        clock: &Rc<Clock>,
        dead_peers: &Rc<DeadPeers>,
    ) -> Client {
        Client {
            pool: Pool::new(settings, clock, dead_peers),
            header_maps: HeaderMaps::default(),
            spare_texts: RefCell::default(),
            read_buffer: RefCell::new([0; READ_BUFFER]),
            short: RefCell::new(BytesMut::with_capacity(SHORT_ROOM)),
        }
    }

    /// The request as text, with `lines` (our fields) first.
    pub(crate) fn encode(
        &self,
        parts: &request::Parts,
        body: Option<Box<RequestBody>>,
        lines: &[u8],
        header_case: Option<&HeaderCase>,
    ) -> EncodedRequest {
        let spare = self.spare_texts.borrow_mut().pop();
        EncodedRequest::new(parts, body, lines, header_case, spare.unwrap_or_default())
    }

    /// Memory of a request that has been sent, to be used again.
    fn keep_text(&self, text: Vec<u8>) {
        let mut spare = self.spare_texts.borrow_mut();
        if text.capacity() <= SPARE_TEXT && spare.len() < SPARE_TEXTS {
            spare.push(text);
        }
    }

    /// Sends the request and waits for the head of its response.
    pub(crate) async fn send(
        &self,
        request: &mut EncodedRequest,
        context: &RequestContext<'_>,
    ) -> Result<(response::Parts, BodySource), Failure> {
        let received = self.receive(request, context).await?;
        let unsent = match request.is_sent() {
            true => {
                self.keep_text(request.take_text());
                None
            }
            false => Some(Box::new(std::mem::take(request))),
        };
        let (head, mut connection) = (received.head, received.connection);
        if let Some(timeout) = head.keep_alive_timeout {
            connection.keep_no_longer_than(timeout);
        }
        let (mut parts, ()) = Response::new(()).into_parts();
        (parts.status, parts.headers) = (head.status, head.headers);
        if let Some(reason) = head.reason {
            parts.extensions.insert(reason);
        }
        let source = H1Source {
            connection,
            framing: head.framing,
            keep_alive: head.keep_alive,
            rest: received.rest,
            unsent,
        };
        Ok((parts, BodySource::H1(source)))
    }

    /// What was read, to be kept.
    fn copy(&self, read: &[u8]) -> Bytes {
        if read.len() > SHORT {
            return Bytes::copy_from_slice(read);
        }
        let mut short = self.short.borrow_mut();
        short.extend_from_slice(read);
        short.split().freeze()
    }

    /// On a connection that was idle, else on a new one. What was sent is sent again only where that is safe: an
    /// application that closes an idle connection unannounced crosses our next request (RFC 9110, 9.2.2).
    async fn receive(
        &self,
        request: &mut EncodedRequest,
        context: &RequestContext<'_>,
    ) -> Result<Received, Failure> {
        if let Some(connection) = self.pool.take(!context.is_repeatable) {
            let mut exchange = Exchange::new(self, context, connection, request);
            match poll_fn(|cx| exchange.poll(cx)).await {
                Ok((head, rest)) => {
                    let connection = exchange.connection;
                    return Ok(Received {
                        head,
                        rest,
                        connection,
                    });
                }
                Err(Error::Failed(failure)) => return Err(failure),
                Err(Error::Stale(failure)) if !context.is_repeatable && request.has_begun() => {
                    return Err(failure);
                }
                Err(Error::Stale(_)) => {
                    tracing::debug!("the application closed an idle connection; sending again");
                    request.restart();
                }
            }
        }
        // boxed: rare, and larger than all that every request needs
        Box::pin(async {
            let connection = self.pool.open().await?;
            let mut exchange = Exchange::new(self, context, connection, request);
            match poll_fn(|cx| exchange.poll(cx)).await {
                Ok((head, rest)) => {
                    let connection = exchange.connection;
                    Ok(Received {
                        head,
                        rest,
                        connection,
                    })
                }
                Err(Error::Stale(failure) | Error::Failed(failure)) => Err(failure),
            }
        })
        .await
    }
}

/// A request and its response on their ways.
struct Exchange<'a> {
    client: &'a Client,
    context: &'a RequestContext<'a>,
    connection: Connection,
    request: &'a mut EncodedRequest,
    is_sending: bool,
    /// the beginning of a head
    partial_head: Vec<u8>,
    has_read: bool,
}

impl<'a> Exchange<'a> {
    fn new(
        client: &'a Client,
        context: &'a RequestContext<'a>,
        connection: Connection,
        request: &'a mut EncodedRequest,
    ) -> Exchange<'a> {
        Exchange {
            client,
            context,
            connection,
            request,
            is_sending: true,
            partial_head: Vec::new(),
            has_read: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(ResponseHead, Bytes), Error>> {
        loop {
            if self.is_sending {
                self.send(cx)?;
            }
            match self.poll_read(cx)? {
                // a 1xx, or not all of a head: the body may go on now
                Poll::Ready(None) => {}
                Poll::Ready(Some(response)) => return Poll::Ready(Ok(response)),
                Poll::Pending => {
                    let late = |()| Err(Error::Failed(Failure::ResponseTimeout));
                    return self.context.alarm.poll_due(cx).map(late);
                }
            }
        }
    }

    /// A failed write is not reported: an application that responds early and closes (413) has its response waiting to
    /// be read, and where there is none, reading says so.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        match self.request.poll_send(cx, &mut self.connection.socket) {
            Poll::Pending => return Ok(()),
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(SendError::Upstream(error))) => {
                if self.connection.was_idle && !self.request.has_begun() {
                    return Err(Error::Stale(Failure::of_connection(&error)));
                }
            }
            Poll::Ready(Err(SendError::Client(error))) => {
                tracing::debug!(%error, "a request broke off");
                return Err(Error::Failed(Failure::Body));
            }
        }
        self.is_sending = false;
        Ok(())
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<(ResponseHead, Bytes)>, Error>> {
        let mut buffer = self.client.read_buffer.borrow_mut();
        let mut read = ReadBuf::new(&mut buffer[..]);
        let result = ready!(Pin::new(&mut self.connection.socket).poll_read(cx, &mut read));
        if let Err(error) = result {
            return Poll::Ready(Err(self.closed(Failure::of_connection(&error))));
        }
        if read.filled().is_empty() {
            return Poll::Ready(Err(self.closed(Failure::Terminated)));
        }
        // a 408 to an idle connection, say, while the rest of a short body is waited for: it is no response to what has not
        // been sent (RFC 9112, 9.2)
        if self.connection.was_idle && !self.request.has_begun() {
            return Poll::Ready(Err(Error::Stale(Failure::Terminated)));
        }
        self.has_read = true;
        Poll::Ready(self.parse(read.filled()))
    }

    fn closed(&self, failure: Failure) -> Error {
        match self.connection.was_idle && !self.has_read {
            true => Error::Stale(failure),
            false => Error::Failed(failure),
        }
    }

    /// The response, if its head is complete now.
    fn parse(&mut self, read: &[u8]) -> Result<Option<(ResponseHead, Bytes)>, Error> {
        let mut bytes = match self.partial_head.is_empty() {
            true => self.client.copy(read),
            false => {
                let before = self.partial_head.len();
                self.partial_head.extend_from_slice(read);
                if !may_end(&self.partial_head, before) && self.partial_head.len() < head::LIMIT {
                    return Ok(None);
                }
                std::mem::take(&mut self.partial_head).into()
            }
        };
        loop {
            let head = head::read(&bytes, self.context.is_head, &self.client.header_maps)
                .map_err(Error::Failed)?;
            let Some(head) = head else {
                self.partial_head = bytes.into();
                return Ok(None);
            };
            if let Some(header_case) = self.context.header_case
                && !head.is_informational()
            {
                header_case.record_response(&bytes[..head.len]);
            }
            bytes.advance(head.len);
            if !head.is_informational() {
                return Ok(Some((head, bytes)));
            }
            self.context
                .informational
                .receive(head.status, head.headers);
            if bytes.is_empty() {
                return Ok(None);
            }
        }
    }
}

/// Whether an empty line may have come since there were `before` bytes.
fn may_end(bytes: &[u8], before: usize) -> bool {
    let new = &bytes[before.saturating_sub(3)..];
    memchr::memchr_iter(b'\n', new)
        .any(|end| matches!(&new[end + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{
        client_body::ClientBody,
        settings::Upstream,
        upstream::request_body::{Flow, Trailers},
    };
    use http::Request;
    use hyper::{body::Incoming, server::conn::http1, service::service_fn};
    use hyper_util::rt::TokioIo;
    use std::{convert::Infallible, future::pending};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        net::{TcpListener, TcpStream},
        sync::mpsc,
        task::{spawn_local, yield_now},
    };

    const HEAD: &str = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n";

    /// A request whose body comes as the test writes it.
    async fn upload() -> (Request<Incoming>, DuplexStream) {
        let (mut client, server) = duplex(1024);
        let (tell, mut told) = mpsc::unbounded_channel();
        let service = service_fn(move |request| {
            let _ = tell.send(request);
            pending::<Result<http::Response<String>, Infallible>>()
        });
        let served = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        spawn_local(served);
        client.write_all(HEAD.as_bytes()).await.unwrap();
        (told.recv().await.unwrap(), client)
    }

    async fn read_upload(socket: &mut TcpStream) -> String {
        let mut all = Vec::new();
        while !all.ends_with(b"xy") {
            assert_ne!(socket.read_buf(&mut all).await.unwrap(), 0);
        }
        String::from_utf8(all).unwrap()
    }

    /// The application gives up on an idle connection while the rest of a short body is waited for: nothing has been asked.
    async fn check(unasked: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let settings = Arc::new(Settings {
            upstream: Upstream::Tcp {
                addresses: vec![address],
                authority: "a".into(),
            },
            ..Settings::default()
        });
        let clock = Clock::new(&[]);
        let peers = DeadPeers::new(settings.tcp_keepalive, Vec::new());
        let client = Client::new(&settings, &clock, &peers);
        client.pool.put(client.pool.open().await.unwrap());
        let (mut idle, _) = listener.accept().await.unwrap();

        let (request, mut uploading) = upload().await;
        let (parts, body) = request.into_parts();
        let alarm = clock.alarm();
        let flow = Flow::new(&Rc::default(), &alarm, settings.response_timeout);
        let body = ClientBody::new(body, parts.version);
        let body = Box::new(RequestBody::new(body, flow, Trailers::Drop, None, None));
        let mut request = client.encode(&parts, Some(body), b"", None);
        let context = RequestContext {
            is_head: false,
            is_repeatable: false,
            alarm: &alarm,
            informational: Informational {
                queue: None,
                alarm: &alarm,
                expectation: None,
            },
            header_case: None,
        };
        let mut sending = Box::pin(client.send(&mut request, &context));
        let mut turn = async |what: &str| {
            let poll = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending())).await;
            assert!(poll, "{what}: a response to what was never asked");
        };
        turn("before").await;
        idle.write_all(unasked.as_bytes()).await.unwrap();
        drop(idle);
        uploading.write_all(b"x").await.unwrap();
        // both have come when the runtime has looked
        for _ in 0..100 {
            yield_now().await;
        }
        turn("behind").await;
        let application = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            uploading.write_all(b"y").await.unwrap();
            let read = read_upload(&mut socket).await;
            let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            socket.write_all(ok).await.unwrap();
            read
        };
        let (response, read) = tokio::join!(sending, application);
        assert!(read.starts_with("POST / HTTP/1.1\r\n"), "{read}");
        let (response, _) = response.expect("the second is asked");
        assert_eq!(response.status, 200, "{unasked:?}");
    }

    #[test]
    fn memory_of_requests_and_short_responses_is_used_again_and_bounded() {
        let (settings, clock) = (Arc::new(Settings::default()), Clock::new(&[]));
        let peers = DeadPeers::new(settings.tcp_keepalive, Vec::new());
        let client = Client::new(&settings, &clock, &peers);
        client.keep_text(Vec::with_capacity(2 * SPARE_TEXT));
        assert!(client.spare_texts.borrow().is_empty(), "long");
        (0..2 * SPARE_TEXTS).for_each(|_| client.keep_text(Vec::with_capacity(SPARE_TEXT)));
        assert_eq!(client.spare_texts.borrow().len(), SPARE_TEXTS);

        let held = client.copy(&[1; SHORT]);
        let places = || -> std::collections::HashSet<_> {
            let place = |_| client.copy(&[2; SHORT]).as_ptr().addr();
            (0..100).map(place).collect()
        };
        assert!(
            places().len() <= 2 * SHORT_ROOM / SHORT,
            "beside one that is held"
        );
        assert_eq!(held, [1; SHORT][..], "as it came");
        drop(held);
        assert!(places().len() <= 2 * SHORT_ROOM / SHORT);
    }

    #[test]
    fn what_an_application_says_before_it_was_asked_is_no_response() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(Default::default())
            .unwrap();
        for unasked in [
            "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n",
            "",
        ] {
            runtime.block_on(check(unasked));
        }
    }
}
