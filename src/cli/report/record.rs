//! What a line of a log means to a report. In: text. Out: exposures and goals; a line that a collector has wrapped is unwrapped.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A line of ours.
#[derive(Debug)]
pub enum Record<'a> {
    /// somebody met a variant
    Exposure(Exposure<'a>),
    /// somebody reached a goal
    Goal(Goal<'a>),
    /// a visitor has signed in
    Person(Person<'a>),
}

/// Somebody met a variant.
#[derive(Debug)]
pub struct Exposure<'a> {
    /// in microseconds since 1970
    pub at: i64,
    /// which feature
    pub feature: &'a str,
    /// of which the variant is one
    pub variant: &'a str,
    /// who, where lines name anybody
    pub user: Option<&'a str>,
    /// what gave it, as it was written; none where nothing was drawn
    pub draw: Option<&'a str>,
}

/// Somebody reached a goal.
#[derive(Debug)]
pub struct Goal<'a> {
    /// in microseconds since 1970
    pub at: i64,
    /// which one
    pub goal: &'a str,
    /// who, where lines name anybody
    pub user: Option<&'a str>,
}

/// Two ids of one person.
#[derive(Debug)]
pub struct Person<'a> {
    /// in microseconds since 1970
    pub at: i64,
    /// who it was before
    pub visitor: &'a str,
    /// who it is
    pub user: &'a str,
}

/// A line that is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// another log's
    Other,
    /// cut off, or not what was promised
    Broken,
}

/// Calls `take` with each record of a line: one, or as many as a collector has put into it.
pub fn records(line: &[u8], mut take: impl FnMut(Result<Record<'_>, NotOurs>)) {
    // whoever collects lines may put a time or a name before them
    let begin = memchr::memchr(b'{', line);
    let Some((begin, text)) = begin.zip(begin.and_then(|at| std::str::from_utf8(&line[at..]).ok()))
    else {
        // every line of ours is an object, in UTF-8
        let is_ours = begin == Some(0);
        return take(Err(if is_ours {
            NotOurs::Broken
        } else {
            NotOurs::Other
        }));
    };
    match serde_json::from_str::<Fields<'_>>(text) {
        Ok(fields) if fields.is_ours() => take(fields.record().ok_or(NotOurs::Broken)),
        _ => match serde_json::from_str::<Value>(text) {
            Ok(value)
                if is_ours([KEY, "goal", "visitor", ID].map(|name| value.get(name).is_some())) =>
            {
                take(Err(NotOurs::Broken));
            }
            Ok(value) => {
                if !unwrapped(&value, &mut take) {
                    take(Err(NotOurs::Other));
                }
            }
            Err(_) if begin == 0 || was_ours(text) => take(Err(NotOurs::Broken)),
            Err(_) => take(Err(NotOurs::Other)),
        },
    }
}

const KEY: &str = "feature_flag.key";
const ID: &str = "feature_flag.context.id";

/// By which of our fields are there.
fn is_ours([feature, goal, visitor, user]: [bool; 4]) -> bool {
    feature || goal || visitor && user
}

/// What is left of a line that was cut off: the name of a field that only our kinds of lines have.
fn was_ours(text: &str) -> bool {
    text.contains(KEY) || text.contains("\"goal\":") || text.contains("\"visitor\":")
}

