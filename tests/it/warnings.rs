//! Conditions that no request can meet, and features whose day has passed: `burgee check` warns, and `--strict` refuses.

use crate::{
    support::{Burgee, Toggles, fed, get},
    values::Pod,
};

const HEAD: &str = "version: 1
user: [header.x-user-id, cookie.uid]
attributes: {country: header.x-country, groups: {from: header.x-groups, split: \",\"}, roles: {from: jwt.roles, split: \",\"}, seen: cookie.seen, page: path, city: {from: header.x-city, lower: true}, text: {from: path, decode: percent, lower: true}}
features:
";

fn check(feature: &str, strict: bool) -> (i32, String) {
    let flags: &[&str] = if strict {
        &["check", "--strict", "-"]
    } else {
        &["check", "-"]
    };
    let ran = fed(flags, &format!("{HEAD}  a: {feature}\n"));
    (ran.code, ran.out + &ran.err)
}

#[test]
fn a_condition_that_no_request_can_meet_is_warned_of() {
    for (condition, said) in [
        ("user: ann*", "write `{prefix: ann}`"),
        (
            "user: [ann, '*@example.com']",
            "write `{suffix: @example.com}`",
        ),
        ("user: '*'", "`present: true` for any value"),
        ("user: ann bo", "an id has no blank"),
        ("user: {not: 'ann bo'}", "an id has no blank"),
        ("host: '*.example.com'", "write `{suffix: .example.com}`"),
        ("host: shop example.com", "a host has no blank"),
        ("host: https://example.com", "a host has no `/`"),
        ("host: example.com:80", "does not include the port"),
        ("host: Example.com", "in lower case"),
        ("host: münchen.example", "xn--"),
        ("path: /api/*", "write `{prefix: /api/}`"),
        ("path: '*/edit/*'", "a path begins with `/`"),
        ("path: /a b", "a blank is sent as `%20`"),
        ("path: {prefix: '/a b'}", "a blank is sent as `%20`"),
        ("path: '/a#top'", "what follows `#`"),
        ("path: {contains: '#'}", "what follows `#`"),
        ("path: /a?b=c", "use `query.NAME`"),
        ("path: legacy", "a path begins with `/`"),
        ("path: /café", "browsers send `/caf%C3%A9`"),
        ("page: {prefix: /straße}", "browsers send `/stra%C3%9Fe`"),
        ("path: {matches: ^/日}", "percent-encode"),
        ("ip: localhost", "not a name"),
        ("ip: [10.0.0.1, office]", "not a name"),
        ("ip: 10.0.0.0/8", "ip: {within"),
        ("ip: 10.0.0.1:80", "not a name"),
        ("ip: 2001:DB8::1", "`2001:db8::1`"),
        ("ip: '::ffff:10.0.0.1'", "`10.0.0.1`"),
        ("method: get", "in upper case"),
        ("method: {not: Post}", "in upper case"),
        ("country: 'US, CA'", "write a list: `[US, CA]`"),
        ("country: 'US,CA,FR'", "write a list: `[US, CA, FR]`"),
        ("country: 'US|CA'", "write a list: `[US, CA]`"),
        (
            "header.x-plan: {not: 'pro; team'}",
            "write a list: `[pro, team]`",
        ),
        ("groups: 'a,b'", "it is divided at `,`"),
        ("groups: {prefix: 'CN=a,'}", "it is divided at `,`"),
        ("country: ' US'", "blanks at an end"),
        ("country: [US, 'CA ']", "blanks at an end"),
        ("country: {prefix: ' U'}", "blanks at an end"),
        ("country: {suffix: \"A\\t\"}", "blanks at an end"),
        ("seen: 'a;b=c'", "a cookie ends at `;`"),
    ] {
        let feature = format!("{{when: {{{condition}}}, serve: on}}");
        let (code, output) = check(&feature, false);
        assert!(
            code == 0 && output.contains("warning"),
            "{condition}: {output}"
        );
        assert!(output.contains(said), "{condition}: {output}");
        assert_eq!(check(&feature, true).0, 1, "{condition}");
    }
}

#[test]
fn a_condition_that_a_request_may_meet_is_not() {
    for condition in [
        "user: [ann, ann@example.com, a/b, 'CN=ann,OU=b', 日本]",
        "user: {prefix: 'a b'}",
        "user: {matches: 'a*'}",
        "country: [US, CA, '*', 'New York', 'CN=a,OU=b', '1,5']",
        "country: {contains: ' '}",
        "city: ZÜRICH",
        "groups: [a, b, 'New York']",
        "roles: 'a,vip'",
        "path: ['/', '*', /a%20b, '/a,b', '/a;b=c']",
        "text: [/über uns, '/ÜBER']",
        "path: {suffix: .html, contains: '*', matches: 'a b'}",
        "host: [shop.example.com, '[::1]', xn--mnchen-3ya.example]",
        "host: {suffix: .example.com}",
        "ip: [10.0.0.1, '2001:db8::1']",
        "ip: {within: 10.0.0.0/8, prefix: 10.}",
        "method: [GET, M-SEARCH]",
        "seen: yes",
        "query.q: 'a;b=c'",
    ] {
        let (code, output) = check(&format!("{{when: {{{condition}}}, serve: on}}"), true);
        assert_eq!(code, 0, "{condition}: {output}");
    }
}

#[test]
fn a_path_is_compared_as_browsers_send_it() {
    let mut pod = Pod::start(
        "version: 1
attributes: {page: path, text: {from: path, decode: percent, lower: true}, low: {from: path, lower: true}}
features:
  whole: {when: {path: /café}, serve: on}
  begin: {when: {path: {prefix: [/straße, /ü]}}, serve: on}
  named: {when: {page: {contains: 日}}, serve: on}
  text: {when: {text: [/ÜBER UNS, /über/日]}, serve: on}
  folded: {when: {low: /Über}, serve: on}
",
    );
    for (path, on) in [
        ("/caf%C3%A9", &["whole"][..]),
        ("/caf%C3%A9/a", &[]),
        ("/stra%C3%9Fe/1", &["begin"]),
        ("/%C3%BC", &["begin"]),
        ("/a/%E6%97%A5?b=c", &["named"]),
        ("/%C3%9CBER%20uns", &["text"]),
        ("/%C3%BCber/%E6%97%A5", &["begin", "named", "text"]),
        ("/%c3%9Cber", &["folded"]),
        ("/cafe", &[]),
    ] {
        let sent = pod.proxied(path, &[]);
        let found: Vec<_> = sent
            .iter()
            .filter(|(_, variant)| *variant == "on")
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(found, on, "{path}");
    }
}

/// A warning after the day, a problem under `--strict`; on `/features`, in a metric; and nobody's answer changes.
#[test]
fn a_feature_whose_day_has_passed_is_told_of() {
    for (feature, said) in [
        (
            "{serve: on, owner: web, expires: 2020-01-01}",
            Some("this day has passed"),
        ),
        (
            "{rollout: 5%, expires: 2020-01-01T00:00:00Z}",
            Some("this day has passed"),
        ),
        (
            "{serve: on, expires: 2000-02-29}",
            Some("this day has passed"),
        ),
        (
            "{serve: on, permanent: true, expires: 2999-01-01}",
            Some("`permanent` does not expire"),
        ),
        ("{serve: on, owner: web, expires: 2999-01-01}", None),
        ("{serve: on, permanent: true}", None),
        ("{serve: on, owner: 42}", None),
    ] {
        let (code, output) = check(feature, false);
        assert_eq!(code, 0, "{output}");
        assert_eq!(output.contains("warning"), said.is_some(), "{output}");
        assert!(output.contains(said.unwrap_or_default()), "{output}");
        assert_eq!(
            check(feature, true).0,
            i32::from(said.is_some()),
            "{feature}"
        );
    }
    for (feature, said) in [
        ("{serve: on, expires: soon}", "`soon` is not a date"),
        (
            "{serve: on, expires: 2026-02-30}",
            "`2026-02-30` is not a date",
        ),
        ("{serve: on, owner: }", "expected who answers for it"),
        (
            "{serve: on, permanent: maybe}",
            "neither `true` nor `false`",
        ),
    ] {
        let (code, output) = check(feature, false);
        assert!(code == 1 && output.contains(said), "{output}");
    }
    let toggles = Toggles::new(
        "version: 1
features:
  old: {serve: on, owner: web, expires: 2020-01-01}
  new: {rollout: 5%, expires: 2999-01-01}
  kept: {serve: on, permanent: true}
  plain: on
",
    );
    let burgee = Burgee::start(&toggles.path(), "none", &[]);
    assert_eq!(burgee.metric("burgee_features_expired"), Some(1.0));
    let features = get(burgee.api, "/features").json()["features"].clone();
    for (feature, expected) in [
        ("old", serde_json::json!(["web", "2020-01-01", true, false])),
        ("new", serde_json::json!([null, "2999-01-01", false, false])),
        ("kept", serde_json::json!([null, null, false, true])),
        ("plain", serde_json::json!([null, null, false, false])),
    ] {
        let shown = &features[feature];
        let shown = serde_json::json!([
            shown["owner"],
            shown["expires"],
            shown["expired"],
            shown["permanent"]
        ]);
        assert_eq!(shown, expected, "{feature}");
    }
    let single = get(burgee.api, "/features/old").json();
    assert_eq!(
        (&single["owner"], &single["expired"]),
        (&"web".into(), &true.into())
    );
    let explained = get(burgee.api, "/explain?user=mia&feature=old").json();
    assert_eq!(explained["features"]["old"]["variant"], "on");
}
