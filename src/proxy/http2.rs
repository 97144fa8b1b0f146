//! What HTTP/2 takes on both sides: how much a connection may send before it is read, and who runs its tasks.
//! In: hyper's futures. Out: tasks of this worker's thread.

use std::time::Duration;
use tokio::task;

/// What a connection of so many streams may send: as much as all of them, so that those which stall leave the others theirs.
pub(crate) fn connection_window(streams: u32, stream_window: u32) -> u32 {
    // the most that HTTP/2 knows (RFC 9113, 6.9.1)
    const MOST: u32 = (1 << 31) - 1;
    streams.saturating_mul(stream_window).min(MOST)
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
