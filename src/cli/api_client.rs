//! A client of the running process's loopback API, for `burgee reload` and `burgee drain`.
//! In: the address of the API. Out: its JSON responses.

use crate::{
    flags::values,
    http::client::{self, Address},
};
use clap::Args;
use http::{Method, Request};
use serde_json::Value;
use std::{io, net::SocketAddr, time::Duration};

/// Where the API is, and how long to wait for it.
#[derive(Args, Clone, Debug)]
pub(super) struct ApiClient {
    /// Address of the running process's API
    #[arg(long, env = "BURGEE_API_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "127.0.0.1:3526")]
    api_listen: SocketAddr,
    /// How long to wait
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "30s")]
    pub(super) timeout: Duration,
}

impl ApiClient {
    /// Sends a POST. The response must be JSON with this member, so that another process on the port is not taken for burgee.
    pub(super) async fn post(&self, path: &str, member: &str) -> io::Result<Value> {
        let request = Request::builder().method(Method::POST).uri(path);
        let response =
            client::send(&Address::Tcp(vec![self.api_listen]), request, self.timeout).await;
        let cannot_reach = |error| {
            io::Error::other(format!(
                "no response from {}: {error}; is burgee running, and without `--api-listen none`?",
                self.api_listen
            ))
        };
        let response = response.map_err(cannot_reach)?;
        let status = response.status();
        let body: Option<Value> = serde_json::from_slice(response.body()).ok();
        body.filter(|body| body.get(member).is_some())
            .ok_or_else(|| {
                io::Error::other(format!(
                    "{} is not burgee's API: it responded {status}; check `--api-listen`",
                    self.api_listen
                ))
            })
    }
}
