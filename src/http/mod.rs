//! HTTP for what is small: the listeners beside the traffic, and one request at a time. Never for traffic.
//! In: addresses and requests. Out: listeners and answers.

pub mod client;
pub mod server;
