//! Wiring, and the one closed event loop of `burgee run`.
//! In: the command line and signals. Out: workers, doors and a reader of files, until the process is told to end.

use crate::{
    admin::Admin,
    api::{
        Api,
        evaluate::Evaluate,
        events::Events,
        gate::{Gate, Rate, Token},
    },
    ask::Peer,
    cli::{
        self,
        run::{Forwarded, LogFormat, LogUser, OnBadStart, Run, UpstreamProtocol},
    },
    config::{
        Problems,
        reload::{self, Files, Read, Witness},
    },
    door,
    engine::{Snapshot, units::Second},
    live::{self, Command, Commands, InForce, Phase, Phases, Publisher, Reader, Report},
    proxy::{self, Settings, Upstream},
    signals::{self, Signal},
    telemetry::{Journal, Metrics, Naming},
};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::{Arc, mpsc as blocking},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    runtime::LocalOptions,
    sync::{mpsc, watch},
    time::Instant,
};
use tracing::{error, info, warn};

/// After the deadline, for connections to be closed rather than cut.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Everything that can happen to the process.
enum Event {
    Signal(Signal),
    Command(Command),
    WorkerEnded,
    Deadline,
}

/// Serves until it is told to stop.
pub fn run(run: &Run, signals: signals::Receiver) -> io::Result<ExitCode> {
    let now = clock();
    let mut files = Files::new(run.toggles.clone());
    // a first look is never the same as the last one
    let first = files.look(now).unwrap_or_else(|| Err(Problems(Vec::new())));
    if let (Err(Problems(problems)), OnBadStart::Refuse) = (&first, run.process.on_bad_start) {
        problems.iter().for_each(|problem| error!("{problem}"));
        error!(toggles = %run.toggles.display(), "no good toggles to start with; `--on-bad-start forward` would serve without features");
        return Ok(cli::CONFIG.into());
    }
    if files.never_change() {
        warn!(toggles = %run.toggles.display(), "this is a subPath mount: Kubernetes never updates it; mount the whole volume as a directory");
    }
    raise_descriptor_limit();
    let metrics = Metrics::with(workers(run), journal(run)?);
    let first = in_force(first, now);
    let witness = Telling(metrics.clone());
    witness.before(&first.snapshot);
    witness.after(&first);
    let (publisher, reader) = live::hinge(first);
    let traffic = door::listen_together(run.doors.listen, metrics.workers().count())
        .map_err(|error| cannot_listen("--listen", run.doors.listen, &error))?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let (commands, asked) = mpsc::channel(16);
    let (ended, workers_ended) = mpsc::unbounded_channel();
    let doors = Doors::open(run, &reader, &metrics, &phases, commands)?;
    doors.announce(&traffic, &reader)?;
    let process = Process {
        signals,
        commands: asked,
        reloads: read_again(files, publisher, run.process.poll, witness)?,
        ended: workers_ended,
        workers: traffic.len(),
        phase,
        drain_timeout: run.process.drain_timeout,
        deadline: None,
    };
    if let Some(settings) = settings(run).map(Arc::new) {
        for (listener, counters) in traffic.into_iter().zip(metrics.workers()) {
            let (settings, reader, phases) = (settings.clone(), reader.clone(), phases.clone());
            let serves = move || proxy::worker(listener, settings, reader, counters, phases);
            work(serves, ended.clone())?;
        }
    }
    let code = runtime()?.block_on(doors.serve(process.live()));
    metrics.flush();
    code
}

fn bound(at: SocketAddr, flag: &str) -> io::Result<TcpListener> {
    door::listen(at).map_err(|error| cannot_listen(flag, at, &error))
}

fn cannot_listen(flag: &str, at: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::other(format!("{flag} {at}: {error}"))
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// A thread and a runtime for one worker; what it serves is made there, because it never leaves it.
fn work<F>(
    serves: impl FnOnce() -> F + Send + 'static,
    ended: mpsc::UnboundedSender<()>,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + 'static,
{
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default());
        if let Err(error) = runtime.and_then(|runtime| runtime.block_on(serves())) {
            error!(%error, "a worker cannot go on");
        }
        // whoever listened has ended first
        let _ = ended.send(());
    };
    thread::Builder::new().name("worker".into()).spawn(work)?;
    Ok(())
}

/// What the data path is told; none with `--upstream none`.
fn settings(run: &Run) -> Option<Settings> {
    let (doors, limits) = (&run.doors, &run.limits);
    Some(Settings {
        upstream: run.upstream.0.clone()?,
        protocol: match run.upstream_protocol {
            UpstreamProtocol::Auto => proxy::Protocol::Auto,
            UpstreamProtocol::H1 => proxy::Protocol::H1,
            UpstreamProtocol::H2 => proxy::Protocol::H2,
            UpstreamProtocol::Mirror => proxy::Protocol::Mirror,
        },
        health_path: (!doors.health_path.is_empty()).then(|| doors.health_path.as_str().into()),
        trusted_hops: doors.trusted_hops,
        forwarded: match doors.forwarded {
            Forwarded::Keep => proxy::Forwarded::Keep,
            Forwarded::Append => proxy::Forwarded::Append,
        },
        preserve_header_case: doors.preserve_header_case,
        debug_response: doors.debug_response,
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
        connect_timeout: limits.connect_timeout,
        response_timeout: limits.response_timeout,
        upstream_idle_timeout: limits.upstream_idle_timeout,
        max_head: limits.max_head,
        max_fields: limits.max_fields,
        max_connections: limits.max_connections,
        max_upstream_connections: limits.max_upstream_connections,
        h2_max_streams: limits.h2_max_streams,
        h2_max_header_list: limits.h2_max_header_list as u32,
        ..Settings::default()
    })
}

