//! One person by two ids: what login changes is counted, who a visitor is is written once, and `burgee report` counts one person.

use crate::{
    support::{Burgee, Toggles, ask, fed},
    watch::{app, behind, misfits},
};
use burgee::{cli::override_link, engine::signature::SigningKey};
use serde_json::Value;
use std::collections::BTreeSet;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const FILE: &str = "version: 1
user: [header.x-user-id]
anonymous: {cookie: visitor, max-age: 1d, for: everybody}
override: {from: [header.x-qa], when: {header.x-staff: \"yes\"}}
features:
  half: 50%
  child: {when: {feature.half: on}, rollout: 50%}
  quiet: {rollout: 50%, metrics: off}
  by-visitor: {by: visitor, rollout: 50%}
  banner: {by: visitor, when: {feature.half: on}, rollout: 50%}
  known: {when: {user: {prefix: user-}}, serve: on}
  all: on
";

/// Whether a feature of this salt that stands at 50% has this unit, by the contract.
pub(crate) fn is_in_half(salt: &str, unit: &str) -> bool {
    let seed = xxh3_64(format!("bucket:{salt}").as_bytes());
    xxh3_64_with_seed(unit.as_bytes(), seed) < 1 << 63
}

pub(crate) fn visitor(number: u64) -> String {
    format!("{:032x}", u128::from(xxh3_64(&number.to_le_bytes())))
}

fn drift(burgee: &Burgee, feature: &str) -> f64 {
    let series = format!("burgee_drift_total{{feature=\"{feature}\"}}");
    burgee.metric(&series).unwrap_or_default()
}

/// What login may change: two that are drawn by user, and one by visitor that asks for such a one.
const CHANGED: [&str; 3] = ["half", "child", "banner"];

/// What these give this user in this browser.
fn answers(user: &str, visitor: &str) -> [bool; 3] {
    let half = is_in_half("half", user);
    [
        half,
        half && is_in_half("child", user),
        half && is_in_half("banner", visitor),
    ]
}

#[test]
fn an_answer_that_login_changes_is_counted_once_a_request() {
    let app = app(|_| "200 OK".into());
    let (burgee, toggles) = behind(&app, FILE, &[]);
    let mut expected = [0.0; 3];
    for number in 0..60 {
        let (user, visitor) = (format!("user-{number}"), visitor(number));
        let (after, before) = (answers(&user, &visitor), answers(&visitor, &visitor));
        for feature in 0..CHANGED.len() {
            expected[feature] += 2.0 * f64::from(u8::from(after[feature] != before[feature]));
        }
        let (user, cookie) = (
            format!("X-User-Id: {user}"),
            format!("Cookie: visitor={visitor}"),
        );
        for fields in [
            &[&*user, &cookie][..],
            &[&user, &cookie, "Sec-Fetch-Mode: navigate"],
            // one id alone, a new one, one that is none, two users
            &[&user],
            &[&cookie],
            &["Sec-Fetch-Mode: navigate", &user],
            &[&user, "Cookie: visitor=1"],
            &[&user, "X-User-Id: another", &cookie],
            // a tester
            &[&user, &cookie, "X-Staff: yes", "X-Qa: all=off"],
        ] {
            assert_eq!(ask(burgee.listen, "GET", "/", fields).status, 200);
        }
    }
    assert!(expected.iter().all(|count| *count > 10.0), "{expected:?}");
    assert_eq!(CHANGED.map(|name| drift(&burgee, name)), expected);
    for other in ["quiet", "by-visitor", "known", "all"] {
        assert_eq!(drift(&burgee, other), 0.0, "{other}");
    }
    // what is stopped is the same for everybody, and so is what asks for it
    let stops = "version: 1\nstops: {half: {since: 2026-01-01}}\n";
    std::fs::write(toggles.path().with_file_name("stops.yaml"), stops).unwrap();
    assert_eq!(ask(burgee.api, "POST", "/reload", &[]).status, 200);
    for number in 0..60 {
        let cookie = format!("Cookie: visitor={}", visitor(number));
        ask(
            burgee.listen,
            "GET",
            "/",
            &[&cookie, &format!("X-User-Id: user-{number}")],
        );
    }
    assert_eq!(CHANGED.map(|name| drift(&burgee, name)), expected);
}

#[test]
fn a_tester_whose_override_is_not_kept_is_no_sign_of_what_others_meet() {
    let file = "version: 1
user: [header.x-user-id]
anonymous: {cookie: visitor, max-age: 1d, for: everybody}
override: {from: [header.x-qa], key: env.BURGEE_OVERRIDE_KEY, remember: qa}
features: {half: 50%}
";
    let app = app(|_| "200 OK".into());
    let toggles = Toggles::new(file);
    let environment = [("BURGEE_OVERRIDE_KEY", "a-secret")];
    let upstream = app.upstream().to_string();
    let burgee = Burgee::start_in(&environment, &toggles.path(), &upstream, &[]);
    // too late an end for a cookie
    let key = SigningKey::new(b"a-secret").unwrap();
    let half = sfv::Key::from_string("half".to_owned()).unwrap();
    for variant in ["on", "off"] {
        let pairs = [(half.clone(), variant.to_owned())];
        let value = override_link::signed(&key, None, &pairs, 9_999_999_999).unwrap();
        for number in 0..20 {
            let fields = [
                format!("X-User-Id: user-{number}"),
                format!("Cookie: visitor={}", visitor(number)),
                format!("X-Qa: {value}"),
                "Sec-Fetch-Mode: navigate".to_owned(),
            ];
            ask(
                burgee.listen,
                "GET",
                "/",
                &fields.each_ref().map(|field| &**field),
            );
        }
    }
    let counted = burgee.metric("burgee_overrides_total{result=\"not_remembered\"}");
    assert_eq!((counted, drift(&burgee, "half")), (Some(40.0), 0.0));
}

#[test]
fn a_feature_by_visitor_that_asks_for_one_by_user_is_warned_of() {
    let features =
        |text: &str| FILE.split_once("features:\n").unwrap().0.to_owned() + "features:\n" + text;
    let half = "  half: 50%\n";
    for (feature, said) in [
        (
            "  banner: {by: visitor, when: {feature.half: on}, rollout: 50%}\n",
            "`half`, which is drawn by user",
        ),
        (
            "  banner: {by: visitor, rules: [{when: {not: {feature.half: on}}, rollout: 50%}]}\n",
            "`half`, which is drawn by user",
        ),
        (
            "  between: {when: {feature.half: on}, serve: on}\n  banner: {by: visitor, when: {feature.between: on}, rollout: 50%}\n",
            "`half`, which is drawn by user",
        ),
        (
            "  banner: {by: visitor, when: {user: {prefix: u}}, rollout: 50%}\n",
            "",
        ),
        (
            "  all: on\n  banner: {by: visitor, when: {feature.all: on}, rollout: 50%}\n",
            "",
        ),
        (
            "  own: {by: visitor, rollout: 50%}\n  banner: {by: visitor, when: {feature.own: on}, rollout: 50%}\n",
            "",
        ),
        ("  child: {when: {feature.half: on}, rollout: 50%}\n", ""),
        (
            "  banner: {by: visitor, when: {feature.half: on}, serve: on}\n",
            "",
        ),
    ] {
        let ran = fed(&["check", "-"], &features(&format!("{half}{feature}")));
        assert_eq!(ran.code, 0, "{feature} {ran:?}");
        let told = ran.out + &ran.err;
        let warned = told.contains("changes at login");
        assert_eq!(
            (warned, told.contains(said)),
            (!said.is_empty(), true),
            "{feature} {told}"
        );
    }
}

#[test]
fn without_consent_and_for_strangers_nothing_drifts() {
    let strangers = FILE
        .replace(", for: everybody", "")
        .replace("  by-visitor: {by: visitor, rollout: 50%}\n", "")
        .replace("by: visitor, ", "");
    let closed = FILE.replace("everybody}", "everybody, when: {cookie.consent: \"yes\"}}");
    for file in [strangers, closed] {
        let app = app(|_| "200 OK".into());
        let (burgee, _toggles) = behind(&app, &file, &[]);
        for number in 0..20 {
            let cookie = format!("Cookie: visitor={}", visitor(number));
            ask(
                burgee.listen,
                "GET",
                "/",
                &[&cookie, &format!("X-User-Id: user-{number}")],
            );
        }
        assert_eq!(drift(&burgee, "half"), 0.0, "{file}");
    }
}

/// The lines until that of this user's visit to /last.
fn lines(burgee: &Burgee, fields: &[&str]) -> Vec<Value> {
    ask(burgee.listen, "GET", "/last", fields);
    let mut lines = Vec::new();
    loop {
        let line = burgee.wrote();
        assert_eq!(misfits(&line), Vec::<String>::new(), "{line}");
        if line["goal"] == "end" {
            return lines;
        }
        lines.push(line);
    }
}

#[test]
fn that_a_visitor_is_a_user_is_written_once_for_each_pair_and_only_where_people_are_named() {
    let [one, two] = [1, 2].map(visitor);
    let [one_came, two_came] = [&one, &two].map(|id| format!("Cookie: visitor={id}"));
    let strangers = FILE
        .replace(", for: everybody", "")
        .replace("  by-visitor: {by: visitor, rollout: 50%}\n", "")
        .replace("by: visitor, ", "");
    for (file, names, expected) in [
        (
            FILE,
            "plain",
            &[("mia", &one), ("mia", &two), ("max", &two)][..],
        ),
        (
            &strangers,
            "plain",
            &[("mia", &one), ("mia", &two), ("max", &two)],
        ),
        (FILE, "none", &[]),
    ] {
        let app = app(|head| match head.split(' ').nth(1) {
            Some("/last") => "200 OK\r\nX-Feature-Goal: end".into(),
            _ => "200 OK".into(),
        });
        let flags = ["--exposure-log", "--log-user", names];
        let (burgee, _toggles) = behind(&app, file, &flags);
        for fields in [
            &[&*one_came][..],
            &["X-User-Id: mia", &one_came],
            &["X-User-Id: mia", &one_came],
            &["X-User-Id: mia", &two_came],
            &["X-User-Id: max", &two_came],
            &["X-User-Id: mia", &one_came],
            &["X-User-Id: mia", "Cookie: visitor=1"],
            &["X-User-Id: mia", "X-User-Id: max", &one_came],
        ] {
            ask(burgee.listen, "GET", "/", fields);
        }
        let lines = lines(&burgee, &["X-User-Id: nobody"]);
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        let pair = |line: &Value| (text(line, "feature_flag.context.id"), text(line, "visitor"));
        let found: Vec<_> = lines.iter().map(pair).collect();
        let found: Vec<_> = found
            .iter()
            .map(|(user, visitor)| (&**user, visitor))
            .collect();
        assert_eq!(found, expected, "{file} {names}");
    }
}

#[test]
fn that_a_new_visitor_is_a_user_is_written_where_the_response_gives_the_id() {
    let app = app(|head| match head.split(' ').nth(1) {
        Some("/last") => "200 OK\r\nX-Feature-Goal: end".into(),
        Some("/broken") => "200 OK\r\nContent-Length: none".into(),
        _ => "200 OK\r\nX-Feature-Used: by-visitor".into(),
    });
    let flags = ["--exposure-log", "--log-user", "plain"];
    let (burgee, _toggles) = behind(&app, FILE, &flags);
    let page = "Sec-Fetch-Mode: navigate";
    let given = |path: &str, fields: &[&str]| {
        let answer = ask(burgee.listen, "GET", path, fields);
        let cookie = answer.header("set-cookie").map(str::to_owned);
        cookie.map(|cookie| cookie["visitor=".len()..][..32].to_owned())
    };
    let mia = given("/", &["X-User-Id: mia", page]).unwrap();
    // strangers, no page, two users, an answer that never came
    assert!(given("/", &[page]).is_some());
    assert_eq!(given("/", &["X-User-Id: mia"]), None);
    assert!(given("/", &["X-User-Id: mia", "X-User-Id: max", page]).is_some());
    assert_eq!(given("/broken", &["X-User-Id: mia", page]), None);
    let lines = lines(&burgee, &["X-User-Id: nobody"]);
    let pairs: Vec<_> = lines
        .iter()
        .filter(|line| line["visitor"].is_string())
        .map(|line| (&line["feature_flag.context.id"], &line["visitor"]))
        .collect();
    assert_eq!(pairs, [(&Value::from("mia"), &Value::from(&*mia))]);
    // the use of the same page is by that id
    let used = |line: &&Value| line["feature_flag.context.id"] == *mia;
    assert_eq!(lines.iter().filter(used).count(), 1, "{lines:?}");
}

#[test]
fn a_person_before_and_after_login_is_one_person_to_the_report() {
    let app = app(|head| match head.split(' ').nth(1) {
        Some("/buy") => "200 OK\r\nX-Feature-Used: half\r\nX-Feature-Goal: purchase".into(),
        Some("/last") => "200 OK\r\nX-Feature-Goal: end".into(),
        _ => "200 OK\r\nX-Feature-Used: half".into(),
    });
    let flags = ["--exposure-log", "--log-user", "hash"];
    let (burgee, _toggles) = behind(&app, FILE, &flags);
    let people = 40;
    let mut in_two = 0;
    for number in 0..people {
        let (user, id) = (format!("user-{number}"), visitor(number));
        let (user_came, cookie) = (
            format!("X-User-Id: {user}"),
            format!("Cookie: visitor={id}"),
        );
        ask(burgee.listen, "GET", "/", &[&cookie]);
        ask(burgee.listen, "GET", "/buy", &[&cookie, &user_came]);
        in_two += u64::from(is_in_half("half", &user) != is_in_half("half", &id));
    }
    let text: Vec<_> = lines(&burgee, &["X-User-Id: nobody"])
        .iter()
        .map(Value::to_string)
        .collect();
    let report = |text: &str| -> Value {
        let ran = fed(&["report", "--json"], text);
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.out).unwrap()
    };
    let sum = |report: &Value, name: &str| -> u64 {
        let arms = report["features"]["half"]["arms"].as_array().unwrap();
        arms.iter().map(|arm| arm[name].as_u64().unwrap()).sum()
    };
    let joined = report(&text.join("\n"));
    assert_eq!(joined["lines"]["joined"], people);
    assert_eq!(
        (sum(&joined, "people"), sum(&joined, "in_two_arms")),
        (people, in_two)
    );
    // without the lines that say so they are two
    let apart: Vec<_> = text
        .into_iter()
        .filter(|line| !line.contains("\"visitor\""))
        .collect();
    assert_eq!(sum(&report(&apart.join("\n")), "people"), 2 * people);
}

fn exposure(at: u32, user: &str, variant: &str) -> String {
    format!(
        r#"{{"time":"2026-11-01T10:00:{at:02}.000000Z","feature_flag.key":"half","feature_flag.result.variant":"{variant}","feature_flag.result.reason":"split","feature_flag.version":"0","feature_flag.context.id":"{user}","draw":{{"rule":"-","control":"off"}}}}"#
    )
}

fn person(at: u32, visitor: &str, user: &str) -> String {
    format!(
        r#"{{"time":"2026-11-01T10:00:{at:02}.000000Z","visitor":"{visitor}","feature_flag.version":"0","feature_flag.context.id":"{user}"}}"#
    )
}

fn goal(at: u32, user: &str) -> String {
    format!(
        r#"{{"time":"2026-11-01T10:00:{at:02}.000000Z","goal":"purchase","feature_flag.version":"0","feature_flag.context.id":"{user}","features":{{}}}}"#
    )
}

#[test]
fn nobody_is_taken_for_another_who_shares_the_browser_or_whose_id_the_client_names() {
    for (why, lines, expected) in [
        (
            "the browser is ann's, who came first; bo buys in it after her, and has a telephone",
            &[
                exposure(1, "browser", "on"),
                exposure(2, "ann", "on"),
                person(2, "browser", "ann"),
                exposure(4, "bo", "off"),
                person(4, "browser", "bo"),
                exposure(3, "telephone", "off"),
                person(5, "telephone", "bo"),
                // a goal of somebody who is signed in is the visitor's too, as soon as a feature is drawn by that
                goal(6, "bo"),
                goal(6, "browser"),
            ][..],
            "off 1 of 1, on 1 of 2",
        ),
        (
            "one feature by user, one by visitor: what bo buys is no purchase of ann",
            &[
                exposure(2, "ann", "on"),
                person(2, "browser", "ann"),
                person(4, "browser", "bo"),
                goal(6, "bo"),
                goal(6, "browser"),
            ],
            "on 0 of 1",
        ),
        (
            "mallory's cookie is the id of mia, whose browser is hers",
            &[
                exposure(1, "mia", "on"),
                exposure(2, "browser", "on"),
                person(2, "browser", "mia"),
                exposure(3, "mallory", "off"),
                person(3, "mia", "mallory"),
                goal(4, "mia"),
            ],
            "off 0 of 1, on 1 of 1",
        ),
        (
            "each one's cookie is the id of the next",
            &[
                exposure(1, "a", "on"),
                exposure(2, "b", "on"),
                exposure(3, "c", "off"),
                exposure(4, "d", "off"),
                person(2, "a", "b"),
                person(3, "b", "c"),
                person(4, "c", "d"),
                goal(5, "a"),
                goal(5, "c"),
            ],
            "off 1 of 2, on 1 of 1",
        ),
    ] {
        let mut seen = BTreeSet::new();
        for turn in 0..lines.len() {
            let mut lines = lines.to_vec();
            lines.rotate_left(turn);
            if turn % 2 == 1 {
                lines.reverse();
            }
            let ran = fed(&["report", "--json"], &lines.join("\n"));
            assert_eq!(ran.code, 0, "{why}: {ran:?}");
            let report: Value = serde_json::from_str(&ran.out).unwrap();
            let half = &report["features"]["half"];
            let arms = half["goals"]["purchase"]["arms"].as_array().unwrap();
            let arms = arms.iter().map(|arm| {
                let variant = arm["variant"].as_str().unwrap();
                format!("{variant} {} of {}", arm["reached"], arm["people"])
            });
            assert_eq!(half["arms"][0]["in_two_arms"], 0, "{why}");
            seen.insert((arms.collect::<Vec<_>>().join(", "), ran.out));
        }
        let found: Vec<_> = seen.iter().map(|(arms, _)| &**arms).collect();
        assert_eq!(found, [expected], "{why}");
    }
}
