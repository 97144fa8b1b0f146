//! What each fuzz target asks of any bytes: a function that panics where a promise is broken.
//! In: bytes. Out: nothing. `tests/it/fuzz.rs` asks the same of the kept inputs, with cargo alone.

pub mod conditions;
pub mod fold;
pub mod identity;
pub mod jwt;
pub mod overriding;
pub mod toggles;

use burgee::engine::request::HttpRequest;
use http::{HeaderMap, Method};

/// Panics where the promise is broken.
pub type Ask = fn(&[u8]);

/// Every target, by its name.
pub const TARGETS: [(&str, Ask); 6] = [
    ("toggles", toggles::ask),
    ("identity", identity::ask),
    ("jwt", jwt::ask),
    ("overriding", overriding::ask),
    ("conditions", conditions::ask),
    ("fold", fold::ask),
];

/// `GET /` with these fields.
fn get(headers: &HeaderMap) -> HttpRequest<'_> {
    HttpRequest {
        headers,
        method: &Method::GET,
        path: "/",
        query: None,
        host: b"",
        ip: None,
        said: None,
    }
}
