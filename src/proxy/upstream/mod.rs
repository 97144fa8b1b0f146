//! The application's side: connections that are kept, requests as they are sent, answers as they come.
//! In: a request that is ready to go. Out: the head of its answer, and a body that still streams.

pub(super) mod attempt;
pub(super) mod chunked;
pub(super) mod connect;
pub(super) mod decode;
pub(super) mod encode;
pub(super) mod h1;
pub(super) mod h2;
pub(super) mod head;
pub(super) mod header_maps;
pub(super) mod pool;
pub(super) mod request_body;
pub(super) mod response_body;
