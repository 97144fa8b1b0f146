//! LaunchDarkly: file data (`flags`, `flagValues`, `segments`), one flag as SDKs have it, or as the REST API gives it.
//!
//! The draw: SHA-1 of `KEY.SALT.ID`, or of `SEED.ID`, 60 leading bits out of 2^60, below the sum of `weight / 100000` in doubles;
//! the last arm takes the rest. Carried: targets, rules, prerequisites, segments whose members are in the file.
//! Refused: big segments, percentages inside segments, patterns that look ahead, migrations.

use super::{
    dates::{shown, whole_second},
    desk::{Desk, Variants},
    lower,
    out::{Give, OutDraw, OutFeature, OutRule, When},
    read::{entries, get, is_list, is_map, is_true, items, json, number, text, texts},
};
use crate::config::{self, Node};
use serde_json::Value;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let mut found = false;
    if let Some(flags) = get(root, "flags").filter(|flags| is_map(flags)) {
        found = true;
        for entry in entries(flags) {
            if !one(desk, &entry.key, &entry.value) {
                break;
            }
        }
    }
    if let Some(values) = get(root, "flagValues") {
        found = true;
        for entry in entries(values) {
            if !desk.begin(&entry.key) {
                break;
            }
            let mut variants = Variants::default();
            let ours = variants.add(
                &variation_name(0, &json(&entry.value)),
                Some(json(&entry.value)),
            );
            let feature = OutFeature {
                name: desk.feature(&entry.key),
                variants: variants.declare().unwrap_or_default(),
                default: ours.clone(),
                own: Some(Give::one(ours)),
                ..OutFeature::default()
            };
            desk.done(&entry.value, Some(feature));
        }
    }
    if !found && let (Some(key), Some(_)) = (text(root, "key"), get(root, "variations")) {
        found = true;
        let key = key.to_owned();
        one(desk, &key, root);
    }
    if !found {
        desk.refuse::<()>(
            root,
            "there is neither `flags` nor `flagValues` in it, and it is no flag",
            "give file data, or the JSON of a flag",
        );
    }
}

fn one(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> bool {
    if !desk.begin(key) {
        return false;
    }
    let feature = flag(desk, key, node);
    desk.done(node, feature);
    true
}

/// What a flag is read with.
struct Flag<'a> {
    key: &'a str,
    salt: Option<&'a str>,
    /// by index; none where one is broken
    variants: Vec<String>,
    by: Option<String>,
}

/// `true`, `blue`, or `variation-2` where the value is no name.
fn variation_name(index: usize, value: &Value) -> String {
    match value {
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if config::is_variant(text) => text.clone(),
        _ => format!("variation-{index}"),
    }
}

/// Where the state of a flag stands: in itself, or in the environment that is meant.
fn environment<'n, 't>(desk: &mut Desk<'_, '_>, node: &'n Node<'t>) -> Option<&'n Node<'t>> {
    let Some(all) = get(node, "environments").filter(|all| is_map(all)) else {
        return Some(node);
    };
    match (entries(all), &desk.options.environment) {
        (some, Some(wanted)) => match some.iter().find(|entry| entry.key == **wanted) {
            Some(entry) => Some(&entry.value),
            None => desk.refuse(all, format!("there is no environment `{wanted}`"), ""),
        },
        ([only], None) => Some(&only.value),
        (some, None) => {
            let names: Vec<_> = some.iter().map(|entry| &*entry.key).collect();
            desk.refuse(
                all,
                "it has several environments",
                format!(
                    "name one: `--environment {}`",
                    names.join("`, `--environment ")
                ),
            )
        }
    }
}

