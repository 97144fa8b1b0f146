//! A connection of HTTP/1.1 between two requests that has been idle for a moment: of its 12 KiB, it keeps its socket and a deadline.
//! In: what hyper gave back. Out: the same, when something has come.

use super::{
    connection::ClientConnection,
    h1::{self, Served},
    sniff,
};
use crate::{
    live::Phase,
    proxy::{client_body::LINGER, settings, watched_stream::WatchedStream, worker::Worker},
};
use bytes::Bytes;
use std::{future::poll_fn, pin::pin, rc::Rc, sync::atomic::Ordering, task::Poll};
use tokio::time::timeout;

/// An idle connection.
pub(super) struct Parked {
    socket: WatchedStream,
    /// the beginning of the next head, where that came with the last request
    unread: Bytes,
}

impl Parked {
    pub(super) fn new(served: Served, client: &ClientConnection) -> Parked {
        client.park();
        let (socket, _) = served.stream.into_parts();
        // a copy: what hyper gives back keeps all that it has read alive
        let unread = Bytes::copy_from_slice(&served.unread);
        Parked { socket, unread }
    }

    /// None where nothing came in time, or the process stops.
    pub(super) async fn wait(self, client: &ClientConnection) -> Option<(WatchedStream, Bytes)> {
        let _counted = Counted::new(&client.worker);
        let stops = || client.worker.phase.get() >= Phase::Stopping;
        if !self.unread.is_empty() || self.is_readable(client, stops).await {
            client.unpark();
            return Some((self.socket, self.unread));
        }
        if stops() {
            let lingering = h1::linger(self.socket, &client.worker.settings.budget);
            // boxed: idle connections need not keep room for their end
            Box::pin(h1::until_closing(client, timeout(LINGER, lingering))).await;
        }
        None
    }

    /// As hyper would know it: when the process stops, nobody waits for another request, and a peer that is found dead is left.
    async fn is_readable(&self, client: &ClientConnection, stops: impl Fn() -> bool) -> bool {
        let mut readable = pin!(sniff::readable(&self.socket, client));
        poll_fn(|cx| match stops() || self.socket.check().is_err() {
            true => Poll::Ready(false),
            false => readable.as_mut().poll(cx).map(|come| come.is_some()),
        })
        .await
    }
}

/// One parked connection, counted.
struct Counted(Rc<Worker>);

impl Counted {
    fn new(worker: &Rc<Worker>) -> Counted {
        worker.settings.open.parked.fetch_add(1, Ordering::Relaxed);
        Counted(worker.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        settings::release(&self.0.settings.open.parked);
    }
}
