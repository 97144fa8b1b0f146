//! Who asks: read from the request as it came, before anything is stripped; and strangers, who are given an id.

use crate::{
    raw::{App, Burgee, Message, in_force},
    toggles::compile,
};

const FILE: &str = "version: 1
user: [header.x-user-id, cookie.user_id]
features:
  is-mia: {when: {user: mia}, serve: on}
  is-max: {when: {user: max}, serve: on}
  local: {when: {ip: {within: 10.0.0.0/8}}, serve: on}
  here: {when: {host: shop.example}, serve: on}
";

fn started(app: &App, file: &str, hops: usize) -> Burgee {
    let burgee = Burgee::with(app, |settings| settings.trusted_hops = hops);
    let (snapshot, _) = compile(&[("a.yaml", file.as_bytes())]).unwrap();
    burgee.publisher.publish(in_force(snapshot));
    burgee
}

fn get(burgee: &Burgee, lines: &str) -> Message {
    burgee.answer(format!(
        "GET / HTTP/1.1\r\nHost: shop.example:80\r\n{lines}\r\n"
    ))
}

/// Whether each of these features is on for the application.
fn check(file: &str, hops: usize, rows: &[(&str, &[&str])]) {
    let app = App::ok();
    let burgee = started(&app, file, hops);
    for (lines, expected) in rows {
        get(&burgee, lines);
        let request = app.request();
        let on: Vec<_> = request
            .fields()
            .filter(|(name, value)| {
                *value == "on" && (name.starts_with("x-feature-is") || *name == "x-feature-local")
            })
            .map(|(name, _)| name["x-feature-".len()..].to_owned())
            .collect();
        assert_eq!(on, *expected, "{lines:?}");
    }
}

#[test]
fn who_asks_is_read_from_the_header_then_from_the_cookie() {
    check(
        FILE,
        0,
        &[
            ("X-User-Id: mia\r\n", &["is-mia"]),
            ("Cookie: user_id=mia\r\n", &["is-mia"]),
            ("X-User-Id: max\r\nCookie: user_id=mia\r\n", &["is-max"]),
            // blank is absent
            ("X-User-Id: \r\nCookie: user_id=mia\r\n", &["is-mia"]),
            // the same thing twice is one thing; two things are nobody, and the cookie is not asked
            ("X-User-Id: mia\r\nX-User-Id: mia\r\n", &["is-mia"]),
            ("X-User-Id: mia\r\nX-User-Id: max\r\n", &[]),
            (
                "X-User-Id: mia\r\nX-User-Id: max\r\nCookie: user_id=mia\r\n",
                &[],
            ),
            // the first cookie wins; only `;` divides; names are case-sensitive; nothing is decoded
            ("Cookie: user_id=mia; user_id=max\r\n", &["is-mia"]),
            (
                "Cookie: a=b; user_id=mia\r\nCookie: user_id=max\r\n",
                &["is-mia"],
            ),
            ("Cookie: a=b, user_id=mia\r\n", &[]),
            ("Cookie: USER_ID=mia\r\n", &[]),
            ("Cookie: user_id=%6dia\r\n", &[]),
            ("Cookie: user_id=\"mia\"\r\n", &[]),
            // other spellings say nothing
            ("X_User_Id: mia\r\n", &[]),
            ("X.User.Id: mia\r\nCookie: user_id=max\r\n", &["is-max"]),
        ],
    );
}

#[test]
fn who_asks_cannot_be_named_away() {
    let app = App::ok();
    let burgee = started(&app, FILE, 0);
    get(
        &burgee,
        "X-User-Id: mia\r\nConnection: X-User-Id, Cookie\r\nCookie: a=b\r\n",
    );
    let request = app.request();
    assert_eq!(request.get("x-feature-is-mia"), Some("on"));
    assert_eq!(
        (request.get("x-user-id"), request.get("cookie")),
        (Some("mia"), Some("a=b"))
    );
}

#[test]
fn an_address_is_believed_as_far_as_the_hops_are_trusted() {
    let lines = "X-Forwarded-For: 10.0.0.1, 192.0.2.1\r\nX-Forwarded-For: 198.51.100.1\r\n";
    check(
        FILE,
        0,
        &[(lines, &[]), ("X-Forwarded-For: 10.0.0.1\r\n", &[])],
    );
    check(
        FILE,
        1,
        &[
            (lines, &[]),
            ("X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n", &["local"]),
        ],
    );
    check(
        FILE,
        3,
        &[
            (lines, &["local"]),
            // fewer entries than hops: somebody came another way
            ("X-Forwarded-For: 10.0.0.1\r\n", &[]),
            ("X-Forwarded-For: 10.0.0.1:55, a, b\r\n", &["local"]),
            ("X-Forwarded-For: x, a, b\r\n", &[]),
        ],
    );
}

