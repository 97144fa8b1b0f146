//! `burgee run`: the sidecar. In: its flags. Out: a process that serves until a signal stops it.

use super::{
    output::{fail, refuse},
    variables::Variables,
};
use crate::{
    exit,
    flags::{log::LogFormat, run::RunArgs, values::OrNone},
    server::{self, Addresses},
    signals, telemetry,
};
use std::{env, process::ExitCode};

/// Serves until a signal stops it.
pub fn main(args: &RunArgs, signals: signals::Receiver, variables: &Variables) -> ExitCode {
    serve(args, signals, variables, |_| ())
}

/// Serves, unless the flags are wrong in a way that clap cannot see. `listens` hears of it once all listeners are open.
pub(super) fn serve(
    args: &RunArgs,
    signals: signals::Receiver,
    variables: &Variables,
    listens: impl FnOnce(&Addresses),
) -> ExitCode {
    if let OrNone(Some(api)) = args.listeners.api_listen
        && !api.ip().to_canonical().is_loopback()
    {
        return refuse(&format!(
            "--api-listen {api}: the API can reload and drain, so it must be on a loopback address; use `--evaluate-listen` for other hosts"
        ));
    }
    if let Err(why) = args.log.user_names(|name| env::var(name).ok()) {
        return refuse(&why);
    }
    let json = args.log.log_format == LogFormat::Json;
    // dropped last, so that the last line is written
    let _log = match telemetry::log::start(args.log.log, json) {
        Ok(log) => log,
        Err(error) => return fail(&error),
    };
    server::run(args, signals, variables.unread(), listens).unwrap_or_else(|error| {
        tracing::error!("{error}");
        exit::PROBLEMS.into()
    })
}
