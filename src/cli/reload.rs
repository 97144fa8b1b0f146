//! `burgee reload`: has the running process read its toggles now.
//! In: the address of its loopback API. Out: the revision, or every problem, and 1 if the toggles were not good.

use super::PROBLEMS;
use crate::flags::values;
use crate::http::client::{self, Endpoint};
use clap::Args;
use http::{Method, Request};
use serde_json::Value;
use std::{io, net::SocketAddr, process::ExitCode, time::Duration};

/// Has the running process read its toggles now
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: kubectl exec POD -c burgee -- /burgee reload")]
pub struct Reload {
    #[command(flatten)]
    api: Api,
}

/// Where the running process is asked.
#[derive(Args, Clone, Debug)]
pub struct Api {
    /// The loopback API of the running process
    #[arg(long, env = "BURGEE_API_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "127.0.0.1:3526")]
    api_listen: SocketAddr,
    /// How long to wait for the answer
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "30s")]
    pub(super) timeout: Duration,
}

impl Api {
    /// The answer of the API, which is JSON with this member: another process on that port is no success.
    pub(super) async fn post(&self, path: &str, member: &str) -> io::Result<Value> {
        let request = Request::builder().method(Method::POST).uri(path);
        let answer =
            client::send(&Endpoint::Tcp(vec![self.api_listen]), request, self.timeout).await;
        let hint = |error| {
            io::Error::other(format!(
                "{} does not answer: {error}; is burgee running, and not with `--api-listen none`?",
                self.api_listen
            ))
        };
        let answer = answer.map_err(hint)?;
        let status = answer.status();
        let answer: Option<Value> = serde_json::from_slice(answer.body()).ok();
        answer
            .filter(|answer| answer.get(member).is_some())
            .ok_or_else(|| {
                io::Error::other(format!(
                    "{} is not the API of burgee: it answered {status}; mind `--api-listen`",
                    self.api_listen
                ))
            })
    }
}

/// Asks, prints, and says whether it was good.
pub fn main(reload: &Reload) -> ExitCode {
    super::client(async {
        let answer = reload.api.post("/reload", "result").await?;
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
            super::say(line);
        }
        super::say(&format!(
            "{}: revision {}",
            answer["result"].as_str().unwrap_or("?"),
            answer["revision"].as_str().unwrap_or("?")
        ));
        Ok(if lines("problems").is_empty() {
            ExitCode::SUCCESS
        } else {
            PROBLEMS.into()
        })
    })
}
