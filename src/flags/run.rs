//! `burgee run`: the sidecar. In: its flags. Out: a process that serves until it is told to stop.

use super::values::{self, OrNone};
use crate::{api::authz, proxy::Upstream, signals, telemetry};
use clap::{Args, Parser as _, ValueEnum};
use std::{ffi::OsStr, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

/// As if these flags had been given to `burgee run`; every other one has its variable or its default.
pub fn with<'a>(flags: impl IntoIterator<Item = (&'a str, &'a OsStr)>) -> Run {
    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        run: Run,
    }
    let words = flags
        .into_iter()
        .flat_map(|(flag, value)| [OsStr::new(flag), value]);
    Alone::parse_from([OsStr::new("burgee run")].into_iter().chain(words)).run
}

/// Serves, once what no other flag can make right has been refused.
pub fn main(run: &Run, signals: signals::Receiver) -> ExitCode {
    if let OrNone(Some(api)) = run.doors.api_listen
        && !api.ip().to_canonical().is_loopback()
    {
        crate::cli::fail(&format!(
            "--api-listen {api}: the API can reload and drain, and listens on a loopback address only; `--evaluate-listen` is the door for others"
        ));
        return crate::cli::USAGE.into();
    }
    // until the last line is out
    let _log = match telemetry::log::start(run.log.log, run.log.log_format == LogFormat::Json) {
        Ok(log) => log,
        Err(error) => return crate::cli::fail(&error),
    };
    crate::server::run(run, signals).unwrap_or_else(|error| {
        tracing::error!("{error}");
        crate::cli::PROBLEMS.into()
    })
}

/// Puts feature headers on every request to an application
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: burgee run --toggles toggles.yaml --upstream http://127.0.0.1:8080"
)]
pub struct Run {
    /// The toggles: a file, or a directory in which every `*.yaml` is one
    #[arg(
        long,
        env = "BURGEE_TOGGLES",
        value_name = "PATH",
        default_value = "/etc/burgee/toggles"
    )]
    pub toggles: PathBuf,
    /// The application: `http://HOST:PORT` (an IP address or `localhost`), `unix:/PATH`, or `none`
    #[arg(
        long,
        env = "BURGEE_UPSTREAM",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub upstream: OrNone<Upstream>,
    /// How to speak to the application; `auto` is HTTP/1.1, and HTTP/2 for gRPC
    #[arg(
        long,
        env = "BURGEE_UPSTREAM_PROTOCOL",
        value_name = "PROTOCOL",
        default_value = "auto"
    )]
    pub upstream_protocol: UpstreamProtocol,

    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub doors: Doors,
    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub process: Process,
    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub limits: Limits,
    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub log: Log,
}

/// Where it listens, and what it answers itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Doors")]
pub struct Doors {
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
    pub authz_from: AuthzFrom,
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

/// How it lives.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Process")]
pub struct Process {
    /// Threads that serve [default: the CPUs of the cgroup, at most 4]
    #[arg(long, env = "BURGEE_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// How often to look whether the toggles have changed; `0s` is never, only on SIGHUP and `burgee reload`
    #[arg(long, env = "BURGEE_POLL", value_name = "DURATION", value_parser = values::duration, default_value = "2s")]
    pub poll: Duration,
    /// Toggles missing or bad at the start: exit with 78, or forward requests without features until they are good
    #[arg(
        long,
        env = "BURGEE_ON_BAD_START",
        value_name = "WHAT",
        default_value = "refuse"
    )]
    pub on_bad_start: OnBadStart,
    /// After SIGTERM, what is unfinished by then is cut off
    #[arg(long, env = "BURGEE_DRAIN_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "25s")]
    pub drain_timeout: Duration,
}

