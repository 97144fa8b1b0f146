//! What the flags mean to the data path, the counters and the journal.
//! In: the command line. Out: settings.

use super::limits;
use crate::{
    flags::run::{Forwarded, LogFormat, LogUser, Run, UpstreamProtocol},
    proxy::{self, Settings},
    telemetry::{Journal, Naming},
};
use std::{io, thread};

/// What the data path is told; none with `--upstream none`.
pub(super) fn settings(run: &Run) -> Option<Settings> {
    let (doors, limits) = (&run.doors, &run.limits);
    Some(Settings {
        upstream: run.upstream.0.clone()?,
        protocol: match run.upstream_protocol {
            UpstreamProtocol::Auto => proxy::Protocol::Auto,
            UpstreamProtocol::H1 => proxy::Protocol::H1,
            UpstreamProtocol::H2 => proxy::Protocol::H2,
            UpstreamProtocol::Mirror => proxy::Protocol::Mirror,
        },
        health_path: (!doors.health_path.is_empty()).then(|| doors.health_path.as_str().into()),
        trusted_hops: doors.trusted_hops,
        forwarded: match doors.forwarded {
            Forwarded::Keep => proxy::Forwarded::Keep,
            Forwarded::Append => proxy::Forwarded::Append,
        },
        preserve_header_case: doors.preserve_header_case,
        debug_response: doors.debug_response,
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
        connect_timeout: limits.connect_timeout,
        response_timeout: limits.response_timeout,
        upstream_idle_timeout: limits.upstream_idle_timeout,
        max_head: limits.max_head,
        max_fields: limits.max_fields,
        max_connections: limits.max_connections.unwrap_or_else(limits::connections),
        max_upstream_connections: limits.max_upstream_connections,
        h2_max_streams: limits.h2_max_streams,
        h2_max_header_list: limits.h2_max_header_list as u32,
        ..Settings::default()
    })
}

/// What is written down about single requests.
pub(super) fn journal(run: &Run) -> io::Result<Journal> {
    let json = run.log.log_format == LogFormat::Json;
    let naming = match run.log.log_user {
        LogUser::None => Naming::None,
        LogUser::Hash => Naming::Hash,
        LogUser::Plain => Naming::Plain,
    };
    Journal::start(
        run.log.access_log.then_some(json),
        run.log.exposure_log,
        naming,
    )
}

/// One a CPU that the cgroup grants, at most 4: a sidecar is a guest.
pub(super) fn workers(run: &Run) -> usize {
    if run.upstream.0.is_none() {
        return 0;
    }
    let granted = || thread::available_parallelism().map_or(1, |cpus| cpus.get().min(4));
    run.process.workers.map_or_else(granted, usize::from)
}
