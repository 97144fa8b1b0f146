//! Log lines on standard error: text for people, JSON for machines.
//! In: tracing events. Out: one line each; what came from a client is written escaped, user ids not at all.

use super::line_writer::LineWriter;
use std::{
    io::{self, IsTerminal as _, Write},
    time::Duration,
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// How long the end of the process waits for a reader of its last lines.
const PATIENCE: Duration = Duration::from_secs(1);

/// Log lines wait here for their reader, so that requests do not: a full pipe behind standard error would hold up every
/// request that logs a line. Dropped at the end of the process, it waits for the last lines.
#[derive(Debug)]
pub struct Log(LineWriter);

/// Starts logging. Libraries below us are heard from `warn` up, so that `debug` is about burgee.
pub fn start(level: LevelFilter, json: bool) -> io::Result<Log> {
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("burgee", level);
    let log = Log(LineWriter::to(io::stderr())?);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Writer(log.0.clone()))
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    // a second start, in a test, keeps the first
    let _ = if json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines).try_init()
    };
    Ok(log)
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush(PATIENCE);
    }
}

/// Takes a whole line at a time, as the layer writes it.
#[derive(Clone)]
struct Writer(LineWriter);

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        self.clone()
    }
}

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // a line that finds no room is dropped
        self.0.push(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
