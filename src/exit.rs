//! Exit codes. In: nothing. Out: a number for each way to end; 0 is success.

/// Problems were found, or a check failed.
pub const PROBLEMS: u8 = 1;
/// The command line was wrong; clap exits with the same.
pub const USAGE: u8 = 2;
/// The configuration was bad at the start (`EX_CONFIG` of sysexits.h).
pub const CONFIG: u8 = 78;
