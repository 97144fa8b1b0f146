//! WebSockets: after the application's 101, bytes in both directions until both sides have ended.
//! In: what is left of both HTTP connections. Out: nothing; half-closes and early bytes are passed on as they came.

use super::{downstream::stream::ClientStream, upstream::pool::Link};
use bytes::Bytes;
use std::io;
use tokio::io::{AsyncWriteExt, copy_bidirectional};

/// What the request left for the connection under it, and what the application sent behind its 101.
pub(super) struct Tunnel(Link, Bytes);

impl Tunnel {
    pub(super) fn new(link: Link, late: Bytes) -> Tunnel {
        Tunnel(link, late)
    }

    /// Runs until both directions have ended.
    pub(super) async fn run(mut self, client: ClientStream, early: Bytes) -> io::Result<()> {
        let app = &mut self.0.socket;
        let (mut client, _) = client.into_parts();
        app.write_all(&early).await?;
        client.write_all(&self.1).await?;
        copy_bidirectional(&mut client, app).await.map(drop)
    }
}
