//! Lists, objects and ids in the spellings of different clients, through the built binary.

use crate::{
    ofrep::{ALL, context, post},
    values::Pod,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A list, its denial, and operators on it; `paths` is divided by commas where it is a text.
const LISTS: &str = "version: 1
user: [header.x-user-id, jwt.sub]
attributes: {groups: jwt.groups, paths: {from: [header.x-paths, jwt.paths], split: \",\"}}
features:
  vip: {when: {groups: vip}, serve: on}
  allowed: {when: {groups: {not: [banned]}}, serve: on}
  known: {when: {groups: {present: true}}, serve: on}
  staff: {when: {groups: {prefix: \"CN=staff\", not: {contains: guest}}}, serve: on}
  a: {when: {paths: a}, serve: on}
  not-a: {when: {paths: {not: a}}, serve: on}
  whole: {when: {paths: \"a,vip\"}, serve: on}
  drawn: {by: groups, rollout: 99%}
";

fn token(claims: &Value) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("Authorization: Bearer e30.{payload}.sig")
}

#[test]
fn lists_are_lists() {
    let mut pod = Pod::start(LISTS);
    let off =
        "vip: off, allowed: on, known: off, staff: off, a: off, not-a: on, whole: off, drawn: off";
    for (claims, on, off_instead) in [
        (
            json!({"groups": ["banned", "x"]}),
            &["known"][..],
            &["allowed"][..],
        ),
        (json!({"groups": ["x", "banned"]}), &["known"], &["allowed"]),
        (json!({"groups": ["banned"]}), &["known"], &["allowed"]),
        (json!({"groups": "banned"}), &["known"], &["allowed"]),
        (json!({"groups": ["x"]}), &["known"], &[]),
        (json!({"groups": ["vip", "x"]}), &["known", "vip"], &[]),
        (json!({"groups": ["vip"]}), &["known", "vip"], &[]),
        (json!({"groups": ["a,vip"]}), &["known"], &[]),
        (json!({"groups": ["a,vip", "b"]}), &["known"], &[]),
        (
            json!({"groups": ["CN=staff,OU=b"]}),
            &["known", "staff"],
            &[],
        ),
        (
            json!({"groups": ["CN=staff,OU=b", "guests"]}),
            &["known"],
            &[],
        ),
        (json!({"groups": []}), &[], &[]),
        (json!({"groups": null}), &[], &[]),
        (json!({"groups": [" ", ""]}), &[], &[]),
        (
            json!({"groups": [null, "vip", {"name": "x"}]}),
            &["known", "vip"],
            &[],
        ),
        (json!({"groups": {"vip": true}}), &[], &[]),
        (json!({"groups": [["vip"]]}), &[], &[]),
        (json!({"paths": "b,a"}), &["a"], &["not-a"]),
        (json!({"paths": ["b", "a"]}), &["a"], &["not-a"]),
        (json!({"paths": ["a,vip"]}), &["whole"], &[]),
        (json!({"paths": ["a,vip", "b"]}), &["whole"], &[]),
        (json!({"paths": "a,vip"}), &["a"], &["not-a"]),
    ] {
        let mut expected: BTreeMap<_, _> = off
            .split(", ")
            .filter_map(|pair| pair.split_once(": "))
            .collect();
        on.iter().for_each(|name| _ = expected.insert(name, "on"));
        off_instead
            .iter()
            .for_each(|name| _ = expected.insert(name, "off"));
        // a share is drawn by one value, not by a list
        if claims["groups"].is_string() {
            expected.insert("drawn", "on");
        }
        let check = |answers: BTreeMap<String, String>, by: &str| {
            let got: BTreeMap<_, _> = answers.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(got, expected, "{claims} by {by}");
        };
        check(pod.proxied("/", &[token(&claims)]), "proxy");
        check(pod.ofrep(claims.clone()), "OFREP");
    }
}

#[test]
fn an_object_is_absent_and_said_to_be() {
    let mut pod = Pod::start(LISTS);
    for (claims, said) in [
        (
            json!({"groups": {"vip": true}}),
            "groups is an object, which cannot be read and counts as absent",
        ),
        (
            json!({"groups": [["vip"], {}]}),
            "groups is an object, which cannot be read and counts as absent",
        ),
        (json!({"groups": ["vip", "x y"]}), "groups is vip, x y"),
        (
            json!({"groups": ["guest"]}),
            "groups is guest but must be vip",
        ),
        (json!({"groups": []}), "groups is missing but must be vip"),
    ] {
        let flag = [format!("--header={}", token(&claims))];
        let explained = pod.explained("vip", &flag);
        assert!(explained.contains(said), "{explained}");
        let before = pod.unreadable("vip").unwrap_or(0.0);
        pod.proxied("/", &[token(&claims)]);
        let counted = pod.unreadable("vip").unwrap_or(0.0) - before;
        assert_eq!(counted, f64::from(said.contains("object")), "{claims}");
    }
    let flag = [format!("--header={}", token(&json!({"groups": ["a"]})))];
    let explained = pod.explained("drawn", &flag);
    assert!(
        explained.contains("needs a value for groups; a list was given"),
        "{explained}"
    );
    // the next source is asked where the first has an object
    let mut pod = Pod::start(
        "version: 1\nattributes: {plan: [jwt.plan, header.x-plan]}\nfeatures: {pro: {when: {plan: pro}, serve: on}}\n",
    );
    let fields = [
        token(&json!({"plan": {"name": "pro"}})),
        "X-Plan: pro".to_owned(),
    ];
    assert_eq!(pod.proxied("/", &fields)["pro"], "on");
    // a member of an object has a name of its own
    let pod = Pod::start(
        "version: 1\nattributes: {plan.name: header.x-plan}\nfeatures: {pro: {when: {plan.name: pro}, serve: on}}\n",
    );
    assert_eq!(pod.ofrep(json!({"plan": {"name": "pro"}}))["pro"], "on");
}

/// One person, in every spelling of every client.
#[test]
fn one_id_is_one_person_however_it_is_spelled() {
    let mut pod = Pod::start(
        "version: 1
user: {from: [header.x-user-id, cookie.uid, query.uid, jwt.sub], decode: percent, lower: true}
attributes: {company: {from: header.x-company, lower: true, weights: {ACME: 9, Straße: 1}}, city: {from: [query.city, cookie.city], lower: true}}
segments: {staff: {user: [Ann@Example.com, 'JÜRGEN', 42]}}
features:
  share: {variants: [a, b, c, d, e, f, g, h], serve: {a: 12%, b: 13%, c: 12%, d: 13%, e: 12%, f: 13%, g: 12%, h: 13%}}
  staff: {when: staff, serve: on}
  heavy: {by: company, rollout: 90%}
  city: {when: {city: {prefix: Zür, matches: ICH$}}, serve: on}
",
    );
    let text = |text: &str| text.to_owned();
    for (written, id, is_staff) in [
        (
            vec![
                ("/", text("X-User-Id: ann@example.com")),
                ("/", text("X-User-Id: Ann@EXAMPLE.com")),
                ("/", text("X-User-Id: ann%40example.com")),
                ("/", text("Cookie: uid=ann%40example.com")),
                ("/", text("Cookie: uid=\"ann%40Example.com\"")),
                ("/", text("Cookie: uid=\"ann@example.com\"")),
                ("/?uid=Ann%40example.com", text("X-A: b")),
                ("/", token(&json!({"sub": "ANN@example.com"}))),
            ],
            json!("Ann@Example.com"),
            true,
        ),
        (
            vec![
                ("/", text("X-User-Id: jürgen")),
                ("/", text("Cookie: uid=J%C3%9CRGEN")),
                ("/?uid=J%C3%BCrgen", text("X-A: b")),
            ],
            json!("JÜRGEN"),
            true,
        ),
        (
            vec![
                ("/", text("X-User-Id: 42")),
                ("/", text("Cookie: uid=42")),
                ("/", token(&json!({"sub": 42}))),
            ],
            json!(42),
            true,
        ),
        (
            vec![
                ("/", text("Cookie: uid=9007199254740993")),
                ("/", token(&json!({"sub": 9007199254740993_u64}))),
            ],
            json!(9007199254740993_u64),
            false,
        ),
        (
            // decoded once
            vec![
                ("/", text("Cookie: uid=A%252Fb")),
                ("/?uid=a%252fB", text("X-A: b")),
            ],
            json!("a%252Fb"),
            false,
        ),
    ] {
        let asked = pod.ofrep(json!({"targetingKey": id}));
        assert_eq!(asked["staff"] == "on", is_staff, "{id}");
        for (path, field) in written {
            let sent = pod.proxied(path, std::slice::from_ref(&field));
            for feature in ["share", "staff"] {
                assert_eq!(sent[feature], asked[feature], "{feature} of {path} {field}");
            }
        }
        let user = id.as_str().map_or(id.to_string(), str::to_owned);
        let said = pod.explained("share", &[format!("--user={user}")]);
        assert!(
            said.starts_with(&format!("share: {}", asked["share"])),
            "{said}"
        );
    }
    for (path, field, feature) in [
        ("/", "X-Company: acme", "heavy"),
        ("/", "X-Company: AcMe", "heavy"),
        ("/?city=Z%C3%BCrich", "X-A: b", "city"),
        ("/", "Cookie: city=ZÜRICH", "city"),
    ] {
        assert_eq!(pod.proxied(path, &[text(field)])[feature], "on", "{field}");
    }
}

/// The bytes of a cookie are themselves where the file does not say `decode`; an id that is no whole number is no id.
#[test]
fn without_decode_a_cookie_is_bytes() {
    let mut pod = Pod::start(
        "version: 1\nuser: cookie.uid\nfeatures: {ann: {when: {user: ann@example.com}, serve: on}}\n",
    );
    for (cookie, expected) in [
        ("uid=ann@example.com", "on"),
        ("uid=ann%40example.com", "off"),
        ("uid=\"ann@example.com\"", "off"),
        ("uid=Ann@example.com", "off"),
    ] {
        assert_eq!(
            pod.proxied("/", &[format!("Cookie: {cookie}")])["ann"],
            expected,
            "{cookie}"
        );
    }
    for key in [
        json!(7.5),
        json!(1e30),
        json!(["ann"]),
        json!({"id": 1}),
        json!(true),
    ] {
        let answer = post(
            pod.burgee.api,
            ALL,
            &context(json!({"targetingKey": key})),
            &[],
        );
        assert_eq!(answer.json()["errorCode"], "INVALID_CONTEXT", "{key}");
    }
}
