//! Which HTTP a client speaks, under our own deadline: hyper's `auto` has none there (hyper#3756).
//! In: a fresh connection. Out: HTTP/1 or HTTP/2 by prior knowledge, and the bytes that were read to know.

use super::connection::ClientConnection;
use crate::{live::Phase, proxy::watched_stream::WatchedStream};
use bytes::Bytes;
use std::{future::poll_fn, io, task::Poll};

/// RFC 9113, 3.4.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes say.
pub(super) struct Sniffed {
    pub(super) is_h2: bool,
    pub(super) bytes: Bytes,
}

/// None where the client said nothing, left, or took too long.
pub(super) async fn sniff(socket: &WatchedStream, client: &ClientConnection) -> Option<Sniffed> {
    let (mut buf, mut len) = ([0; PREFACE.len()], 0);
    loop {
        readable(socket, client).await?;
        match socket.try_read(&mut buf[len..]) {
            Ok(0) => return None,
            Ok(some) => len += some,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return None,
        }
        let is_preface = buf[..len] == PREFACE[..len];
        if !is_preface || len == PREFACE.len() {
            return Some(Sniffed {
                is_h2: is_preface,
                bytes: Bytes::copy_from_slice(&buf[..len]),
            });
        }
    }
}

/// None where nothing comes in time, or the process stops.
pub(super) async fn readable(socket: &WatchedStream, client: &ClientConnection) -> Option<()> {
    poll_fn(|cx| {
        if socket.poll_read_ready(cx).is_ready() {
            return Poll::Ready(Some(()));
        }
        if client.alarm.is_due() || client.worker.phase.get() >= Phase::Closing {
            return Poll::Ready(None);
        }
        client.alarm.watch(cx);
        client.hurry();
        Poll::Pending
    })
    .await
}
