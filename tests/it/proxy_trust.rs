//! A client never decides a feature: whatever only burgee may say is dropped, in every spelling and by every trick.

use crate::raw::{App, Burgee, Message, in_force};
use burgee::engine::{Snapshot, forged_fields::ForgedFields};
use http::{HeaderName, HeaderValue};

/// A file with the default prefix, one header outside of it, an identity header, and the revision header.
fn snapshot() -> Snapshot {
    let user = HeaderName::from_static("x-user-id");
    Snapshot {
        forged_fields: ForgedFields::new(["X-Feature-"], ["Beta-Search"], [&user]).into(),
        revision_header: Some((
            HeaderName::from_static("x-feature-revision"),
            HeaderValue::from_static("ours"),
        )),
        ..Snapshot::empty()
    }
}

fn started() -> (App, Burgee) {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    burgee.publisher.publish(in_force(snapshot()));
    (app, burgee)
}

/// What the application gets of a request with these lines.
fn at_the_application(app: &App, burgee: &Burgee, lines: &str) -> Message {
    let answer = burgee.answer(format!("GET / HTTP/1.1\r\nHost: shop\r\n{lines}\r\n"));
    assert_eq!(answer.status(), 200, "{lines:?}");
    app.request()
}

#[test]
fn a_client_cannot_turn_a_feature_on_in_any_spelling() {
    let (app, burgee) = started();
    for forged in [
        "X-Feature-Briefcase: on",
        "x-feature-briefcase: on",
        "X_Feature_Briefcase: on",
        "X.Feature.Briefcase: on",
        "X-FEATURE_unknown: on",
        "x-feature-: on",
        "X!Feature~Briefcase: on",
        "Beta-Search: on",
        "BETA_SEARCH: on",
        "beta.search: on",
        "X-Feature-Revision: theirs",
        "X_Feature_Revision: theirs",
        "X-Feature-A: 1\r\nX_Feature_A: 2\r\nx.feature.a: 3",
    ] {
        let request = at_the_application(&app, &burgee, &format!("{forged}\r\n"));
        assert_eq!(request.names(), ["host", "x-feature-revision"], "{forged}");
        assert_eq!(request.get("x-feature-revision"), Some("ours"), "{forged}");
    }
}

#[test]
fn a_client_cannot_turn_a_feature_on_before_any_file_was_loaded() {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    for forged in ["X-Feature-A: on", "x_feature_a: on"] {
        let request = at_the_application(&app, &burgee, &format!("{forged}\r\n"));
        assert_eq!(request.names(), ["host"], "{forged}");
    }
}

#[test]
fn a_client_cannot_have_our_headers_dropped_by_naming_them_in_connection() {
    let (app, burgee) = started();
    for connection in [
        "Connection: X-Feature-Revision",
        "Connection: close, x-feature-revision",
        "Connection: keep-alive\r\nConnection: X-Feature-Revision",
        "Connection: X_Feature_Revision",
        "Proxy-Connection: X-Feature-Revision",
    ] {
        let request = at_the_application(&app, &burgee, &format!("{connection}\r\n"));
        assert_eq!(
            request.get("x-feature-revision"),
            Some("ours"),
            "{connection}"
        );
        assert_eq!(
            request.names(),
            ["host", "x-feature-revision"],
            "{connection}"
        );
    }
}

#[test]
fn a_user_cannot_pass_for_another_by_another_spelling_of_the_identity_header() {
    let (app, burgee) = started();
    for (sent, kept) in [
        ("X-User-Id: mia", Some("mia")),
        ("x-user-id: mia", Some("mia")),
        ("X_User_Id: mia", None),
        ("X.User.Id: mia", None),
        ("X_User-Id: mia", None),
        ("X-User-Id: mia\r\nX_User_Id: root", Some("mia")),
    ] {
        let request = at_the_application(&app, &burgee, &format!("{sent}\r\n"));
        assert_eq!(request.get("x-user-id"), kept, "{sent}");
        let others = request
            .names()
            .iter()
            .filter(|name| name.contains("user"))
            .count();
        assert_eq!(others, usize::from(kept.is_some()), "{sent}");
    }
}

