//! `burgee run`: what it logs.
//! In: arguments and `BURGEE_` variables. Out: a [`LogArgs`].

use super::values;
use crate::telemetry::{UserNames, UserNaming};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
    /// Log each user's first use of each feature in a day, and each goal, on standard output: what `burgee report` reads
    #[arg(long, env = "BURGEE_EXPOSURE_LOG", value_parser = values::switch)]
    pub exposure_log: bool,
    /// How both logs name the user
    #[arg(
        long,
        env = "BURGEE_LOG_USER",
        value_name = "HOW",
        default_value = "none"
    )]
    pub log_user: UserNaming,
    /// Variable with a secret key for `--log-user hash`, as in `env.USER_KEY`: services that share it give a user the same
    /// hash, and nobody without it can look an id up
    #[arg(
        long,
        env = "BURGEE_LOG_USER_KEY",
        hide_env_values = true,
        value_name = "env.VAR"
    )]
    pub log_user_key: Option<String>,
    /// where the exposure log goes instead of standard output
    #[arg(skip)]
    pub exposure_file: Option<PathBuf>,
}

/// A shorter key is guessed.
const LEAST_KEY: usize = 16;

impl LogArgs {
    /// How users are named; or what is wrong with the flags, without a word of what may be a key.
    pub fn user_names(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<UserNames, String> {
        if self.log_user_key.is_none() {
            return Ok(UserNames::new(self.log_user, None));
        }
        let Some(name) = self.user_key_variable() else {
            return Err("--log-user-key: write `env.` and the name of the variable that holds the key, as in `env.USER_KEY`".into());
        };
        if self.log_user != UserNaming::Hash {
            return Err("--log-user-key: it is the key of `--log-user hash`; set that too".into());
        }
        match variable(name) {
            Some(key) if key.len() >= LEAST_KEY => {
                Ok(UserNames::new(self.log_user, Some(key.as_bytes())))
            }
            Some(key) if !key.is_empty() => Err(format!(
                "--log-user-key: the key in {name} has fewer than {LEAST_KEY} bytes: `openssl rand -hex 32` makes one"
            )),
            _ => Err(format!(
                "--log-user-key: the variable {name} is empty or not set"
            )),
        }
    }

    /// The variable that holds the key.
    pub fn user_key_variable(&self) -> Option<&str> {
        let name = self.log_user_key.as_deref()?.strip_prefix("env.")?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        Some(name).filter(|name| !name.is_empty() && name.bytes().all(is_name))
    }
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// readable text
    Text,
    /// a JSON object per line
    Json,
}
