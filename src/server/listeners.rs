//! The doors beside the traffic: admin, the loopback API, and the one for others.
//! In: their flags, and what they answer from. Out: bound listeners, then answers for as long as the process lives.

use super::{bound, clock};
use crate::{
    admin::Admin,
    api::{
        Api,
        evaluate::Evaluate,
        events::Events,
        gate::{Gate, Rate, Token},
    },
    flags::run::Run,
    http::{client::Endpoint, server},
    live::{Commands, Phases, Reader},
    proxy::Upstream,
    telemetry::Metrics,
};
use std::{io, net::TcpListener, process::ExitCode, sync::Arc};
use tokio::sync::watch;
use tracing::info;

/// The doors beside the traffic, bound but not yet answering.
pub(super) struct Doors {
    admin: (TcpListener, Arc<Admin>),
    api: Option<(TcpListener, Arc<Api>)>,
    gate: Option<(TcpListener, Arc<Gate>)>,
}

impl Doors {
    pub(super) fn open(
        run: &Run,
        reader: &Reader,
        metrics: &Arc<Metrics>,
        phases: &Phases,
        commands: Commands,
    ) -> io::Result<Doors> {
        let admin = Admin {
            reader: reader.clone(),
            metrics: metrics.clone(),
            phases: phases.clone(),
            upstream: run.upstream.0.as_ref().map(|upstream| match upstream {
                Upstream::Tcp { addresses, .. } => Endpoint::Tcp(addresses.clone()),
                Upstream::Unix(path) => Endpoint::Unix(path.clone()),
            }),
            ready_upstream: run.doors.ready_upstream.clone(),
            probes: run.doors.probe.clone(),
        };
        let evaluate = |events| Evaluate {
            reader: reader.clone(),
            clock,
            authz_from: run.doors.authz_from.into(),
            trusted_hops: run.doors.trusted_hops,
            events,
        };
        let api = Api {
            evaluate: evaluate(Events::new(None)),
            commands,
            phases: phases.clone(),
            metrics: metrics.clone(),
            hosts: run.doors.api_host.clone(),
        };
        let api_listener = run
            .doors
            .api_listen
            .0
            .map(|at| bound(at, "--api-listen"))
            .transpose()?;
        Ok(Doors {
            admin: (
                bound(run.doors.admin_listen, "--admin-listen")?,
                Arc::new(admin),
            ),
            api: api_listener.map(|listener| (listener, Arc::new(api))),
            gate: Doors::gate(&run.doors, evaluate)?,
        })
    }

    fn gate(
        doors: &crate::flags::run::Doors,
        evaluate: impl Fn(Events) -> Evaluate,
    ) -> io::Result<Option<(TcpListener, Arc<Gate>)>> {
        let Some(at) = doors.evaluate_listen.0 else {
            return Ok(None);
        };
        let token = doors
            .api_token_file
            .as_deref()
            .map(Token::read)
            .transpose()?;
        let gate = Gate {
            evaluate: evaluate(Events::new(
                token.as_ref().map(|token| token.events_key.clone()),
            )),
            token,
            origins: doors.api_cors.clone(),
            rate: doors.api_rate.map(Rate::new),
        };
        Ok(Some((bound(at, "--evaluate-listen")?, Arc::new(gate))))
    }

    /// With port 0 nobody else knows where they are.
    pub(super) fn announce(&self, traffic: &[TcpListener], reader: &Reader) -> io::Result<()> {
        let at = |listener: Option<&TcpListener>| match listener {
            Some(listener) => listener.local_addr().map(|at| at.to_string()),
            None => Ok("none".to_owned()),
        };
        info!(
            listen = at(traffic.first())?,
            admin = at(Some(&self.admin.0))?,
            api = at(self.api.as_ref().map(|(listener, _)| listener))?,
            evaluate = at(self.gate.as_ref().map(|(listener, _)| listener))?,
            workers = traffic.len(),
            revision = &*reader.get().snapshot.revision,
            "burgee listens"
        );
        Ok(())
    }

    /// Answers for as long as the process lives.
    pub(super) async fn serve(self, life: impl Future<Output = ExitCode>) -> io::Result<ExitCode> {
        let (_stop, stopped) = watch::channel(false);
        let (listener, admin) = self.admin;
        tokio::spawn(server::serve(
            listener,
            move |request| admin.clone().answer(request),
            stopped.clone(),
        ));
        if let Some((listener, api)) = self.api {
            tokio::spawn(server::serve(
                listener,
                move |request| api.clone().answer(request),
                stopped.clone(),
            ));
        }
        if let Some((listener, gate)) = self.gate {
            tokio::spawn(server::serve(
                listener,
                move |request| gate.clone().answer(request),
                stopped,
            ));
        }
        Ok(life.await)
    }
}
