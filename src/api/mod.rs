//! The loopback API: what is in force and why, reload, drain; OFREP and forward-auth.
//! In: a request from this host. Out: JSON. Pages of other sites are refused.

pub mod access_control;
pub mod authz;
pub mod comparison;
pub mod evaluate;
pub mod events;
mod explain;
pub mod features;
pub mod ofrep;
pub mod ofrep_responses;
mod openapi;
mod origin;
mod page;
pub mod responses;
mod tester;

use crate::{
    http::server::{self, Response},
    live::{Command, Commands, Phase, Phases},
    telemetry::Metrics,
};
use bytes::Bytes;
use evaluate::{Evaluate, Route};
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use responses::{DrainResponse, ErrorResponse, ReloadResponse};
use serde::Serialize;
use std::{error::Error as StdError, sync::Arc};
use tokio::sync::oneshot;

/// What responses are made from.
#[derive(Debug)]
pub struct Api {
    /// OFREP and forward-auth, and what is in force
    pub evaluate: Evaluate,
    /// may ask for a reload or a drain
    pub commands: Commands,
    /// how far the process is in its life
    pub phases: Phases,
    /// all counters
    pub metrics: Arc<Metrics>,
    /// names, beside loopback, that a request may use as its host
    pub hosts: Vec<String>,
    /// which pod this is
    pub pod: features::Pod,
}

impl Api {
    /// Responds to one request.
    pub async fn respond<B>(self: Arc<Self>, request: Request<B>) -> Response
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        if let Err(why) = origin::check(&parts.uri, &parts.headers, &self.hosts) {
            return error(StatusCode::FORBIDDEN, why);
        }
        if let Some(route) = Route::of(parts.uri.path()) {
            return self.evaluate.respond(route, &parts, body).await;
        }
        let reads = [Method::GET, Method::HEAD].contains(&parts.method);
        match parts.uri.path() {
            "/reload" | "/drain" if parts.method != Method::POST => not_allowed("POST"),
            "/reload" => self.reload().await,
            "/drain" => self.drain().await,
            path if is_page(path) && !reads => not_allowed("GET, HEAD"),
            _ => self.page(&parts),
        }
    }

    fn page(&self, parts: &Parts) -> Response {
        let (in_force, now) = (self.evaluate.reader.get(), (self.evaluate.clock)());
        match parts.uri.path() {
            "/" => page::response(),
            "/features" => json(
                StatusCode::OK,
                &features::all(&in_force, &self.metrics, &self.pod, now),
            ),
            "/openapi.json" => json(StatusCode::OK, &openapi::description()),
            "/explain" => {
                let query = parts.uri.query().unwrap_or_default();
                match explain::response(&in_force.snapshot, query, now) {
                    Ok(body) => server::typed(StatusCode::OK, "application/json", body),
                    Err((status, why)) => error(status, &why),
                }
            }
            path => {
                let feature = path.strip_prefix("/features/");
                match feature.and_then(|key| features::one(&in_force, &self.metrics, key, now)) {
                    Some(feature) => json(StatusCode::OK, &feature),
                    None if feature.is_some() => {
                        error(StatusCode::NOT_FOUND, "there is no such feature in force")
                    }
                    None => error(
                        StatusCode::NOT_FOUND,
                        "see GET /openapi.json for what is here",
                    ),
                }
            }
        }
    }

    /// Reads the files now, and says what came of it.
    async fn reload(&self) -> Response {
        let reader = &self.evaluate.reader;
        let before = reader.get();
        let (reply, report) = oneshot::channel();
        let asked = self.commands.send(Command::Reload(reply)).await;
        let (Ok(()), Ok(report)) = (asked, report.await) else {
            return error(StatusCode::SERVICE_UNAVAILABLE, "the process is ending");
        };
        let now = reader.get();
        let (status, result) = if !report.problems.is_empty() {
            (StatusCode::UNPROCESSABLE_ENTITY, "kept")
        } else if Arc::ptr_eq(&before.snapshot, &now.snapshot) {
            (StatusCode::OK, "unchanged")
        } else {
            (StatusCode::OK, "reloaded")
        };
        let body = ReloadResponse {
            result: result.into(),
            revision: (&*now.snapshot.revision).into(),
            stops: (&*now.snapshot.stopped.stops.revision).into(),
            loaded: now.loaded,
            problems: report.problems,
            warnings: report.warnings,
            volume_age: report
                .delivered
                .map(|at| ((self.evaluate.clock)().0 - at.0).max(0)),
        };
        json(status, &body)
    }

    /// Starts the drain; a second call says how far it is.
    async fn drain(&self) -> Response {
        let asked = self.commands.send(Command::Drain).await;
        // responds when `/ready` says the same
        let drains = self
            .phases
            .clone()
            .wait_for(|phase| *phase >= Phase::Draining)
            .await
            .is_ok();
        if asked.is_err() || !drains {
            return error(StatusCode::SERVICE_UNAVAILABLE, "the process is ending");
        }
        let body = DrainResponse {
            result: "draining",
            connections: self.metrics.connections(),
        };
        json(StatusCode::OK, &body)
    }
}

fn is_page(path: &str) -> bool {
    ["/", "/features", "/openapi.json", "/explain"].contains(&path)
        || path.starts_with("/features/")
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // text, numbers and JSON values always serialise
    let mut line = serde_json::to_vec(body).unwrap_or_default();
    line.push(b'\n');
    server::typed(status, "application/json", line)
}

fn error(status: StatusCode, why: &str) -> Response {
    json(status, &ErrorResponse { error: why.into() })
}

fn not_allowed(allow: &'static str) -> Response {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, allow);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
