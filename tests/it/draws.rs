//! Draws of other systems, written by hand: the answers that the vendors' own code gave to 500 ids, by the engine and through
//! the proxy. `tests/data/draws/answers.json` names the package and the version that was asked.

use crate::{
    raw::{App, Client, Message, bytes},
    support::{Burgee, Toggles, burgee, fed},
    toggles::{compile, files, name},
};
use burgee::engine::{
    Decisions, Snapshot,
    request::{EvaluationContext, Input},
    units::Second,
};
use serde_json::Value;
use std::{fmt::Write as _, fs};

/// What the vendors' code said.
pub(crate) struct Answers(Value);

/// One feature of one scheme.
pub(crate) struct Recorded<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) feature: &'a str,
    only_ascii: bool,
    ids: &'a [Value],
    row: &'a Value,
}

impl Answers {
    pub(crate) fn read() -> Answers {
        Answers(serde_json::from_str(include_str!("../data/draws/answers.json")).unwrap())
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let ids = self.0["ids"].as_array().unwrap().iter();
        // nobody is drawn without an id here, whatever others do
        ids.map(|id| id.as_str().unwrap())
            .filter(|id| !id.trim().is_empty())
    }

    pub(crate) fn recorded<'a>(&'a self, scheme: &'a str) -> impl Iterator<Item = Recorded<'a>> {
        let about = &self.0["schemes"][scheme];
        let features = about["answers"].as_object().unwrap().iter();
        features.map(move |(feature, row)| Recorded {
            scheme,
            feature,
            only_ascii: about["only_ascii"] == true,
            ids: self.0["ids"].as_array().unwrap(),
            row,
        })
    }
}

impl Recorded<'_> {
    /// Each id with what it got; none for what the vendor's code does not draw.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&str, &str)> {
        let alphabet = &self.row["alphabet"];
        let digits = self.row["answers"].as_str().unwrap().chars();
        let ids = self.ids.iter().map(|id| id.as_str().unwrap());
        ids.zip(digits).filter_map(move |(id, digit)| {
            let place = digit.to_digit(36)? as usize;
            let drawn = !id.trim().is_empty()
                // its hash of other letters is not the published one, nor what the vendor's other SDKs have
                && (id.is_ascii() || !self.only_ascii)
                // Optimizely's SDK refuses this id
                && (id != "undefined" || self.scheme != "optimizely");
            drawn.then(|| (id, alphabet[place].as_str().unwrap()))
        })
    }

    /// As burgee says it: where the vendor gives nothing, the default.
    pub(crate) fn expected<'v>(
        &self,
        answer: &'v str,
        default: &'v str,
        known: impl Fn(&str) -> bool,
    ) -> &'v str {
        if known(answer) { answer } else { default }
    }
}

/// What a user gets of every feature.
pub(crate) fn decided(snapshot: &Snapshot, user: &str) -> Vec<String> {
    let context = EvaluationContext {
        user: Some(user.to_owned()),
        ..EvaluationContext::default()
    };
    let mut decisions = Decisions::default();
    snapshot.decide(Input::Context(&context), Second(0), None, &mut decisions);
    let features = snapshot.features();
    features
        .map(|(index, _, feature)| {
            let decision = decisions.by_feature[index].unwrap();
            feature.variant(decision.variant).name.to_string()
        })
        .collect()
}

