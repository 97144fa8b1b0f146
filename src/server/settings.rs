//! Turns flags into settings of the proxy and of telemetry.
//! In: the flags. Out: settings.

use super::limits;
use crate::{
    flags::{log::LogFormat, run::RunArgs},
    proxy::{Budget, Settings, TcpKeepalive},
    telemetry::{ExposuresTo, RequestLogs},
};
use std::{env, io, thread, time::Duration};

/// The settings of the proxy; none with `--upstream none`.
pub(super) fn settings(args: &RunArgs) -> Option<Settings> {
    let (listeners, flags) = (&args.listeners, &args.limits);
    let upstream = args.upstream.0.clone()?;
    let budget = limits::budget(flags.memory_budget);
    Some(Settings {
        upstream,
        budget: budget.map(Budget::new).unwrap_or_default().into(),
        protocol: args.upstream_protocol,
        health_path: (!listeners.health_path.is_empty())
            .then(|| listeners.health_path.as_str().into()),
        trusted_hops: listeners.trusted_hops,
        forwarded: listeners.forwarded,
        preserve_header_case: listeners.preserve_header_case,
        debug_response: listeners.debug_response,
        head_timeout: flags.head_timeout,
        idle_timeout: flags.idle_timeout,
        connect_timeout: flags.connect_timeout,
        response_timeout: flags.response_timeout,
        upstream_idle_timeout: flags.upstream_idle_timeout,
        tcp_keepalive: TcpKeepalive {
            time: flags.tcp_keepalive_time,
            interval: flags.tcp_keepalive_interval,
            probes: flags.tcp_keepalive_probes,
        },
        max_head: flags.max_head,
        max_fields: flags.max_fields,
        max_connections: flags
            .max_connections
            .unwrap_or_else(|| limits::connections(budget)),
        max_upstream_connections: flags.max_upstream_connections,
        h2_max_streams: flags.h2_max_streams,
        h2_max_header_list: flags.h2_max_header_list as u32,
        ..Settings::default()
    })
}

/// The log of single requests: access and exposures.
pub(super) fn request_logs(args: &RunArgs) -> io::Result<RequestLogs> {
    let json = args.log.log_format == LogFormat::Json;
    let names = args.log.user_names(|name| env::var(name).ok());
    let exposures = match &args.log.exposure_file {
        Some(file) => Some(ExposuresTo::File(file)),
        None => args.log.exposure_log.then_some(ExposuresTo::Stdout),
    };
    RequestLogs::start(
        args.log.access_log.then_some(json),
        exposures,
        names.map_err(io::Error::other)?,
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
