//! burgee: a sidecar reverse proxy that puts feature flags on every request.
//!
#![doc = include_str!("README.md")]

// what decides
pub mod config; // text to a snapshot, or every problem in it
pub mod engine; // pure: the model, and who gets what
pub mod live; // the snapshot in force, and the phases of the process

// what carries requests, and what stands beside them
pub mod admin; // health, readiness and metrics
pub mod api; // OFREP, forward-auth and the page
pub mod http; // the server and the client of the small listeners
pub mod proxy; // the data path
pub mod telemetry; // metrics and logs

// what runs it
pub mod background; // long work that gives way to requests
pub mod cli; // one file per command
pub mod exit; // exit codes
pub mod flags; // the flags of `burgee run`
mod import; // files of other systems to toggles files
pub mod inject; // adds the sidecar to Kubernetes YAML
pub mod server; // one `burgee run` process
pub mod signals; // signals as events
