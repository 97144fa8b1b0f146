//! What HTTP/2 takes on both sides: how much a stream may send before it is read, and who runs its tasks.
//! In: hyper's futures. Out: tasks of this worker's thread.

use std::time::Duration;
use tokio::task;

/// What one stream may send before it is read, in bytes.
pub(crate) const STREAM_WINDOW: u32 = 512 * 1024;

/// Streams of a connection to the application: what most servers allow. Theirs counts where it is lower.
pub(crate) const STREAMS: u32 = 100;

/// What a connection of so many streams may send: as much as all of them, so that those which stall leave the others theirs.
pub(crate) fn connection_window(streams: u32) -> u32 {
    // the most that HTTP/2 knows (RFC 9113, 6.9.1)
    const MOST: u32 = (1 << 31) - 1;
    streams.saturating_mul(STREAM_WINDOW).min(MOST)
}

/// How long nothing may come before the other end is asked whether it is there; it has 20 s to answer.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Runs the tasks of HTTP/2 connections on this worker.
#[derive(Clone)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        task::spawn_local(future);
    }
}
