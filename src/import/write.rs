//! The toggles file as text: block style for features, a line for each of their keys.
//! In: an [`OutFile`]. Out: YAML that `burgee check --strict` accepts.

use super::out::{Arms, Give, OutDraw, OutDraws, OutFeature, OutFile, OutRule, Reach, WHOLE, When};
use crate::engine::describe::reason::percent;
use serde_json::Value;
use std::fmt::Write as _;

/// How many values stand in one line.
const A_LINE: usize = 12;

/// The whole file; `head` are comments of the first lines.
pub(crate) fn text(file: &OutFile, head: &[String]) -> String {
    let mut out = String::from(
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/burgee/burgee/main/config/toggles.schema.json\n",
    );
    comments(&mut out, "", head);
    out.push_str("version: 1\n");
    if let Some(namespace) = &file.namespace {
        let _ = writeln!(out, "namespace: {}", word(namespace));
    }
    match &file.user[..] {
        [] => out.push_str("user: [header.x-user-id, cookie.user_id]   # to settle: where the id of the user comes from\n"),
        [one] => {
            let _ = writeln!(out, "user: {}", word(one));
        }
        several => {
            let _ = writeln!(out, "user: {}", list(several, 0));
        }
    }
    if !file.attributes.is_empty() {
        out.push_str("attributes:\n");
    }
    for attribute in &file.attributes {
        let source = match attribute.split {
            Some(split) => format!(
                "{{from: {}, split: {}}}",
                word(&attribute.source),
                word(split)
            ),
            None => word(&attribute.source),
        };
        let note = match attribute.to_settle {
            true => "   # to settle: which header carries it",
            false => "",
        };
        let _ = writeln!(out, "  {}: {source}{note}", word(&attribute.name));
    }
    if !file.segments.is_empty() {
        out.push_str("segments:\n");
    }
    for (name, when) in &file.segments {
        let _ = writeln!(out, "  {}: {}", word(name), condition(when, 4));
    }
    match file.features.is_empty() {
        true => out.push_str("features: {}\n"),
        false => out.push_str("features:\n"),
    }
    file.features.iter().for_each(|one| feature(&mut out, one));
    out
}

fn comments(out: &mut String, indent: &str, lines: &[String]) {
    for line in lines.iter().flat_map(|line| line.lines()) {
        let plain: String = line.chars().filter(|sign| !sign.is_control()).collect();
        let _ = writeln!(out, "{indent}# {plain}");
    }
}

fn feature(out: &mut String, feature: &OutFeature) {
    let _ = writeln!(out, "  {}:", word(&feature.name));
    comments(out, "    ", &feature.comments);
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "    {key}: {value}");
    };
    if let Some(description) = feature.description.as_ref().filter(|text| !text.is_empty()) {
        line("description", &quoted(description));
    }
    if let Some(metadata) = &feature.metadata {
        line("metadata", &metadata.to_string());
    }
    if let Some(status) = feature.status {
        line("status", status);
    }
    if !feature.variants.is_empty() {
        line("variants", &variants(&feature.variants));
    }
    if feature.default != "off" {
        line("default", &word(&feature.default));
    }
    if let Some(by) = &feature.by {
        line("by", &word(by));
    }
    if let Some(when) = &feature.when {
        line("when", &condition(when, 6));
    }
    // what most rules draw by stands once
    let rules = feature.rules.iter().map(|rule| &rule.give);
    let own = feature.own.as_ref();
    let common = own
        .into_iter()
        .chain(rules)
        .find_map(|give| give.draws.as_ref());
    if let Some(common) = common {
        line("draw", &draws(common));
    }
    if !feature.rules.is_empty() {
        out.push_str("    rules:\n");
        feature.rules.iter().for_each(|one| rule(out, one, common));
    }
    if let Some(give) = own {
        let is_default =
            !feature.rules.is_empty() && give.serve == Arms::One(feature.default.clone());
        if !(is_default && give.draws.is_none() && give.rollout == Reach::Share(WHOLE)) {
            for (key, value) in shares(give) {
                let _ = writeln!(out, "    {key}: {value}");
            }
        }
    }
}

fn rule(out: &mut String, rule: &OutRule, common: Option<&OutDraws>) {
    let mut keys: Vec<(&str, String)> = Vec::new();
    if let Some(name) = &rule.name {
        keys.push(("name", quoted(name)));
    }
    if let Some(when) = &rule.when {
        keys.push(("when", condition(when, 10)));
    }
    if let Some(own) = rule.give.draws.as_ref().filter(|own| Some(*own) != common) {
        keys.push(("draw", draws(own)));
    }
    keys.extend(shares(&rule.give));
    for (number, (key, value)) in keys.into_iter().enumerate() {
        let begin = if number == 0 { "      - " } else { "        " };
        let _ = writeln!(out, "{begin}{key}: {value}");
    }
}

