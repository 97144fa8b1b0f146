//! `burgee run`: all its flags.
//! In: arguments and `BURGEE_` variables. Out: a [`RunArgs`], which `server` turns into a process.

use super::{
    limits::LimitArgs,
    listeners::ListenerArgs,
    log::LogArgs,
    values::{self, OrNone},
};
use crate::proxy::{Protocol, Upstream};
use clap::{Args, Parser as _};
use std::{ffi::OsStr, path::PathBuf, str::FromStr, time::Duration};

/// Run the sidecar: put feature headers on every request to the application
#[derive(Args, Clone, Debug)]
#[command(
    args_override_self = true, // a flag given twice, as `extraArgs` of a chart may, is the last one's
    after_help = "Example: burgee run --toggles toggles.yaml --upstream http://127.0.0.1:8080"
)]
pub struct RunArgs {
    /// Toggles file, or a directory of `*.yaml` files
    #[arg(
        long,
        env = "BURGEE_TOGGLES",
        value_name = "PATH",
        default_value = "/etc/burgee/toggles"
    )]
    pub toggles: PathBuf,
    /// Stops file, which `burgee stop` writes [default: stops.yaml beside the toggles]
    #[arg(long, env = "BURGEE_STOPS", value_name = "PATH")]
    pub stops: Option<PathBuf>,
    /// The application: `http://HOST:PORT`, `unix:/PATH`, or `none` to answer questions only. A host name is looked up again
    /// every 30 s, and when it cannot be reached
    #[arg(
        long,
        env = "BURGEE_UPSTREAM",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub upstream: OrNone<Upstream>,
    /// HTTP version to use with the application
    #[arg(
        long,
        env = "BURGEE_UPSTREAM_PROTOCOL",
        value_name = "PROTOCOL",
        default_value = "auto"
    )]
    pub upstream_protocol: Protocol,

    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub listeners: ListenerArgs,
    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub process: ProcessArgs,
    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub limits: LimitArgs,
    #[allow(missing_docs)] // clap would show it
    #[command(flatten)]
    pub log: LogArgs,
}

/// How the process runs.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Process")]
pub struct ProcessArgs {
    /// Worker threads, 1 to 256 [default: the cgroup's CPUs, at most 4]
    #[arg(long, env = "BURGEE_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// How often to check the toggles for changes; `0s` waits for SIGHUP or `burgee reload`
    #[arg(long, env = "BURGEE_POLL", value_name = "DURATION", value_parser = values::duration, default_value = "2s")]
    pub poll: Duration,
    /// How many sidecars guard the same features, each restart of a week counted as one more; the more there are, the more certain
    /// each has to be before it stops a feature
    #[arg(
        long,
        env = "BURGEE_GUARD_PODS",
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub guard_pods: u32,
    /// What to do when the toggles or stops are missing or bad at the start: `refuse` exits with code 78; `forward` forwards
    /// requests without features until the files are good; `unready` does the same and fails `/ready` meanwhile; `unready:15m`
    /// fails it for 15 minutes at most, and not at all while the directory is empty
    #[arg(
        long,
        env = "BURGEE_ON_BAD_START",
        value_name = "WHAT",
        default_value = "refuse"
    )]
    pub on_bad_start: OnBadStart,
    /// How long requests may take to finish after SIGTERM, before they are cut off; `0s` cuts them off at once
    #[arg(long, env = "BURGEE_DRAIN_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "25s")]
    pub drain_timeout: Duration,
}

/// What to do without good toggles at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBadStart {
    /// exit with code 78
    Refuse,
    /// forward requests without features until the toggles are good
    Forward,
    /// the same, and not ready for this long; `MAX` is until they are good
    Unready(Duration),
}

impl FromStr for OnBadStart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("unready:")) {
            ("refuse", _) => Ok(OnBadStart::Refuse),
            ("forward", _) => Ok(OnBadStart::Forward),
            ("unready", _) => Ok(OnBadStart::Unready(Duration::MAX)),
            (_, Some(patience)) => values::duration(patience).map(OnBadStart::Unready),
            _ => Err("write `refuse`, `forward`, `unready` or `unready:15m`".into()),
        }
    }
}

impl RunArgs {
    /// These flags as if given to `burgee run`; each other flag takes its variable or its default.
    pub fn with<'a>(flags: impl IntoIterator<Item = (&'a str, &'a OsStr)>) -> RunArgs {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            run: RunArgs,
        }
        let words = flags
            .into_iter()
            .flat_map(|(flag, value)| [OsStr::new(flag), value]);
        Alone::parse_from([OsStr::new("burgee run")].into_iter().chain(words)).run
    }
}