/// What Docker, Fluent Bit, Vector, Loki and OpenTelemetry's collector write has our line as a text in it, somewhere.
fn unwrapped(value: &Value, take: &mut impl FnMut(Result<Record<'_>, NotOurs>)) -> bool {
    match value {
        Value::String(text) => {
            let text = text.trim();
            let fields = text
                .starts_with('{')
                .then(|| serde_json::from_str::<Fields<'_>>(text));
            match fields {
                Some(Ok(fields)) if fields.is_ours() => {
                    take(fields.record().ok_or(NotOurs::Broken));
                    true
                }
                Some(Err(_)) if was_ours(text) => {
                    take(Err(NotOurs::Broken));
                    true
                }
                _ => false,
            }
        }
        Value::Array(values) => {
            let found = values.iter().map(|value| unwrapped(value, take));
            found.fold(false, |all, one| all | one)
        }
        Value::Object(fields) => {
            let found = fields.values().map(|value| unwrapped(value, take));
            found.fold(false, |all, one| all | one)
        }
        _ => false,
    }
}

/// The fields that a report needs; others may come.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow, rename = "feature_flag.key")]
    feature: Option<Text<'a>>,
    #[serde(borrow, rename = "feature_flag.result.variant")]
    variant: Option<Text<'a>>,
    #[serde(borrow, rename = "feature_flag.context.id")]
    user: Option<Text<'a>>,
    #[serde(borrow)]
    goal: Option<Text<'a>>,
    #[serde(borrow)]
    visitor: Option<Text<'a>>,
    #[serde(borrow)]
    draw: Option<&'a RawValue>,
}

/// Not copied unless it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Fields<'_> {
    fn is_ours(&self) -> bool {
        let all = [&self.feature, &self.goal, &self.visitor, &self.user];
        is_ours(all.map(Option::is_some))
    }

    fn record(&self) -> Option<Record<'_>> {
        let at = instant(&self.time.as_ref()?.0)?;
        let user = self.user.as_ref().map(|user| &*user.0);
        let user = user.filter(|user| !user.is_empty());
        if let Some(goal) = &self.goal {
            let goal = name(&goal.0)?;
            return Some(Record::Goal(Goal { at, goal, user }));
        }
        if let (Some(visitor), None) = (&self.visitor, &self.feature) {
            let visitor = Some(&*visitor.0).filter(|visitor| !visitor.is_empty())?;
            let user = user?;
            return Some(Record::Person(Person { at, visitor, user }));
        }
        Some(Record::Exposure(Exposure {
            at,
            feature: name(&self.feature.as_ref()?.0)?,
            variant: name(&self.variant.as_ref()?.0)?,
            user,
            draw: self.draw.map(RawValue::get),
        }))
    }
}

/// As features, variants and goals are named: what is shown does nothing to a terminal.
pub(super) fn name(name: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = (1..=160).contains(&name.len()) && name.bytes().all(is_part);
    is_name.then_some(name)
}

