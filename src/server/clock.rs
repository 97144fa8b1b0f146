//! The clocks. In: nothing. Out: seconds since 1970, and the time since the process began.

use crate::engine::units::Second;
use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Now; 0 on a machine whose clock stands before 1970.
pub fn wall_clock() -> Second {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Second(since.map_or(0, |since| since.as_secs() as i64))
}

/// How long ago this was called first, which is at the start. No correction of the wall clock changes it.
pub fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
