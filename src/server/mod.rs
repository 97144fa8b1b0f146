//! Wiring of `burgee run`: `files` (toggles), `settings` (flags), `doors` (admin, API), `process` (the event loop).
//! In: the command line and signals. Out: workers, doors and a reader of files, until the process is told to end.

pub mod clock;
mod lifecycle;
mod limits;
mod listeners;
mod settings;
mod toggles;

use crate::{
    config::{
        Problems,
        reload::{Files, Witness as _},
    },
    exit,
    flags::run::{OnBadStart, RunArgs},
    http::server,
    live::{self, Phase},
    proxy, signals,
    telemetry::Metrics,
};
use clock::wall_clock;
use lifecycle::Process;
use listeners::{Listeners, cannot_listen};
use rustix::process::{Resource, getrlimit, setrlimit};
use settings::{journal, settings, workers};
use std::{
    io,
    process::ExitCode,
    sync::{Arc, Barrier},
    thread,
};
use toggles::{Telling, in_force, read_again};
use tokio::{
    runtime::LocalOptions,
    sync::{mpsc, watch},
};
use tracing::{error, warn};

/// Serves until it is told to stop.
pub fn run(args: &RunArgs, signals: signals::Receiver) -> io::Result<ExitCode> {
    let now = wall_clock();
    let mut files = Files::new(args.toggles.clone());
    // a first look is never the same as the last one
    let first = files.look(now).unwrap_or_else(|| Err(Problems(Vec::new())));
    if let (Err(Problems(problems)), OnBadStart::Refuse) = (&first, args.process.on_bad_start) {
        problems.iter().for_each(|problem| error!("{problem}"));
        error!(toggles = %args.toggles.display(), "no good toggles to start with; `--on-bad-start forward` would serve without features");
        return Ok(exit::CONFIG.into());
    }
    if files.never_change() {
        warn!(toggles = %args.toggles.display(), "this is a subPath mount: Kubernetes never updates it; mount the whole volume as a directory");
    }
    raise_descriptor_limit();
    let metrics = Metrics::with(workers(args), journal(args)?);
    let first = in_force(first, now);
    let witness = Telling(metrics.clone());
    witness.before(&first.snapshot);
    witness.after(&first);
    let (publisher, reader) = live::hinge(first);
    let traffic = server::listen_together(args.listeners.listen, metrics.workers().count())
        .map_err(|error| cannot_listen("--listen", args.listeners.listen, &error))?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let (commands, asked) = mpsc::channel(16);
    let (ended, workers_ended) = mpsc::unbounded_channel();
    let listeners = Listeners::open(args, &reader, &metrics, &phases, commands)?;
    listeners.announce(&traffic, &reader)?;
    let process = Process {
        signals,
        commands: asked,
        reloads: read_again(files, publisher, args.process.poll, witness)?,
        ended: workers_ended,
        workers: traffic.len(),
        phase,
        drain_timeout: args.process.drain_timeout,
        deadline: None,
    };
    let runtime = runtime()?;
    if let Some(settings) = settings(args).map(Arc::new) {
        // nobody serves before everybody has the descriptors that he needs
        let start = Arc::new(Barrier::new(traffic.len() + 1));
        for (listener, counters) in traffic.into_iter().zip(metrics.workers()) {
            let (settings, reader, phases) = (settings.clone(), reader.clone(), phases.clone());
            let serves = move || proxy::worker(listener, settings, reader, counters, phases);
            work(serves, start.clone(), ended.clone())?;
        }
        start.wait();
    }
    let code = runtime.block_on(listeners.serve(process.live()));
    metrics.flush();
    code
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// A thread and a runtime for one worker; what it serves is made there, because it never leaves it.
fn work<F>(
    serves: impl FnOnce() -> F + Send + 'static,
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
        if let Err(error) = runtime.and_then(|runtime| runtime.block_on(serves())) {
            error!(%error, "a worker cannot go on");
        }
        // whoever listened has ended first
        let _ = ended.send(());
    };
    thread::Builder::new().name("worker".into()).spawn(work)?;
    Ok(())
}

/// A connection is two descriptors, and the soft limit of a shell is 1024: what the hard limit grants is ours to take.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "the limit of open files stays as it is");
    }
}