/// Microseconds since 1970. Ours are `2026-11-30T09:00:00.000000Z`, always; whoever rewrites them may do otherwise.
fn instant(text: &str) -> Option<i64> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(instant.unix_timestamp_nanos() / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the records of a line are, in short.
    fn short(line: &str) -> String {
        let mut all = Vec::new();
        records(line.as_bytes(), |record| {
            all.push(match record {
                Ok(Record::Exposure(one)) => format!(
                    "{} {}={} {} {}",
                    one.at,
                    one.feature,
                    one.variant,
                    one.user.unwrap_or("-"),
                    one.draw.unwrap_or("-")
                ),
                Ok(Record::Goal(one)) => {
                    format!("{} {} {}", one.at, one.goal, one.user.unwrap_or("-"))
                }
                Ok(Record::Person(one)) => format!("{} {} is {}", one.at, one.visitor, one.user),
                Err(why) => format!("{why:?}"),
            });
        });
        all.join(", ")
    }

    const EXPOSURE: &str = r#"{"time":"1970-01-01T00:00:01.000002Z","feature_flag.key":"shop.checkout","feature_flag.result.variant":"on","feature_flag.result.reason":"split","feature_flag.version":"0","feature_flag.context.id":"a6","draw":{"rule":"-"}}"#;
    const GOAL: &str = r#"{"time":"1970-01-01T00:00:02Z","goal":"purchase","feature_flag.version":"0","feature_flag.context.id":"a6","features":{"shop.checkout":"on"}}"#;

    const PERSON: &str = r#"{"time":"1970-01-01T00:00:03Z","visitor":"b7","feature_flag.version":"0","feature_flag.context.id":"a6"}"#;

    #[test]
    fn a_line_is_read_however_it_was_collected() {
        let exposure = r#"1000002 shop.checkout=on a6 {"rule":"-"}"#;
        let goal = "2000000 purchase a6";
        let text = |line: &str| Value::from(line).to_string();
        for (line, expected) in [
            (EXPOSURE.to_owned(), exposure.to_owned()),
            (GOAL.to_owned(), goal.to_owned()),
            (format!("{GOAL}\r"), goal.to_owned()),
            (PERSON.to_owned(), "3000000 b7 is a6".to_owned()),
            (
                format!(r#"{{"log":{}}}"#, text(PERSON)),
                "3000000 b7 is a6".to_owned(),
            ),
            // kubectl logs --prefix, --timestamps; containerd
            (format!("[pod/shop-1/burgee] {GOAL}"), goal.to_owned()),
            (
                format!("2026-11-30T00:00:00Z stdout F {GOAL}"),
                goal.to_owned(),
            ),
            // Docker, Loki, OpenTelemetry's collector
            (
                format!(
                    r#"{{"log":{},"stream":"stdout"}}"#,
                    text(&format!("{GOAL}\n"))
                ),
                goal.to_owned(),
            ),
            (
                format!(r#"{{"labels":{{}},"line":{}}}"#, text(GOAL)),
                goal.to_owned(),
            ),
            (
                format!(
                    r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":{}}}}},{{"body":{{"stringValue":{}}}}}]}}]}}]}}"#,
                    text(EXPOSURE),
                    text(GOAL)
                ),
                format!("{exposure}, {goal}"),
            ),
        ] {
            assert_eq!(short(&line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_broken_is_told_from_what_is_none_of_ours() {
        let without = |field: &str, line: &str| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            value.as_object_mut().unwrap().remove(field);
            value.to_string()
        };
        for (line, expected) in [
            (EXPOSURE[..EXPOSURE.len() - 1].to_owned(), "Broken"),
            (EXPOSURE[..20].to_owned(), "Broken"),
            (format!("x {}", &EXPOSURE[..60]), "Broken"),
            // a line of each kind that a pod's end cut off, as kubectl logs --prefix shows it, and as a collector wraps it
            (format!("[pod/shop-1/burgee] {}", &GOAL[..60]), "Broken"),
            (format!("[pod/shop-1/burgee] {}", &PERSON[..60]), "Broken"),
            (
                format!(r#"{{"log":{}}}"#, Value::from(&GOAL[..60])),
                "Broken",
            ),
            (
                format!(r#"{{"log":{}}}"#, Value::from(&PERSON[..60])),
                "Broken",
            ),
            (without("time", EXPOSURE), "Broken"),
            (without("time", GOAL), "Broken"),
            (without("feature_flag.result.variant", EXPOSURE), "Broken"),
            (EXPOSURE.replace("1970", "soon"), "Broken"),
            (without("time", PERSON), "Broken"),
            (PERSON.replace("b7", ""), "Broken"),
            (PERSON.replace("a6", ""), "Broken"),
            // another log's word
            (without("feature_flag.context.id", PERSON), "Other"),
            (EXPOSURE.replace(r#""on""#, "true"), "Broken"),
            (EXPOSURE.replace(r#""on""#, r#""\u001b[2J""#), "Broken"),
            (EXPOSURE.replace("shop.checkout", "a b"), "Broken"),
            (GOAL.replace("purchase", "käse"), "Broken"),
            (GOAL.replace(r#""purchase""#, "1"), "Broken"),
            (
                format!(r#"{{"log":{}}}"#, Value::from(&EXPOSURE[..90])),
                "Broken",
            ),
            (String::new(), "Other"),
            ("burgee listens".to_owned(), "Other"),
            (
                r#"{"time":1,"message":"of the application"}"#.to_owned(),
                "Other",
            ),
            (
                r#"{"message":"request","assignments":[{"feature_flag.key":"a"}]}"#.to_owned(),
                "Other",
            ),
            ("map {a b}".to_owned(), "Other"),
        ] {
            assert_eq!(short(&line), expected, "{line}");
        }
        let mut found = Vec::new();
        records(b"{\"goal\":\"\xff\"}", |record| found.push(record.err()));
        assert_eq!(found, [Some(NotOurs::Broken)]);
    }

    #[test]
    fn without_an_id_or_a_draw_a_line_is_still_one() {
        let line = EXPOSURE.replace(r#","feature_flag.context.id":"a6","draw":{"rule":"-"}"#, "");
        assert_eq!(short(&line), "1000002 shop.checkout=on - -");
    }
}