#[test]
fn the_host_that_decides_is_the_one_that_the_application_gets() {
    let app = App::ok();
    let burgee = started(&app, FILE, 0);
    for (sent, expected) in [
        ("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", "on"),
        ("GET / HTTP/1.1\r\nHost: SHOP.example:8080\r\n\r\n", "on"),
        (
            "GET http://shop.example/ HTTP/1.1\r\nHost: other\r\n\r\n",
            "on",
        ),
        (
            "GET http://other/ HTTP/1.1\r\nHost: shop.example\r\n\r\n",
            "off",
        ),
    ] {
        burgee.answer(sent);
        assert_eq!(
            app.request().get("x-feature-here"),
            Some(expected),
            "{sent}"
        );
    }
}

const STRANGERS: &str = "version: 1
user: [header.x-user-id]
anonymous: {cookie: visitor, max-age: 1d}
features:
  half: 50%
";

#[test]
fn a_stranger_who_opens_a_page_is_given_an_id_and_keeps_it() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: own=1\r\nCache-Control: public, max-age=60\r\n\r\n",
    );
    let burgee = started(&app, STRANGERS, 0);
    let answer = get(&burgee, "Sec-Fetch-Mode: navigate\r\n");
    let first = app.request().get("x-feature-half").unwrap().to_owned();
    let cookies = answer.all("set-cookie");
    let (id, attributes) = cookies[1].split_once(';').unwrap();
    assert_eq!(cookies[0], "own=1");
    assert_eq!(
        attributes.trim(),
        "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"
    );
    assert_eq!(answer.get("cache-control"), Some("private, max-age=60"));
    let again = get(
        &burgee,
        &format!("Sec-Fetch-Mode: navigate\r\nCookie: {id}\r\n"),
    );
    assert_eq!(app.request().get("x-feature-half"), Some(first.as_str()));
    assert_eq!(again.all("set-cookie"), ["own=1"]);
    assert_eq!(again.get("cache-control"), Some("public, max-age=60"));
    let other = get(&burgee, "Sec-Fetch-Mode: navigate\r\n");
    assert_ne!(other.all("set-cookie")[1], cookies[1]);
}

#[test]
fn only_who_opens_a_page_and_is_a_stranger_is_given_an_id() {
    let app = App::ok();
    let burgee = started(&app, STRANGERS, 0);
    for (lines, given) in [
        ("Sec-Fetch-Mode: navigate\r\n", true),
        ("Accept: text/html,*/*\r\n", true),
        ("Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n", false),
        ("Accept: */*\r\n", false),
        ("", false),
        ("Sec-Fetch-Mode: navigate\r\nX-User-Id: mia\r\n", false),
        (
            "Sec-Fetch-Mode: navigate\r\nX-User-Id: mia\r\nX-User-Id: max\r\n",
            false,
        ),
        ("Sec-Fetch-Mode: navigate\r\nCookie: visitor=0123\r\n", true),
    ] {
        assert_eq!(
            get(&burgee, lines).get("set-cookie").is_some(),
            given,
            "{lines:?}"
        );
    }
}

#[test]
fn an_id_that_came_by_https_stays_there() {
    let app = App::ok();
    let burgee = started(&app, STRANGERS, 0);
    for (lines, secure) in [
        ("", false),
        ("X-Forwarded-Proto: https\r\n", true),
        ("X-Forwarded-Proto: http\r\n", false),
        ("X-Forwarded-Proto: https, http\r\n", false),
        ("Forwarded: for=192.0.2.1;proto=https\r\n", true),
        ("Forwarded: for=192.0.2.1;Proto=\"HTTPS\";host=a\r\n", true),
        (
            "Forwarded: proto=https, for=192.0.2.1;proto=http\r\n",
            false,
        ),
    ] {
        let answer = get(&burgee, &format!("Sec-Fetch-Mode: navigate\r\n{lines}"));
        assert_eq!(
            answer.get("set-cookie").unwrap().contains("; Secure"),
            secure,
            "{lines:?}"
        );
    }
}

#[test]
fn no_cache_may_keep_an_answer_that_gives_an_id() {
    for (own, merged) in [
        ("", "private"),
        ("Cache-Control: no-store\r\n", "private, no-store"),
        (
            "Cache-Control: private, max-age=5\r\n",
            "private, max-age=5",
        ),
        (
            "Cache-Control: Public\r\nCache-Control: s-maxage=9, must-revalidate\r\n",
            "private, must-revalidate",
        ),
    ] {
        let app = App::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{own}\r\n"));
        let burgee = started(&app, STRANGERS, 0);
        let answer = get(&burgee, "Sec-Fetch-Mode: navigate\r\n");
        assert_eq!(answer.all("cache-control"), [merged], "{own:?}");
    }
}
