//! WebSockets: the one upgrade that passes. After the application's 101, bytes go both ways until both sides have ended.
//! In: the fields of the handshake; then what is left of both HTTP connections. Out: half-closes and early bytes, as they came.

use super::{hop_by_hop, upstream::pool::Connection, watched_stream::WatchedStream};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use std::io;
use tokio::io::{AsyncWriteExt, copy_bidirectional};

/// Whether a request wants a WebSocket. Nothing else is upgraded: `h2c` would go round everything here.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    hop_by_hop::names(headers, header::CONNECTION, "upgrade") && is_upgrade(headers)
}

/// Whether `Upgrade` names `websocket` and nothing else.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::UPGRADE).iter();
    let only = lines.next().filter(|_| lines.next().is_none());
    only.is_some_and(|line| line.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Says that this connection is to become, or becomes, a WebSocket.
pub(super) fn set_upgrade(headers: &mut HeaderMap) {
    let upgrade = HeaderValue::from_static("upgrade");
    hop_by_hop::set(headers, header::CONNECTION, upgrade);
    let websocket = HeaderValue::from_static("websocket");
    hop_by_hop::set(headers, header::UPGRADE, websocket);
}

/// The application's connection after its 101, and what came behind that.
pub(crate) struct Tunnel(Connection, Bytes);

impl Tunnel {
    pub(super) fn new(connection: Connection, rest: Bytes) -> Tunnel {
        Tunnel(connection, rest)
    }

    /// Runs until both directions have ended. `unread` came from the client behind its request.
    pub(super) async fn run(mut self, mut client: WatchedStream, unread: Bytes) -> io::Result<()> {
        let upstream = &mut self.0.socket;
        upstream.write_all(&unread).await?;
        client.write_all(&self.1).await?;
        copy_bidirectional(&mut client, upstream).await.map(drop)
    }
}
