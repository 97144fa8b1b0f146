//! A start without good toggles: how long the process is not ready then, and what it says of it.
//! In: `--on-bad-start`, and what the first look found. Out: a duration, and log lines that come last, where people look.

use crate::{
    config::files::Files,
    flags::run::OnBadStart,
    live::{InForce, Reader},
};
use std::time::Duration;
use tracing::error;

/// How long `/ready` is 503 while there are no good toggles; zero: not at all, `MAX`: for as long as there are none. Only a start
/// counts: a process that has been ready stays so. A ConfigMap that nobody has made yet is no mistake, but for plain `unready`.
pub(super) fn patience(wanted: OnBadStart, files: &Files, first: &InForce) -> Duration {
    match wanted {
        _ if first.loaded => Duration::ZERO,
        OnBadStart::Unready(Duration::MAX) => Duration::MAX,
        OnBadStart::Unready(patience) if !files.none_yet() => patience,
        _ => Duration::ZERO,
    }
}

/// The last lines of the log of a pod that is not ready are the reason.
pub(super) fn tell(first: &InForce, patience: Duration) {
    let until = match patience {
        Duration::ZERO => return,
        Duration::MAX => String::new(),
        patience => format!(" for {}", spoken(patience)),
    };
    error!(
        "not ready{until}, until the toggles are good: {}",
        why(first)
    );
}

/// An application must not stay down for a feature: says so, once requests pass without any.
pub(super) async fn give_up(reader: Reader, patience: Duration) {
    tokio::time::sleep(patience).await;
    let in_force = reader.get();
    if !in_force.loaded {
        error!(
            "ready without good toggles, after {}: requests pass without features: {}",
            spoken(patience),
            why(&in_force)
        );
    }
}

/// The first problem, and how many there are beside it.
fn why(in_force: &InForce) -> String {
    match &in_force.last.problems[..] {
        [] => String::new(),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first} (and {} more)", others.len()),
    }
}

/// As people say it: `15 min`, `90s`
fn spoken(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{time:?}"),
    }
}
