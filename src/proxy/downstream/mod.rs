//! The client's side: a connection from the moment it is accepted until it is closed without losing a response.
//! In: a listener of one worker, and what responds to a request. Out: requests, one after the other; over HTTP/2 at once.
//!
//! [`accept`] takes a connection, [`sniff`] tells which HTTP it speaks, [`h1`] or [`h2`] serves it by way of hyper. Under
//! hyper lies [`stream`], which tells [`connection`] what was read and written; over it, [`body`] is what hyper sends.
//! [`parked`] is what an idle connection keeps; [`trim`] gives memory back.

pub(super) mod accept;
pub(super) mod body;
pub(super) mod connection;
mod h1;
mod h2;
mod parked;
mod sniff;
mod stream;
mod trim;
