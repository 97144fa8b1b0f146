//! Looks up the application's name, on a thread of its own: the C library's resolver blocks, and no worker may.
//! In: the name. Out: its addresses, at the start, every 30 seconds and when none of them can be reached; every change logged.

use crate::{background, proxy::Name};
use std::{io, net::ToSocketAddrs as _, sync::Arc, thread};
use tracing::{info, warn};

/// Looks up for as long as the process lives.
pub(super) fn spawn(name: Arc<Name>) -> io::Result<()> {
    let look = move || {
        background::lower_priority();
        let mut failed = None;
        loop {
            let resolve = |host: &str, port: u16| Ok((host, port).to_socket_addrs()?.collect());
            let host = &*name.host;
            match name.look(resolve) {
                Ok(is_new) if is_new || failed.is_some() => {
                    failed = None;
                    info!(host, addresses = ?name.addresses(), "the application's name is resolved");
                }
                Ok(_) => {}
                Err(error) if failed.as_ref() != Some(&error.to_string()) => {
                    failed = Some(error.to_string());
                    warn!(host, %error, kept = ?name.addresses(), "the application's name cannot be resolved");
                }
                Err(_) => {}
            }
            name.wait();
        }
    };
    thread::Builder::new().name("names".into()).spawn(look)?;
    Ok(())
}
