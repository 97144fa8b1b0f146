//! `burgee drain`: makes the running process unready, for a preStop hook.
//! In: the address of its loopback API. Out: what it said; with `--wait`, once no client is connected.

use super::{PROBLEMS, reload::Api};
use crate::flags::values;
use clap::Args;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Makes the running process unready, so that it gets no new work
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee drain --wait --timeout 20s")]
pub struct Drain {
    /// Wait until no client is connected, or the timeout is over (which is 1)
    #[arg(long, env = "BURGEE_WAIT")]
    wait: bool,
    /// Go on for so long in any case: whoever sends traffic hears of it late
    #[arg(long, env = "BURGEE_AT_LEAST", value_name = "DURATION", value_parser = values::duration, default_value = "0s")]
    at_least: Duration,
    #[command(flatten)]
    api: Api,
}

/// Asks, prints, and waits if it is to.
pub fn main(drain: &Drain) -> ExitCode {
    super::client(async {
        let begun = Instant::now();
        loop {
            let answer = drain.api.post("/drain", "connections").await?;
            let connections = answer["connections"].as_u64().unwrap_or_default();
            let waits = drain.wait && connections > 0;
            let early = begun.elapsed() < drain.at_least;
            if early || waits && begun.elapsed() < drain.api.timeout {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let s = if connections == 1 { "" } else { "s" };
            super::say(&format!("draining: {connections} connection{s}"));
            return Ok(if waits {
                PROBLEMS.into()
            } else {
                ExitCode::SUCCESS
            });
        }
    })
}