#[test]
fn connection_names_away_what_is_for_one_hop_and_nothing_that_matters() {
    let (app, burgee) = started();
    let kept = "Cookie: a=b\r\nAuthorization: Basic eA==\r\nX-User-Id: mia\r\nX-Forwarded-For: 10.0.0.1\r\n\
        X-Forwarded-Proto: https\r\nForwarded: for=10.0.0.1\r\n";
    let request = at_the_application(
        &app,
        &burgee,
        &format!(
            "{kept}Connection: host, cookie, authorization\r\nX-Hop: 1\r\nX-Other: 2\r\n\
             Connection: x-user-id, x-hop, x-forwarded-for\r\nConnection: X-Other,,forwarded ,x-forwarded-proto\r\n"
        ),
    );
    assert_eq!(
        request.names(),
        [
            "authorization",
            "cookie",
            "forwarded",
            "host",
            "x-feature-revision",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-user-id"
        ]
    );
}

#[test]
fn a_body_is_framed_the_same_whatever_connection_names() {
    let (app, burgee) = started();
    burgee.answer(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: content-length\r\n\r\nabc",
    );
    let request = app.request();
    assert_eq!(
        (request.get("content-length"), request.text().as_str()),
        (Some("3"), "abc")
    );
}

#[test]
fn what_is_for_one_hop_stays_on_it() {
    let (app, burgee) = started();
    let request = at_the_application(
        &app,
        &burgee,
        "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nTrailer: X-A\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings, Keep-Alive\r\nX-End: 1\r\n",
    );
    assert_eq!(request.names(), ["host", "x-end", "x-feature-revision"]);
}

#[test]
fn a_look_alike_of_framing_never_passes() {
    let (app, burgee) = started();
    for look_alike in [
        "Transfer_Encoding: chunked",
        "transfer.encoding: chunked",
        "Content_Length: 5",
        "Content.Length: 5",
    ] {
        let request = at_the_application(&app, &burgee, &format!("{look_alike}\r\n"));
        assert_eq!(
            request.names(),
            ["host", "x-feature-revision"],
            "{look_alike}"
        );
    }
}

#[test]
fn trailers_of_a_request_never_reach_the_application() {
    let (app, burgee) = started();
    burgee.answer(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Feature-A, X-End\r\n\r\n\
         3\r\nabc\r\n0\r\nX-Feature-A: on\r\nX-End: 1\r\nHost: evil\r\n\r\n",
    );
    let request = app.request();
    assert_eq!(
        (request.text().as_str(), request.trailers.as_str()),
        ("abc", "")
    );
    assert_eq!(
        request.names(),
        ["host", "transfer-encoding", "x-feature-revision"]
    );
}

#[test]
fn cookies_are_forwarded_byte_for_byte() {
    let (app, burgee) = started();
    for cookie in [
        "a=b; c=\"d;e\"",
        "a==; ;;b",
        "a=%20\u{e9}; A=1",
        "x-feature-a=on",
    ] {
        let request = at_the_application(&app, &burgee, &format!("Cookie: {cookie}\r\n"));
        let expected = crate::raw::text(cookie.as_bytes());
        assert_eq!(request.get("cookie"), Some(expected.as_str()));
    }
}

#[test]
fn answers_carry_our_headers_only_when_asked_for_and_the_applications_own_pass() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Feature-Own: app\r\nX-Feature-Revision: app\r\n\r\n",
    );
    for (debug, revision) in [(false, "app"), (true, "ours")] {
        let burgee = Burgee::with(&app, |settings| settings.debug_response = debug);
        burgee.publisher.publish(in_force(snapshot()));
        let answer = burgee.answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(answer.get("x-feature-own"), Some("app"));
        assert_eq!(answer.get("x-feature-revision"), Some(revision), "{debug}");
    }
}