fn shares(give: &Give) -> Vec<(&'static str, String)> {
    let mut keys = Vec::new();
    match &give.rollout {
        Reach::Share(WHOLE) => {}
        Reach::Share(share) => keys.push(("rollout", percent(*share).to_string())),
        Reach::Clock(text) => keys.push(("rollout", text.clone())),
    }
    let arm = |(name, share): &(String, u32)| format!("{}: {}", word(name), percent(*share));
    match &give.serve {
        Arms::One(one) => keys.push(("serve", word(one))),
        Arms::List(arms) => {
            let arms: Vec<_> = arms.iter().map(|one| format!("{{{}}}", arm(one))).collect();
            keys.push(("serve", format!("[{}]", arms.join(", "))));
        }
        Arms::Map(arms) => {
            let arms: Vec<_> = arms.iter().map(arm).collect();
            keys.push(("serve", format!("{{{}}}", arms.join(", "))));
        }
        Arms::Ranges(ranges) => {
            let mut names: Vec<&String> = Vec::new();
            for (name, ..) in ranges {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            let of = |name: &String| {
                let own = ranges.iter().filter(|(one, ..)| one == name);
                let own: Vec<_> = own
                    .map(|(_, from, to)| format!("[{}, {}]", percent(*from), percent(*to)))
                    .collect();
                match &own[..] {
                    [one] => format!("{}: {one}", word(name)),
                    several => format!("{}: [{}]", word(name), several.join(", ")),
                }
            };
            let all: Vec<_> = names.into_iter().map(of).collect();
            keys.push(("buckets", format!("{{{}}}", all.join(", "))));
        }
    }
    keys
}

fn draws(draws: &OutDraws) -> String {
    match draws.rollout == draws.serve {
        true => draw(&draws.serve),
        false => format!(
            "{{rollout: {}, serve: {}}}",
            draw(&draws.rollout),
            draw(&draws.serve)
        ),
    }
}

fn draw(draw: &OutDraw) -> String {
    let text = format!("{}{{unit}}{}", draw.before, draw.after);
    let mut keys = format!("{{hash: {}, text: {}", draw.hash, quoted(&text));
    if draw.seed != 0 {
        let _ = write!(keys, ", seed: {}", draw.seed);
    }
    if let Some(bits) = draw.bits {
        let _ = write!(keys, ", bits: {bits}");
    }
    if draw.little {
        keys.push_str(", order: little");
    }
    if draw.signed {
        keys.push_str(", signed: true");
    }
    if let Some(out_of) = draw.out_of {
        let _ = write!(keys, ", out-of: {out_of}");
    }
    keys + "}"
}

fn variants(variants: &[(String, Option<Value>)]) -> String {
    match variants.iter().all(|(_, value)| value.is_none()) {
        true => {
            let names: Vec<_> = variants.iter().map(|(name, _)| word(name)).collect();
            format!("[{}]", names.join(", "))
        }
        false => {
            let variant = |(name, value): &(String, Option<Value>)| {
                let value = value.clone().unwrap_or_else(|| Value::from(name.clone()));
                format!("{}: {value}", word(name))
            };
            let variants: Vec<_> = variants.iter().map(variant).collect();
            format!("{{{}}}", variants.join(", "))
        }
    }
}

/// A condition in one line, unless it has many values.
fn condition(when: &When, indent: usize) -> String {
    let each = |some: &[When]| {
        let some: Vec<_> = some.iter().map(|one| condition(one, indent)).collect();
        format!("[{}]", some.join(", "))
    };
    let values = |values: &[String]| match values {
        [one] => quoted(one),
        several => list(several, indent),
    };
    match when {
        When::Segment(name) => word(name),
        When::All(some) => format!("{{all: {}}}", each(some)),
        When::Any(some) => format!("{{any: {}}}", each(some)),
        When::Not(one) => format!("{{not: {}}}", condition(one, indent)),
        When::Is(name, some) => format!("{{{}: {}}}", word(name), values(some)),
        When::Op(name, operator, some) => {
            format!("{{{}: {{{operator}: {}}}}}", word(name), values(some))
        }
        When::Present(name, is) => format!("{{{}: {{present: {is}}}}}", word(name)),
        When::Feature(name, some) => {
            format!("{{{}: {}}}", word(&format!("feature.{name}")), values(some))
        }
        When::Now(from, until) => {
            let bound =
                |word: &str, at: &Option<String>| at.as_ref().map(|at| format!("{word}: {at}"));
            let bounds: Vec<_> = [bound("from", from), bound("until", until)]
                .into_iter()
                .flatten()
                .collect();
            format!("{{now: {{{}}}}}", bounds.join(", "))
        }
    }
}

fn list(values: &[String], indent: usize) -> String {
    let lines: Vec<_> = values
        .chunks(A_LINE)
        .map(|line| {
            line.iter()
                .map(|one| quoted(one))
                .collect::<Vec<_>>()
                .join(", ")
        })
        .collect();
    format!(
        "[{}]",
        lines.join(&format!(",\n{}", " ".repeat(indent + 2)))
    )
}

/// Without quotes where nobody could read it as something else.
fn word(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    // YAML has words for nothing
    let is_null = text.eq_ignore_ascii_case("null");
    match is_plain && !is_null {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A text of JSON is one of YAML.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = Value::from(text).to_string();
    // what YAML wants escaped and JSON does not
    for sign in [
        '\u{7f}', '\u{85}', '\u{a0}', '\u{2028}', '\u{2029}', '\u{feff}',
    ] {
        if quoted.contains(sign) {
            quoted = quoted.replace(sign, &format!("\\u{:04x}", u32::from(sign)));
        }
    }
    quoted
}
