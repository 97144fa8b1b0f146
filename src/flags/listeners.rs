//! `burgee run`: where it listens, and what it answers itself.
//! In: arguments and `BURGEE_` variables. Out: a [`ListenerArgs`].

use super::values::{self, OrNone};
use crate::{api::authz, proxy::Forwarded};
use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

/// Where it listens, and what it answers itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Doors")]
pub struct ListenerArgs {
    /// Traffic; falls back to 0.0.0.0 where there is no IPv6
    #[arg(long, env = "BURGEE_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3524")]
    pub listen: SocketAddr,
    /// `/health`, `/ready` and `/metrics`
    #[arg(long, env = "BURGEE_ADMIN_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3525")]
    pub admin_listen: SocketAddr,
    /// OFREP, explain, the page, reload and drain; a loopback address, or `none`
    #[arg(
        long,
        env = "BURGEE_API_LISTEN",
        value_name = "ADDR|none",
        default_value = "127.0.0.1:3526"
    )]
    pub api_listen: OrNone<SocketAddr>,
    /// OFREP and forward-auth for other hosts; `[::]:3527` by convention, or `none`
    #[arg(
        long,
        env = "BURGEE_EVALUATE_LISTEN",
        value_name = "ADDR|none",
        default_value = "none"
    )]
    pub evaluate_listen: OrNone<SocketAddr>,
    /// A file whose first line is the bearer token that `--evaluate-listen` asks for
    #[arg(long, env = "BURGEE_API_TOKEN_FILE", value_name = "PATH")]
    pub api_token_file: Option<PathBuf>,
    /// Origins that may call `--evaluate-listen` from a browser
    #[arg(long, env = "BURGEE_API_CORS", value_name = "ORIGIN", value_delimiter = ',', num_args = 1..)]
    pub api_cors: Vec<String>,
    /// Names, beside loopback, that a request to the API may use as its host
    #[arg(long, env = "BURGEE_API_HOST", value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    pub api_host: Vec<String>,
    /// At most so many requests a second to `--evaluate-listen`; more get 429
    #[arg(long, env = "BURGEE_API_RATE", value_name = "N/s", value_parser = values::per_second)]
    pub api_rate: Option<u32>,
    /// The one place that forward-auth reads the described request from
    #[arg(
        long,
        env = "BURGEE_AUTHZ_FROM",
        value_name = "PLACE",
        default_value = "path"
    )]
    pub authz_from: authz::From,
    /// The N-th X-Forwarded-For entry from the right is the client; 0 trusts the connection alone
    #[arg(
        long,
        env = "BURGEE_TRUSTED_HOPS",
        value_name = "N",
        default_value_t = 0
    )]
    pub trusted_hops: usize,
    /// Answered here on the traffic port, GET and HEAD; empty hands it to the application
    #[arg(
        long,
        env = "BURGEE_HEALTH_PATH",
        value_name = "PATH",
        default_value = "/health"
    )]
    pub health_path: String,
    /// `/ready` also asks the application for this path
    #[arg(long, env = "BURGEE_READY_UPSTREAM", value_name = "PATH")]
    pub ready_upstream: Option<String>,
    /// `/probe/NAME` on the admin port asks the application for PATH
    #[arg(long, env = "BURGEE_PROBE", value_name = "NAME=PATH", value_parser = values::probe, value_delimiter = ',', num_args = 1..)]
    pub probe: Vec<(String, String)>,
    /// What becomes of X-Forwarded-For, X-Forwarded-Proto and Forwarded
    #[arg(
        long,
        env = "BURGEE_FORWARDED",
        value_name = "HOW",
        default_value = "keep"
    )]
    pub forwarded: Forwarded,
    /// Sends field names in the case they came in, on HTTP/1.1
    #[arg(long, env = "BURGEE_PRESERVE_HEADER_CASE")]
    pub preserve_header_case: bool,
    /// Repeats the assigned headers on responses
    #[arg(long, env = "BURGEE_DEBUG_RESPONSE")]
    pub debug_response: bool,
}
