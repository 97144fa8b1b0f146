//! The admin listener: `/health`, `/ready`, `/metrics`, and the probes that are relayed to the application.
//! In: a request of the kubelet or of Prometheus. Out: whether to send traffic here, and figures.

use crate::{
    engine::units::Second,
    http::{
        client::{self, Address},
        server::{self, Response},
    },
    live::{InForce, Phase, Phases, Reader},
    telemetry::{self, Metrics},
};
use http::{HeaderValue, Method, Request, StatusCode, header};
use std::{sync::Arc, time::Duration};

/// What responses are made from.
#[derive(Debug)]
pub struct Admin {
    /// what is in force
    pub reader: Reader,
    /// all counters
    pub metrics: Arc<Metrics>,
    /// wall-clock seconds
    pub clock: fn() -> Second,
    /// how far the process is in its life
    pub phases: Phases,
    /// the application; none with `--upstream none`
    pub upstream: Option<Address>,
    /// `/ready` asks the application for this path, too
    pub ready_upstream: Option<String>,
    /// `/probe/NAME`, and the application's path behind it
    pub probes: Vec<(String, String)>,
    /// for how long after a bad start `/ready` waits for good toggles
    pub patience: Duration,
    /// how long the process has run
    pub uptime: fn() -> Duration,
}

/// A kubelet waits a second by default.
const PROBE: Duration = Duration::from_millis(900);

/// In the place of a path, as the flags have it: for an application whose paths nobody knows.
const CONNECT: &str = "connect";

/// How many problems `/ready` tells: each probe gets them.
const TOLD: usize = 10;

impl Admin {
    /// Responds to one request.
    pub async fn respond<B>(self: Arc<Self>, request: Request<B>) -> Response {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = server::text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
            let allow = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allow);
            return response;
        }
        match request.uri().path() {
            // asks no one else: a liveness probe that asks the application would never let it start
            "/health" => server::text(StatusCode::OK, "ok\n"),
            "/ready" => self.ready().await,
            "/metrics" => server::typed(
                StatusCode::OK,
                telemetry::CONTENT_TYPE,
                self.metrics.scrape((self.clock)()),
            ),
            path => match path
                .strip_prefix("/probe/")
                .and_then(|name| self.probe(name))
            {
                Some(path) => self.relay(path).await,
                None => server::text(StatusCode::NOT_FOUND, "try /health, /ready or /metrics\n"),
            },
        }
    }

    async fn ready(&self) -> Response {
        if *self.phases.borrow() >= Phase::Draining {
            return server::text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
        }
        let in_force = self.reader.get();
        if !in_force.loaded && (self.uptime)() < self.patience {
            let why = readiness(&in_force, "unready: the toggles are bad since the start");
            return server::text(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        if let Some(path) = &self.ready_upstream
            && let Err(why) = self.application(path).await
        {
            let why = format!("the application is not ready: {why}\n");
            return server::text(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        let state = match in_force.loaded {
            true => "ready",
            false => "degraded: no toggles yet, requests pass without features",
        };
        server::text(StatusCode::OK, readiness(&in_force, state))
    }

    fn probe(&self, name: &str) -> Option<&str> {
        let (_, path) = self.probes.iter().find(|(known, _)| known == name)?;
        Some(path)
    }

    /// The status alone: more people can reach the admin port than the application.
    async fn relay(&self, path: &str) -> Response {
        match self.application(path).await {
            Ok(status) => server::text(status, format!("{}\n", status.as_u16())),
            Err(why) => server::text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        }
    }

    /// As a kubelet counts: 200 to 399 is well. `connect` is no path: there it need only take a connection.
    async fn application(&self, path: &str) -> Result<StatusCode, String> {
        let upstream = self
            .upstream
            .as_ref()
            .ok_or("there is none (`--upstream none`)")?;
        if path == CONNECT {
            let connected = client::connect(upstream, PROBE).await;
            return match connected {
                Ok(()) => Ok(StatusCode::OK),
                Err(_) => Err("it takes no connection".into()),
            };
        }
        let response = client::send(upstream, Request::builder().uri(path), PROBE).await;
        match response.map(|response| response.status()) {
            Ok(status) if (200..400).contains(&status.as_u16()) => Ok(status),
            Ok(status) => Err(format!("it answered {}", status.as_u16())),
            Err(_) => Err("it did not answer".into()),
        }
    }
}

/// What a person and `burgee status` read: one line, the same words in every version. Below it, without good toggles, each problem.
fn readiness(in_force: &InForce, state: &str) -> String {
    let snapshot = &in_force.snapshot;
    let line = format!(
        "{state}, revision {}, stops {}, burgee {}\n",
        snapshot.revision,
        snapshot.stopped.stops.revision,
        env!("CARGO_PKG_VERSION")
    );
    let problems = match in_force.loaded {
        true => &[][..],
        false => &in_force.last.problems,
    };
    let told = problems.iter().take(TOLD);
    let more = match problems.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!("and {more} more: `burgee reload` prints all\n"),
    };
    told.fold(line, |text, problem| text + problem + "\n") + &more
}
