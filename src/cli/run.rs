//! `burgee run`: the sidecar. In: its flags. Out: a process that serves until it is told to stop.

use super::output::{fail, refuse};
use crate::{
    exit,
    flags::{log::LogFormat, run::RunArgs, values::OrNone},
    server, signals, telemetry,
};
use std::process::ExitCode;

/// Serves, once what no other flag can make right has been refused.
pub fn main(args: &RunArgs, signals: signals::Receiver) -> ExitCode {
    if let OrNone(Some(api)) = args.listeners.api_listen
        && !api.ip().to_canonical().is_loopback()
    {
        return refuse(&format!(
            "--api-listen {api}: the API can reload and drain, and listens on a loopback address only; `--evaluate-listen` is the door for others"
        ));
    }
    let json = args.log.log_format == LogFormat::Json;
    // until the last line is out
    let _log = match telemetry::log::start(args.log.log, json) {
        Ok(log) => log,
        Err(error) => return fail(&error),
    };
    server::run(args, signals).unwrap_or_else(|error| {
        tracing::error!("{error}");
        exit::PROBLEMS.into()
    })
}
