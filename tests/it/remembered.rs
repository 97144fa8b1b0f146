//! A tester's link, in a browser: what it forces stays for the next clicks until it ends, and nothing that was not signed does.

use crate::{
    raw::{App, Client, Message},
    support::{Burgee, Toggles, ask, eventually, get},
    toggles::compile,
};
use burgee::{
    cli::override_link,
    engine::{
        Decisions,
        overrides::OverrideResult,
        request::{HttpRequest, Input},
        signature::SigningKey,
        units::Second,
    },
    http::client::percent_encoded,
};
use http::Request;
use serde_json::{Value, json};
use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

pub(crate) const KEY: &str = "a-secret-of-16-b";
const TOGGLES: &str = "version: 1
namespace: shop
override: {from: [header.x-qa-override, query.ff], key: env.BURGEE_OVERRIDE_KEY, remember: qa_flags}
features:
  briefcase: {variants: [gold, silver], serve: gold}
";
const PAGE: &str = "Sec-Fetch-Mode: navigate\r\n";
const SCRIPT: &str = "Sec-Fetch-Mode: cors\r\n";
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs() as i64
}

/// As `burgee override` writes it: `briefcase=silver`, or nothing.
pub(crate) fn signed(key: &str, namespace: &str, pairs: &[(&str, &str)], until: i64) -> String {
    let key = SigningKey::new(key.as_bytes()).unwrap();
    let pair = |(name, variant): &(&str, &str)| {
        let name = sfv::Key::from_string((*name).to_owned()).unwrap();
        (name, (*variant).to_owned())
    };
    let pairs: Vec<_> = pairs.iter().map(pair).collect();
    override_link::signed(&key, Some(namespace), &pairs, until).unwrap()
}

const SILVER: [(&str, &str); 1] = [("briefcase", "silver")];

fn silver(seconds: i64) -> String {
    signed(KEY, "shop", &SILVER, clock() + seconds)
}

/// The built binary before an application whose pages may be cached, and a browser.
struct Site {
    app: App,
    burgee: Burgee,
    _toggles: Toggles,
    cookie: Option<String>,
}

impl Site {
    fn start(toggles: &str) -> Site {
        let app = App::answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Control: public, max-age=60\r\nCDN-Cache-Control: max-age=600\r\n\r\n",
        );
        let toggles = Toggles::new(toggles);
        let environment = [("BURGEE_OVERRIDE_KEY", KEY)];
        let upstream = format!("http://{}", app.address);
        let burgee = Burgee::start_in(&environment, &toggles.path(), &upstream, &[]);
        Site {
            app,
            burgee,
            _toggles: toggles,
            cookie: None,
        }
    }

    /// Asks with the cookie that is kept, and keeps what the answer sets. The answer, and the variant that the application saw.
    fn visit(&mut self, target: &str, lines: &str) -> (Message, String) {
        let cookie = self.cookie.as_ref();
        let cookie = cookie.map_or(String::new(), |value| {
            format!("Cookie: qa_flags={value}\r\n")
        });
        let mut client = Client::connect(self.burgee.listen);
        client.send(format!(
            "GET {target} HTTP/1.1\r\nHost: shop.example\r\n{lines}{cookie}\r\n"
        ));
        let answer = client.message();
        for line in answer.all("set-cookie") {
            let (pair, attributes) = line.split_once("; ").unwrap();
            let value = pair.strip_prefix("qa_flags=").unwrap();
            assert!(attributes.starts_with("Path=/"), "{line}");
            assert!(attributes.contains("HttpOnly; SameSite=Lax"), "{line}");
            assert_eq!(value.is_empty(), attributes.contains("Max-Age=0"), "{line}");
            self.cookie = Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        let variant = self
            .app
            .request()
            .get("x-feature-briefcase")
            .unwrap()
            .to_owned();
        (answer, variant)
    }

    fn counted(&self, result: &str) -> f64 {
        let series = format!("burgee_overrides_total{{result=\"{result}\"}}");
        self.burgee.metric(&series).unwrap_or_default()
    }
}

fn link(value: &str) -> String {
    format!("/?ff={}", percent_encoded(value))
}

/// What caches are told; a CDN believes its own field first.
fn cache(answer: &Message) -> &str {
    let control = answer.get("cache-control").unwrap();
    let is_private = control.starts_with("private");
    assert_eq!(answer.get("cdn-cache-control").is_none(), is_private);
    control
}

