//! The listeners beside the traffic: admin, the loopback API, and the evaluation API for other hosts.
//! In: their flags, and the state that they serve. Out: bound sockets, then responses for as long as the process lives.

use super::clock::{uptime, wall_clock};
use crate::{
    admin::Admin,
    api::{
        Api,
        access_control::{AccessControl, Rate, Token},
        evaluate::Evaluate,
        events::Events,
        features::Pod,
    },
    flags::{listeners::ListenerArgs, run::RunArgs},
    http::{client::Address, server},
    live::{Commands, Phases, Reader},
    proxy::Upstream,
    telemetry::Metrics,
};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use tracing::info;

/// The listeners beside the traffic, bound but not yet serving.
pub(super) struct Listeners {
    admin: (TcpListener, Arc<Admin>),
    api: Option<(TcpListener, Arc<Api>)>,
    gate: Option<(TcpListener, Arc<AccessControl>)>,
}

/// Where people reach it.
#[derive(Debug)]
pub struct Addresses {
    /// traffic
    pub listen: Option<SocketAddr>,
    /// the page, and the rest of the API
    pub api: Option<SocketAddr>,
}

impl Listeners {
    pub(super) fn open(
        args: &RunArgs,
        reader: &Reader,
        metrics: &Arc<Metrics>,
        phases: &Phases,
        commands: Commands,
        patience: Duration,
    ) -> io::Result<Listeners> {
        let admin = Admin {
            clock: wall_clock,
            reader: reader.clone(),
            metrics: metrics.clone(),
            phases: phases.clone(),
            upstream: args.upstream.0.as_ref().map(|upstream| match upstream {
                Upstream::Tcp { addresses, .. } => Address::Tcp(addresses.clone()),
                Upstream::Named { authority, .. } => Address::Name(authority.to_string()),
                Upstream::Unix(path) => Address::Unix(path.clone()),
            }),
            ready_upstream: args.listeners.ready_upstream.clone(),
            probes: args.listeners.probe.clone(),
            patience,
            uptime,
        };
        let evaluate = |events| Evaluate {
            reader: reader.clone(),
            clock: wall_clock,
            authz_from: args.listeners.authz_from,
            trusted_hops: args.listeners.trusted_hops,
            events,
        };
        let api = Api {
            evaluate: evaluate(Events::new(None)),
            commands,
            phases: phases.clone(),
            metrics: metrics.clone(),
            hosts: args.listeners.api_host.clone(),
            pod: Pod {
                namespace: std::env::var("POD_NAMESPACE").ok(),
                name: std::env::var("POD_NAME").ok(),
            },
        };
        let api_listener = args
            .listeners
            .api_listen
            .0
            .map(|at| bound(at, "--api-listen"))
            .transpose()?;
        Ok(Listeners {
            admin: (
                bound(args.listeners.admin_listen, "--admin-listen")?,
                Arc::new(admin),
            ),
            api: api_listener.map(|listener| (listener, Arc::new(api))),
            gate: Listeners::gate(&args.listeners, evaluate)?,
        })
    }

    fn gate(
        args: &ListenerArgs,
        evaluate: impl Fn(Events) -> Evaluate,
    ) -> io::Result<Option<(TcpListener, Arc<AccessControl>)>> {
        let Some(at) = args.evaluate_listen.0 else {
            return Ok(None);
        };
        let token = args
            .api_token_file
            .as_deref()
            .map(Token::read)
            .transpose()?;
        let gate = AccessControl {
            evaluate: evaluate(Events::new(
                token.as_ref().map(|token| token.events_key.clone()),
            )),
            token,
            origins: args.api_cors.clone(),
            rate: args.api_rate.map(Rate::new),
        };
        Ok(Some((bound(at, "--evaluate-listen")?, Arc::new(gate))))
    }

    /// Logs the addresses: with port 0 they are known only here.
    pub(super) fn announce(
        &self,
        traffic: &[TcpListener],
        reader: &Reader,
    ) -> io::Result<Addresses> {
        let at = |listener: Option<&TcpListener>| listener.map(TcpListener::local_addr).transpose();
        let addresses = Addresses {
            listen: at(traffic.first())?,
            api: at(self.api.as_ref().map(|(listener, _)| listener))?,
        };
        let shown = |at: Option<SocketAddr>| at.map_or("none".to_owned(), |at| at.to_string());
        info!(
            listen = shown(addresses.listen),
            admin = shown(at(Some(&self.admin.0))?),
            api = shown(addresses.api),
            evaluate = shown(at(self.gate.as_ref().map(|(listener, _)| listener))?),
            workers = traffic.len(),
            revision = &*reader.get().snapshot.revision,
            "burgee listens"
        );
        Ok(addresses)
    }

    /// Serves until `process` ends.
    pub(super) async fn serve(
        self,
        process: impl Future<Output = ExitCode>,
    ) -> io::Result<ExitCode> {
        let (_stop, stopped) = watch::channel(false);
        let (listener, admin) = self.admin;
        tokio::spawn(server::serve(
            listener,
            move |request| admin.clone().respond(request),
            stopped.clone(),
        ));
        if let Some((listener, api)) = self.api {
            tokio::spawn(server::serve(
                listener,
                move |request| api.clone().respond(request),
                stopped.clone(),
            ));
        }
        if let Some((listener, gate)) = self.gate {
            tokio::spawn(server::serve(
                listener,
                move |request| gate.clone().respond(request),
                stopped,
            ));
        }
        Ok(process.await)
    }
}

fn bound(at: SocketAddr, flag: &str) -> io::Result<TcpListener> {
    server::listen(at).map_err(|error| cannot_listen(flag, at, &error))
}

/// Names the flag and the address that are at fault.
pub(super) fn cannot_listen(flag: &str, at: SocketAddr, error: &io::Error) -> io::Error {
    let taken = match error.kind() {
        io::ErrorKind::AddrInUse => "; another process listens there: give another port",
        _ => "",
    };
    io::Error::other(format!("{flag} {at}: {error}{taken}"))
}
