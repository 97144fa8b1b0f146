//! A stream of events that tells browsers of a reload, so that they need not poll (OFREP ADR-0008, Server-Sent Events).
//! In: what is in force, and each change of it. Out: `refetchEvaluation`; what has changed is asked by the bulk request.

use super::ofrep_responses::{Endpoint, EventStream};
use crate::{
    http::server::{self, Response},
    live::{InForce, Reader},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Where the stream is.
pub const PATH: &str = "/ofrep/v1/events";
/// Streams at a time; they must leave connections for everybody else.
const STREAMS: usize = 256;
/// A comment so often: proxies close silent connections, and a client that has gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A page that nobody looks at need not hear of reloads after so many seconds.
const INACTIVITY: u32 = 120;

/// Gives out the streams of one listener.
#[derive(Debug)]
pub struct Events {
    permits: Arc<Semaphore>,
    /// a browser's EventSource cannot send a token; clients that sent one get this key
    key: Option<String>,
}

impl Events {
    /// With a key, where the listener asks for a token.
    pub fn new(key: Option<String>) -> Events {
        Events {
            permits: Arc::new(Semaphore::new(STREAMS)),
            key,
        }
    }

    /// Whether the request line has the key.
    pub fn admits(&self, parts: &Parts) -> bool {
        self.key.is_some() && parameter(parts, "key") == self.key.as_deref()
    }

    /// What a bulk response says of the stream. `since` closes the gap between that response and the connection.
    pub fn entry(&self, version: &str) -> EventStream {
        let mut request_uri = format!("{PATH}?since={version}");
        if let Some(key) = &self.key {
            request_uri.push_str("&key=");
            request_uri.push_str(key);
        }
        EventStream {
            r#type: "sse",
            endpoint: Endpoint { request_uri },
            inactivity_delay_sec: INACTIVITY,
        }
    }

    /// Opens a stream.
    pub fn stream(&self, parts: &Parts, reader: &Reader) -> Response {
        let Ok(permit) = self.permits.clone().try_acquire_owned() else {
            let mut busy = server::text(StatusCode::SERVICE_UNAVAILABLE, "too many streams\n");
            let later = HeaderValue::from_static("10");
            busy.headers_mut().insert(header::RETRY_AFTER, later);
            return busy;
        };
        // what a browser that comes back has heard last wins over what it knew when it came first
        let last = parts.headers.get("last-event-id");
        let known = last
            .and_then(|id| id.to_str().ok())
            .or_else(|| parameter(parts, "since"));
        let known = known.map_or_else(|| reader.get().snapshot.version().into_owned(), Into::into);
        let (sender, texts) = mpsc::channel(1);
        tokio::spawn(send_events(reader.clone(), known, sender, permit));
        let mut response = Response::new(Texts(texts).boxed_unsync());
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// A body that goes on until its sender has gone.
struct Texts(mpsc::Receiver<Bytes>);

impl Body for Texts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let text = self.0.poll_recv(context);
        text.map(|text| text.map(|text| Ok(Frame::data(text))))
    }
}

/// Until the client has gone.
async fn send_events(
    reader: Reader,
    mut known: String,
    sender: mpsc::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
) {
    let mut changes = reader.changes();
    loop {
        let now = reader.get();
        let version = now.snapshot.version();
        let text = if version == known {
            ":\n\n".to_owned()
        } else {
            known = version.into_owned();
            event(&now, &known)
        };
        if sender.send(text.into()).await.is_err() {
            return;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
    }
}

fn event(now: &InForce, version: &str) -> String {
    let data = serde_json::json!({
        "type": "refetchEvaluation",
        "etag": version,
        "lastModified": now.since.0,
    });
    format!("id: {version}\nevent: message\ndata: {data}\n\n")
}

fn parameter<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let mut pairs = parts.uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