/// A thread that reads the files: neither a slow disk nor a large file holds up a request or a signal.
fn read_again(
    mut files: Files,
    publisher: Publisher,
    poll: Duration,
    witness: Telling,
) -> io::Result<blocking::Sender<reload::Request>> {
    let (ask, asked) = blocking::channel();
    let reads = move || reload::run(&mut files, &publisher, &asked, poll, clock, &witness);
    thread::Builder::new().name("files".into()).spawn(reads)?;
    Ok(ask)
}

fn in_force(first: Read, now: Second) -> InForce {
    let last = reload::report(&first, "start", now);
    let loaded = first.is_ok();
    let snapshot = first.map_or_else(|_| Snapshot::empty(), |(snapshot, _)| snapshot);
    InForce {
        snapshot: Arc::new(snapshot),
        loaded,
        since: now,
        last,
    }
}

/// The doors beside the traffic, bound but not yet answering.
struct Doors {
    admin: (TcpListener, Arc<Admin>),
    api: Option<(TcpListener, Arc<Api>)>,
    gate: Option<(TcpListener, Arc<Gate>)>,
}

impl Doors {
    fn open(
        run: &Run,
        reader: &Reader,
        metrics: &Arc<Metrics>,
        phases: &Phases,
        commands: Commands,
    ) -> io::Result<Doors> {
        let admin = Admin {
            reader: reader.clone(),
            metrics: metrics.clone(),
            phases: phases.clone(),
            upstream: run.upstream.0.as_ref().map(|upstream| match upstream {
                Upstream::Tcp { addresses, .. } => Peer::Tcp(addresses.clone()),
                Upstream::Unix(path) => Peer::Unix(path.clone()),
            }),
            ready_upstream: run.doors.ready_upstream.clone(),
            probes: run.doors.probe.clone(),
        };
        let evaluate = |events| Evaluate {
            reader: reader.clone(),
            clock,
            authz_from: run.doors.authz_from.into(),
            trusted_hops: run.doors.trusted_hops,
            events,
        };
        let api = Api {
            evaluate: evaluate(Events::new(None)),
            commands,
            phases: phases.clone(),
            metrics: metrics.clone(),
            hosts: run.doors.api_host.clone(),
        };
        let api_listener = run
            .doors
            .api_listen
            .0
            .map(|at| bound(at, "--api-listen"))
            .transpose()?;
        Ok(Doors {
            admin: (
                bound(run.doors.admin_listen, "--admin-listen")?,
                Arc::new(admin),
            ),
            api: api_listener.map(|listener| (listener, Arc::new(api))),
            gate: Doors::gate(&run.doors, evaluate)?,
        })
    }

    fn gate(
        doors: &cli::run::Doors,
        evaluate: impl Fn(Events) -> Evaluate,
    ) -> io::Result<Option<(TcpListener, Arc<Gate>)>> {
        let Some(at) = doors.evaluate_listen.0 else {
            return Ok(None);
        };
        let token = doors
            .api_token_file
            .as_deref()
            .map(Token::read)
            .transpose()?;
        let gate = Gate {
            evaluate: evaluate(Events::new(
                token.as_ref().map(|token| token.events_key.clone()),
            )),
            token,
            origins: doors.api_cors.clone(),
            rate: doors.api_rate.map(Rate::new),
        };
        Ok(Some((bound(at, "--evaluate-listen")?, Arc::new(gate))))
    }

    /// With port 0 nobody else knows where they are.
    fn announce(&self, traffic: &[TcpListener], reader: &Reader) -> io::Result<()> {
        let at = |listener: Option<&TcpListener>| match listener {
            Some(listener) => listener.local_addr().map(|at| at.to_string()),
            None => Ok("none".to_owned()),
        };
        info!(
            listen = at(traffic.first())?,
            admin = at(Some(&self.admin.0))?,
            api = at(self.api.as_ref().map(|(listener, _)| listener))?,
            evaluate = at(self.gate.as_ref().map(|(listener, _)| listener))?,
            workers = traffic.len(),
            revision = &*reader.get().snapshot.revision,
            "burgee listens"
        );
        Ok(())
    }

