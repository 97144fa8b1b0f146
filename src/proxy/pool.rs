//! A worker's own connections to the application: last in, first out, nothing shared.
//! In: requests for a connection. Out: a lease, which gives the connection back at the end of an answer, or closes it.

use super::{
    Worker,
    body::{Flow, Upload},
    connect::{self, Renewable, Wire},
    failure::Failure,
    multiplex::Stream,
    quiet::Quiet,
    settings::{self, Settings},
};
use hyper::client::conn::http1::{Builder, Parts, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    cell::RefCell, collections::VecDeque, future::poll_fn, rc::Rc, sync::Arc, task::Context,
};
use tokio::{sync::oneshot, task};

/// What is left of an HTTP connection after a 101.
pub(super) type Raw = Parts<TokioIo<Renewable>>;

/// The idle connections of one worker, the oldest first.
#[derive(Default)]
pub(super) struct Pool(RefCell<VecDeque<Idle>>);

struct Idle {
    link: Link,
    since: u64,
}

/// One HTTP/1.1 connection. Dropped, it is closed, whatever it is in the midst of.
pub(super) struct Link {
    pub(super) sender: SendRequest<Upload>,
    pub(super) wire: Rc<Wire>,
    pub(super) quiet: Arc<Quiet>,
    /// what is left after an upgrade
    pub(super) raw: oneshot::Receiver<Raw>,
    driver: task::AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The use of a connection for one exchange. Dropped instead of given back, it ends what is in progress.
pub(super) enum Lease {
    /// of a whole HTTP/1.1 connection
    Whole {
        link: Link,
        flow: Option<Rc<Flow>>,
        worker: Rc<Worker>,
    },
    /// of a stream of an HTTP/2 connection
    Shared(Stream),
}

impl Lease {
    /// The answer is complete. Where the request is not, the connection is of no more use and closed.
    pub(super) fn give_back(self) {
        let (link, flow, worker) = match self {
            Lease::Whole { link, flow, worker } => (link, flow, worker),
            Lease::Shared(stream) => return drop(stream),
        };
        let unsent = flow.is_some_and(|flow| !flow.has_ended());
        if unsent || link.wire.is_broken() || link.sender.is_closed() {
            return;
        }
        let since = worker.clock.now();
        worker.pool.0.borrow_mut().push_back(Idle { link, since });
    }
}

impl Pool {
    /// The connection that was used last, if it can be used again.
    pub(super) fn take(&self, keep: u64, now: u64) -> Option<Link> {
        let mut idle = self.0.borrow_mut();
        while let Some(Idle { link, since }) = idle.pop_back() {
            if link.sender.is_ready() && now.saturating_sub(since) < keep {
                return Some(link);
            }
        }
        None
    }

    /// Closes what has been idle for too long.
    pub(super) fn sweep(&self, keep: u64, now: u64) {
        let mut idle = self.0.borrow_mut();
        while idle
            .front()
            .is_some_and(|idle| now.saturating_sub(idle.since) >= keep)
        {
            idle.pop_front();
        }
    }

    /// Closes everything that is idle.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

/// A new connection, if the limit allows.
pub(super) async fn open(settings: &Arc<Settings>) -> Result<Link, Failure> {
    let place = Place::take(settings).ok_or(Failure::UpstreamLimit)?;
    let socket = connect::connect(settings)
        .await
        .map_err(|error| Failure::from(&error))?;
    let wire = Rc::new(Wire::default());
    let stream = Renewable::new(socket, wire.clone(), settings.clone());
    let (sender, mut connection) = Builder::new()
        .preserve_header_case(settings.preserve_header_case)
        // requests are small: one buffer costs less than a list of them
        .writev(false)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::from(&error))?;
    let (upgraded, raw) = oneshot::channel();
    let quiet = Arc::<Quiet>::default();
    let waker = quiet.clone();
    let driver = task::spawn_local(async move {
        let _place = place;
        let mut around = None;
        let driven = poll_fn(|cx| {
            // the waker of a task is the same for its whole life
            let waker = around.get_or_insert_with(|| waker.around(cx.waker()));
            connection.poll_without_shutdown(&mut Context::from_waker(waker))
        });
        match driven.await {
            // without an upgrade nobody waits for this, and the stream is closed here
            Ok(()) => drop(upgraded.send(connection.into_parts())),
            Err(error) => tracing::debug!(%error, "a connection to the application broke"),
        }
    });
    Ok(Link {
        sender,
        wire,
        quiet,
        raw,
        driver: driver.abort_handle(),
    })
}

/// One of the connections that may be open.
pub(super) struct Place(Arc<Settings>);

impl Place {
    pub(super) fn take(settings: &Arc<Settings>) -> Option<Place> {
        settings::enter(&settings.open.upstream, settings.max_upstream_connections)
            .then(|| Place(settings.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        settings::leave(&self.0.open.upstream);
    }
}