#[test]
fn a_tester_who_opens_a_link_has_the_variant_at_the_next_ten_clicks() {
    let mut site = Site::start(TOGGLES);
    let (answer, variant) = site.visit("/", PAGE);
    assert_eq!((&*variant, cache(&answer)), ("gold", "public, max-age=60"));
    let (answer, variant) = site.visit(&link(&silver(3_600)), PAGE);
    assert_eq!(
        (&*variant, cache(&answer)),
        ("silver", "private, max-age=60")
    );
    let cookies = answer.all("set-cookie");
    assert!(
        cookies[0].ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookies:?}"
    );
    for click in 0..10 {
        let lines = if click % 2 == 0 { PAGE } else { SCRIPT };
        let (answer, variant) = site.visit("/next", lines);
        assert_eq!(
            (&*variant, cache(&answer)),
            ("silver", "private, max-age=60")
        );
        assert!(answer.all("set-cookie").is_empty());
    }
    assert_eq!(site.counted("applied"), 11.0);
    // whoever has not opened it is not concerned
    site.cookie = None;
    let (answer, variant) = site.visit("/next", PAGE);
    assert_eq!((&*variant, cache(&answer)), ("gold", "public, max-age=60"));
}

#[test]
fn what_a_tester_has_is_gone_when_it_ends_and_the_browser_forgets_it() {
    let mut site = Site::start(TOGGLES);
    // a machine that was busy for so long has another try
    let held = [2, 8, 32].into_iter().any(|seconds| {
        let (_, variant) = site.visit(&link(&silver(seconds)), PAGE);
        variant == "silver" && site.cookie.is_some()
    });
    assert!(held);
    eventually("it ends", || {
        let (answer, variant) = site.visit("/next", PAGE);
        (variant == "gold").then_some(answer)
    });
    assert_eq!(site.cookie, None);
    assert_eq!(site.counted("expired"), 1.0);
    assert_eq!(site.visit("/next", PAGE).1, "gold");
}

#[test]
fn a_cookie_that_was_not_signed_here_has_no_effect_and_is_counted() {
    let good = percent_encoded(&silver(3_600));
    let until = clock() + 3_600;
    let other_key = percent_encoded(&signed("another", "shop", &SILVER, until));
    let other_namespace = percent_encoded(&signed(KEY, "blog", &SILVER, until));
    let ended = percent_encoded(&signed(KEY, "shop", &SILVER, clock() - 1));
    let more = percent_encoded(&format!("{}, other=on", silver(3_600)));
    let later = good.replacen("exp%3D1", "exp%3D2", 1);
    for (what, cookie, result, forgotten) in [
        ("forged", "briefcase=silver", "unsigned", false),
        (
            "another variant",
            &*good.replace("silver", "gold"),
            "bad_signature",
            true,
        ),
        ("one more feature", &more, "bad_signature", true),
        ("a later end", &later, "bad_signature", true),
        ("truncated", &good[..good.len() - 7], "malformed", true),
        (
            "truncated to a dictionary",
            "briefcase=silver%2C%20exp=9999999999",
            "unsigned",
            false,
        ),
        ("another key", &other_key, "bad_signature", true),
        ("another namespace", &other_namespace, "bad_signature", true),
        ("ended", &ended, "expired", true),
        ("of the application", "s%3Aa-session.id", "malformed", false),
    ] {
        let mut site = Site::start(TOGGLES);
        // what a script asks changes no cookie
        for (lines, count, kept) in [(SCRIPT, 1.0, true), (PAGE, 2.0, !forgotten)] {
            site.cookie = Some(cookie.to_owned());
            let (answer, variant) = site.visit("/", lines);
            assert_eq!(variant, "gold", "{what}");
            assert_eq!(site.counted(result), count, "{what}: {result}");
            assert_eq!(site.counted("applied"), 0.0, "{what}");
            assert_eq!(
                site.cookie.as_deref(),
                Some(cookie).filter(|_| kept),
                "{what}"
            );
            let private = if kept { "public" } else { "private" };
            assert_eq!(cache(&answer), format!("{private}, max-age=60"), "{what}");
        }
    }
}

