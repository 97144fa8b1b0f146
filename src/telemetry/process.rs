//! `process_*`, under the names that every Prometheus client uses.
//! In: `/proc/self`. Out: the metrics that could be read; an empty image without `/proc` has none.

use super::openmetrics::describe;
use prometheus_client::{
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::{MetricType, exemplar::Exemplar},
};
use std::{fmt::Error, fs};

/// `/proc` counts time in hundredths of a second on every Linux (USER_HZ).
const TICKS: f64 = 100.0;

pub(super) fn encode(to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = |field: usize| {
        // the second field is the command in parentheses, and may hold anything
        let after = stat.rsplit_once(") ")?.1;
        after.split(' ').nth(field - 3)?.parse::<f64>().ok()
    };
    if let (Some(user), Some(system)) = (ticks(14), ticks(15)) {
        let mut family = describe(
            to,
            "process_cpu_seconds",
            "CPU time, user and system",
            MetricType::Counter,
        )?;
        family.encode_counter(
            &((user + system) / TICKS),
            None::<&Exemplar<NoLabelSet, f64>>,
        )?;
    }
    if let (Some(after_boot), Some(boot)) = (ticks(22), boot()) {
        gauge(
            to,
            "process_start_time_seconds",
            "When the process started",
            boot + after_boot / TICKS,
        )?;
    }
    for (name, help, field) in [
        ("process_resident_memory_bytes", "Resident memory", "VmRSS:"),
        ("process_virtual_memory_bytes", "Virtual memory", "VmSize:"),
    ] {
        if let Some(kib) = number(&status, field) {
            gauge(to, name, help, kib * 1024.0)?;
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        gauge(
            to,
            "process_open_fds",
            "Open file descriptors",
            open.count() as f64,
        )?;
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(limit) = number(&limits, "Max open files") {
        gauge(to, "process_max_fds", "How many may be open", limit)?;
    }
    Ok(())
}

fn boot() -> Option<f64> {
    number(&fs::read_to_string("/proc/stat").ok()?, "btime")
}

/// The first number behind a name at the beginning of a line.
fn number(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> Result<(), Error> {
    describe(to, name, help, MetricType::Gauge)?.encode_gauge(&value)
}
