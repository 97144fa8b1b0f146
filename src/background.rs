//! Long work beside requests: on a core that both have to share, the requests go first.
//! In: calls from the middle of the work. Out: the core, for whoever waits for it.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

/// So long may a request have to wait for what is not one.
const TURN: Duration = Duration::from_micros(100);

thread_local! {
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Ends this thread's turn if it has lasted long enough. Without it a request waits for what the kernel thinks a fair share:
/// up to four milliseconds.
pub fn give_way() {
    let lasted = BEGAN.get().map(|began| began.elapsed());
    if lasted.is_none_or(|lasted| lasted > TURN) {
        thread::yield_now();
        BEGAN.set(Some(Instant::now()));
    }
}

/// Puts this thread behind all others of the process: a request that wakes a worker is served at once. Not `SCHED_IDLE`, which
/// a busy core keeps from working for many seconds.
///
/// Measured by `make bench ARGS='--only reload'`: with a mebibyte read again every second, p99 is what it is without.
pub fn go_last() {
    // whoever forbids it gets what a fair share is
    let _ = rustix::process::nice(19);
}
