//! The loopback API of the running process, for the commands that drive it.
//! In: its address. Out: the JSON that it answers with.

use crate::{
    flags::values,
    http::client::{self, Endpoint},
};
use clap::Args;
use http::{Method, Request};
use serde_json::Value;
use std::{io, net::SocketAddr, time::Duration};

/// Where the running process is asked.
#[derive(Args, Clone, Debug)]
pub(super) struct ApiClient {
    /// The loopback API of the running process
    #[arg(long, env = "BURGEE_API_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "127.0.0.1:3526")]
    api_listen: SocketAddr,
    /// How long to wait for the answer
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "30s")]
    pub(super) timeout: Duration,
}

impl ApiClient {
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
