//! Starts the workers: a thread, a runtime and a socket each.
//! In: the sockets for traffic, and what a worker serves from. Out: running threads; a message when one ends.

use crate::{
    live::{Phases, Reader},
    proxy::{self, Settings},
    telemetry::Metrics,
};
use std::{
    io,
    net::TcpListener,
    sync::{Arc, Barrier},
    thread,
};
use tokio::{runtime::LocalOptions, sync::mpsc};
use tracing::error;

/// Starts a worker for each socket, and returns once all of them serve.
pub(super) fn start(
    traffic: Vec<TcpListener>,
    settings: &Arc<Settings>,
    reader: &Reader,
    metrics: &Metrics,
    phases: &Phases,
    ended: &mpsc::UnboundedSender<()>,
) -> io::Result<()> {
    // no worker serves before all of them have the descriptors that they need
    let start = Arc::new(Barrier::new(traffic.len() + 1));
    for (listener, counters) in traffic.into_iter().zip(metrics.workers()) {
        let (settings, reader, phases) = (settings.clone(), reader.clone(), phases.clone());
        let serve = move || proxy::serve(listener, settings, reader, counters, phases);
        spawn(serve, start.clone(), ended.clone())?;
    }
    start.wait();
    Ok(())
}

/// Starts a thread with a runtime of its own. `serve` runs there, because what it makes never leaves the thread.
fn spawn<F>(
    serve: impl FnOnce() -> F + Send + 'static,
    start: Arc<Barrier>,
    ended: mpsc::UnboundedSender<()>,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + 'static,
{
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default());
        start.wait();
        if let Err(error) = runtime.and_then(|runtime| runtime.block_on(serve())) {
            error!(%error, "a worker has failed");
        }
        // the event loop may have ended first
        let _ = ended.send(());
    };
    thread::Builder::new().name("worker".into()).spawn(work)?;
    Ok(())
}
