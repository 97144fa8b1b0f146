//! `burgee drain`: makes the running process unready, for a preStop hook.
//! In: the address of its loopback API. Out: the number of connections; with `--wait`, once no client is connected.

use super::{api_client::ApiClient, output};
use crate::{exit, flags::values};
use clap::Args;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Make the running process unready, so that it gets no new requests
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee drain --wait --timeout 20s")]
pub struct DrainArgs {
    /// Wait until no client is connected; exits 1 if the timeout ends first
    #[arg(long, env = "BURGEE_WAIT", value_parser = values::switch)]
    wait: bool,
    /// How long to wait at least, because load balancers notice late
    #[arg(long, env = "BURGEE_AT_LEAST", value_name = "DURATION", value_parser = values::duration, default_value = "0s")]
    at_least: Duration,
    #[command(flatten)]
    api: ApiClient,
}

/// Drains, waits with `--wait`, and prints the number of connections.
pub fn main(args: &DrainArgs) -> ExitCode {
    output::block_on(async {
        let begun = Instant::now();
        loop {
            let response = args.api.post("/drain", "connections").await?;
            let connections = response["connections"].as_u64().unwrap_or_default();
            let waits = args.wait && connections > 0;
            let early = begun.elapsed() < args.at_least;
            if early || waits && begun.elapsed() < args.api.timeout {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
            let s = if connections == 1 { "" } else { "s" };
            output::say(&format!("draining: {connections} connection{s}"));
            return Ok(if waits {
                exit::PROBLEMS.into()
            } else {
                ExitCode::SUCCESS
            });
        }
    })
}
