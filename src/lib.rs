//! burgee: a sidecar reverse proxy that puts feature flags on every request.
//!
//! Two paths of data, and both end at one type:
//!
//! ```text
//! a request: proxy/accept -> proxy/hygiene -> engine/identity -> engine/evaluate -> engine/headers -> proxy/forward
//! a file:    config/source -> config/file -> config/compile -> engine::Snapshot -> live
//! ```

pub mod admin;
pub mod api;
pub mod ask;
pub mod cli;
pub mod config;
pub mod door;
pub mod engine;
pub mod inject;
pub mod live;
pub mod proxy;
pub mod run;
pub mod signals;
pub mod telemetry;
