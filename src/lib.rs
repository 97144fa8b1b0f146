//! burgee: a sidecar reverse proxy that puts feature flags on every request.
//!
//! Two paths of data, and both end at one type:
//!
//! ```text
//! a request: proxy/accept -> proxy/host -> engine/source -> engine/evaluate -> proxy/hygiene -> engine/headers -> proxy/attempt
//! a file:    config/source -> config/file -> config/compile -> engine::Snapshot -> live
//! ```
//!
//! Tenets, in order; when two pull apart, the earlier wins:
//!
//! 1. A client never decides a feature.
//! 2. A bad file never replaces a good one.
//! 3. The application is reached even when burgee is confused.
//! 4. Small enough to read in an hour.
//! 5. Fast.
//!
//! In reading order: [`engine`] (pure: what is true, and who gets what), [`config`] (text to a snapshot, and every mistake in
//! it), [`live`] (the snapshot in force, the phases of a life), [`proxy`] (the data path), [`telemetry`], the small doors
//! ([`door`], [`admin`], [`api`]), [`run`] (one process), and what is around it: [`cli`], [`ask`], [`inject`], [`signals`], [`turns`].

pub mod admin;
pub mod api;
pub mod background;
pub mod cli;
pub mod config;
pub mod engine;
pub mod exit;
pub mod flags;
pub mod http;
pub mod inject;
pub mod live;
pub mod proxy;
pub mod server;
pub mod signals;
pub mod telemetry;
