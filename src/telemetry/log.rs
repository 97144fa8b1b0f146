//! Log lines on standard error: text for people, JSON for machines.
//! In: tracing events. Out: one line each; what came from a client is written escaped, user ids not at all.

use std::io::IsTerminal as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Starts logging. Libraries below us are heard from `warn` up, so that `debug` is about burgee.
pub fn start(level: LevelFilter, json: bool) {
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("burgee", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    // a second start, in a test, keeps the first
    let _ = if json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines).try_init()
    };
}
