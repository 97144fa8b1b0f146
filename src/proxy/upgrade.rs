//! WebSockets: after the application's 101, bytes in both directions until both sides have ended.
//! In: what is left of both HTTP connections. Out: nothing; half-closes and early bytes are passed on as they came.

use super::{
    connect::Socket,
    pool::{Link, Raw},
    stream::ClientStream,
};
use bytes::Bytes;
use std::io;
use tokio::io::{AsyncWriteExt, copy_bidirectional};

/// What the request left for the connection under it.
pub(super) struct Tunnel(Link);

impl Tunnel {
    pub(super) fn new(link: Link) -> Tunnel {
        Tunnel(link)
    }

    /// Runs until both directions have ended.
    pub(super) async fn run(mut self, client: ClientStream, early: Bytes) -> io::Result<()> {
        let Ok(raw) = (&mut self.0.raw).await else {
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        let (mut app, late) = plain(raw);
        let (mut client, _) = client.into_parts();
        app.write_all(&early).await?;
        client.write_all(&late).await?;
        copy_bidirectional(&mut client, &mut app).await.map(drop)
    }
}

fn plain(raw: Raw) -> (Socket, Bytes) {
    (raw.io.into_inner().into_socket(), raw.read_buf)
}