/// How much, and how long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// A client's whole request head must have come by then (408)
    #[arg(long, env = "BURGEE_HEAD_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "10s")]
    pub head_timeout: Duration,
    /// A client's connection may be silent so long between requests
    #[arg(long, env = "BURGEE_IDLE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "75s")]
    pub idle_timeout: Duration,
    /// The application must have accepted the connection by then (504)
    #[arg(long, env = "BURGEE_CONNECT_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "1s")]
    pub connect_timeout: Duration,
    /// The application's response head must have come by then (504)
    #[arg(long, env = "BURGEE_RESPONSE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "60s")]
    pub response_timeout: Duration,
    /// Idle connections to the application are closed; keep it below the application's own limit
    #[arg(long, env = "BURGEE_UPSTREAM_IDLE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "4s")]
    pub upstream_idle_timeout: Duration,
    /// Bytes of a request head (431)
    #[arg(long, env = "BURGEE_MAX_HEAD", value_name = "SIZE", value_parser = values::size, default_value = "64KiB")]
    pub max_head: usize,
    /// Fields of a request head (431)
    #[arg(
        long,
        env = "BURGEE_MAX_FIELDS",
        value_name = "N",
        default_value_t = 100
    )]
    pub max_fields: usize,
    /// Client connections (503) [default: 10000; fewer where half of the cgroup's memory holds fewer]
    #[arg(long, env = "BURGEE_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// Connections to the application (503)
    #[arg(
        long,
        env = "BURGEE_MAX_UPSTREAM_CONNECTIONS",
        value_name = "N",
        default_value_t = 1024
    )]
    pub max_upstream_connections: usize,
    /// Streams of an HTTP/2 connection
    #[arg(
        long,
        env = "BURGEE_H2_MAX_STREAMS",
        value_name = "N",
        default_value_t = 100
    )]
    pub h2_max_streams: u32,
    /// Bytes of an HTTP/2 header list
    #[arg(long, env = "BURGEE_H2_MAX_HEADER_LIST", value_name = "SIZE", value_parser = values::size, default_value = "32KiB")]
    pub h2_max_header_list: usize,
}

/// What it says.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub struct Log {
    /// off, error, warn, info, debug or trace
    #[arg(long, env = "BURGEE_LOG", value_name = "LEVEL", default_value = "info")]
    pub log: tracing::level_filters::LevelFilter,
    /// For people, or for machines
    #[arg(
        long,
        env = "BURGEE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// A line a request
    #[arg(long, env = "BURGEE_ACCESS_LOG")]
    pub access_log: bool,
    /// A line on standard output the first time that a user is seen to use a feature
    #[arg(long, env = "BURGEE_EXPOSURE_LOG")]
    pub exposure_log: bool,
    /// What the access log says of the user
    #[arg(
        long,
        env = "BURGEE_LOG_USER",
        value_name = "HOW",
        default_value = "none"
    )]
    pub log_user: LogUser,
}

/// How to speak to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum UpstreamProtocol {
    /// HTTP/1.1, and HTTP/2 for gRPC
    Auto,
    /// always HTTP/1.1
    H1,
    /// always HTTP/2
    H2,
    /// as the client speaks
    Mirror,
}

/// Where forward-auth finds the request that it is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthzFrom {
    /// the path behind `/authz`
    Path,
    /// X-Forwarded-Method, -Host and -Uri
    XForwarded,
    /// X-Original-Method and -URL (or -URI)
    XOriginal,
}

impl From<AuthzFrom> for authz::From {
    fn from(place: AuthzFrom) -> authz::From {
        match place {
            AuthzFrom::Path => authz::From::Path,
            AuthzFrom::XForwarded => authz::From::XForwarded,
            AuthzFrom::XOriginal => authz::From::XOriginal,
        }
    }
}

/// Forwarding fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Forwarded {
    /// as they came
    Keep,
    /// with this hop added
    Append,
}

/// When there are no good toggles at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnBadStart {
    /// exit with 78
    Refuse,
    /// serve without features
    Forward,
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// for people
    Text,
    /// for machines
    Json,
}

/// The user in the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogUser {
    /// nothing
    None,
    /// a hash that the same id always gives
    Hash,
    /// the id
    Plain,
}
