//! What the commands print while they wait and when they are done.
//! In: how many pods have it, and what came of it. Out: a line that moves on a terminal, plain lines in a pipe, one JSON object.

use super::confirm::Outcome;
use crate::{cli::output, exit};
use serde_json::{Value, json};
use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Duration,
};

/// How many have it, on standard error.
pub(super) struct Progress {
    terminal: bool,
    told: Option<(usize, usize)>,
}

impl Progress {
    /// Nothing is told yet.
    pub(super) fn new() -> Progress {
        Progress {
            terminal: io::stderr().is_terminal(),
            told: None,
        }
    }

    /// `37 of 40 pods`, where it is news.
    pub(super) fn tell(&mut self, have: usize, ready: usize) {
        if self.told.replace((have, ready)) == Some((have, ready)) {
            return;
        }
        let (before, after) = if self.terminal {
            ("\r\x1b[K", "")
        } else {
            ("", "\n")
        };
        let _ = write!(io::stderr(), "{before}{have} of {ready} pods{after}");
    }

    /// The line that moved has moved.
    pub(super) fn end(&self) {
        if self.terminal && self.told.is_some() {
            let _ = writeln!(io::stderr());
        }
    }
}

/// Says what came of it. `did`: `stopped checkout`. `more` goes into the JSON.
pub(super) fn outcome(
    did: &str,
    outcome: &Outcome,
    took: Duration,
    json: bool,
    more: Value,
) -> ExitCode {
    let seconds = (took.as_secs_f64() * 10.0).round() / 10.0;
    let everywhere = outcome.is_everywhere();
    if json {
        let laggards = outcome.laggards.iter();
        let laggards: Vec<_> = laggards
            .map(|(pod, why)| json!({"pod": pod, "why": why}))
            .collect();
        let mut object = json!({
            "result": result(outcome),
            "did": did,
            "ready": outcome.ready,
            "have": outcome.have,
            "laggards": laggards,
            "not_ready": outcome.not_ready,
            "seconds": seconds,
        });
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        output::say(&object.to_string());
    } else {
        let (have, ready) = (outcome.have, outcome.ready);
        output::say(&match (everywhere, ready) {
            (true, 1) => format!("{did} everywhere: 1 pod, {seconds} s"),
            (true, _) => format!("{did} everywhere: all {ready} pods, {seconds} s"),
            (false, _) if outcome.overwritten => format!(
                "{did}: it was written, and somebody else has written something else since; {have} of {ready} pods had it. `burgee status` shows what is in force"
            ),
            (false, 0) => format!(
                "{did}: it is written, and no ready pod reads it. Is it the right namespace? `burgee status` shows the pods"
            ),
            (false, _) => format!(
                "{did}: it is written, and {have} of {ready} pods have it after {seconds} s"
            ),
        });
        for (pod, why) in &outcome.laggards {
            output::say(&format!("  {pod}: {why}"));
        }
        for pod in &outcome.not_ready {
            output::say(&format!(
                "  {pod}: not ready; it reads the newest files when it is"
            ));
        }
        if !everywhere && ready > 0 && !outcome.overwritten {
            output::say("`burgee status` asks again; a pod that never answers can be deleted");
        }
    }
    match (everywhere, outcome.interrupted) {
        (true, _) => ExitCode::SUCCESS,
        // as a shell has it: ended by SIGINT
        (false, true) => ExitCode::from(130),
        (false, false) => exit::PROBLEMS.into(),
    }
}

fn result(outcome: &Outcome) -> &'static str {
    match outcome {
        _ if outcome.is_everywhere() => "everywhere",
        _ if outcome.interrupted => "interrupted",
        _ if outcome.overwritten => "overwritten",
        _ => "lagging",
    }
}

/// Asks a question on the terminal; true for yes. Without a terminal nobody can answer.
pub(super) fn asks(question: &str) -> bool {
    if !io::stdin().is_terminal() {
        output::fail(&format!("{question} There is nobody to ask: add --yes"));
        return false;
    }
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}