fn flag(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    if !is_map(node) {
        return desk.refuse(node, "a flag is a map", "");
    }
    let mut variants = Variants::default();
    let Some(list) = get(node, "variations").filter(|list| is_list(list)) else {
        return desk.refuse(node, "it has no list `variations`", "");
    };
    let names: Vec<String> = items(Some(list))
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let value = json(
                get(one, "value")
                    .filter(|_| is_map(one) && get(one, "_id").is_some())
                    .unwrap_or(one),
            );
            variants.add(&variation_name(index, &value), Some(value))
        })
        .collect();
    let declared = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => return desk.refuse(list, why, "give them one type"),
    };
    let about = environment(desk, node)?;
    let mut flag = Flag {
        key,
        salt: text(about, "salt"),
        variants: names,
        by: None,
    };
    let off = match get(about, "offVariation") {
        Some(off) => variation(desk, &flag, off)?,
        None => {
            desk.note(
                about,
                "it has no `offVariation`: callers get the default in their code while it is off",
                "here that is `off`",
            );
            "off".to_owned()
        }
    };
    let mut feature = OutFeature {
        name: desk.feature(key),
        description: text(node, "description").map(str::to_owned),
        variants: declared,
        default: off.clone(),
        ..OutFeature::default()
    };
    if let Some(migration) = get(node, "migration") {
        desk.refuse::<()>(
            migration,
            "a migration is no feature",
            "its stages are for your own code",
        );
    }
    if !is_true(about, "on") {
        feature.own = Some(Give::one(off));
        feature.comments.push("was off".to_owned());
        return Some(feature);
    }
    feature.when = prerequisites(desk, items(get(about, "prerequisites")));
    feature.rules = targets(desk, &flag, about);
    for rule in items(get(about, "rules")) {
        let when = all_of(desk, items(get(rule, "clauses")));
        let give = give(desk, &mut flag, rule);
        if let (Some(when), Some(give)) = (when, give) {
            let name = text(rule, "description").filter(|name| !name.is_empty());
            let name = name.or(text(rule, "id")).map(str::to_owned);
            feature.rules.push(OutRule {
                name,
                when: Some(when),
                give,
            });
        }
    }
    feature.own = match get(about, "fallthrough") {
        Some(fallthrough) => give(desk, &mut flag, fallthrough),
        None => desk.refuse(about, "it is on and has no `fallthrough`", ""),
    };
    feature.by = flag.by.filter(|by| by != "user");
    Some(feature)
}

fn variation(desk: &mut Desk<'_, '_>, flag: &Flag<'_>, node: &Node<'_>) -> Option<String> {
    let index = node.text().and_then(|text| text.parse::<usize>().ok());
    match index.and_then(|index| flag.variants.get(index)) {
        Some(name) => Some(name.clone()),
        None => desk.refuse(node, format!("there is no variation {}", node.what()), ""),
    }
}

/// A variation, or a rollout.
fn give(desk: &mut Desk<'_, '_>, flag: &mut Flag<'_>, node: &Node<'_>) -> Option<Give> {
    if let Some(index) = get(node, "variation") {
        return variation(desk, flag, index).map(Give::one);
    }
    let Some(rollout) = get(node, "rollout") else {
        return desk.refuse(node, "it says neither `variation` nor `rollout`", "");
    };
    let is_experiment = text(rollout, "kind") == Some("experiment");
    let kind = text(rollout, "contextKind").unwrap_or("user");
    let attribute = text(rollout, "bucketBy").filter(|by| !is_experiment && *by != "key");
    let by = match (kind, attribute) {
        ("user", None) => "user".to_owned(),
        (kind, None) => desk.attribute(kind),
        (kind, Some(attribute)) => context_attribute(desk, kind, attribute),
    };
    match flag.by.get_or_insert_with(|| by.clone()) {
        known if *known == by => {}
        known => {
            let known = known.clone();
            return desk.refuse(
                rollout,
                format!("one rollout is drawn by `{known}`, another by `{by}`"),
                "a feature draws by one attribute",
            );
        }
    }
    let before = match (text(rollout, "seed"), flag.salt) {
        (Some(seed), _) => format!("{seed}."),
        (None, Some(salt)) => format!("{}.{salt}.", flag.key),
        (None, None) => {
            return desk.refuse(
                rollout,
                "the flag has no `salt`, so nobody knows who is where",
                "export it with its salt",
            );
        }
    };
    if before.contains("{unit}") {
        return desk.refuse(
            rollout,
            "its salt has `{unit}` in it",
            "a draw has one `{unit}`",
        );
    }
    let arms = items(get(rollout, "variations"));
    let (mut ends, mut sum) = (Vec::new(), 0.0);
    for arm in arms {
        let name = variation(desk, flag, get(arm, "variation").unwrap_or(arm))?;
        let weight = get(arm, "weight").and_then(number);
        let Some(weight) = weight.filter(|weight| (0.0..=100_000.0).contains(weight)) else {
            return desk.refuse(arm, "a weight is a number from 0 to 100000", "");
        };
        sum += weight / 100_000.0;
        let limit = sum;
        let holds = |number: u64| (number as f64) / 1_152_921_504_606_846_976.0 < limit;
        ends.push((
            name,
            lower::share(lower::first_outside(1 << 60, holds), 1 << 60),
        ));
        if is_true(arm, "untracked") {
            desk.note(
                arm,
                "this arm is not a part of the experiment (`untracked`)",
                "burgee counts whoever gets its variant: leave them out in your analysis",
            );
        }
    }
    if ends.is_empty() {
        return desk.refuse(rollout, "a rollout of no variations", "");
    }
    if by != "user" {
        let first = ends[0].0.clone();
        desk.note(
            rollout,
            format!("whoever has no `{by}` is bucket 0 there, and gets {first}"),
            "here they get the default",
        );
    }
    Some(Give::arms(&ends, OutDraw::new("sha1", before, "").bits(60)))
}