    /// Answers for as long as the process lives.
    async fn serve(self, life: impl Future<Output = ExitCode>) -> io::Result<ExitCode> {
        let (_stop, stopped) = watch::channel(false);
        let (listener, admin) = self.admin;
        tokio::spawn(door::serve(
            listener,
            move |request| admin.clone().answer(request),
            stopped.clone(),
        ));
        if let Some((listener, api)) = self.api {
            tokio::spawn(door::serve(
                listener,
                move |request| api.clone().answer(request),
                stopped.clone(),
            ));
        }
        if let Some((listener, gate)) = self.gate {
            tokio::spawn(door::serve(
                listener,
                move |request| gate.clone().answer(request),
                stopped,
            ));
        }
        Ok(life.await)
    }
}

/// Wall-clock seconds.
pub fn clock() -> Second {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Second(since.map_or(0, |since| since.as_secs() as i64))
}

/// A connection is two descriptors, and the soft limit of a shell is 1024: what the hard limit grants is ours to take.
fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "the limit of open files stays as it is");
    }
}

fn journal(run: &Run) -> io::Result<Journal> {
    let json = run.log.log_format == LogFormat::Json;
    let naming = match run.log.log_user {
        LogUser::None => Naming::None,
        LogUser::Hash => Naming::Hash,
        LogUser::Plain => Naming::Plain,
    };
    Journal::start(
        run.log.access_log.then_some(json),
        run.log.exposure_log,
        naming,
    )
}

/// One a CPU that the cgroup grants, at most 4: a sidecar is a guest.
fn workers(run: &Run) -> usize {
    if run.upstream.0.is_none() {
        return 0;
    }
    let granted = || thread::available_parallelism().map_or(1, |cpus| cpus.get().min(4));
    run.process.workers.map_or_else(granted, usize::from)
}

/// Counts attempts and logs them.
struct Telling(Arc<Metrics>);

impl Witness for Telling {
    fn before(&self, snapshot: &Arc<Snapshot>) {
        self.0.prepare(snapshot);
    }

    fn after(&self, in_force: &InForce) {
        let Report {
            at,
            trigger,
            problems,
            warnings,
        } = &in_force.last;
        let revision = &*in_force.snapshot.revision;
        warnings.iter().for_each(|warning| warn!("{warning}"));
        problems.iter().for_each(|problem| error!("{problem}"));
        self.0.reloaded(trigger, problems.is_empty(), *at);
        if problems.is_empty() {
            info!(trigger, revision, "the toggles are in force");
        } else if in_force.loaded {
            error!(
                trigger,
                revision,
                problems = problems.len(),
                "the toggles are bad; the last good ones stay in force"
            );
        } else {
            error!(
                trigger,
                problems = problems.len(),
                "the toggles are bad; requests pass without features"
            );
        }
    }
}

/// What the event loop holds.
struct Process {
    signals: signals::Receiver,
    commands: mpsc::Receiver<Command>,
    reloads: blocking::Sender<reload::Request>,
    ended: mpsc::UnboundedReceiver<()>,
    workers: usize,
    phase: watch::Sender<Phase>,
    drain_timeout: Duration,
    deadline: Option<Instant>,
}

impl Process {
    async fn next(&mut self) -> Event {
        let deadline = self.deadline;
        let passed = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(signal) = self.signals.recv() => Event::Signal(signal),
            Some(command) = self.commands.recv() => Event::Command(command),
            Some(()) = self.ended.recv() => Event::WorkerEnded,
            () = passed => Event::Deadline,
        }
    }

    /// Until the process may end.
    async fn live(mut self) -> ExitCode {
        loop {
            match self.next().await {
                Event::Signal(Signal::Reload) => self.reload("signal", None),
                Event::Command(Command::Reload(reply)) => self.reload("api", Some(reply)),
                Event::Command(Command::Drain) => self.enter(Phase::Draining),
                Event::Signal(Signal::Stop) if self.phase() < Phase::Stopping => {
                    info!(timeout = ?self.drain_timeout, "stopping: requests that have begun are finished");
                    self.enter(Phase::Stopping);
                    self.deadline = Some(Instant::now() + self.drain_timeout);
                }
                // asked twice, or out of time
                Event::Signal(Signal::Stop) | Event::Deadline if self.phase() < Phase::Closing => {
                    warn!("closing what is still open");
                    self.enter(Phase::Closing);
                    self.deadline = Some(Instant::now() + LAST_WORDS);
                }
                Event::Signal(Signal::Stop) | Event::Deadline => return ExitCode::SUCCESS,
                Event::WorkerEnded if self.phase() < Phase::Stopping => {
                    error!("a worker has ended, and with it this process");
                    return ExitCode::FAILURE;
                }
                Event::WorkerEnded => self.workers -= 1,
            }
            if self.workers == 0 && self.phase() >= Phase::Stopping {
                info!("stopped");
                return ExitCode::SUCCESS;
            }
        }
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// A phase is never left for an earlier one.
    fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let further = phase > *now;
            *now = phase.max(*now);
            further
        });
    }

    fn reload(&self, trigger: &'static str, reply: Option<tokio::sync::oneshot::Sender<Report>>) {
        // a reader of files that has gone drops the reply, and whoever waits for it is told so
        let _ = self.reloads.send(reload::Request { trigger, reply });
    }
}
