//! `burgee reload`: has the running process read its toggles now.
//! In: the address of its loopback API. Out: the revision, or every problem, and 1 if the toggles were not good.

use super::{api_client::ApiClient, output};
use crate::exit;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Has the running process read its toggles now
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: kubectl exec POD -c burgee -- /burgee reload")]
pub struct ReloadArgs {
    #[command(flatten)]
    api: ApiClient,
}

/// Asks, prints, and says whether it was good.
pub fn main(args: &ReloadArgs) -> ExitCode {
    output::block_on(async {
        let answer = args.api.post("/reload", "result").await?;
        let lines = |name: &str| {
            answer[name]
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
            "{}: revision {}",
            answer["result"].as_str().unwrap_or("?"),
            answer["revision"].as_str().unwrap_or("?")
        ));
        Ok(if lines("problems").is_empty() {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}
