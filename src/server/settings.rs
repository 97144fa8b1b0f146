//! Turns flags into settings of the proxy and of telemetry.
//! In: the flags. Out: settings.

use super::limits;
use crate::{
    flags::{log::LogFormat, run::RunArgs},
    proxy::{Settings, TcpKeepalive},
    telemetry::RequestLogs,
};
use std::{io, thread, time::Duration};

/// The settings of the proxy; none with `--upstream none`.
pub(super) fn settings(args: &RunArgs) -> Option<Settings> {
    let (listeners, limits) = (&args.listeners, &args.limits);
    Some(Settings {
        upstream: args.upstream.0.clone()?,
        protocol: args.upstream_protocol,
        health_path: (!listeners.health_path.is_empty())
            .then(|| listeners.health_path.as_str().into()),
        trusted_hops: listeners.trusted_hops,
        forwarded: listeners.forwarded,
        preserve_header_case: listeners.preserve_header_case,
        debug_response: listeners.debug_response,
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
        connect_timeout: limits.connect_timeout,
        response_timeout: limits.response_timeout,
        upstream_idle_timeout: limits.upstream_idle_timeout,
        tcp_keepalive: TcpKeepalive {
            time: limits.tcp_keepalive_time,
            interval: limits.tcp_keepalive_interval,
            probes: limits.tcp_keepalive_probes,
        },
        max_head: limits.max_head,
        max_fields: limits.max_fields,
        max_connections: limits.max_connections.unwrap_or_else(limits::connections),
        max_upstream_connections: limits.max_upstream_connections,
        h2_max_streams: limits.h2_max_streams,
        h2_max_header_list: limits.h2_max_header_list as u32,
        ..Settings::default()
    })
}

/// The log of single requests: access and exposures.
pub(super) fn request_logs(args: &RunArgs) -> io::Result<RequestLogs> {
    let json = args.log.log_format == LogFormat::Json;
    RequestLogs::start(
        args.log.access_log.then_some(json),
        args.log.exposure_log,
        args.log.log_user,
    )
}

/// One worker for each CPU of the cgroup, at most 4: the application needs the CPUs too.
pub(super) fn worker_count(args: &RunArgs) -> usize {
    if args.upstream.0.is_none() {
        return 0;
    }
    let granted = || thread::available_parallelism().map_or(1, |cpus| cpus.get().min(4));
    args.process.workers.map_or_else(granted, usize::from)
}

/// How long after its decision an answer may come; without a limit it is the comparison's own.
pub(super) fn settle(args: &RunArgs) -> Duration {
    match args.limits.response_timeout {
        Duration::ZERO => Duration::MAX,
        limit => limit,
    }
}