#[test]
fn only_a_page_remembers_and_only_what_a_cookie_can_hold_for_30_days() {
    let many: Vec<String> = (0..200).map(|n| format!("somebody-elses-{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (&**name, "on")).collect();
    let long = signed(KEY, "shop", &[&SILVER[..], &many].concat(), clock() + 3_600);
    assert!((4_096..8_000).contains(&long.len()), "{}", long.len());
    let header = |value: &str| format!("{PAGE}X-QA-Override: {value}\r\n");
    let quoted = signed(
        KEY,
        "shop",
        &[("briefcase", "silver"), ("a", "1.10; \"%2C\"")],
        clock() + 60,
    );
    let mut site = Site::start(TOGGLES);
    for (what, target, lines, result, kept) in [
        (
            "a link",
            link(&silver(3_600)),
            PAGE.to_owned(),
            "applied",
            true,
        ),
        (
            "a header",
            "/".into(),
            header(&silver(3_600)),
            "applied",
            true,
        ),
        (
            "by html",
            link(&silver(3_600)),
            "Accept: text/html\r\n".into(),
            "applied",
            true,
        ),
        (
            "odd characters",
            "/".into(),
            header(&quoted),
            "applied",
            true,
        ),
        (
            "a script",
            link(&silver(3_600)),
            SCRIPT.into(),
            "applied",
            false,
        ),
        (
            "a page that is loaded ahead of time",
            link(&silver(3_600)),
            format!("{PAGE}Sec-Purpose: prefetch;prerender\r\n"),
            "applied",
            false,
        ),
        (
            "a frame",
            link(&silver(3_600)),
            format!("{PAGE}Sec-Fetch-Dest: iframe\r\nSec-Fetch-Site: same-origin\r\n"),
            "applied",
            false,
        ),
        (
            "29 days",
            link(&silver(29 * DAY)),
            PAGE.into(),
            "applied",
            true,
        ),
        (
            "31 days",
            link(&silver(31 * DAY)),
            PAGE.into(),
            "not_remembered",
            false,
        ),
        (
            "too long",
            "/".into(),
            header(&long),
            "not_remembered",
            false,
        ),
    ] {
        site.cookie = None;
        let before = site.counted(result);
        let (answer, variant) = site.visit(&target, &lines);
        assert_eq!(variant, "silver", "{what}");
        assert_eq!(site.counted(result), before + 1.0, "{what}");
        assert_eq!(site.cookie.is_some(), kept, "{what}: {}", answer.head);
        let next = if kept { "silver" } else { "gold" };
        assert_eq!(site.visit("/next", PAGE).1, next, "{what}");
    }
    // a hop that says https gets a cookie that goes nowhere else
    let (answer, _) = site.visit(
        "/",
        &format!("{}X-Forwarded-Proto: https\r\n", header(&silver(60))),
    );
    assert!(answer.all("set-cookie")[0].ends_with("; SameSite=Lax; Secure"));
}

#[test]
fn a_new_link_wins_over_what_is_remembered_and_an_empty_one_clears_it() {
    let mut site = Site::start(TOGGLES);
    let of = |pairs: &[(&str, &str)]| signed(KEY, "shop", pairs, clock() + 3_600);
    let forged = "briefcase=gold".to_owned();
    for (what, value, lines, variant, next) in [
        ("the first link", of(&SILVER), PAGE, "silver", "silver"),
        (
            "a new one, by a script",
            of(&[("briefcase", "off")]),
            SCRIPT,
            "off",
            "silver",
        ),
        ("a new one", of(&[("briefcase", "off")]), PAGE, "off", "off"),
        ("the first again", of(&SILVER), PAGE, "silver", "silver"),
        // what cannot be verified hides nothing
        ("a forged one", forged, PAGE, "silver", "silver"),
        (
            "an empty one, by a script",
            of(&[]),
            SCRIPT,
            "gold",
            "silver",
        ),
        ("an empty one", of(&[]), PAGE, "gold", "gold"),
    ] {
        let (_, found) = site.visit(&link(&value), lines);
        assert_eq!(found, variant, "{what}");
        assert_eq!(site.visit("/next", PAGE).1, next, "after {what}");
    }
    assert_eq!(site.cookie, None);
}

#[test]
fn where_a_condition_has_to_hold_too_it_has_to_hold_at_every_click() {
    let toggles = TOGGLES.replace("key:", "when: {header.x-staff: 'yes'}, key:");
    let mut site = Site::start(&toggles);
    let staff = format!("{PAGE}X-Staff: yes\r\n");
    let opened = link(&silver(3_600));
    for (what, target, lines, variant, kept) in [
        ("a link for others", &*opened, PAGE, "gold", false),
        ("a link for staff", &opened, &staff, "silver", true),
        ("staff", "/next", &staff, "silver", true),
        // back in the office it works again
        ("out of the office", "/next", PAGE, "gold", true),
        ("staff again", "/next", &staff, "silver", true),
    ] {
        assert_eq!(site.visit(target, lines).1, variant, "{what}");
        assert_eq!(site.cookie.is_some(), kept, "{what}");
    }
    assert_eq!(site.counted("not_allowed"), 2.0);
}

#[test]
fn a_cookie_of_the_testers_own_forces_and_is_never_written() {
    let toggles = TOGGLES
        .replace("query.ff]", "cookie.qa_flags]")
        .replace(", remember: qa_flags", "");
    let mut site = Site::start(&toggles);
    for (value, variant, control) in [
        (silver(3_600), "silver", "private, max-age=60"),
        (
            signed("another", "shop", &SILVER, clock() + 60),
            "gold",
            "public, max-age=60",
        ),
        (
            signed(KEY, "shop", &[], clock() + 60),
            "gold",
            "private, max-age=60",
        ),
    ] {
        let cookie = percent_encoded(&value);
        site.cookie = Some(cookie.clone());
        let (answer, found) = site.visit("/", PAGE);
        assert_eq!((&*found, cache(&answer)), (variant, control));
        assert_eq!(site.cookie, Some(cookie));
    }
}

#[test]
fn a_proxy_that_asks_by_forward_auth_is_given_the_cookie() {
    let toggles = Toggles::new(TOGGLES);
    let environment = [("BURGEE_OVERRIDE_KEY", KEY)];
    let flags = ["--evaluate-listen", "127.0.0.1:0"];
    let burgee = Burgee::start_in(&environment, &toggles.path(), "none", &flags);
    let opened = format!("/authz{}", link(&silver(3_600)));
    let navigates = ["Sec-Fetch-Mode: navigate", "X-Forwarded-Proto: https"];
    let answer = ask(burgee.evaluate, "GET", &opened, &navigates);
    assert_eq!(answer.header("x-feature-briefcase"), Some("silver"));
    let cookie = answer.header("set-cookie").unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Secure");
    let cookie = format!("Cookie: {pair}");
    let next = ask(burgee.evaluate, "GET", "/authz/next", &[&cookie]);
    assert_eq!(next.header("x-feature-briefcase"), Some("silver"));
    assert_eq!(next.header("set-cookie"), None);
}

#[test]
fn the_second_at_which_it_ends_is_the_first_without_it() {
    let (snapshot, _) = compile(&[("a.yaml", TOGGLES.as_bytes())]).unwrap();
    let until = 1_800_000_000;
    let value = percent_encoded(&signed(KEY, "shop", &SILVER, until));
    let page = Request::get("/").header("sec-fetch-mode", "navigate");
    let page = page.header("cookie", format!("qa_flags={value}"));
    let (parts, ()) = page.body(()).unwrap().into_parts();
    let http = HttpRequest::new(&parts, b"", None);
    let mut decisions = Decisions::default();
    for (now, result, set) in [
        (until - 1, OverrideResult::Applied, 0),
        (until, OverrideResult::Expired, 1),
    ] {
        snapshot.decide(Input::Http(http), Second(now), None, &mut decisions);
        assert_eq!(decisions.overrides[0], Some(result));
        let cookies = decisions.override_cookies.as_ref().unwrap();
        assert_eq!(cookies.set_cookies(false).count(), set);
    }
}

#[test]
fn the_page_is_told_what_a_link_forces_and_when_it_ends() {
    let toggles = Toggles::new(TOGGLES);
    let environment = [("BURGEE_OVERRIDE_KEY", KEY)];
    let burgee = Burgee::start_in(&environment, &toggles.path(), "none", &[]);
    let value = signed(KEY, "shop", &SILVER, 4_102_444_800);
    let soon = silver(3_600);
    for (value, variant, result, words) in [
        (
            &*value,
            "silver",
            "not_remembered",
            "set by an override, until 2100-01-01T00:00:00Z",
        ),
        (
            &value,
            "silver",
            "not_remembered",
            "is not remembered: it ends in more than 30 days",
        ),
        (&soon, "silver", "applied", "set by an override, until 2"),
        ("briefcase=silver", "gold", "unsigned", "it is not signed"),
    ] {
        let path = format!("/explain?why=true&override={}", percent_encoded(value));
        let answer = get(burgee.api, &path).json();
        let briefcase = &answer["features"]["briefcase"];
        assert_eq!(
            (&briefcase["variant"], &answer["override"]),
            (&variant.into(), &result.into())
        );
        let said = format!("{} {}", briefcase["why"], answer["remark"]);
        assert!(said.contains(words), "{said}");
        // and whoever asks for no sentences is told why it does nothing
        let plain = get(burgee.api, &path.replace("why=true&", "")).json();
        assert_eq!(plain["remark"], answer["remark"], "{value}");
    }
}

#[test]
fn the_page_has_what_a_command_for_a_testers_link_needs_and_never_the_key() {
    let signed = "override: {from: [header.x-qa-override, query.ff], key: env.BURGEE_OVERRIDE_KEY";
    let parts = |query: &str, remember: &str| {
        let quoted = |text: &str| match text {
            "" => Value::Null,
            text => text.into(),
        };
        json!({"feature": "Silver_Case", "namespace": "shop", "key_env": "BURGEE_OVERRIDE_KEY", "query": quoted(query),
            "header": "X-Qa-Override", "remember": quoted(remember)})
    };
    for (policy, status, expected) in [
        (
            format!("{signed}, remember: qa_flags}}"),
            "running",
            parts("ff", "qa_flags"),
        ),
        (format!("{signed}}}"), "draft", parts("ff", "")),
        (format!("{signed}}}"), "held", parts("ff", "")),
        (
            format!("{signed}}}").replace(", query.ff", ""),
            "running",
            parts("", ""),
        ),
        // an override would have no effect, or nobody signs
        (format!("{signed}}}"), "paused", Value::Null),
        (format!("{signed}}}"), "stopped", Value::Null),
        (
            "override: {from: query.ff, when: {header.x-staff: yes}}".into(),
            "running",
            Value::Null,
        ),
        (String::new(), "running", Value::Null),
    ] {
        let (status, stop) = match status {
            "held" => ("running", "{hold: 2026-01-01}"),
            "stopped" => ("running", "{since: 2026-01-01}"),
            status => (status, ""),
        };
        let text = format!(
            "version: 1\nnamespace: shop\n{policy}\nfeatures: {{Silver_Case: {{status: {status}, serve: on}}}}\n"
        );
        let toggles = Toggles::new(&text);
        if !stop.is_empty() {
            let stops = format!("version: 1\nstops: {{shop.Silver_Case: {stop}}}\n");
            fs::write(toggles.path().with_file_name("stops.yaml"), stops).unwrap();
        }
        let environment = [("BURGEE_OVERRIDE_KEY", KEY)];
        let burgee = Burgee::start_in(&environment, &toggles.path(), "none", &[]);
        let answer = get(burgee.api, "/features");
        assert_eq!(
            answer.json()["features"]["Silver_Case"]["override"],
            expected,
            "{text}"
        );
        assert!(!answer.body.contains(KEY));
    }
}

#[test]
fn an_attribute_called_override_is_what_explain_asks_for() {
    let file = "version: 1\nattributes: {override: header.x-o}\nfeatures: {half: {when: {override: \"1\"}, serve: on}}\n";
    let toggles = Toggles::new(file);
    let burgee = Burgee::start_in(&[], &toggles.path(), "none", &[]);
    for (query, variant) in [("override=1", "on"), ("override=2", "off"), ("", "off")] {
        let answer = get(burgee.api, &format!("/explain?{query}")).json();
        assert_eq!(answer["features"]["half"]["variant"], variant, "{query}");
        assert_eq!(answer.get("override"), None, "{query}");
    }
}

#[test]
fn two_files_do_not_write_one_cookie() {
    let file = |namespace: &str, more: &str| {
        format!(
            "version: 1\nnamespace: {namespace}\nheaders: {{prefix: X-{namespace}-}}\n{more}\nfeatures: {{{namespace}: on}}\n"
        )
    };
    let remembers = |name: &str| {
        format!("override: {{from: query.ff, key: env.BURGEE_OVERRIDE_KEY, remember: {name}}}")
    };
    for (one, two, said) in [
        (
            remembers("qa"),
            remembers("qa"),
            "remembers overrides in the cookie `qa` too",
        ),
        (
            remembers("sid"),
            "user: cookie.sid".into(),
            "`user` of `b.yaml` is read from the cookie `sid`",
        ),
        // what is signed for `shop` would be a bad signature to `blog`, at each click
        (
            remembers("qa"),
            "override: {from: [query.ff, cookie.qa], key: env.BURGEE_OVERRIDE_KEY}".into(),
            "`b.yaml` looks for overrides in the cookie `qa` too",
        ),
        (
            "override: {from: cookie.qa, key: env.UNSET}".into(),
            remembers("qa"),
            "`a.yaml` looks for overrides in the cookie `qa` too",
        ),
        (
            remembers("qa"),
            "override: {from: [query.qa, cookie.QA], key: env.BURGEE_OVERRIDE_KEY}".into(),
            "",
        ),
        (remembers("qa"), remembers("QA"), ""),
    ] {
        let (one, two) = (file("shop", &one), file("blog", &two));
        let told = match compile(&[("a.yaml", one.as_bytes()), ("b.yaml", two.as_bytes())]) {
            Ok(_) => String::new(),
            Err(problems) => problems.to_string(),
        };
        assert!(
            told.contains(said) && told.is_empty() == said.is_empty(),
            "{told}"
        );
    }
}
