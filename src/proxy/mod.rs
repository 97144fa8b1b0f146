//! The data path: a request from a client to the application with our headers, and the response back.
//! In: client connections of one worker. Out: the application's responses, to requests that carry our headers.
//!
//! ```text
//! accept -> sniff -> hyper -> host -> decide -> strip hop-by-hop -> drop forged -> write ours -> pool -> application
//! ```
//!
//! Read it in this order:
//!
//! - `downstream/`: the client's side, from a listener to a request; it is handed what responds
//! - `exchange`: one request and its response, top to bottom. On its way: `host` (which host is meant), `local` (what
//!   never reaches the application), `prepare` (stripped and encoded), `respond` and `exposure` (what is added to the
//!   response), `failure` (why there is none)
//! - `upstream/`: the application's side; it knows nothing of a client's connection
//! - used by several: `hop_by_hop`, `forwarded`, `header_case`, `informational`, `websocket`, `tunnel`, `http2`, `clock`,
//!   `settings`, `budget`, `keepalive`, `dead_peers` and `watched_stream` (peers that vanished), and `worker`, which owns what the requests of a thread share

mod budget;
mod client_body;
mod clock;
mod dead_peers;
mod downstream;
mod exchange;
mod exposure;
mod failure;
mod forwarded;
mod header_case;
mod hop_by_hop;
mod host;
mod http2;
mod informational;
mod keepalive;
mod local;
mod name;
mod prepare;
mod private;
mod respond;
mod settings;
mod tunnel;
mod upstream;
mod watched_stream;
mod websocket;
mod worker;

pub use budget::Budget;
pub use keepalive::TcpKeepalive;
pub use name::Name;
pub use settings::{Forwarded, Open, Protocol, Settings, Upstream};

use crate::{live, telemetry};
use std::{io, net::TcpListener, sync::Arc};

/// Serves one listener until the process stops: after [`live::Phase::Stopping`] when everything has its response, at once at
/// [`live::Phase::Closing`]. Runs on a [`tokio::runtime::LocalRuntime`] of its own thread (or in a `LocalSet`).
pub async fn serve(
    listener: TcpListener,
    settings: Arc<Settings>,
    reader: live::Reader,
    telemetry: telemetry::Recorder,
    phases: live::Phases,
) -> io::Result<()> {
    let phase = *phases.borrow();
    let port = listener.local_addr()?.port();
    let worker = worker::Worker::new(settings, port, &reader, telemetry, phase);
    downstream::accept::run(listener, worker, phases, exchange::exchange).await
}