fn prerequisites(desk: &mut Desk<'_, '_>, list: &[Node<'_>]) -> Option<When> {
    let mut all = Vec::new();
    for one in list {
        let key = text(one, "key").unwrap_or("");
        let parent = get(desk.root, "flags").and_then(|flags| get(flags, key));
        let Some(parent) = parent else {
            desk.refuse::<()>(
                one,
                format!("it needs the flag `{key}`, which is not in the file"),
                "export both",
            );
            continue;
        };
        let index = text(one, "variation").and_then(|text| text.parse::<usize>().ok());
        let value =
            index.and_then(|index| items(get(parent, "variations")).get(index).map(|_| index));
        let Some(index) = value else {
            desk.refuse::<()>(one, "it needs a variation that there is not", "");
            continue;
        };
        if !is_true(parent, "on") {
            desk.refuse::<()>(
                one,
                format!("it needs `{key}`, which is off: so it is off, whatever that gives"),
                "turn one of them on, or take the prerequisite out",
            );
            continue;
        }
        let name = desk.feature(key);
        let mut variants = Variants::default();
        let names = items(get(parent, "variations")).iter().enumerate();
        let names: Vec<String> = names
            .map(|(index, one)| variants.add(&variation_name(index, &json(one)), None))
            .collect();
        let Some(ours) = names.get(index).cloned() else {
            continue;
        };
        all.push(When::Feature(name, vec![ours]));
    }
    When::all(all)
}

/// Listed keys, users first.
fn targets(desk: &mut Desk<'_, '_>, flag: &Flag<'_>, about: &Node<'_>) -> Vec<OutRule> {
    let mut rules = Vec::new();
    let lists = [get(about, "targets"), get(about, "contextTargets")];
    for target in lists.into_iter().flat_map(|list| items(list)) {
        let values = texts(get(target, "values"));
        if values.is_empty() {
            continue; // the place of the users' list among others
        }
        let name = match text(target, "contextKind").unwrap_or("user") {
            "user" => "user".to_owned(),
            kind => desk.attribute(kind),
        };
        if let Some(variant) =
            get(target, "variation").and_then(|index| variation(desk, flag, index))
        {
            rules.push(OutRule {
                name: None,
                when: Some(When::Is(name, values)),
                give: Give::one(variant),
            });
        }
    }
    rules
}

fn context_attribute(desk: &mut Desk<'_, '_>, kind: &str, attribute: &str) -> String {
    let attribute = attribute.trim_start_matches('/').replace('/', "-");
    match (kind, &*attribute) {
        ("user", "key") => "user".to_owned(),
        (kind, "key") => desk.attribute(kind),
        ("user", attribute) => desk.attribute(attribute),
        (kind, attribute) => desk.attribute(&format!("{kind}-{attribute}")),
    }
}

/// Every clause; none where one is refused, or where there is none.
fn all_of(desk: &mut Desk<'_, '_>, clauses: &[Node<'_>]) -> Option<When> {
    let parts: Vec<Option<When>> = clauses.iter().map(|one| clause(desk, one)).collect();
    When::all(parts.into_iter().collect::<Option<Vec<_>>>()?)
}

fn clause(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<When> {
    desk.step(node)?;
    let operator = text(node, "op").unwrap_or("");
    let list = get(node, "values");
    let values = texts(list);
    let is_negated = is_true(node, "negate");
    if operator == "segmentMatch" {
        let mut any = Vec::new();
        for value in items(list) {
            any.push(segment(desk, value)?);
        }
        if any.is_empty() {
            return desk.refuse(node, "a clause without values", "");
        }
        let when = When::any(any);
        return Some(if is_negated { when.not() } else { when });
    }
    let kind = text(node, "contextKind").unwrap_or("user");
    let attribute = text(node, "attribute").unwrap_or("");
    if attribute.is_empty() || attribute == "kind" {
        return desk.refuse(
            node,
            format!("a clause on `{attribute}`"),
            "write it by hand",
        );
    }
    let name = context_attribute(desk, kind, attribute);
    if values.is_empty() {
        return desk.refuse(
            node,
            "a clause without values",
            "nobody matches it: take it out",
        );
    }
    let op = |word: &'static str| When::Op(name.clone(), word, values.clone());
    let each = |word: &'static str| {
        let one = |value: &String| When::Op(name.clone(), word, vec![value.clone()]);
        When::any(values.iter().map(one).collect())
    };
    let versions = |sign: &str| {
        let ranges = values
            .iter()
            .map(|value| format!("{sign}{}", lower::version(value)))
            .collect();
        When::Op(name.clone(), "version", ranges)
    };
    let when = match operator {
        "in" => When::Is(name.clone(), values.clone()),
        "startsWith" => op("prefix"),
        "endsWith" => op("suffix"),
        "contains" => op("contains"),
        "matches" => {
            if let Some(bad) = values
                .iter()
                .find(|pattern| regex::Regex::new(pattern).is_err())
            {
                return desk.refuse(
                    list.unwrap_or(node),
                    format!(
                        "the pattern `{bad}` is none here: it looks ahead or behind, or refers back"
                    ),
                    "write it without",
                );
            }
            op("matches")
        }
        "lessThan" => each("below"),
        "lessThanOrEqual" => each("max"),
        "greaterThan" => each("above"),
        "greaterThanOrEqual" => each("min"),
        "semVerEqual" => versions("="),
        "semVerLessThan" => versions("<"),
        "semVerGreaterThan" => versions(">"),
        "before" | "after" => {
            let mut any = Vec::new();
            for value in &values {
                let Some((at, cut)) = whole_second(value) else {
                    return desk.refuse(list.unwrap_or(node), format!("`{value}` is no date"), "");
                };
                any.push(match operator {
                    "before" => When::Op(
                        name.clone(),
                        "until",
                        vec![shown(if cut { at + 1 } else { at })],
                    ),
                    _ => When::Op(name.clone(), "from", vec![shown(at + 1)]),
                });
            }
            When::any(any)
        }
        other => return desk.refuse(node, format!("the operator `{other}`"), "write it by hand"),
    };
    // whoever has no such attribute matches neither the clause nor its opposite
    Some(match is_negated {
        true => When::All(vec![When::Present(name, true), when.not()]),
        false => when,
    })
}

fn segment(desk: &mut Desk<'_, '_>, reference: &Node<'_>) -> Option<When> {
    let key = reference.text().unwrap_or("");
    let read = |desk: &mut Desk<'_, '_>| read_segment(desk, key, reference).map(Some);
    desk.shared(key, reference, read)?
}

fn read_segment(desk: &mut Desk<'_, '_>, key: &str, reference: &Node<'_>) -> Option<When> {
    let Some(node) = get(desk.root, "segments").and_then(|all| get(all, key)) else {
        return desk.refuse(
            reference,
            format!("the segment `{key}` is not in the file"),
            "export it",
        );
    };
    if is_true(node, "unbounded") {
        return desk.refuse(
            node,
            format!("the members of the big segment `{key}` are not in the file"),
            "have a proxy in front send a header for them, and ask that",
        );
    }
    let users = |list: Option<&Node<'_>>| {
        Some(texts(list))
            .filter(|list| !list.is_empty())
            .map(|list| When::Is("user".to_owned(), list))
    };
    let members = |desk: &mut Desk<'_, '_>, plain: &str, contexts: &str| {
        let mut any: Vec<When> = users(get(node, plain)).into_iter().collect();
        for one in items(get(node, contexts)) {
            let name = context_attribute(desk, text(one, "contextKind").unwrap_or("user"), "key");
            any.push(When::Is(name, texts(get(one, "values"))));
        }
        any.retain(|one| !matches!(one, When::Is(_, values) if values.is_empty()));
        any
    };
    let included = members(desk, "included", "includedContexts");
    let excluded = members(desk, "excluded", "excludedContexts");
    let mut rules = Vec::new();
    for rule in items(get(node, "rules")) {
        if let Some(weight) = get(rule, "weight") {
            return desk.refuse(
                weight,
                "a percentage inside a segment",
                "make it a feature, and ask for `feature.NAME`",
            );
        }
        rules.push(all_of(desk, items(get(rule, "clauses")))?);
    }
    let by_rules = match (rules.is_empty(), excluded.is_empty()) {
        (true, _) => None,
        (false, true) => Some(When::any(rules)),
        (false, false) => Some(When::All(vec![When::any(excluded).not(), When::any(rules)])),
    };
    let any: Vec<When> = included.into_iter().chain(by_rules).collect();
    match any.is_empty() {
        true => desk.refuse(
            node,
            format!("nobody is in the segment `{key}`"),
            "take the clause out",
        ),
        false => Some(When::Segment(desk.segment(key, When::any(any)))),
    }
}
