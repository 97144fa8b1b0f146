//! `burgee run`: timeouts and sizes.
//! In: arguments and `BURGEE_` variables. Out: a [`LimitArgs`].

use super::values;
use clap::Args;
use std::time::Duration;

/// Timeouts and sizes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// How long a client may take to send a request's headers; then 408; `0s` is no timeout
    #[arg(long, env = "BURGEE_HEAD_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "10s")]
    pub head_timeout: Duration,
    /// Keep-alive timeout for clients; `0s` is no timeout
    #[arg(long, env = "BURGEE_IDLE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "75s")]
    pub idle_timeout: Duration,
    /// How long connecting to the application may take; then 504; `0s` is no timeout
    #[arg(long, env = "BURGEE_CONNECT_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "1s")]
    pub connect_timeout: Duration,
    /// How long the application may take to send a response's headers; then 504; `0s` is no timeout
    #[arg(long, env = "BURGEE_RESPONSE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "60s")]
    pub response_timeout: Duration,
    /// Keep-alive timeout for the application; keep it below the application's own; `0s` is no timeout
    #[arg(long, env = "BURGEE_UPSTREAM_IDLE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "4s")]
    pub upstream_idle_timeout: Duration,
    /// How long a TCP connection may be silent before its other end is probed; `0s` never probes
    #[arg(long, env = "BURGEE_TCP_KEEPALIVE_TIME", value_name = "DURATION", value_parser = values::probe_time, default_value = "60s")]
    pub tcp_keepalive_time: Duration,
    /// How long to wait between two TCP keepalive probes
    #[arg(long, env = "BURGEE_TCP_KEEPALIVE_INTERVAL", value_name = "DURATION", value_parser = values::probe_interval, default_value = "15s")]
    pub tcp_keepalive_interval: Duration,
    /// How many TCP keepalive probes may go unanswered; then the connection is closed
    #[arg(long, env = "BURGEE_TCP_KEEPALIVE_PROBES", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=127), default_value_t = 5)]
    pub tcp_keepalive_probes: u32,
    /// Maximum size of a request's headers; more get 431
    #[arg(long, env = "BURGEE_MAX_HEAD", value_name = "SIZE", value_parser = values::size, default_value = "64KiB")]
    pub max_head: usize,
    /// Maximum number of headers in a request; more get 431
    #[arg(
        long,
        env = "BURGEE_MAX_FIELDS",
        value_name = "N",
        default_value_t = 100
    )]
    pub max_fields: usize,
    /// Maximum client connections; more get 503 [default: 10000, or what fits into half of the cgroup's memory]
    #[arg(long, env = "BURGEE_MAX_CONNECTIONS", value_name = "N")]
    pub max_connections: Option<usize>,
    /// Most memory that all clients together may use; more gets 503 [default: half of the cgroup's memory]
    #[arg(long, env = "BURGEE_MEMORY_BUDGET", value_name = "SIZE", value_parser = values::budget)]
    pub memory_budget: Option<usize>,
    /// Maximum connections to the application; more get 503
    #[arg(
        long,
        env = "BURGEE_MAX_UPSTREAM_CONNECTIONS",
        value_name = "N",
        default_value_t = 1024
    )]
    pub max_upstream_connections: usize,
    /// Maximum concurrent streams per HTTP/2 connection
    #[arg(
        long,
        env = "BURGEE_H2_MAX_STREAMS",
        value_name = "N",
        default_value_t = 100
    )]
    pub h2_max_streams: u32,
    /// Maximum size of an HTTP/2 header list
    #[arg(long, env = "BURGEE_H2_MAX_HEADER_LIST", value_name = "SIZE", value_parser = values::size, default_value = "32KiB")]
    pub h2_max_header_list: usize,
}
