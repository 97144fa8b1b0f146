//! `GET /`: the page for people. In: nothing. Out: one HTML file that needs no other, and a policy under which nothing
//! that the file does not hold can run in it.

use crate::http::server::{self, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

static PAGE: &str = include_str!("page.html");

/// What the page asks is asked here; its script and its style are named by their hashes (CSP 3, 2.3.1).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |element: &str| {
        let inside = between(&format!("<{element}>"), &format!("</{element}>"));
        STANDARD.encode(Sha256::digest(inside))
    };
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
});

fn between(open: &str, close: &str) -> &'static str {
    let inside = PAGE
        .split_once(open)
        .and_then(|(_, rest)| rest.split_once(close));
    inside.map_or("", |(inside, _)| inside)
}

/// The page.
pub(super) fn response() -> Response {
    let mut response = server::typed(StatusCode::OK, "text/html; charset=utf-8", PAGE);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style_and_asks_nobody_else() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1, "{element}");
            assert!(between(&format!("<{element}>"), &format!("</{element}>")).len() > 1000);
        }
        // the name space of SVG is a name, not an address
        let page = PAGE.replace("http://www.w3.org/2000/svg", "");
        for forbidden in [
            "http://",
            "https://",
            "//cdn",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "onclick=",
            "onload=",
            "onerror=",
            "javascript:",
            " style=\"",
        ] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }
}