#[test]
fn everybody_gets_what_the_vendors_own_code_gave_them() {
    let answers = Answers::read();
    let (mut compared, mut wrong) = (0, Vec::new());
    let files = files("tests/data/draws", "yaml");
    assert!(files.len() >= 24, "{} schemes", files.len());
    for path in files {
        let file = name(&path);
        let scheme = file.trim_end_matches(".yaml");
        let text = fs::read(&path).unwrap();
        let (snapshot, warnings) = compile(&[(scheme, &text)]).unwrap_or_else(|e| panic!("{e}"));
        assert!(warnings.is_empty(), "{warnings:?}");
        for recorded in answers.recorded(scheme) {
            let (index, _, feature) = snapshot
                .features()
                .find(|(_, _, feature)| &*feature.name == recorded.feature)
                .unwrap();
            let default = &feature.variant(feature.default).name;
            let known = |name: &str| feature.variants.iter().any(|one| &*one.name == name);
            for (id, answer) in recorded.answers() {
                let expected = recorded.expected(answer, default, known);
                let got = &decided(&snapshot, id)[index];
                compared += 1;
                if got != expected {
                    wrong.push(format!(
                        "{scheme} {} {id:?}: {got}, not {expected}",
                        recorded.feature
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared > 30_000, "{compared}");
}

/// All schemes in one file: `launchdarkly-search-v2`.
fn all() -> String {
    let mut text =
        String::from("version: 1\nuser: {from: header.x-user-id, decode: percent}\nfeatures:\n");
    for path in files("tests/data/draws", "yaml") {
        let scheme = name(&path).trim_end_matches(".yaml").to_owned();
        let file = fs::read_to_string(&path).unwrap();
        let (_, features) = file.split_once("features:\n").unwrap();
        for line in features.lines() {
            match line
                .strip_prefix("  ")
                .filter(|rest| !rest.starts_with(' '))
            {
                Some(key) => writeln!(text, "  {scheme}-{key}").unwrap(),
                None => writeln!(text, "{line}").unwrap(),
            }
        }
    }
    text
}

/// Every byte that is no letter or digit, so that a field can carry any id.
pub(crate) fn in_percent(id: &str) -> String {
    let encoded = id.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// The fields of ours that the application receives for each id, over one connection.
pub(crate) fn received<'i>(
    toggles: &std::path::Path,
    ids: impl Iterator<Item = &'i str>,
) -> Vec<(String, Message)> {
    let app = App::script(|client, _| {
        while client.has_more() {
            let head = bytes(&client.message().head);
            let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len());
            client.send([length.into_bytes(), head].concat());
        }
    });
    let burgee = Burgee::start(toggles, &format!("http://{}", app.address), &[]);
    let mut client = Client::connect(burgee.listen);
    ids.map(|id| {
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-User-Id: {}\r\n\r\n",
            in_percent(id)
        ));
        (id.to_owned(), Message::of(client.message().text()))
    })
    .collect()
}

#[test]
fn the_application_hears_the_same_through_the_proxy() {
    let answers = Answers::read();
    let toggles = Toggles::new(&all());
    for path in files("tests/data/draws", "yaml") {
        let (code, said) = burgee(&["check", "--strict", path.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}");
    }
    let received = received(&toggles.path(), answers.ids());
    let mut compared = 0;
    for path in files("tests/data/draws", "yaml") {
        let file = name(&path);
        let scheme = file.trim_end_matches(".yaml");
        for recorded in answers.recorded(scheme) {
            let field = format!("x-feature-{scheme}-{}", recorded.feature).replace('_', "-");
            for (id, answer) in recorded.answers() {
                let (_, message) = received.iter().find(|(one, _)| one == id).unwrap();
                let got = message.get(&field.to_ascii_lowercase());
                let known = |name: &str| !["DEFAULT", "none", ""].contains(&name);
                let expected = recorded.expected(answer, "off", known);
                assert_eq!(got, Some(expected), "{field} of {id:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 30_000, "{compared}");
}

/// Two files that differ in one feature, and which share of the people moves from which variant to which.
#[test]
fn diff_counts_exactly_while_a_draw_stays_and_deals_anew_where_it_changes() {
    let sha1 = "{hash: sha1, text: 'a.{unit}', bits: 60}";
    let both = "{rollout: {hash: sha1, text: 'a.{unit}', bits: 60}, serve: {hash: md5, text: 'a-{unit}', bits: 32}}";
    let one = |draw: &str, rest: &str| {
        format!("version: 1\nfeatures: {{a: {{variants: [x, y], draw: {draw}, {rest}}}}}\n")
    };
    let halves = "serve: [{x: 50%}, {y: 50%}]";
    for (old, new, moved) in [
        // raised: nobody but those who come in
        (
            one(sha1, "rollout: 10%, serve: x"),
            one(sha1, "rollout: 30%, serve: x"),
            0.2,
        ),
        (
            one(sha1, halves),
            one(sha1, "serve: [{x: 60%}, {y: 40%}]"),
            0.1,
        ),
        // the order decides: another order, other people
        (
            one(sha1, halves),
            one(sha1, "serve: [{y: 50%}, {x: 50%}]"),
            1.0,
        ),
        (
            one(sha1, halves),
            one(sha1, "buckets: {x: [0%, 50%], y: [60%, 100%]}"),
            0.1,
        ),
        // one number for both, or one for each
        (
            one(both, &format!("rollout: 40%, {halves}")),
            one(both, &format!("rollout: 60%, {halves}")),
            0.2,
        ),
        (
            one(both, &format!("rollout: 40%, {halves}")),
            one(both, "rollout: 40%, serve: [{x: 75%}, {y: 25%}]"),
            0.1,
        ),
        (
            one(sha1, &format!("rollout: 40%, {halves}")),
            one(sha1, &format!("rollout: 60%, {halves}")),
            0.2,
        ),
        // another draw, and none: dealt anew
        (
            one(sha1, halves),
            one("{hash: md5, text: 'a.{unit}', bits: 60}", halves),
            0.5,
        ),
        (
            one(sha1, halves),
            "version: 1\nfeatures: {a: {variants: [x, y], serve: {x: 50%, y: 50%}}}\n".to_owned(),
            0.5,
        ),
        (
            one(sha1, "rollout: 20%, serve: x"),
            "version: 1\nfeatures: {a: {variants: [x, y], rollout: 20%, serve: x}}\n".to_owned(),
            0.32,
        ),
    ] {
        let before = Toggles::new(&old);
        let path = before.path();
        let ran = fed(&["diff", path.to_str().unwrap(), "-", "--json"], &new);
        let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
        let found = said["features"]["a"]["moved"].as_f64().unwrap();
        assert!((found - moved).abs() < 1e-9, "{old}{new}{ran:?}");
        // and so it is with people
        let [old, new] = [old, new].map(|text| compile(&[("a.yaml", text.as_bytes())]).unwrap().0);
        let people = 4_000;
        let moving = |person: &u32| {
            let user = format!("person-{person}");
            decided(&old, &user) != decided(&new, &user)
        };
        let counted = (0..people).filter(moving).count() as f64 / f64::from(people);
        assert!((counted - moved).abs() < 0.035, "{counted}, not {moved}");
    }
}

#[test]
fn explain_says_where_somebody_stands() {
    let text = "version: 1\nfeatures: {a: {draw: {hash: crc32, text: 'a{unit}', out-of: 100}, rollout: 50%}}\n";
    let number = 45; // of `amia`
    let toggles = Toggles::new(text);
    let path = toggles.path();
    let ran = fed(&["explain", path.to_str().unwrap(), "--user", "mia"], "");
    let said = format!("its crc32 stands at {number}%, inside the 50% rollout");
    assert!(ran.out.contains(&said), "{}", ran.out);
    let ran = fed(
        &["explain", path.to_str().unwrap(), "--user", "mia", "--json"],
        "",
    );
    assert!(
        ran.out.contains(&format!(
            "\"bucket\":null,\"draw\":[\"{number}%\",\"{number}%\"]"
        )),
        "{}",
        ran.out
    );
}
