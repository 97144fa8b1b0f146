//! Draws of other systems, written by hand: the answers that the vendors' own code gave to 500 ids, by the engine and through
//! the proxy. `tests/data/draws/answers.json` names the package and the version that was asked.

use crate::{
    raw::{App, Client, Message, bytes},
    support::{Burgee, Toggles, burgee},
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
    toggles: &Toggles,
    ids: impl Iterator<Item = &'i str>,
) -> Vec<(String, Message)> {
    let app = App::script(|client, _| {
        while client.has_more() {
            let head = bytes(&client.message().head);
            let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", head.len());
            client.send([length.into_bytes(), head].concat());
        }
    });
    let burgee = Burgee::start(&toggles.path(), &format!("http://{}", app.address), &[]);
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
    let received = received(&toggles, answers.ids());
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
