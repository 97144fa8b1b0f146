//! `burgee run`: what it logs.
//! In: arguments and `BURGEE_` variables. Out: a [`LogArgs`].

use super::values;
use crate::telemetry::UserNaming;
use clap::{Args, ValueEnum};

/// What is logged.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Log level: off, error, warn, info, debug or trace
    #[arg(long, env = "BURGEE_LOG", value_name = "LEVEL", default_value = "info")]
    pub log: tracing::level_filters::LevelFilter,
    /// Log format
    #[arg(
        long,
        env = "BURGEE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// Log every request
    #[arg(long, env = "BURGEE_ACCESS_LOG", value_parser = values::switch)]
    pub access_log: bool,
    /// Log each user's first use of each feature, on standard output
    #[arg(long, env = "BURGEE_EXPOSURE_LOG", value_parser = values::switch)]
    pub exposure_log: bool,
    /// How the access log names the user
    #[arg(
        long,
        env = "BURGEE_LOG_USER",
        value_name = "HOW",
        default_value = "none"
    )]
    pub log_user: UserNaming,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// readable text
    Text,
    /// a JSON object per line
    Json,
}
