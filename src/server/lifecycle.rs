//! The event loop: everything that can happen to the process, and what it does then.
//! In: signals, commands of the API, workers that end, the deadline. Out: phases, requests to read the files, an exit code.

use crate::{
    config::reload::{Reload, Request},
    live::{Command, Phase, Report},
    signals::{self, Signal},
};
use std::{process::ExitCode, sync::mpsc as blocking, time::Duration};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tracing::{error, info, warn};

/// How long connections may take to close after the deadline.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that can happen to the process.
enum Event {
    Signal(Signal),
    Command(Command),
    WorkerEnded,
    Deadline,
}

/// The state of the event loop.
pub(super) struct Process {
    pub(super) signals: signals::Receiver,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) reloads: blocking::Sender<Request>,
    pub(super) ended: mpsc::UnboundedReceiver<()>,
    pub(super) workers: usize,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) drain_timeout: Duration,
    pub(super) deadline: Option<Instant>,
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

    /// Runs until the process may exit.
    pub(super) async fn run(mut self) -> ExitCode {
        loop {
            match self.next().await {
                Event::Signal(Signal::Reload) => self.reload("signal", None),
                Event::Command(Command::Reload(reply)) => self.reload("api", Some(reply)),
                Event::Command(Command::Drain) => self.enter(Phase::Draining),
                Event::Signal(Signal::Stop) if self.phase() < Phase::Stopping => {
                    info!(timeout = ?self.drain_timeout, "stopping: finishing the requests in progress");
                    self.enter(Phase::Stopping);
                    self.deadline = Some(Instant::now() + self.drain_timeout);
                }
                // a second signal, or out of time
                Event::Signal(Signal::Stop) | Event::Deadline if self.phase() < Phase::Closing => {
                    warn!("closing the connections that are still open");
                    self.enter(Phase::Closing);
                    self.deadline = Some(Instant::now() + CLOSE_TIMEOUT);
                }
                Event::Signal(Signal::Stop) | Event::Deadline => return ExitCode::SUCCESS,
                Event::WorkerEnded if self.phase() < Phase::Stopping => {
                    error!("a worker has ended: burgee exits");
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

    /// Never goes back to an earlier phase.
    fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let further = phase > *now;
            *now = phase.max(*now);
            further
        });
    }

    fn reload(&self, trigger: &'static str, reply: Option<oneshot::Sender<Report>>) {
        // if the reload thread is gone, the reply is dropped and its receiver notices
        let _ = self
            .reloads
            .send(Request::Reload(Reload { trigger, reply }));
    }
}
