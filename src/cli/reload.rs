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
            "{}: revision {}, stops {}, burgee {}",
            report["result"].as_str().unwrap_or("?"),
            report["revision"].as_str().unwrap_or("?"),
            report["stops"].as_str().unwrap_or("none"),
            env!("CARGO_PKG_VERSION")
        ));
        if let (Some(age), true) = (
            report["volume_age"].as_i64(),
            report["result"] != "reloaded",
        ) {
            // standard output ends with the line that `burgee status` reads
            output::fail(&not_here_yet(age));
        }
        Ok(if lines("problems").is_empty() {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}

/// Whoever has just edited the ConfigMap reads why nothing has changed. The pod knows its own name by the downward API.
fn not_here_yet(age: i64) -> String {
    let named = |name: &str, other: &str| std::env::var(name).unwrap_or_else(|_| other.to_owned());
    format!(
        "the kubelet brought this volume {} ago: an edit since then has not arrived. It takes up to 90 seconds; at once by `burgee apply`, or:\n  \
         kubectl -n {} annotate pod {} burgee.dev/refresh=\"$(date +%s)\" --overwrite",
        how_long(age),
        named("POD_NAMESPACE", "NAMESPACE"),
        named("POD_NAME", "POD"),
    )
}

fn how_long(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}
