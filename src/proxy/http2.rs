//! What HTTP/2 takes on both sides: how much a stream may send before it is read, and who runs its tasks.
//! In: hyper's futures. Out: tasks of this worker's thread.

use tokio::task;

/// What one stream may send before it is read: a stalled one must not stall the others,
pub(crate) const STREAM_WINDOW: u32 = 512 * 1024;
/// so a connection may send as much as eight.
pub(crate) const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;

/// Runs the tasks of HTTP/2 connections on this worker.
#[derive(Clone)]
pub(crate) struct LocalExecutor;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        task::spawn_local(future);
    }
}
