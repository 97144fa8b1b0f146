//! `burgee run`: timeouts and sizes.
//! In: arguments and `BURGEE_` variables. Out: a [`LimitArgs`].

use super::values;
use clap::Args;
use std::time::Duration;

/// How much, and how long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
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
