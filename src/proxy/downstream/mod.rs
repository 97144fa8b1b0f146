//! The client's side: a connection from the moment it is accepted until it is closed without losing an answer.
//! In: a listener of one worker. Out: requests, to [`super::exchange`].

pub(super) mod accept;
pub(super) mod h1;
pub(super) mod sniff;
pub(super) mod stream;
