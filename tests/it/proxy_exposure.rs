//! What an application says of features on its answers: what becomes of it, what caches are told, and what stays as it was.

use crate::{
    raw::{App, Burgee, in_force},
    toggles::compile,
};

const FILE: &str = "version: 1
user: [header.x-user-id, cookie.uid]
attributes: {country: header.x-country}
features:
  briefcase: {variants: [gold, silver], serve: {gold: 50%, silver: 50%}}
  search: {when: {country: US}, serve: on}
  dark-mode: on
  local: {when: {ip: {within: 10.0.0.0/8}}, serve: on}
  old: {status: paused, rollout: 50%}
";

/// The head of the answer to this user, when the application answers with these fields.
fn answer(fields: &str, user: &str, debug: bool) -> String {
    let app = App::answering(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n"
    ));
    let burgee = Burgee::with(&app, |settings| settings.debug_response = debug);
    let (snapshot, _) = compile(&[("a.yaml", FILE.as_bytes())]).unwrap();
    burgee.publisher.publish(in_force(snapshot));
    let answer = burgee.answer(format!("GET / HTTP/1.1\r\nHost: shop\r\n{user}\r\n"));
    answer.head
}

fn line<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn a_cache_is_told_what_the_used_features_depend_on_whatever_this_user_got() {
    for (fields, expected) in [
        ("X-Feature-Used: briefcase\r\n", &["X-User-Id, Cookie"][..]),
        (
            "X-Feature-Used: briefcase, search\r\n",
            &["X-User-Id, Cookie, X-Country"],
        ),
        (
            "X-Feature-Used: search ,, search\r\nX-Feature-Used:briefcase\r\n",
            &["X-User-Id, Cookie, X-Country"],
        ),
        ("X-Feature-Used: dark-mode, old, nobody-knows\r\n", &[]),
        ("X-Feature-Used: local\r\n", &["*"]),
        (
            "X-Feature-Used: briefcase\r\nVary: Accept-Encoding\r\n",
            &["Accept-Encoding, X-User-Id, Cookie"],
        ),
        (
            "X-Feature-Used: briefcase\r\nVary: Accept-Encoding\r\nVary: COOKIE\r\n",
            &["Accept-Encoding, COOKIE, X-User-Id"],
        ),
        (
            "X-Feature-Used: briefcase\r\nVary: x-user-id,cookie\r\n",
            &["x-user-id,cookie"],
        ),
        ("X-Feature-Used: briefcase\r\nVary: *\r\n", &["*"]),
        ("X-Feature-Used: local\r\nVary: Accept\r\n", &["*"]),
        ("X-Feature-Goal: purchase\r\n", &[]),
        ("Vary: Accept\r\nVary: Origin\r\n", &["Accept", "Origin"]),
    ] {
        for user in [
            "",
            "X-User-Id: mia\r\n",
            "Cookie: uid=quentin\r\n",
            "X-Country: US\r\n",
            "X-User-Id: a\r\nX-User-Id: b\r\n",
        ] {
            let head = answer(fields, user, false);
            assert_eq!(line(&head, "vary"), expected, "{fields} {user}");
            for ours in ["x-feature-used", "x-feature-goal"] {
                assert!(line(&head, ours).is_empty(), "{fields} {user} {head}");
            }
        }
    }
}

#[test]
fn an_answer_that_says_nothing_of_features_is_left_as_it_is() {
    let fields = "vary: Accept\r\nx-feature-used-by: us\r\nx-own: 1\r\nserver-timing: db;dur=5\r\n";
    let head = answer(fields, "X-User-Id: mia\r\n", false);
    assert!(head.contains(fields), "{head}");
}

#[test]
fn an_empty_word_is_kept_from_the_client_too() {
    let head = answer(
        "X-Feature-Used:\r\nX-Feature-Goal: ,\r\nX-Feature-Used: \u{e9}\r\n",
        "",
        false,
    );
    assert!(!head.to_lowercase().contains("x-feature"), "{head}");
}

#[test]
fn a_debug_answer_shows_the_decisions_and_a_browser_shows_them_beside_the_request() {
    let head = answer(
        "Server-Timing: db;dur=5\r\nX-Feature-Used: briefcase\r\n",
        "X-User-Id: mia\r\nX-Country: US\r\n",
        true,
    );
    let variant = line(&head, "x-feature-briefcase");
    assert!(["gold", "silver"].contains(&variant[0]), "{head}");
    assert_eq!(line(&head, "x-feature-dark-mode"), ["on"]);
    let ours = format!(
        "briefcase;desc=\"{}\", search;desc=\"on\", dark-mode;desc=\"on\", local;desc=\"off\", old;desc=\"off\"",
        variant[0]
    );
    assert_eq!(line(&head, "server-timing"), ["db;dur=5", &ours]);
    assert!(line(&head, "x-feature-used").is_empty(), "{head}");
}
