//! A worker's HTTP/2 connections to the application: few, and shared by many requests.
//! In: requests for a place. Out: a place on a connection that has room, or on a new one.

use super::{connect, pool::Place, request_body::Upload};
use crate::proxy::{Worker, downstream::h1::Local, failure::Failure};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use tokio::task;

/// What most servers allow; theirs counts where it is lower, and hyper queues the rest.
const STREAMS: usize = 100;

/// The connections of one worker.
#[derive(Default)]
pub(in crate::proxy) struct Multiplex(RefCell<Vec<Rc<Link>>>);

struct Link {
    sender: SendRequest<Upload>,
    active: Cell<usize>,
    /// since when nobody has a place on it
    since: Cell<u64>,
    driver: task::AbortHandle,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A place on a connection, for one exchange.
pub(in crate::proxy) struct Stream {
    link: Rc<Link>,
    worker: Rc<Worker>,
}

impl Stream {
    /// What sends the request.
    pub(in crate::proxy) fn sender(&self) -> SendRequest<Upload> {
        self.link.sender.clone()
    }

    fn on(link: Rc<Link>, worker: &Rc<Worker>) -> Stream {
        link.active.set(link.active.get() + 1);
        let worker = worker.clone();
        Stream { link, worker }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.link.active.set(self.link.active.get() - 1);
        self.link.since.set(self.worker.clock.now());
    }
}

/// A place on a connection that is open, and whether it was open before.
pub(in crate::proxy) async fn place(worker: &Rc<Worker>) -> Result<(Stream, bool), Failure> {
    let open = worker.multiplex.0.borrow().iter().find_map(|link| {
        let has_room = link.active.get() < STREAMS && !link.sender.is_closed();
        has_room.then(|| link.clone())
    });
    if let Some(link) = open {
        return Ok((Stream::on(link, worker), true));
    }
    Ok((fresh(worker).await?, false))
}

/// A place on a new connection.
pub(in crate::proxy) async fn fresh(worker: &Rc<Worker>) -> Result<Stream, Failure> {
    let settings = &worker.settings;
    let place = Place::take(settings).ok_or(Failure::UpstreamLimit)?;
    let socket = connect::connect(settings)
        .await
        .map_err(|error| Failure::from(&error))?;
    let (sender, connection) = Builder::new(Local)
        .timer(TokioTimer::new())
        .initial_stream_window_size(crate::proxy::H2_STREAM_WINDOW)
        .initial_connection_window_size(crate::proxy::H2_CONNECTION_WINDOW)
        .max_header_list_size(settings.max_head as u32)
        .handshake(TokioIo::new(socket))
        .await
        .map_err(|error| Failure::from(&error))?;
    let driver = task::spawn_local(async move {
        let _place = place;
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the application broke");
        }
    });
    let link = Rc::new(Link {
        sender,
        active: Cell::new(0),
        since: Cell::new(worker.clock.now()),
        driver: driver.abort_handle(),
    });
    worker.multiplex.0.borrow_mut().push(link.clone());
    Ok(Stream::on(link, worker))
}

impl Multiplex {
    /// Closes what is of no more use.
    pub(in crate::proxy) fn sweep(&self, keep: u64, now: u64) {
        self.0.borrow_mut().retain(|link| {
            let is_idle = link.active.get() == 0;
            !is_idle || !link.sender.is_closed() && now.saturating_sub(link.since.get()) < keep
        });
    }

    /// Closes everything.
    pub(in crate::proxy) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
