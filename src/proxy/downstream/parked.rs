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

    /// Whether something came in time. As hyper would know it: when the process stops, nobody waits for another request, and
    /// a peer that is found dead is left.
    pub(super) async fn is_woken(&self, client: &ClientConnection) -> bool {
        let _counted = Counted::new(&client.worker);
        let ends = || is_stopping(client) || self.socket.check().is_err();
        let mut readable = pin!(sniff::readable(&self.socket, client));
        // what has come is served, also when the process stops just now
        let woken = poll_fn(|cx| match readable.as_mut().poll(cx) {
            Poll::Ready(come) => Poll::Ready(come.is_some()),
            Poll::Pending if ends() => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        });
        !self.unread.is_empty() || woken.await
    }

    /// What has come, and all that comes.
    pub(super) fn wake(self, client: &ClientConnection) -> (WatchedStream, Bytes) {
        client.unpark();
        (self.socket, self.unread)
    }

    /// Closed so that a client of a process that stops loses nothing.
    pub(super) async fn end(self, client: &ClientConnection) {
        if is_stopping(client) {
            let lingering = h1::linger(self.socket, &client.worker.settings.budget);
            h1::until_closing(client, timeout(LINGER, lingering)).await;
        }
    }
}

fn is_stopping(client: &ClientConnection) -> bool {
    client.worker.phase.get() >= Phase::Stopping
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
