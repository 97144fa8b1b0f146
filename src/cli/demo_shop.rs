//! What the demo's application sells, so that something comes of a feature: whoever buys has reached a goal. In: requests. Out: what it
//! tells the sidecar of them, and a thousand people at once where somebody asks for them.

use super::{
    demo_crowd::{self, CROWD},
    health,
};
use crate::http::server::{self, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::{
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The shop.
#[derive(Debug, Default)]
pub struct Shop {
    /// where people come in, once it is open
    door: OnceLock<SocketAddr>,
    /// how many came at the press of a link
    came: AtomicUsize,
}

impl Shop {
    /// People come in here.
    pub fn open(&self, door: SocketAddr) {
        // it opens once
        let _ = self.door.set(health::here(door));
    }

    /// The response to what is done in the shop; none for its page.
    pub(super) fn respond(&self, path: &str) -> Option<Response> {
        match path {
            "/buy" => {
                let mut response = back();
                let goal = HeaderValue::from_static("purchase");
                response.headers_mut().insert("x-feature-goal", goal);
                Some(response)
            }
            "/crowd" => {
                let door = *self.door.get()?;
                let before = self.came.fetch_add(CROWD, Relaxed);
                // who asked need not wait for them
                tokio::spawn(demo_crowd::come(door, before));
                Some(back())
            }
            _ => None,
        }
    }
}

/// Its page depends on every feature that it was told of.
pub(super) fn report_use(request: &HeaderMap, response: &mut Response) {
    let names = request
        .keys()
        .filter_map(|name| name.as_str().strip_prefix("x-feature-"));
    let names = names.collect::<Vec<_>>().join(", ");
    if let (false, Ok(names)) = (names.is_empty(), HeaderValue::from_str(&names)) {
        response.headers_mut().insert("x-feature-used", names);
    }
}

/// To the page.
pub(super) fn back() -> Response {
    let mut response = server::text(StatusCode::SEE_OTHER, "");
    let page = HeaderValue::from_static("/");
    response.headers_mut().insert(header::LOCATION, page);
    response
}
