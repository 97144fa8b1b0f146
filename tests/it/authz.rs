//! Forward-auth: what another proxy is told to put on its request, and what to take off it.

use crate::support::{Answer, Burgee, Toggles, ask, raw};
use std::net::SocketAddr;

const TOGGLES: &str = r##"version: 1
attributes: {country: header.x-country}
headers: {values: true, combined: X-Features, revision: X-Features-Revision}
override: {from: [query.ff], when: {header.x-staff: "yes"}}
features:
  briefcase: {variants: {gold: {n: 1}, silver: {n: 2}}, rules: [{when: {user: quentin}, serve: silver}], serve: gold}
  legacy: {when: {path: {prefix: /legacy}}, serve: on}
  posted: {when: {method: POST}, serve: on}
  named: {when: {host: shop.example}, serve: on}
  near: {when: {ip: {within: 198.51.100.0/24}}, serve: on}
  asked: {when: {query.beta: "1"}, serve: on}
  draft: {status: draft, serve: on}
  shared: 50%
"##;

fn start(text: &str, flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(text);
    let flags = [&["--evaluate-listen", "127.0.0.1:0"], flags].concat();
    (Burgee::start(&toggles.path(), "none", &flags), toggles)
}

fn check(at: SocketAddr, line: &str, fields: &[&str], expected: &[(&str, Option<&str>)]) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let answer = ask(at, method, path, fields);
    assert_eq!(answer.status, 200, "{line}: {answer:?}");
    for (feature, variant) in expected {
        let name = format!("x-feature-{feature}");
        assert_eq!(
            answer.header(&name),
            *variant,
            "{line} {fields:?} {feature}: {answer:?}"
        );
    }
    answer
}

#[test]
fn the_answer_has_every_header_of_the_described_request() {
    let (burgee, _toggles) = start(TOGGLES, &[]);
    let answer = check(
        burgee.evaluate,
        "POST /authz/legacy/x?beta=1",
        &["Host: shop.example:8443", "X-User-Id: quentin"],
        &[
            ("briefcase", Some("silver")),
            ("briefcase-value", Some("{\"n\":2}")),
            ("legacy", Some("on")),
            ("posted", Some("on")),
            ("named", Some("on")),
            ("near", Some("off")),
            ("asked", Some("on")),
            ("draft", None),
        ],
    );
    let features = answer.header("x-features").unwrap();
    assert!(features.contains("briefcase=silver"), "{features}");
    assert!(answer.header("x-features-revision").is_some());
    assert_eq!(answer.body, "");
    let removed = answer.header("x-envoy-auth-headers-to-remove").unwrap();
    assert_eq!(removed, "x-feature-draft");
}

#[test]
fn whatever_is_not_set_is_named_for_removal() {
    let with = |text: &str| TOGGLES.replacen("version: 1\n", &format!("version: 1\n{text}\n"), 1);
    for (text, expected) in [
        (
            TOGGLES.replace("{values: true", "{off: omit, values: true"),
            &["legacy", "posted", "draft", "shared"][..],
        ),
        (
            with("when: {country: XX}"),
            &["briefcase", "briefcase-value", "legacy", "draft", "shared"],
        ),
    ] {
        let (burgee, _toggles) = start(&text, &[]);
        let answer = check(burgee.evaluate, "GET /authz/", &[], &[]);
        let removed = answer.header("x-envoy-auth-headers-to-remove").unwrap();
        let removed: Vec<_> = removed.split(',').collect();
        for feature in expected {
            let name = format!("x-feature-{feature}");
            assert!(removed.contains(&&*name), "{name} of {removed:?}");
            assert_eq!(answer.header(&name), None);
        }
    }
}

#[test]
fn a_client_cannot_turn_a_feature_on() {
    let (burgee, _toggles) = start(TOGGLES, &[]);
    let forged = [
        "Host: shop.example",
        "X-User-Id: mia",
        "X-Feature-Briefcase: silver",
        "X-Feature-Draft: on",
        "X-Feature-Legacy: on",
        "X-Forwarded-Uri: /legacy",
        "X-Original-URL: /legacy",
        "X-Forwarded-Method: POST",
        "X-Forwarded-For: 198.51.100.7",
        "X-Forwarded-Host: shop.example",
    ];
    let expected = [
        ("briefcase", Some("gold")),
        ("draft", None),
        ("legacy", Some("off")),
        ("posted", Some("off")),
        ("near", Some("off")),
    ];
    check(burgee.evaluate, "GET /authz/", &forged, &expected);
    let overridden = "GET /authz/?ff=draft%3Don";
    check(burgee.evaluate, overridden, &[], &[("draft", None)]);
    check(
        burgee.evaluate,
        overridden,
        &["X-Staff: yes"],
        &[("draft", Some("on"))],
    );
}

#[test]
fn the_described_request_is_read_where_the_flag_says() {
    let told = [
        "Host: burgee",
        "X-Forwarded-Method: POST",
        "X-Forwarded-Host: shop.example",
        "X-Forwarded-Uri: /legacy?beta=1",
        "X-Original-Method: GET",
        "X-Original-URL: http://other.example/",
        "X-Forwarded-For: 198.51.100.7, 192.0.2.1",
    ];
    let (on, off) = (Some("on"), Some("off"));
    for (flags, expected) in [
        (&["--authz-from", "path"][..], [off, off, off, off, off]),
        (&["--authz-from", "x-forwarded"], [on, on, on, on, off]),
        (
            &["--authz-from", "x-forwarded", "--trusted-hops", "2"],
            [on, on, on, on, on],
        ),
        (&["--authz-from", "x-original"], [off, off, off, off, off]),
    ] {
        let (burgee, _toggles) = start(TOGGLES, flags);
        let names = ["legacy", "posted", "named", "asked", "near"];
        let expected: Vec<_> = std::iter::zip(names, expected).collect();
        check(burgee.evaluate, "GET /authz", &told, &expected);
    }
    let (burgee, _toggles) = start(TOGGLES, &["--authz-from", "x-forwarded"]);
    let answer = ask(burgee.evaluate, "GET", "/authz", &[]);
    assert!(
        answer.status == 400 && answer.body.contains("X-Forwarded-Uri"),
        "{answer:?}"
    );
}

#[test]
fn any_method_and_a_body_that_nobody_reads_are_answered() {
    let (burgee, _toggles) = start(TOGGLES, &[]);
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        check(
            burgee.evaluate,
            &format!("{method} /authz/x"),
            &["X-User-Id: mia"],
            &[("briefcase", Some("gold"))],
        );
    }
    let long = "POST /authz/x HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(
        raw(burgee.evaluate, long).header("x-feature-posted"),
        Some("on")
    );
    let old = raw(
        burgee.evaluate,
        "GET /authz/legacy HTTP/1.0\r\nHost: shop.example\r\n\r\n",
    );
    assert_eq!(old.header("x-feature-legacy"), Some("on"));
}

#[test]
fn the_loopback_api_answers_it_too_by_a_name_that_is_its_own() {
    let (burgee, _toggles) = start(TOGGLES, &["--api-host", "shop.example"]);
    check(
        burgee.api,
        "GET /authz/",
        &["Host: shop.example"],
        &[("named", Some("on"))],
    );
    assert_eq!(
        ask(burgee.api, "GET", "/authz/", &["Host: evil.example"]).status,
        403
    );
}
