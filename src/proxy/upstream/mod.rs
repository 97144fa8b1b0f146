//! The application's side: connections that are kept, requests as they are sent, responses as they come. It knows nothing of
//! the client's connection: what it needs of that is handed in.
//! In: a request that is ready to go. Out: the head of its response, and a body that still streams.
//!
//! Over HTTP/1.1 ([`h1`]) a request is written by [`encode`], on a connection from the [`pool`]; the response's [`head`] is
//! read into a used header map, and its body is either all there ([`response_body`]) or read as its client takes it ([`decode`],
//! [`chunked`]). Over HTTP/2 ([`h2`]) hyper does that, on connections that are shared ([`h2_connections`]) as far as nobody stalls another
//! ([`window`]); the response's body is [`h2_body`]. [`request_body`] is the client's, on its way up; [`replay`] holds it for a second time.

pub(super) mod chunked;
pub(super) mod decode;
pub(super) mod encode;
pub(super) mod h1;
pub(super) mod h2;
pub(super) mod h2_body;
mod h2_connections;
pub(super) mod head;
pub(super) mod pool;
pub(super) mod replay;
pub(super) mod request_body;
pub(super) mod response_body;
mod window;
