//! One `burgee run` process: loads the toggles, binds the listeners, starts the workers, then runs the event loop.
//! In: the flags and signals. Out: an exit code, once a signal has stopped it.

mod bad_start;
pub mod clock;
mod guard;
mod lifecycle;
mod limits;
mod listeners;
mod names;
mod settings;
mod toggles;
mod workers;

use crate::{
    config::{
        files::Files,
        reload::{Latest, Witness as _},
    },
    exit,
    flags::run::{OnBadStart, RunArgs},
    http::server,
    live::{self, Phase},
    proxy::Upstream,
    signals,
    telemetry::Metrics,
};
use clock::{uptime, wall_clock};
use lifecycle::Process;
pub use listeners::Addresses;
use listeners::{Listeners, cannot_listen};
use rustix::process::{Resource, getrlimit, setrlimit};
use settings::{request_logs, settings, settle, worker_count};
use std::{io, process::ExitCode, sync::Arc, time::Duration};
use toggles::{LoadLog, spawn_reload_thread};
use tokio::sync::{mpsc, watch};
use tracing::{error, warn};

/// Serves until a signal stops it. `unread`: variables that no flag reads, with what to say where the file does not either.
/// `listens` hears where it listens, once it does.
pub fn run(
    args: &RunArgs,
    signals: signals::Receiver,
    unread: &[(String, String)],
    listens: impl FnOnce(&Addresses),
) -> io::Result<ExitCode> {
    let (now, _) = (wall_clock(), uptime());
    let mut files = Files::new(args.toggles.clone(), args.stops.clone());
    let seen = files.look(now);
    let latest = Latest::new(&files, seen);
    let first = latest.in_force(None, "start", now);
    for (_, sentence) in unread
        .iter()
        .filter(|(name, _)| !files.asked().contains(name))
        .filter(|(name, _)| args.log.user_key_variable() != Some(name))
    {
        warn!("{sentence}");
    }
    if !first.last.problems.is_empty() && args.process.on_bad_start == OnBadStart::Refuse {
        toggles::log(&first.last);
        error!(toggles = %args.toggles.display(), "cannot start without good toggles; to start anyway and wait for good ones, use `--on-bad-start unready:15m` or `forward`");
        if !args.toggles.exists() {
            error!(
                "no toggles file yet? `burgee init NAME` writes toggles.yaml; then `burgee run --toggles toggles.yaml`"
            );
        }
        return Ok(exit::CONFIG.into());
    }
    if files.never_change() {
        warn!(toggles = %args.toggles.display(), "this is a subPath mount: Kubernetes never updates it; mount the whole volume as a directory");
    }
    raise_descriptor_limit();
    let pods = args.process.guard_pods as usize;
    let metrics = Metrics::with(worker_count(args), request_logs(args)?, settle(args), pods);
    let witness = LoadLog(metrics.clone());
    witness.before(&first.snapshot);
    witness.after(&first);
    witness.stopped(&first.snapshot.stopped.stops);
    let (publisher, reader) = live::channel(first);
    let traffic = server::listen_together(args.listeners.listen, metrics.workers().count())
        .map_err(|error| cannot_listen("--listen", args.listeners.listen, &error))?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let (commands, received) = mpsc::channel(16);
    let (ended, worker_ended) = mpsc::unbounded_channel();
    let patience = bad_start::patience(args.process.on_bad_start, &files, &reader.get());
    let listeners = Listeners::open(args, &reader, &metrics, &phases, commands, patience)?;
    listens(&listeners.announce(&traffic, &reader)?);
    bad_start::tell(&reader.get(), patience);
    let reloads = spawn_reload_thread(files, latest, publisher, args.process.poll, witness)?;
    let guarded = reloads.clone();
    let process = Process {
        signals,
        commands: received,
        reloads,
        ended: worker_ended,
        workers: traffic.len(),
        phase,
        drain_timeout: args.process.drain_timeout,
        deadline: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if let Some(settings) = settings(args).map(Arc::new) {
        if let Upstream::Named { name, .. } = &settings.upstream {
            names::spawn(name.clone())?;
        }
        workers::start(traffic, &settings, &reader, &metrics, &phases, &ended)?;
    }
    runtime.spawn(guard::look(metrics.clone(), guarded));
    if ![Duration::ZERO, Duration::MAX].contains(&patience) {
        runtime.spawn(bad_start::give_up(reader, patience));
    }
    let code = runtime.block_on(listeners.serve(process.run()));
    metrics.flush();
    code
}

/// A connection takes two descriptors, and the soft limit is often 1024: raises it to the hard limit.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "cannot raise the limit of open files");
    }
}
