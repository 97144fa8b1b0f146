//! `burgee run`: what it logs.
//! In: arguments and `BURGEE_` variables. Out: a [`LogArgs`].

use crate::telemetry::Naming;
use clap::{Args, ValueEnum};

/// What it says.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// off, error, warn, info, debug or trace
    #[arg(long, env = "BURGEE_LOG", value_name = "LEVEL", default_value = "info")]
    pub log: tracing::level_filters::LevelFilter,
    /// For people, or for machines
    #[arg(
        long,
        env = "BURGEE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// A line a request
    #[arg(long, env = "BURGEE_ACCESS_LOG")]
    pub access_log: bool,
    /// A line on standard output the first time that a user is seen to use a feature
    #[arg(long, env = "BURGEE_EXPOSURE_LOG")]
    pub exposure_log: bool,
    /// What the access log says of the user
    #[arg(
        long,
        env = "BURGEE_LOG_USER",
        value_name = "HOW",
        default_value = "none"
    )]
    pub log_user: Naming,
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// for people
    Text,
    /// for machines
    Json,
}
