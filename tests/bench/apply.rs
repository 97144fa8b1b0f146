//! The hot path: decide, strip, write, for 1 to 1,000 features, with allocation counts.
//! `cargo bench --bench apply`. The header map's one growth is the one allocation that may be seen; `as_lines` is how the
//! data path speaks HTTP/1.1 to the application, and has none. `the_map_alone` is what a map takes to be written, with
//! nothing decided: HTTP/2 to the application, and forward-auth, pay it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // a bench says what it expects

use burgee::{
    config,
    engine::{
        Decisions, Snapshot,
        request::{HttpRequest, Input},
        units::Second,
    },
};
use divan::{AllocProfiler, Bencher};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header, request::Parts};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn snapshot(features: &str) -> Snapshot {
    let text = format!(
        "version: 1\nuser: [cookie.uid]\nattributes: {{plan: header.x-plan, country: header.x-country}}\nsegments: {{pro: {{plan: pro}}}}\nfeatures:\n{features}"
    );
    match config::compile_texts(
        &[config::Text {
            name: "bench.yaml".into(),
            bytes: text.into(),
        }],
        &|_| None,
        Second(0),
    ) {
        Ok((snapshot, _)) => snapshot,
        Err(problems) => panic!("{problems}"),
    }
}

/// What a browser sends.
fn request() -> Parts {
    let (mut parts, ()) = Request::get("/products?page=3")
        .body(())
        .unwrap()
        .into_parts();
    for (name, value) in [
        (header::HOST, "app.example.com"),
        (
            header::USER_AGENT,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
        ),
        (
            header::ACCEPT,
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ),
        (header::ACCEPT_LANGUAGE, "en-US,en;q=0.5"),
        (header::ACCEPT_ENCODING, "gzip, deflate, br"),
        (
            header::REFERER,
            "https://app.example.com/products/overview?page=3",
        ),
        (
            header::COOKIE,
            "_ga=GA1.2.1844674407.1700000000; session=eyJhbGciOiJIUzI1NiJ9.e30.SflKxwRJSMeKKF2QT4; uid=user-00004711; theme=dark",
        ),
    ] {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    parts
        .headers
        .insert("x-plan", HeaderValue::from_static("pro"));
    parts
}

/// The same, in a map of its own that has just the room.
fn fresh(template: &Parts) -> Parts {
    let mut parts = template.clone();
    let mut headers = HeaderMap::with_capacity(template.headers.len());
    headers.extend(parts.headers);
    parts.headers = headers;
    parts
}

/// One request: decide, strip, write.
type Step = fn(&Snapshot, &mut Parts, &mut Decisions);

const MAP: Step = |snapshot, parts, decisions| {
    decide(snapshot, parts, decisions);
    snapshot.write(&mut parts.headers, decisions);
};
const LINES: Step = |snapshot, parts, decisions| {
    decide(snapshot, parts, decisions);
    snapshot.write_lines(decisions);
};

fn decide(snapshot: &Snapshot, parts: &mut Parts, decisions: &mut Decisions) {
    let input = Input::Http(HttpRequest::new(parts, b"app.example.com", None));
    snapshot.decide(input, Second(1_800_000_000), None, decisions);
    decisions.forged = snapshot.forged_fields.strip(&mut parts.headers);
}

fn run(bencher: Bencher<'_, '_>, features: &str, step: Step) {
    let snapshot = snapshot(features);
    let template = request();
    let mut decisions = Decisions::default();
    bencher
        .with_inputs(|| fresh(&template))
        .bench_local_refs(|parts| step(&snapshot, parts, &mut decisions));
}

fn halves(count: usize) -> String {
    (0..count)
        .map(|i| format!("  flag-{i:04}: 50%\n"))
        .collect()
}

#[divan::bench(args = [1, 20, 100, 1000], sample_size = 20)]
fn percentages(bencher: Bencher<'_, '_>, count: usize) {
    run(bencher, &halves(count), MAP);
}

#[divan::bench(args = [1, 20, 100, 1000], sample_size = 20)]
fn percentages_as_lines(bencher: Bencher<'_, '_>, count: usize) {
    run(bencher, &halves(count), LINES);
}

#[divan::bench(args = [1, 20, 100, 1000], sample_size = 20)]
fn the_map_alone(bencher: Bencher<'_, '_>, count: usize) {
    let template = request();
    let name = |i| HeaderName::try_from(format!("x-feature-flag-{i:04}")).unwrap();
    let fields: Vec<_> = (0..count)
        .map(|i| (name(i), HeaderValue::from_str("on").unwrap()))
        .collect();
    bencher
        .with_inputs(|| fresh(&template))
        .bench_local_refs(|parts| {
            parts.headers.reserve(fields.len());
            for (name, value) in &fields {
                parts.headers.insert(name.clone(), value.clone());
            }
        });
}

/// Splits, conditions, rules and glides among plain shares.
fn shapes(count: usize) -> String {
    let shape = |i: usize| match i % 5 {
        0 => format!("  flag-{i:04}: 50%\n"),
        1 => format!("  flag-{i:04}: {{variants: [a, b, c], serve: {{a: 40%, b: 30%, c: 30%}}}}\n"),
        2 => format!("  flag-{i:04}: {{when: pro, rollout: 10%}}\n"),
        3 => format!(
            "  flag-{i:04}: {{rules: [{{when: {{country: [US, CA]}}, serve: on}}, {{when: {{path: {{prefix: /legacy}}}}, serve: off}}], rollout: 20%}}\n"
        ),
        _ => format!(
            "  flag-{i:04}: {{when: {{now: {{from: 2020-01-01, until: 2040-01-01}}}}, rollout: {{from: 0%, to: 100%, start: 2026-01-01, end: 2030-01-01}}}}\n"
        ),
    };
    (0..count).map(shape).collect()
}

#[divan::bench(args = [1, 20, 100, 1000], sample_size = 20)]
fn mixed(bencher: Bencher<'_, '_>, count: usize) {
    run(bencher, &shapes(count), MAP);
}

#[divan::bench(args = [1, 20, 100, 1000], sample_size = 20)]
fn mixed_as_lines(bencher: Bencher<'_, '_>, count: usize) {
    run(bencher, &shapes(count), LINES);
}

#[divan::bench(sample_size = 20)]
fn split_of_three(bencher: Bencher<'_, '_>) {
    run(
        bencher,
        "  flag: {variants: [a, b, c], serve: {a: 40%, b: 30%, c: 30%}}\n",
        MAP,
    );
}
