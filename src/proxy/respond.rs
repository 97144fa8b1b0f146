//! What we add to an answer, and what its client can take.
//! In: an answer from the application or from here. Out: the same, fit for this client and this phase of our life.

use super::{Conn, Worker, exposure, hop_by_hop, upstream::request_body::Answer};
use crate::{
    engine::{Decisions, Snapshot},
    live::Phase,
};
use http::{HeaderMap, HeaderValue, Response, Version, header};
use http_body::Body;

/// What is known of an exchange besides its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct About {
    /// the client came by https
    pub(super) by_https: bool,
    /// the answer says which features it used, or which goals were reached
    pub(super) used: bool,
}

/// What only an answer of the application carries: a stranger's new id, and the decisions where they are asked for.
pub(super) fn add_ours(
    response: &mut Response<Answer>,
    worker: &Worker,
    snapshot: &Snapshot,
    decisions: &Decisions,
    about: About,
) {
    let headers = response.headers_mut();
    if let Some((id, files)) = &decisions.visitor {
        for file in files {
            let visitor_cookie = snapshot.files[usize::from(*file)].visitor_cookie.as_ref();
            let cookie = visitor_cookie.and_then(|cookie| cookie.set_cookie(id, about.by_https));
            if let Some(cookie) = cookie {
                let _ = headers.try_append(header::SET_COOKIE, cookie);
            }
        }
        make_private(headers);
    }
    if about.used {
        exposure::take(headers, &worker.telemetry, snapshot, decisions);
    }
    if worker.settings.debug_response {
        exposure::show(headers, snapshot, decisions);
    }
}

/// Whether the client came by https, as the hop before us says.
pub(super) fn came_by_https(headers: &HeaderMap) -> bool {
    let says = |name: &str, what: fn(&str) -> bool| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .next_back()
            .is_some_and(what)
    };
    says("x-forwarded-proto", |line| {
        let nearest = line.rsplit(',').next().unwrap_or_default();
        nearest.trim().eq_ignore_ascii_case("https")
    }) || says("forwarded", |line| {
        let nearest = line.rsplit(',').next().unwrap_or_default();
        nearest.split(';').any(|pair| {
            let pair = pair.trim().split_once('=');
            pair.is_some_and(|(name, value)| {
                name.eq_ignore_ascii_case("proto")
                    && value.trim_matches('"').eq_ignore_ascii_case("https")
            })
        })
    })
}

/// No shared cache may hand one id to many (RFC 9111, 5.2.2).
fn make_private(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CACHE_CONTROL).iter();
    let text: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let shared = ["public", "s-maxage", "private", "proxy-revalidate"];
    let kept = text.iter().flat_map(|line| line.split(',')).map(str::trim);
    let kept = kept.filter(|directive| {
        let name = directive.split('=').next().unwrap_or_default();
        !name.is_empty()
            && !shared
                .iter()
                .any(|shared| name.eq_ignore_ascii_case(shared))
    });
    let all: Vec<&str> = std::iter::once("private").chain(kept).collect();
    if let Ok(value) = HeaderValue::from_str(&all.join(", ")) {
        hop_by_hop::set(headers, header::CACHE_CONTROL, value);
    }
}

/// The last touch to every answer.
pub(super) fn fit(response: &mut Response<Answer>, conn: &Conn, version: Version) {
    if !conn.between.get() {
        // an older answer is still being written: hints that late are of no use
        conn.early.borrow_mut().clear();
    }
    if version == Version::HTTP_2 {
        return;
    }
    if version == Version::HTTP_10 {
        let length_known = response.body().size_hint().exact().is_some();
        conn.ends_with_close.set(!length_known);
        if !length_known {
            // never chunked, so the end of the connection is the end of the body
            *response.version_mut() = Version::HTTP_10;
        }
    }
    if conn.worker.phase.get() >= Phase::Draining && conn.tunnel.borrow().is_none() {
        let close = HeaderValue::from_static("close");
        hop_by_hop::set(response.headers_mut(), header::CONNECTION, close);
    }
}
