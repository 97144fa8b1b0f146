//! The loopback API: what is in force, reload, drain.
//! In: a request of somebody on this host. Out: JSON. Strangers' web pages are refused at the door.

mod guard;
pub mod ofrep;

use crate::{
    door::{self, Answer},
    engine::{Status, instant},
    live::{Command, Commands, Phase, Phases, Reader},
    telemetry::Metrics,
};
use http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::sync::oneshot;

/// What the API answers from.
#[derive(Debug)]
pub struct Api {
    /// what is in force
    pub reader: Reader,
    /// may ask for a reload or a drain
    pub commands: Commands,
    /// how far the process is in its life
    pub phases: Phases,
    /// all counters
    pub metrics: Arc<Metrics>,
    /// names, beside loopback, that a request may use as its host
    pub hosts: Vec<String>,
}

impl Api {
    /// One answer.
    pub async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Answer {
        let (parts, _) = request.into_parts();
        if let Err(why) = guard::check(&parts.uri, &parts.headers, &self.hosts) {
            return error(StatusCode::FORBIDDEN, why);
        }
        match (parts.uri.path(), &parts.method) {
            ("/reload", &Method::POST) => self.reload().await,
            ("/drain", &Method::POST) => self.drain().await,
            ("/features", &Method::GET | &Method::HEAD) => {
                door::json(StatusCode::OK, &self.features())
            }
            ("/reload" | "/drain", _) => not_allowed("POST"),
            ("/features", _) => not_allowed("GET, HEAD"),
            _ => error(
                StatusCode::NOT_FOUND,
                "here are GET /features, POST /reload and POST /drain",
            ),
        }
    }

    /// Reads the files now, and says what came of it.
    async fn reload(&self) -> Answer {
        let before = self.reader.get();
        let (reply, report) = oneshot::channel();
        let asked = self.commands.send(Command::Reload(reply)).await;
        let (Ok(()), Ok(report)) = (asked, report.await) else {
            return error(StatusCode::SERVICE_UNAVAILABLE, "the process is ending");
        };
        let now = self.reader.get();
        let result = if !report.problems.is_empty() {
            "kept"
        } else if Arc::ptr_eq(&before.snapshot, &now.snapshot) {
            "unchanged"
        } else {
            "reloaded"
        };
        let body = json!({
            "result": result,
            "revision": now.snapshot.revision,
            "loaded": now.loaded,
            "problems": report.problems,
            "warnings": report.warnings,
        });
        let good = report.problems.is_empty();
        door::json(
            if good {
                StatusCode::OK
            } else {
                StatusCode::UNPROCESSABLE_ENTITY
            },
            &body,
        )
    }

    /// Asks for the drain; asking again tells how far it is.
    async fn drain(&self) -> Answer {
        let asked = self.commands.send(Command::Drain).await;
        // answered when `/ready` says the same
        let drains = self
            .phases
            .clone()
            .wait_for(|phase| *phase >= Phase::Draining)
            .await
            .is_ok();
        if asked.is_err() || !drains {
            return error(StatusCode::SERVICE_UNAVAILABLE, "the process is ending");
        }
        let body = json!({"result": "draining", "connections": self.metrics.connections()});
        door::json(StatusCode::OK, &body)
    }

    fn features(&self) -> Value {
        let in_force = self.reader.get();
        let mut features = Map::new();
        for (_, _, feature) in in_force.snapshot.features() {
            let variants: Vec<_> = feature
                .variants
                .iter()
                .map(|variant| &*variant.name)
                .collect();
            let described = json!({
                "description": feature.description,
                "status": status(feature.status),
                "variants": variants,
                "default": feature.variant(feature.default).name,
                "header": feature.header.as_ref().map(http::HeaderName::as_str),
            });
            features.insert(feature.key.to_string(), described);
        }
        json!({
            "revision": in_force.snapshot.revision,
            "loaded": in_force.loaded,
            "since": instant::show(in_force.since),
            "last_reload": {
                "at": instant::show(in_force.last.at),
                "trigger": in_force.last.trigger,
                "problems": in_force.last.problems,
                "warnings": in_force.last.warnings,
            },
            "features": features,
        })
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Draft => "draft",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Archived => "archived",
    }
}

fn error(status: StatusCode, why: &str) -> Answer {
    door::json(status, &json!({"error": why}))
}

fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, allow);
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}
