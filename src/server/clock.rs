//! The wall clock. In: nothing. Out: seconds since 1970.

use crate::engine::units::Second;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now; 0 on a machine whose clock stands before 1970.
pub fn wall_clock() -> Second {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Second(since.map_or(0, |since| since.as_secs() as i64))
}
