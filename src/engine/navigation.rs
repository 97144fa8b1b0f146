//! Whether a request opens a page, which is when a browser may be told to keep a cookie or to drop it.
//! In: the fields of a request. Out: yes or no.

use http::{HeaderMap, header};

/// Whether somebody opens a page, so that parallel first requests of a page do not get ids of their own; and not one that is only
/// loaded ahead of time.
pub fn opens_page(headers: &HeaderMap) -> bool {
    is_navigation(headers) && !is_speculative(headers)
}

/// Whether this request opens a document. A frame does not count: inside a page of another site no browser keeps a
/// `SameSite=Lax` cookie, and a frame there that navigates itself says `Sec-Fetch-Site: same-origin`.
fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => {
            let dest = headers.get("sec-fetch-dest");
            mode == "navigate" && dest.is_none_or(|dest| dest == "document")
        }
        None => headers.get_all(header::ACCEPT).iter().any(|accept| {
            accept.to_str().is_ok_and(|accept| {
                let names = |range: &str| {
                    let mut parts = range.split(';').map(str::trim);
                    let range = parts.next().unwrap_or_default();
                    range.eq_ignore_ascii_case("text/html") && !parts.any(is_refusal)
                };
                accept.split(',').any(names)
            })
        }),
    }
}

/// `q=0`: not acceptable (RFC 9110, 12.4.2).
fn is_refusal(parameter: &str) -> bool {
    let (name, weight) = parameter.split_once('=').unwrap_or_default();
    name.trim_end().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0_f32)
}

/// Whether no other site led here. A `SameSite=Strict` cookie, which consent may be kept in, does not come from another site;
/// a browser that does not say where it comes from proves nothing.
pub fn is_same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| site == "same-origin" || site == "same-site" || site == "none")
}

/// Whether a browser loads a page ahead of time, which may never be shown. Several at once would each bring an id, and the last
/// would replace those that the pages before were made for.
fn is_speculative(headers: &HeaderMap) -> bool {
    let names = |name: &str| headers.get_all(name).iter();
    names("sec-purpose")
        .chain(names("purpose"))
        .any(|line| line.as_bytes().starts_with(b"prefetch"))
}
