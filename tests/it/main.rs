//! One integration binary, a module a subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects

mod access_control;
mod admin;
mod architecture;
mod authz;
mod check;
mod cli;
mod demo;
mod diff;
mod directory;
mod exit_codes;
mod explain;
#[allow(dead_code)] // helpers for every subject
mod frames;
mod fuzz;
mod hostile;
mod inject;
mod metrics;
mod newcomer;
mod ofrep;
mod openapi;
mod overriding;
mod policy;
mod predecessors;
mod properties;
mod proxy_basics;
mod proxy_descriptors;
mod proxy_exchange;
mod proxy_exposure;
mod proxy_failures;
mod proxy_framing;
mod proxy_http2;
mod proxy_identity;
mod proxy_limits;
mod proxy_pool;
mod proxy_properties;
mod proxy_stream;
mod proxy_sweep;
mod proxy_trust;
#[allow(dead_code)] // helpers for every subject
mod raw;
mod reload;
mod run;
mod rust_version;
mod same_answer;
mod scenarios;
mod schema;
mod sentence;
mod support;
mod terminal;
mod three_ways;
mod toggles;
mod vectors;
mod watch;
mod weights;
