//! Long work beside requests: where both share a core, the requests go first.
//! In: calls from the middle of the work. Out: the core, for any thread that waits for it.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

/// How long background work may delay a request.
const MAX_DELAY: Duration = Duration::from_micros(100);

thread_local! {
    static LAST_YIELD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Yields the core if this thread has held it for `MAX_DELAY`. Without it a request waits for what the kernel thinks a fair
/// share: up to four milliseconds.
pub fn give_way() {
    let held = LAST_YIELD.get().map(|at| at.elapsed());
    if held.is_none_or(|held| held > MAX_DELAY) {
        thread::yield_now();
        LAST_YIELD.set(Some(Instant::now()));
    }
}

/// Gives this thread the lowest priority, so that a request that wakes a worker is served at once. Not `SCHED_IDLE`, which
/// a busy core keeps from running for many seconds.
///
/// Measured by `make bench ARGS='--only reload'`: with a mebibyte read again every second, p99 is what it is without.
pub fn lower_priority() {
    // where this is forbidden, the work gets a fair share of the core; elsewhere than on Linux it is the whole process's
    if cfg!(target_os = "linux") {
        let _ = rustix::process::nice(19);
    }
}
