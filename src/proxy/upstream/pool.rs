//! A worker's own connections to the application: last in, first out, nothing shared.
//! In: requests for a connection. Out: one that was idle, or none; it is given back at the end of an answer, or closed.

use super::connect::{self, Socket};
use crate::proxy::{
    Worker,
    failure::Failure,
    settings::{self, Settings},
};
use std::{cell::RefCell, collections::VecDeque, sync::Arc};

/// The idle connections of one worker, the oldest first.
#[derive(Default)]
pub(in crate::proxy) struct Pool(RefCell<VecDeque<Idle>>);

struct Idle {
    link: Link,
    since: u64,
}

/// One HTTP/1.1 connection. Dropped, it is closed, whatever it is in the midst of.
pub(in crate::proxy) struct Link {
    pub(in crate::proxy) socket: Socket,
    /// it has served before, so that the application may be about to close it
    pub(in crate::proxy) was_idle: bool,
    place: Place,
}

impl Link {
    pub(in crate::proxy) fn into_parts(self) -> (Socket, Place) {
        (self.socket, self.place)
    }
}

impl Worker {
    /// An answer is complete, and so is its request.
    pub(in crate::proxy) fn give_back(&self, link: Link) {
        let since = self.clock.now();
        self.pool.0.borrow_mut().push_back(Idle { link, since });
    }

    /// The connection that was used last, if it can be used again. `surely`: at the price of a system call, because what
    /// is sent cannot be sent twice.
    pub(in crate::proxy) fn take_idle(&self, surely: bool) -> Option<Link> {
        let mut idle = self.pool.0.borrow_mut();
        let now = self.clock.now();
        while let Some(Idle { mut link, since }) = idle.pop_back() {
            let is_young = now.saturating_sub(since) < self.keep;
            if is_young && link.socket.is_quiet() && (!surely || link.socket.is_surely_quiet()) {
                link.was_idle = true;
                return Some(link);
            }
        }
        None
    }
}

impl Pool {
    /// Closes what has been idle for too long, and what the application has closed.
    pub(in crate::proxy) fn sweep(&self, keep: u64, now: u64) {
        self.0
            .borrow_mut()
            .retain(|idle| now.saturating_sub(idle.since) < keep && idle.link.socket.is_quiet());
    }

    /// Closes everything that is idle.
    pub(in crate::proxy) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

/// A new connection, if the limit allows.
pub(in crate::proxy) async fn open(settings: &Arc<Settings>) -> Result<Link, Failure> {
    let place = Place::take(settings).ok_or(Failure::UpstreamLimit)?;
    let socket = connect::connect(settings)
        .await
        .map_err(|error| Failure::from(&error))?;
    Ok(Link {
        socket,
        was_idle: false,
        place,
    })
}

/// One of the connections that may be open.
pub(in crate::proxy) struct Place(Arc<Settings>);

impl Place {
    pub(in crate::proxy) fn take(settings: &Arc<Settings>) -> Option<Place> {
        settings::enter(&settings.open.upstream, settings.max_upstream_connections)
            .then(|| Place(settings.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        settings::leave(&self.0.open.upstream);
    }
}
