//! `burgee run`: its listeners, and how it treats the requests that they take.
//! In: arguments and `BURGEE_` variables. Out: a [`ListenerArgs`].

use super::values::{self, OrNone};
use crate::{api::authz, proxy::Forwarded};
use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

/// Where it listens, and how it treats requests.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Listeners")]
pub struct ListenerArgs {
    /// Address for traffic; falls back to 0.0.0.0 where there is no IPv6
    #[arg(long, env = "BURGEE_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3524")]
    pub listen: SocketAddr,
    /// Address for `/health`, `/ready` and `/metrics`
    #[arg(long, env = "BURGEE_ADMIN_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3525")]
    pub admin_listen: SocketAddr,
    /// Loopback address for the API (OFREP, explain, page, reload, drain), or `none`
    #[arg(
        long,
        env = "BURGEE_API_LISTEN",
        value_name = "ADDR|none",
        default_value = "127.0.0.1:3526"
    )]
    pub api_listen: OrNone<SocketAddr>,
    /// Address for OFREP and forward-auth from other hosts, by convention `[::]:3527`, or `none`
    #[arg(
        long,
        env = "BURGEE_EVALUATE_LISTEN",
        value_name = "ADDR|none",
        default_value = "none"
    )]
    pub evaluate_listen: OrNone<SocketAddr>,
    /// File whose first line is the bearer token for `--evaluate-listen` [default: no token needed]
    #[arg(long, env = "BURGEE_API_TOKEN_FILE", value_name = "PATH")]
    pub api_token_file: Option<PathBuf>,
    /// Origins that may call `--evaluate-listen` from a browser [default: none]
    #[arg(long, env = "BURGEE_API_CORS", value_name = "ORIGIN", value_delimiter = ',', num_args = 1..)]
    pub api_cors: Vec<String>,
    /// Host names, besides loopback, that requests to the API may use [default: none]
    #[arg(long, env = "BURGEE_API_HOST", value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    pub api_host: Vec<String>,
    /// Maximum requests per second to `--evaluate-listen`; more get 429 [default: no limit]
    #[arg(long, env = "BURGEE_API_RATE", value_name = "N/s", value_parser = values::per_second)]
    pub api_rate: Option<u32>,
    /// Where forward-auth reads the request to evaluate
    #[arg(
        long,
        env = "BURGEE_AUTHZ_FROM",
        value_name = "PLACE",
        default_value = "path"
    )]
    pub authz_from: authz::From,
    /// Which X-Forwarded-For entry, counted from the right, is the client; 0 trusts only the connection
    #[arg(
        long,
        env = "BURGEE_TRUSTED_HOPS",
        value_name = "N",
        default_value_t = 0
    )]
    pub trusted_hops: usize,
    /// Health check path on the traffic port; empty passes it to the application
    #[arg(
        long,
        env = "BURGEE_HEALTH_PATH",
        value_name = "PATH",
        default_value = "/health"
    )]
    pub health_path: String,
    /// Path of the application that `/ready` also checks [default: none]
    #[arg(long, env = "BURGEE_READY_UPSTREAM", value_name = "PATH")]
    pub ready_upstream: Option<String>,
    /// Make `/probe/NAME` on the admin port check PATH of the application; `NAME=connect` only connects to it [default: none]
    #[arg(long, env = "BURGEE_PROBE", value_name = "NAME=PATH", value_parser = values::probe, value_delimiter = ',', num_args = 1..)]
    pub probe: Vec<(String, String)>,
    /// What to do with X-Forwarded-For, X-Forwarded-Proto and Forwarded
    #[arg(
        long,
        env = "BURGEE_FORWARDED",
        value_name = "HOW",
        default_value = "keep"
    )]
    pub forwarded: Forwarded,
    /// Keep the case of header names, on HTTP/1.1
    #[arg(long, env = "BURGEE_PRESERVE_HEADER_CASE", value_parser = values::switch)]
    pub preserve_header_case: bool,
    /// Repeat the feature headers on responses
    #[arg(long, env = "BURGEE_DEBUG_RESPONSE", value_parser = values::switch)]
    pub debug_response: bool,
}
