//! One person before and after login: the visitor's cookie, consent, and where it is deleted.

use crate::{
    ofrep,
    raw::{App, Burgee, Message, in_force},
    support::{self, Toggles, ask},
    toggles::compile,
};
use serde_json::json;

/// Valid ids.
const ID: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

const EVERYBODY: &str = "version: 1
user: [header.x-user-id]
anonymous: {cookie: visitor, max-age: 1d, for: everybody}
features:
  by-visitor: {by: visitor, rollout: 50%}
  by-user: 50%
  is-known: {when: {visitor: {present: true}}, serve: on}
  is-mia: {when: {user: mia}, serve: on}
";

const CONSENT: &str = "version: 1
user: [header.x-user-id]
attributes: {agreed: [header.x-consent, cookie.consent]}
segments: {agreed: {agreed: \"yes\"}}
anonymous: {cookie: visitor, max-age: 1d, for: everybody, when: agreed}
features:
  by-visitor: {by: visitor, rollout: 50%}
  by-user: 50%
  is-known: {when: {visitor: {present: true}}, serve: on}
";

const PAGE: &str = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

fn started(app: &App, files: &[&str]) -> Burgee {
    let burgee = Burgee::before(app);
    let names = ["a.yaml", "b.yaml"];
    let files: Vec<_> = names.into_iter().zip(files).collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    let (snapshot, _) = compile(&files).unwrap_or_else(|problems| panic!("{problems}"));
    burgee.publisher.publish(in_force(snapshot));
    burgee
}

fn get(burgee: &Burgee, lines: &str) -> Message {
    burgee.answer(format!(
        "GET / HTTP/1.1\r\nHost: shop.example\r\n{lines}\r\n"
    ))
}

/// What a browser is told to do with its cookies, in short.
fn told(answer: &Message) -> Vec<String> {
    let short = |line: &&str| {
        let (pair, attributes) = line.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let is_id = value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
        match (value, attributes) {
            ("", "Path=/; Max-Age=0; HttpOnly; SameSite=Lax") => format!("-{name}"),
            (_, "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax") if is_id => format!("+{name}"),
            _ => line.to_string(),
        }
    };
    answer.all("set-cookie").iter().map(short).collect()
}

/// What each request is told, and which of these features are on; `?` for either.
fn check(files: &[&str], rows: &[(&str, &[&str], &str)]) {
    let app = App::ok();
    let burgee = started(&app, files);
    for (lines, cookies, on) in rows {
        let answer = get(&burgee, lines);
        assert_eq!(told(&answer), *cookies, "{lines:?}");
        let private = (!cookies.is_empty()).then_some("private");
        assert_eq!(answer.get("cache-control"), private, "{lines:?}");
        let request = app.request();
        let is_on = |name: &&str| request.get(&format!("x-feature-{name}")) == Some("on");
        let found: Vec<_> = ["is-known", "is-mia"].into_iter().filter(is_on).collect();
        assert_eq!(found.join(" "), *on, "{lines:?}");
    }
}

#[test]
fn everybody_who_opens_a_page_without_the_cookie_gets_it_signed_in_or_not() {
    let page = |lines: &str| format!("{PAGE}{lines}");
    let cookie = format!("Cookie: a=b; visitor={ID}\r\n");
    check(
        &[EVERYBODY],
        &[
            (PAGE, &["+visitor"], "is-known"),
            (
                &page("X-User-Id: mia\r\n"),
                &["+visitor"],
                "is-known is-mia",
            ),
            (&page(&cookie), &[], "is-known"),
            (
                &page(&format!("X-User-Id: mia\r\n{cookie}")),
                &[],
                "is-known is-mia",
            ),
            // what is no id is replaced
            (&page("Cookie: visitor=0123\r\n"), &["+visitor"], "is-known"),
            (
                &page("X-User-Id: mia\r\nCookie: visitor=\r\n"),
                &["+visitor"],
                "is-known is-mia",
            ),
            (
                &page(&format!("Cookie: visitor={}\r\n", ID.to_uppercase())),
                &["+visitor"],
                "is-known",
            ),
            // a subdomain may set another of this name, and for a longer path it comes first
            (
                &page(&format!("Cookie: visitor=x; visitor={ID}\r\n")),
                &[],
                "is-known",
            ),
            (
                &page(&format!(
                    "Cookie: visitor=\r\nCookie: a=b; visitor={ID}\r\n"
                )),
                &[],
                "is-known",
            ),
            // two users are nobody; the visitor is somebody
            (
                &page("X-User-Id: mia\r\nX-User-Id: max\r\n"),
                &["+visitor"],
                "is-known",
            ),
            // the parts of a page come at the same time, and each would get another
            ("Sec-Fetch-Mode: cors\r\nX-User-Id: mia\r\n", &[], "is-mia"),
            (
                "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
                &[],
                "",
            ),
            ("", &[], ""),
            (&cookie, &[], "is-known"),
        ],
    );
}

#[test]
fn a_page_that_is_loaded_ahead_of_time_or_in_a_frame_gives_no_id() {
    let framed = |site: &str| {
        format!("Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\nSec-Fetch-Site: {site}\r\n")
    };
    check(
        &[EVERYBODY],
        &[
            (&format!("{PAGE}Sec-Purpose: prefetch\r\n"), &[], ""),
            (
                &format!("{PAGE}Sec-Purpose: prefetch;prerender\r\n"),
                &[],
                "",
            ),
            (
                &format!("{PAGE}Sec-Purpose: prefetch;anonymous-client-ip\r\n"),
                &[],
                "",
            ),
            (&format!("{PAGE}Purpose: prefetch\r\n"), &[], ""),
            // what is there is read all the same
            (
                &format!("{PAGE}Sec-Purpose: prefetch\r\nCookie: visitor={ID}\r\n"),
                &[],
                "is-known",
            ),
            (&framed("cross-site"), &[], ""),
            // such a frame may be inside another site's page, where it navigates itself
            (&framed("same-site"), &[], ""),
            (&framed("same-origin"), &[], ""),
            (
                "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
                &[],
                "",
            ),
            // browsers before Sec-Fetch-Dest
            ("Sec-Fetch-Mode: navigate\r\n", &["+visitor"], "is-known"),
            ("Accept: text/html\r\n", &["+visitor"], "is-known"),
            (
                "Accept: */*, Text/HTML;level=1;q=0.001\r\n",
                &["+visitor"],
                "is-known",
            ),
            // what is not acceptable is not opened
            ("Accept: text/html;q=0, application/json\r\n", &[], ""),
            ("Accept: text/html; level=1; Q=0.000\r\n", &[], ""),
        ],
    );
}

#[test]
fn a_form_that_another_site_sends_replaces_no_id() {
    let app = App::ok();
    let burgee = started(&app, &[EVERYBODY]);
    for (method, expected) in [("GET", &["+visitor"][..]), ("POST", &[]), ("PUT", &[])] {
        for site in ["cross-site", "same-origin"] {
            let answer = burgee.answer(format!(
                "{method} / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n{PAGE}Sec-Fetch-Site: {site}\r\nX-User-Id: mia\r\n\r\n"
            ));
            assert_eq!(told(&answer), *expected, "{method} {site}");
        }
    }
}

#[test]
fn an_answer_by_visitor_stays_through_login_and_logout() {
    let app = App::ok();
    let burgee = started(&app, &[EVERYBODY]);
    let answer = |lines: &str| {
        let message = get(&burgee, lines);
        let request = app.request();
        let feature = |name: &str| request.get(name).unwrap().to_owned();
        (
            feature("x-feature-by-visitor"),
            feature("x-feature-by-user"),
            message,
        )
    };
    let mut seen = std::collections::BTreeSet::new();
    for user in 0..40 {
        let (first, _, message) = answer(PAGE);
        let cookie = message
            .get("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap();
        let cookie = format!("Cookie: {cookie}\r\n");
        let user = format!("X-User-Id: user-{user}\r\n");
        let (signed_in, by_user, _) = answer(&format!("{user}{cookie}"));
        let (page, _, again) = answer(&format!("{PAGE}{user}{cookie}"));
        let (out, before, _) = answer(&cookie);
        assert_eq!([&signed_in, &page, &out], [&first; 3], "{cookie}{user}");
        assert!(again.all("set-cookie").is_empty());
        seen.insert((by_user, before));
    }
    // the answer by user is another's for some of them: that is what the visitor is for
    assert!(seen.len() == 4, "{seen:?}");
}

#[test]
fn before_consent_there_is_no_cookie_and_no_answer_by_it() {
    let yes = "Cookie: consent=yes\r\n";
    let both = &format!("Cookie: consent=yes; visitor={ID}\r\n");
    let old = &format!("Cookie: visitor={ID}\r\n");
    let page = |lines: &str| format!("{PAGE}{lines}");
    check(
        &[CONSENT],
        &[
            (PAGE, &[], ""),
            (&page("Cookie: consent=no\r\n"), &[], ""),
            (&page("X-User-Id: mia\r\n"), &[], ""),
            (old, &[], ""),
            (&page(yes), &["+visitor"], "is-known"),
            (&page("X-Consent: yes\r\n"), &["+visitor"], "is-known"),
            (
                &page(&format!("X-User-Id: mia\r\n{yes}")),
                &["+visitor"],
                "is-known",
            ),
            (yes, &[], ""),
            (both, &[], "is-known"),
            (&page(both), &[], "is-known"),
        ],
    );
    let app = App::ok();
    let burgee = started(&app, &[CONSENT]);
    for (lines, by_visitor, by_user) in [
        (&format!("{old}X-User-Id: u\r\n"), false, true),
        (old, false, false),
        (both, true, true),
    ] {
        let mut on = [0, 0];
        for number in 0..64 {
            let id = format!("{number:032x}");
            let lines = lines
                .replace(ID, &id)
                .replace(": u\r", &format!(": u{number}\r"));
            get(&burgee, &lines);
            let request = app.request();
            on[0] += usize::from(request.get("x-feature-by-visitor") == Some("on"));
            on[1] += usize::from(request.get("x-feature-by-user") == Some("on"));
        }
        // without an id it is the default for all
        assert_eq!(
            on.map(|on| on > 0),
            [by_visitor, by_user],
            "{lines:?} {on:?}"
        );
    }
}

#[test]
fn a_withdrawn_consent_deletes_the_cookie_where_no_other_site_led() {
    let old = format!("Cookie: visitor={ID}\r\n");
    let page = |site: &str, lines: &str| format!("{PAGE}Sec-Fetch-Site: {site}\r\n{lines}");
    let own = |lines: &str| page("same-origin", lines);
    check(
        &[CONSENT],
        &[
            (&own(&old), &["-visitor"], ""),
            (&page("same-site", &old), &["-visitor"], ""),
            (&page("none", &old), &["-visitor"], ""),
            (&own("Cookie: visitor=whatever\r\n"), &["-visitor"], ""),
            (&own(&format!("X-User-Id: mia\r\n{old}")), &["-visitor"], ""),
            // a consent cookie may be SameSite=Strict, which another site does not bring
            (&page("cross-site", &old), &[], ""),
            // a browser that does not say proves nothing
            (&format!("{PAGE}{old}"), &[], ""),
            (&format!("Accept: text/html\r\n{old}"), &[], ""),
            // no page, or perhaps none
            (
                &format!("Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n{old}"),
                &[],
                "",
            ),
            (&own(&format!("Sec-Purpose: prefetch\r\n{old}")), &[], ""),
            // nothing to delete
            (&own(""), &[], ""),
            (&own("Cookie: visitors=1; my-visitor=1\r\n"), &[], ""),
            (
                &own(&format!("Cookie: consent=yes; visitor={ID}\r\n")),
                &[],
                "is-known",
            ),
        ],
    );
}

#[test]
fn a_cookie_is_set_and_deleted_with_the_same_path_domain_and_flags() {
    let file = CONSENT.replace("max-age: 1d", "max-age: 1d, domain: Shop.Example");
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: own=1\r\nCache-Control: max-age=60\r\n\r\n",
    );
    let burgee = started(&app, &[&file]);
    for (lines, value, age, tail) in [
        ("Cookie: consent=yes\r\n", None, 86_400, ""),
        (
            "Cookie: consent=yes\r\nX-Forwarded-Proto: https\r\n",
            None,
            86_400,
            "; Secure",
        ),
        ("Cookie: visitor=1\r\n", Some(""), 0, ""),
        (
            "Cookie: visitor=1\r\nX-Forwarded-Proto: https\r\n",
            Some(""),
            0,
            "; Secure",
        ),
    ] {
        let answer = get(&burgee, &format!("{PAGE}Sec-Fetch-Site: none\r\n{lines}"));
        let cookies = answer.all("set-cookie");
        let expected =
            format!("; Path=/; Domain=shop.example; Max-Age={age}; HttpOnly; SameSite=Lax{tail}");
        assert_eq!(cookies[0], "own=1");
        let (pair, _) = cookies[1].split_once(';').unwrap();
        assert_eq!(&cookies[1][pair.len()..], expected, "{lines:?}");
        let given = pair.strip_prefix("visitor=").unwrap();
        assert_eq!(given.len(), value.map_or(32, str::len), "{pair}");
        // never no-store, which would take the page from the back button
        assert_eq!(answer.get("cache-control"), Some("private, max-age=60"));
    }
}

#[test]
fn a_cookie_is_secure_where_the_hop_before_says_https_and_not_by_what_we_add() {
    let app = App::ok();
    for (came, secure) in [
        ("Forwarded: for=203.0.113.7;proto=https\r\n", true),
        ("X-Forwarded-Proto: https\r\n", true),
        ("Forwarded: for=203.0.113.7;proto=http\r\n", false),
        ("", false),
    ] {
        let burgee = Burgee::with(&app, |settings| {
            settings.forwarded = burgee::proxy::Forwarded::Append;
        });
        let (snapshot, _) = compile(&[("a.yaml", EVERYBODY.as_bytes())]).unwrap();
        burgee.publisher.publish(in_force(snapshot));
        let answer = get(&burgee, &format!("{PAGE}{came}"));
        let cookie = answer.get("set-cookie").unwrap();
        assert_eq!(cookie.ends_with("; Secure"), secure, "{came:?} {cookie}");
    }
}

#[test]
fn no_shared_cache_keeps_a_page_that_gives_an_id_whatever_the_application_says() {
    for (said, expected) in [
        ("", "private"),
        ("Cache-Control: public, max-age=60", "private, max-age=60"),
        (
            "Cache-Control: public\r\nCache-Control: s-maxage=9, max-age=5",
            "private, max-age=5",
        ),
        (
            "Cache-Control: Private=\"Set-Cookie, X-Id\", max-age=60",
            "private, max-age=60",
        ),
        (
            "Cache-Control: ext=\"public, \\\", x\", no-cache",
            "private, ext=\"public, \\\", x\", no-cache",
        ),
        (
            "Cache-Control: no-store, ext=\"\u{e9}\"",
            "private, no-store, ext=\"\u{e9}\"",
        ),
        // what cannot be read may have been a no-store
        (
            "Cache-Control: max-age=60, ext=\"a, no-store",
            "private, no-store",
        ),
        // these beat `private` at the caches that know them (RFC 9213)
        ("CDN-Cache-Control: max-age=600", "private"),
        ("Cloudflare-CDN-Cache-Control: max-age=600", "private"),
        ("Surrogate-Control: max-age=600", "private"),
        ("X-Accel-Expires: 600", "private"),
        ("Edge-Control: !no-store, max-age=600", "private"),
    ] {
        let line = if said.is_empty() { "" } else { "\r\n" };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{said}{line}\r\n");
        let app = App::answering(crate::raw::bytes(&head));
        let burgee = started(&app, &[EVERYBODY]);
        let answer = get(&burgee, PAGE);
        assert_eq!(told(&answer), ["+visitor"], "{said}");
        assert_eq!(answer.get("cache-control"), Some(expected), "{said}");
        let others = [
            "cdn-cache-control",
            "cloudflare-cdn-cache-control",
            "surrogate-control",
            "x-accel-expires",
            "edge-control",
        ];
        for name in others {
            assert_eq!(answer.get(name), None, "{said}");
        }
        // to whoever has an id the application's word stands
        let (lines, name) = (
            format!("{PAGE}Cookie: visitor={ID}\r\n"),
            said.split(':').next().unwrap(),
        );
        assert_eq!(
            get(&burgee, &lines).all(name).len(),
            said.lines().count(),
            "{said}"
        );
    }
}

#[test]
fn what_consent_gates_is_read_nowhere_else_in_no_file() {
    let file = |namespace: &str, more: &str| {
        format!(
            "version: 1\nnamespace: {namespace}\nheaders: {{prefix: X-{namespace}-}}\n{more}\nfeatures: {{half: 50%}}\n"
        )
    };
    let gated = "anonymous: {cookie: visitor, max-age: 1d, when: {cookie.consent: \"yes\"}}";
    let open = "anonymous: {cookie: visitor, max-age: 1d}";
    for (one, two, said) in [
        (
            gated,
            "user: cookie.visitor",
            "`user` of `b.yaml` is read from `cookie.visitor`",
        ),
        (
            gated,
            "attributes: {who: [header.x-who, cookie.visitor]}",
            "`who` of `b.yaml` is read from `cookie.visitor`",
        ),
        (
            gated,
            "user: header.cookie",
            "`user` of `b.yaml` is read from `header.cookie`",
        ),
        (gated, "user: cookie.Visitor", ""),
        (gated, gated, ""),
        // each file asks its own `when`
        (gated, open, ""),
        (open, "user: cookie.visitor", ""),
    ] {
        for turned in [false, true] {
            let (one, two) = (file("one", one), file("two", two));
            let mut files = [("a.yaml", one.as_bytes()), ("b.yaml", two.as_bytes())];
            if turned {
                files.reverse();
            }
            let told = match compile(&files) {
                Ok(_) => String::new(),
                Err(problems) => problems.to_string(),
            };
            assert!(
                told.contains(said) && told.is_empty() == said.is_empty(),
                "{one}{two}{told}"
            );
        }
    }
}

#[test]
fn files_that_name_one_cookie_share_its_id_and_another_cookie_has_its_own() {
    let file = |namespace: &str, rest: &str| {
        format!(
            "version: 1
namespace: {namespace}
user: [header.x-user-id]
headers: {{prefix: X-{namespace}-}}
anonymous: {{cookie: {rest}}}
features: {{half: 50%, is-known: {{when: {{user: {{present: true}}}}, serve: on}}}}
"
        )
    };
    let open = file("One", "visitor, max-age: 1d");
    let closed = file(
        "Two",
        "visitor, max-age: 1d, when: {cookie.consent: \"yes\"}",
    );
    let other = file("Two", "second, max-age: 1d");
    let app = App::ok();
    let own = format!("{PAGE}Sec-Fetch-Site: same-origin\r\n");
    for (files, lines, expected, known) in [
        // one cookie, one line
        (
            [&open, &closed],
            "Cookie: consent=yes\r\n".to_owned(),
            &["+visitor"][..],
            [true, true],
        ),
        (
            [&open, &closed],
            String::new(),
            &["+visitor"],
            [true, false],
        ),
        // what one of them still wants is not deleted
        (
            [&open, &closed],
            format!("Cookie: visitor={ID}\r\n"),
            &[],
            [true, false],
        ),
        (
            [&closed, &open],
            format!("Cookie: visitor={ID}\r\n"),
            &[],
            [false, true],
        ),
        (
            [&open, &other],
            String::new(),
            &["+visitor", "+second"],
            [true, true],
        ),
        (
            [&open, &other],
            format!("Cookie: second={ID}\r\n"),
            &["+visitor"],
            [true, true],
        ),
    ] {
        let (first, second) = (files[0].contains("namespace: One"), files);
        let burgee = started(&app, &[second[0], second[1]]);
        let answer = get(&burgee, &format!("{own}{lines}"));
        assert_eq!(told(&answer), *expected, "{lines:?}");
        let ids = answer.all("set-cookie");
        let id = |line: &str| line.split(['=', ';']).nth(1).unwrap().to_owned();
        // an id that two cookies carry would tell that they are one person
        assert!(
            ids.windows(2).all(|two| id(two[0]) != id(two[1])),
            "{ids:?}"
        );
        let request = app.request();
        let names = match first {
            true => ["x-one-is-known", "x-two-is-known"],
            false => ["x-two-is-known", "x-one-is-known"],
        };
        let found = names.map(|name| request.get(name) == Some("on"));
        assert_eq!(found, known, "{lines:?}");
    }
    let twice = file("One", "visitor, max-age: 1d, when: {cookie.a: \"yes\"}");
    let burgee = started(&app, &[&twice, &closed]);
    let answer = get(&burgee, &format!("{own}Cookie: visitor={ID}\r\n"));
    assert_eq!(told(&answer), ["-visitor"]);
}

#[test]
fn files_that_share_a_cookie_agree_on_how_long_and_how_far() {
    let file = |namespace: &str, rest: &str| {
        format!(
            "version: 1\nnamespace: {namespace}\nheaders: {{prefix: X-{namespace}-}}\nanonymous: {{cookie: visitor, {rest}}}\nfeatures: {{half: 50%}}\n"
        )
    };
    for (one, two, is_good) in [
        ("max-age: 1d", "max-age: 24h", true),
        ("max-age: 1d", "max-age: 2d", false),
        ("max-age: 1d", "max-age: 1d, domain: example.com", false),
        (
            "max-age: 1d, domain: EXAMPLE.com",
            "max-age: 1d, domain: example.com",
            true,
        ),
        (
            "max-age: 1d",
            "max-age: 1d, for: everybody, when: {cookie.a: b}",
            true,
        ),
    ] {
        let (one, two) = (file("one", one), file("two", two));
        let found = compile(&[("a.yaml", one.as_bytes()), ("b.yaml", two.as_bytes())]);
        let said = found.map_or_else(|problems| problems.to_string(), |_| String::new());
        let expected = "b.yaml:4:1: `anonymous`: `a.yaml` keeps the cookie `visitor` with another `max-age` or `domain`";
        assert_eq!(said.starts_with(expected), !is_good, "{one}{two}{said}");
        assert_eq!(said.is_empty(), is_good, "{one}{two}{said}");
    }
}

#[test]
fn a_cache_is_told_of_the_cookie_and_of_consent() {
    let app = App::answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Feature-Used: by-visitor\r\n\r\n",
    );
    for (file, expected) in [(EVERYBODY, "Cookie"), (CONSENT, "X-Consent, Cookie")] {
        let burgee = started(&app, &[file]);
        for lines in ["", &format!("Cookie: consent=yes; visitor={OTHER}\r\n")] {
            assert_eq!(get(&burgee, lines).get("vary"), Some(expected), "{lines:?}");
        }
    }
}

#[test]
fn an_evaluation_context_says_who_the_visitor_is() {
    let (burgee, _toggles) = ofrep::start(CONSENT, &[]);
    let value = |about: serde_json::Value, feature: &str| {
        let path = format!("{}{feature}", ofrep::ONE);
        let answer = ofrep::post(burgee.evaluate, &path, &ofrep::context(about), &[]);
        assert_eq!(answer.header("set-cookie"), None);
        let answer = answer.json();
        (answer["reason"].clone(), answer["errorCode"].clone())
    };
    let missing = (json!("ERROR"), json!("TARGETING_KEY_MISSING"));
    let drawn = (json!("SPLIT"), json!(null));
    assert_eq!(value(json!({"visitor": ID}), "by-visitor"), drawn);
    assert_eq!(
        value(json!({"targetingKey": "mia", "visitor": ID}), "by-user"),
        drawn
    );
    assert_eq!(value(json!({"targetingKey": "mia"}), "by-visitor"), missing);
    assert_eq!(value(json!({"visitor": ID}), "by-user"), missing);
}

#[test]
fn forward_auth_reads_the_cookie_where_consent_holds_and_sets_none() {
    let toggles = Toggles::new(CONSENT);
    let flags = ["--evaluate-listen", "127.0.0.1:0"];
    let burgee = support::Burgee::start(&toggles.path(), "none", &flags);
    let page = ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none"];
    let both = format!("Cookie: consent=yes; visitor={ID}");
    for (cookie, expected) in [
        ("Cookie: consent=yes", "off"),
        (&both, "on"),
        (&format!("Cookie: visitor={ID}"), "off"),
    ] {
        let answer = ask(
            burgee.evaluate,
            "GET",
            "/authz/",
            &[&page[..], &[cookie]].concat(),
        );
        assert_eq!(
            answer.header("x-feature-is-known"),
            Some(expected),
            "{cookie}"
        );
        assert_eq!(answer.header("set-cookie"), None, "{cookie}");
    }
}

#[test]
fn explain_says_who_asks_and_where_the_id_came_from() {
    let both = format!("cookie: consent=yes; visitor={ID}");
    let old = format!("cookie: visitor={ID}");
    for (file, arguments, expected) in [
        (EVERYBODY, &["--header", &old][..], format!("user {ID} by cookie.visitor; visitor {ID} by cookie.visitor")),
        (EVERYBODY, &["--header", &old, "--header", "x-user-id: mia"], format!("user mia by header.x-user-id; visitor {ID} by cookie.visitor")),
        (EVERYBODY, &["--header", &old, "--user", "mia"], format!("user mia, as it was said; visitor {ID} by cookie.visitor")),
        (EVERYBODY, &[], "no user; no visitor: a page load is given an id".into()),
        (CONSENT, &["--header", &both], format!("user {ID} by cookie.visitor; visitor {ID} by cookie.visitor")),
        (CONSENT, &["--header", &old], "no user; cookie.visitor is not read, for `when` of `anonymous` does not hold: not in segment agreed (agreed is missing but must be yes)".into()),
        (&EVERYBODY.replace(", for: everybody", "").replace("by: visitor", "by: user").replace("visitor: {present", "user: {present"), &["--header", &old], format!("user {ID} by cookie.visitor")),
    ] {
        let ran = support::fed(&[&["explain", "-"], arguments].concat(), file);
        let first = ran.out.lines().next().unwrap_or_default();
        assert_eq!(first, expected, "{arguments:?} {ran:?}");
    }
    // the default, for want of an id
    let ran = support::fed(
        &["explain", "-", "--header", &old, "--feature", "by-visitor"],
        CONSENT,
    );
    assert!(
        ran.out
            .contains("needs a value for visitor; none was given"),
        "{}",
        ran.out
    );
}

#[test]
fn json_says_who_asks_and_why_there_is_no_visitor() {
    let both = format!("consent=yes; visitor={ID}");
    let old = format!("visitor={ID}");
    let named = CONSENT.replace("version: 1", "version: 1\nnamespace: shop");
    for (file, arguments, expected) in [
        (
            EVERYBODY,
            &["--cookie", &old][..],
            json!([{"user": ID, "user_source": "cookie.visitor", "visitor": ID, "visitor_source": "cookie.visitor"}]),
        ),
        (
            EVERYBODY,
            &["--user", "mia"],
            json!([{"user": "mia", "user_source": "said", "visitor": null, "visitor_reason": "no visitor: a page load is given an id"}]),
        ),
        (
            EVERYBODY,
            &[
                "--header",
                "x-user-id: a",
                "--header",
                "x-user-id: b",
                "--cookie",
                &old,
            ],
            json!([{"user": null, "user_reason": "a header came twice with different values", "visitor": ID, "visitor_source": "cookie.visitor"}]),
        ),
        (
            &named,
            &[
                "--header",
                &format!("cookie: {both}"),
                "--header",
                "x-user-id: mia",
            ],
            json!([{"namespace": "shop", "user": "mia", "user_source": "header.x-user-id", "visitor": ID, "visitor_source": "cookie.visitor"}]),
        ),
        (
            CONSENT,
            &["--cookie", &old],
            json!([{"user": null, "visitor": null, "visitor_reason": "cookie.visitor is not read, for `when` of `anonymous` does not hold: not in segment agreed (agreed is missing but must be yes)"}]),
        ),
        (
            "version: 1\nfeatures: {a: on}\n",
            &[],
            serde_json::Value::Null,
        ),
    ] {
        let ran = support::fed(&[&["explain", "-", "--json"], arguments].concat(), file);
        let line: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(line["identities"], expected, "{arguments:?} {ran:?}");
    }
    // the API is told who it is
    let toggles = Toggles::new(CONSENT);
    let burgee = support::Burgee::start(&toggles.path(), "none", &[]);
    for (query, expected) in [
        (
            format!("user=mia&visitor={ID}"),
            json!([{"user": "mia", "user_source": "said", "visitor": ID, "visitor_source": "said"}]),
        ),
        (
            format!("cookie.visitor={ID}"),
            json!([{"user": null, "visitor": null, "visitor_reason": "no visitor: a page load is given an id"}]),
        ),
    ] {
        let told = support::get(burgee.api, &format!("/explain?{query}"));
        assert_eq!(told.json()["identities"], expected, "{query}");
    }
}
