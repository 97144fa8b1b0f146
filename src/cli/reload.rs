//! `burgee reload`: makes the running process reload its toggles now.
//! In: the address of its loopback API. Out: the revision, or every problem and exit code 1.

use super::{api_client::ApiClient, output};
use crate::exit;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Reload the toggles now
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: kubectl exec POD -c burgee -- /burgee reload")]
pub struct ReloadArgs {
    #[command(flatten)]
    api: ApiClient,
}

/// Reloads, and prints the result.
pub fn main(args: &ReloadArgs) -> ExitCode {
    output::block_on(async {
        let report = args.api.post("/reload", "result").await?;
        let lines = |name: &str| {
            report[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for line in lines("problems").iter().chain(&lines("warnings")) {
            output::say(line);
        }
        output::say(&format!(
            "{}: revision {}, stops {}",
            report["result"].as_str().unwrap_or("?"),
            report["revision"].as_str().unwrap_or("?"),
            report["stops"].as_str().unwrap_or("none")
        ));
        Ok(if lines("problems").is_empty() {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}
