//! HTTP beside the traffic: a server for the small listeners, and a client for one request at a time.
//! In: addresses and requests. Out: listeners and responses.

pub mod client;
pub mod server;
