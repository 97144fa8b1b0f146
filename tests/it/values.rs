//! Values as clients write them, through the built binary: what the application receives, what OFREP answers, what `explain`
//! says, what is counted.

use crate::{
    ofrep::{ALL, context, post},
    raw::{App, Client, Message, bytes},
    support::{Burgee, Toggles, fed},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A running burgee, whose application answers with the head that it received.
pub(crate) struct Pod {
    pub(crate) burgee: Burgee,
    pub(crate) toggles: Toggles,
    client: Client,
    _app: App,
}

impl Pod {
    pub(crate) fn start(text: &str) -> Pod {
        let app = App::script(|client, _| {
            while client.has_more() {
                let head = bytes(&client.message().head);
                let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len());
                client.send([length.into_bytes(), head].concat());
            }
        });
        let toggles = Toggles::new(text);
        let burgee = Burgee::start(
            &toggles.path(),
            &format!("http://{}", app.address),
            &["--workers", "1"],
        );
        Pod {
            client: Client::connect(burgee.listen),
            burgee,
            toggles,
            _app: app,
        }
    }

    /// What the application is told, by feature in lower case.
    pub(crate) fn proxied(&mut self, path: &str, fields: &[String]) -> BTreeMap<String, String> {
        let lines: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        self.client
            .send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
        let seen = Message::of(self.client.message().text());
        seen.fields()
            .filter_map(|(name, value)| Some((name.strip_prefix("x-feature-")?, value)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// What OFREP answers, by feature.
    pub(crate) fn ofrep(&self, asked: Value) -> BTreeMap<String, String> {
        let answer = post(self.burgee.api, ALL, &context(asked), &[]).json();
        let flags = answer["flags"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        flags
            .map(|flag| (text(&flag["key"]), text(&flag["variant"])))
            .collect()
    }

    /// The sentences of one feature.
    pub(crate) fn explained(&self, feature: &str, flags: &[String]) -> String {
        let path = self.toggles.path();
        let mut line = vec!["explain", path.to_str().unwrap(), "--feature", feature];
        line.extend(flags.iter().map(String::as_str));
        let ran = fed(&line, "");
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    }

    pub(crate) fn unreadable(&self, feature: &str) -> Option<f64> {
        self.burgee.metric(&format!(
            "burgee_unreadable_values_total{{feature=\"{feature}\"}}"
        ))
    }
}

/// Each operator, and its denial.
const OPERATORS: &str = "version: 1
attributes: {until: header.x-until, from: header.x-from, version: header.x-version, min: header.x-min, below: header.x-below, within: header.x-within}
features:
  until: {when: {until: {until: 2026-06-01}}, serve: on}
  not-until: {when: {until: {not: {until: 2026-06-01}}}, serve: on}
  from: {when: {from: {from: 2026-06-01}}, serve: on}
  not-from: {when: {from: {not: {from: 2026-06-01}}}, serve: on}
  version: {when: {version: {version: \">=2.10\"}}, serve: on}
  not-version: {when: {version: {not: {version: \">=2.10\"}}}, serve: on}
  min: {when: {min: {min: 7}}, serve: on}
  not-min: {when: {min: {not: {min: 7}}}, serve: on}
  below: {when: {below: {below: 7}}, serve: on}
  not-below: {when: {below: {not: {below: 7}}}, serve: on}
  within: {when: {within: {within: [10.0.0.0/8, \"fe80::/10\"]}}, serve: on}
  not-within: {when: {within: {not: {within: [10.0.0.0/8, \"fe80::/10\"]}}}, serve: on}
";

#[test]
fn values_are_read_as_clients_write_them() {
    let mut pod = Pod::start(OPERATORS);
    for (operator, value, expected) in [
        ("until", "2026-01-05T08:00:00.123Z", Some(true)),
        ("until", "2026-05-31T23:59:59.999999Z", Some(true)),
        ("until", "2026-06-01T00:00:00.000Z", Some(false)),
        ("until", "2026-06-01t01:59:59.9+02:00", Some(true)),
        ("until", "2026-05-31 23:00:00+0000", Some(true)),
        ("until", "2026-05-31", Some(true)),
        ("until", "1767600000", Some(true)),
        ("until", "1767600000123", Some(true)),
        ("until", "1788000000000", Some(false)),
        ("until", "2026-01-05 08:00:00.5+01", Some(true)),
        ("until", "1767600000.25", Some(true)),
        ("until", "2026-01-05T08:00Z", Some(true)),
        ("until", "soon", None),
        ("until", "2026-01-05T08:00:00", None),
        ("until", "20260105", None),
        ("from", "2026-06-01T00:00:00.001Z", Some(true)),
        ("from", "2026-05-31T23:59:59.999Z", Some(false)),
        ("from", "1780272000", Some(true)),
        ("from", "05/06/2026", None),
        ("version", "2.10", Some(true)),
        ("version", "v2.10.1.4567", Some(true)),
        ("version", "2.10.1-beta", Some(true)),
        ("version", "2.10.0-beta", Some(false)),
        ("version", "2.9.99.1", Some(false)),
        ("version", "3.0.0-rc.1", Some(true)),
        ("version", "2.10.1+4567", Some(true)),
        ("version", "02.010", Some(true)),
        ("version", "latest", None),
        ("version", "2.10.x", None),
        ("min", "1e3", Some(true)),
        ("min", "+7", Some(true)),
        ("min", "7.0", Some(true)),
        ("min", "6.999", Some(false)),
        ("min", "-1E3", Some(false)),
        ("min", "0.7e1", Some(true)),
        ("min", "seven", None),
        ("min", "1,000", None),
        ("min", "0x10", None),
        ("below", "+5", Some(true)),
        ("below", "NaN", None),
        ("within", "10.1.2.3", Some(true)),
        ("within", "10.1.2.3:4711", Some(true)),
        ("within", "::ffff:10.1.2.3", Some(true)),
        ("within", "[::ffff:10.1.2.3]:443", Some(true)),
        ("within", "fe80::1%eth0", Some(true)),
        ("within", "[fe80::1%25eth0]:80", Some(true)),
        ("within", "[2001:db8::1]", Some(false)),
        ("within", "localhost", None),
        ("within", "10.1.2", None),
        ("within", "010.1.2.3", None),
    ] {
        let denied = format!("not-{operator}");
        let before = pod.unreadable(operator).unwrap_or(0.0);
        let sent = pod.proxied("/", &[format!("X-{operator}: {value}")]);
        let asked = pod.ofrep(json!({operator: value}));
        let counted = pod.unreadable(operator).unwrap_or(0.0) - before;
        let (is, denial) = match expected {
            Some(true) => ("on", "off"),
            _ => ("off", "on"),
        };
        for (answers, by) in [(sent, "proxy"), (asked, "OFREP")] {
            let got = (&*answers[operator], &*answers[&denied]);
            assert_eq!(got, (is, denial), "{operator} of {value:?} by {by}");
        }
        assert_eq!(
            counted,
            f64::from(expected.is_none()),
            "{operator}: {value}"
        );
        let flag = [format!("--header=X-{operator}: {value}")];
        for feature in [operator, &denied] {
            let said = pod.explained(feature, &flag);
            let unread = said.contains("which cannot be read as a")
                && said.contains(" and counts as absent");
            assert_eq!(unread, expected.is_none(), "{said}");
            // never what it has to be, which it may well be
            assert!(!unread || !said.contains("must"), "{said}");
            assert!(!unread || !said.contains("before 2026"), "{said}");
        }
    }
}

/// A number of JSON, and what HTTP takes off a header: blanks around a value.
#[test]
fn ofrep_takes_what_json_has() {
    let pod = Pod::start(OPERATORS);
    for (asked, operator, expected) in [
        (json!({"until": 1767600000123_u64}), "until", "on"),
        (json!({"until": 1788000000}), "until", "off"),
        (
            json!({"until": " 2026-01-05T08:00:00.000Z\n"}),
            "until",
            "on",
        ),
        (json!({"min": " 7"}), "min", "on"),
        (json!({"min": 1e3}), "min", "on"),
        (json!({"min": "\t8 "}), "min", "on"),
        (json!({"version": 2.1}), "not-version", "on"),
        (json!({"version": " 2.10 "}), "version", "on"),
        (json!({"within": " 10.0.0.1"}), "within", "on"),
    ] {
        assert_eq!(pod.ofrep(asked.clone())[operator], expected, "{asked}");
    }
}

/// Also of a rule that was passed over, and of what a segment asks.
#[test]
fn a_rule_that_could_not_read_is_named() {
    let pod = Pod::start(
        "version: 1
attributes: {age: header.x-age, plan: header.x-plan}
segments: {grown: {any: [{age: {min: 18}}, {plan: pro}]}}
features:
  alone: {rules: [{when: {age: {min: 18}}, serve: on}]}
  second: {rules: [{when: grown, serve: off}, {when: {plan: free}, serve: on}]}
  last: {rules: [{when: {plan: pro}, serve: off}, {when: {not: grown}, rollout: 100%, serve: on}]}
  own: {rules: [{when: {age: {below: 18}}, serve: off}], serve: on}
",
    );
    let flags = [
        "--header=X-Age: ten".to_owned(),
        "--header=X-Plan: free".to_owned(),
    ];
    let unread = "age is ten, which cannot be read as a number and counts as absent";
    for (feature, variant, rule) in [
        ("alone", "off", "rule 1 does not match: "),
        ("second", "on", "rule 1 does not match: "),
        ("last", "on", "rule 2 matches: "),
        ("own", "on", "rule 1 does not match: "),
    ] {
        let said = pod.explained(feature, &flags);
        assert!(said.starts_with(&format!("{feature}: {variant}")), "{said}");
        assert!(said.contains(rule) && said.contains(unread), "{said}");
    }
    let read = ["--header=X-Age: 10".to_owned()];
    assert!(!pod.explained("alone", &read).contains("rule 1"));
}

/// Once a request and feature, whatever else is decided: rules, segments, parents, the file itself.
#[test]
fn what_cannot_be_read_is_counted_by_feature() {
    let mut pod = Pod::start(
        "version: 1
attributes: {age: header.x-age, size: header.x-size}
segments: {old: {age: {min: 65}}}
features:
  plain: 50%
  ruled: {rules: [{when: old, serve: on}, {when: {age: {below: 18}}, serve: on}]}
  child: {when: {feature.ruled: on}, serve: on}
  other: {when: {size: {max: 3}}, serve: on}
",
    );
    for (fields, ruled, other) in [
        (&[][..], None, None),
        (&["X-Age: 70"], None, None),
        (&["X-Age: old"], Some(1.0), None),
        (&["X-Age: old", "X-Size: 2"], Some(2.0), None),
        (&["X-Size: XL"], Some(2.0), Some(1.0)),
        (&["X-Age: old", "X-Size: XL"], Some(3.0), Some(2.0)),
    ] {
        let fields: Vec<_> = fields.iter().map(|field| (*field).to_owned()).collect();
        pod.proxied("/", &fields);
        assert_eq!(pod.unreadable("ruled"), ruled, "{fields:?}");
        assert_eq!(pod.unreadable("other"), other, "{fields:?}");
        assert_eq!(pod.unreadable("plain"), None);
        assert_eq!(pod.unreadable("child"), None);
    }
    let mut pod = Pod::start(
        "version: 1\nattributes: {age: header.x-age}\nwhen: {age: {min: 18}}\nfeatures: {one: on, two: 5%}\n",
    );
    pod.proxied("/", &["X-Age: ?".to_owned()]);
    assert_eq!(pod.unreadable("one"), Some(1.0));
    assert_eq!(pod.unreadable("two"), Some(1.0));
}
