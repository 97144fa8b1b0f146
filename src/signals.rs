//! Signals as events. In: SIGHUP, SIGTERM and SIGINT. Out: a channel.

use signal_hook::{
    consts::signal::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use tokio::sync::mpsc;

/// What a signal asks the process to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: read the files again
    Reload,
    /// SIGTERM, SIGINT: finish the requests in progress, then exit
    Stop,
}

/// Signals in the order in which they arrived.
pub type Receiver = mpsc::Receiver<Signal>;

/// Installs the handlers. The kernel merges equal signals while one is pending, and so do we: a storm becomes a few events.
pub fn install() -> std::io::Result<Receiver> {
    let mut signals = Signals::new([SIGHUP, SIGTERM, SIGINT])?;
    let (sender, receiver) = mpsc::channel(8);
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                let signal = if signal == SIGHUP {
                    Signal::Reload
                } else {
                    Signal::Stop
                };
                if sender.blocking_send(signal).is_err() {
                    break;
                }
            }
        })?;
    Ok(receiver)
}
