//! Requests in, headers out, as data: `tests/data/scenarios/*.yaml`.
//!
//! ```yaml
//! - says: a sentence about the user
//!   file: config/examples/flipper.yaml        # or `toggles:` with the text, or `files:` with several
//!   rows:
//!     - request: {user: mia, headers: {x-plan: pro}, path: /a?b=c, cookies: {uid: ann}, ip: 10.0.0.1, at: 2026-03-01, env: {STAGE: dev}}
//!       expect: {X-Feature-Briefcase: gold}    # every field that burgee writes, and no other
//!       gets: {briefcase: gold}                # the variant, sent or not
//!       reason: {briefcase: SPLIT}             # `none` for no answer
//!       rule: {briefcase: 1}                   # which rule decided, from 1; 0 for none
//!       person: source 0                       # where the first file's user came from; `unknown`, `conflict`
//!       override: applied
//!       visitor: true                          # an id was given out
//! ```

use super::toggles::{environment, files, name};
use burgee::{
    config::{self, Text},
    engine::{
        Decision, Decisions, Snapshot,
        decision::UserSource,
        instant,
        model::{Feature, Stopped},
        request::{HttpRequest, Input},
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

type Texts = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    says: String,
    file: Option<String>,
    toggles: Option<String>,
    #[serde(default)]
    files: Texts,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    request: Asked,
    expect: Option<Texts>,
    #[serde(default)]
    gets: Texts,
    #[serde(default)]
    reason: Texts,
    #[serde(default)]
    rule: BTreeMap<String, u8>,
    person: Option<String>,
    #[serde(rename = "override")]
    forced: Option<String>,
    visitor: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    /// X-User-Id
    user: Option<String>,
    /// a list is a field that comes more than once
    headers: BTreeMap<String, OneOrMany>,
    cookies: Texts,
    method: Option<String>,
    path: Option<String>,
    host: Option<String>,
    ip: Option<String>,
    at: Option<String>,
    env: Texts,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Scenario {
    fn texts(&self) -> Vec<Text> {
        let text = |name: &str, bytes: Vec<u8>| Text {
            name: name.to_owned(),
            bytes,
        };
        let mut texts: Vec<Text> = self
            .files
            .iter()
            .map(|(name, content)| text(name, content.clone().into()))
            .collect();
        texts.extend(
            self.toggles
                .iter()
                .map(|content| text("toggles.yaml", content.clone().into())),
        );
        texts.extend(self.file.iter().map(|file| {
            text(
                file,
                fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap(),
            )
        }));
        texts
    }
}

impl Asked {
    fn request(&self) -> Request<()> {
        let mut request = Request::builder()
            .method(self.method.as_deref().unwrap_or("GET"))
            .uri(self.path.as_deref().unwrap_or("/"));
        for (name, values) in &self.headers {
            let values = match values {
                OneOrMany::One(value) => std::slice::from_ref(value),
                OneOrMany::Many(values) => values,
            };
            for value in values {
                request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        if let Some(user) = &self.user {
            request = request.header(
                "x-user-id",
                HeaderValue::from_bytes(user.as_bytes()).unwrap(),
            );
        }
        for (name, value) in &self.cookies {
            request = request.header("cookie", format!("{name}={value}"));
        }
        request.body(()).unwrap()
    }
}

/// All features in full: what is prepared for the simple ones may change no answer.
fn without_shortcuts(mut snapshot: Snapshot) -> Snapshot {
    snapshot.stopped = Stopped::default();
    let files = Arc::get_mut(&mut snapshot.files).unwrap();
    let steps = files.iter_mut().flat_map(|toggles| &mut toggles.order);
    steps.for_each(|step| step.shortcut = None);
    snapshot
}

/// What differs from what the row expects.
fn differences(scenario: &Scenario, row: &Row) -> Result<(), String> {
    let asked = &row.request;
    let env = |name: &str| asked.env.get(name).cloned().or_else(|| environment(name));
    let at = instant::parse(asked.at.as_deref().unwrap_or("2026-02-01"))
        .map_err(|error| format!("{error:?}"))?;
    let (snapshot, _) = config::compile_texts(&scenario.texts(), &env, at)
        .map_err(|problems| problems.to_string())?;
    let (mut parts, ()) = asked.request().into_parts();
    let before = parts.headers.clone();
    let mut decisions = Decisions::default();
    let host = asked.host.as_deref().unwrap_or("shop.example.com");
    let ip = asked.ip.as_ref().map(|ip| ip.parse().unwrap());
    let input = Input::Http(HttpRequest::new(&parts, host.as_bytes(), ip));
    let random = || 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
    snapshot.decide(input, at, Some(&random), &mut decisions);
    let mut plain = Decisions::default();
    let (longer, _) = config::compile_texts(&scenario.texts(), &env, at)
        .map_err(|problems| problems.to_string())?;
    without_shortcuts(longer).decide(input, at, Some(&random), &mut plain);
    assert_eq!(decisions.by_feature, plain.by_feature, "without shortcuts");
    assert_eq!(decisions.people, plain.people, "without shortcuts");
    decisions.forged = snapshot.forged_fields.strip(&mut parts.headers);
    snapshot.write(&mut parts.headers, &decisions);
    if let Some(expected) = &row.expect {
        let sent = written(&before, &parts.headers);
        let expected: Texts = expected
            .iter()
            .map(|(name, value)| {
                (
                    name.to_lowercase(),
                    value.replace("{revision}", &snapshot.revision),
                )
            })
            .collect();
        if sent != expected {
            return Err(format!("sent {sent:?}, expected {expected:?}"));
        }
    }
    for (feature, expected) in &row.gets {
        let (index, feature) = found(&snapshot, feature)?;
        let variant = decisions.by_feature[index].map_or("none", |decision| {
            &*feature.variants[usize::from(decision.variant)].name
        });
        if variant != expected {
            return Err(format!("{}: {variant}, expected {expected}", feature.key));
        }
    }
    for (feature, expected) in &row.reason {
        let decision = decision(&snapshot, &decisions, feature)?;
        let reason = decision.map_or("none", |decision| decision.reason.as_str());
        if reason != expected {
            return Err(format!("{feature}: {reason}, expected {expected}"));
        }
    }
    for (feature, expected) in &row.rule {
        let rule = decision(&snapshot, &decisions, feature)?.map(|decision| decision.rule);
        if rule != Some(*expected) {
            return Err(format!("{feature}: rule {rule:?}, expected {expected}"));
        }
    }
    let person = match decisions.user_sources[0] {
        UserSource::Absent => "unknown".to_owned(),
        UserSource::Conflict => "conflict".to_owned(),
        UserSource::Source(source) => format!("source {source}"),
        UserSource::Context => "context".to_owned(),
    };
    if let Some(expected) = row.person.as_ref().filter(|expected| **expected != person) {
        return Err(format!("person {person}, expected {expected}"));
    }
    let outcome = decisions
        .overrides
        .iter()
        .flatten()
        .next()
        .map(|outcome| outcome.as_str());
    if row.forced.is_some() && outcome != row.forced.as_deref() {
        return Err(format!("override {outcome:?}, expected {:?}", row.forced));
    }
    match row.visitor {
        Some(expected) if decisions.visitor.is_some() != expected => Err(format!(
            "visitor {:?}, expected {expected}",
            decisions.visitor
        )),
        _ => Ok(()),
    }
}

fn found<'a>(snapshot: &'a Snapshot, key: &str) -> Result<(usize, &'a Feature), String> {
    let mut features = snapshot.features();
    let found = features.find(|(_, _, feature)| *feature.key == *key);
    let (index, _, feature) = found.ok_or(format!("there is no feature {key}"))?;
    Ok((index, feature))
}

fn decision(
    snapshot: &Snapshot,
    decisions: &Decisions,
    key: &str,
) -> Result<Option<Decision>, String> {
    let (index, _) = found(snapshot, key)?;
    Ok(decisions.by_feature[index])
}

/// What the application sees and the client did not send, and what it sees otherwise than it was sent.
fn written(before: &HeaderMap, after: &HeaderMap) -> Texts {
    let text = |name: &HeaderName, values: &HeaderMap| {
        let values: Vec<_> = values
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        values.join(" | ")
    };
    let changed =
        |name: &&HeaderName| before.get(*name).is_none() || text(name, before) != text(name, after);
    // a field that begins with X-Feature is always looked at: it may not be the client's
    let names = after
        .keys()
        .filter(|name| name.as_str().starts_with("x-feature") || changed(name));
    names
        .map(|name| (name.to_string(), text(name, after)))
        .collect()
}

/// How many rows these scenarios have, and what is wrong with them.
pub(crate) fn wrong(text: &str) -> (usize, Vec<String>) {
    let scenarios: Vec<Scenario> =
        serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    let (mut rows, mut wrong) = (0, Vec::new());
    for scenario in &scenarios {
        for (number, row) in scenario.rows.iter().enumerate() {
            rows += 1;
            if let Err(difference) = differences(scenario, row) {
                wrong.push(format!(
                    "{}: row {}: {difference}",
                    scenario.says,
                    number + 1
                ));
            }
        }
    }
    (rows, wrong)
}

#[test]
fn requests_in_headers_out() {
    let (mut rows, mut said) = (0, Vec::new());
    for path in files("tests/data/scenarios", "yaml") {
        let (count, wrong) = wrong(&fs::read_to_string(&path).unwrap());
        rows += count;
        said.extend(
            wrong
                .iter()
                .map(|wrong| format!("{}: {wrong}", name(&path))),
        );
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
    assert!(rows >= 150, "{rows} rows");
}
