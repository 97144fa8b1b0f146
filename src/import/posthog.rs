//! PostHog: flags for local evaluation, with their groups of conditions.
//!
//! The draw: SHA-1 of `KEY.ID`, 60 leading bits / (2^60 - 1), at most the percentage; variants by `KEY.IDvariant`. Conditions are an OR that
//! falls through; all draw one number, so rules in falling order of percentage mean the same. What the variants leave is on.
//! Refused: experience continuity (it is in PostHog's database), cohorts, relative dates, holdouts.

use super::{
    dates::{shown, whole_second},
    desk::{Desk, Variants},
    lower,
    out::{Arms, Give, OutDraw, OutDraws, OutFeature, Reach, WHOLE, When},
    read::{entries, get, is_list, is_true, items, number, text, texts},
};
use crate::config::Node;
use serde_json::Value;

/// 2^60 - 1, as doubles have it.
const LONGEST: f64 = 1_152_921_504_606_846_975.0;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let list = if is_list(root) {
        Some(root)
    } else {
        get(root, "flags").or(get(root, "results"))
    };
    let Some(list) = list.filter(|list| is_list(list)) else {
        desk.refuse::<()>(
            root,
            "there is no list `flags` in it",
            "give what `/api/feature_flag/local_evaluation` answers",
        );
        return;
    };
    for node in items(Some(list))
        .iter()
        .filter(|node| !is_true(node, "deleted"))
    {
        let key = text(node, "key").unwrap_or("");
        if !desk.begin(key) {
            break;
        }
        if key.is_empty() || key.contains("{unit}") {
            desk.refuse::<()>(node, "a flag without a key that can be drawn by", "");
            continue;
        }
        let feature = flag(desk, key, node);
        desk.done(node, feature);
    }
}

fn below(percent: f64) -> u32 {
    let holds = |number: u64| number as f64 / LONGEST <= percent / 100.0;
    lower::share(lower::first_outside(1 << 60, holds), 1 << 60)
}

fn flag(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    let Some(filters) = get(node, "filters") else {
        return desk.refuse(node, "it has no `filters`", "");
    };
    if is_true(node, "ensure_experience_continuity") {
        desk.refuse::<()>(
            node,
            "who has it already is kept in PostHog's database (experience continuity)",
            "turn that off there first",
        );
    }
    for holdout in ["holdout", "holdout_groups"] {
        if let Some(holdout) =
            get(filters, holdout).filter(|list| !is_list(list) || !items(Some(list)).is_empty())
        {
            desk.refuse::<()>(
                holdout,
                "a holdout is one more draw",
                "make it a feature, and ask for `feature.holdout`",
            );
        }
    }
    let mut variants = Variants::default();
    let (mut ends, mut sum) = (Vec::new(), 0.0);
    let payloads = get(filters, "payloads");
    for one in items(get(filters, "multivariate").and_then(|all| get(all, "variants"))) {
        let (Some(name), Some(share)) = (
            text(one, "key"),
            get(one, "rollout_percentage").and_then(number),
        ) else {
            return desk.refuse(one, "a variant without `key` or `rollout_percentage`", "");
        };
        let ours = variants.add(name, None);
        sum += share / 100.0;
        let limit = sum;
        let holds = |number: u64| (number as f64 / LONGEST) < limit;
        ends.push((
            ours,
            lower::share(lower::first_outside(1 << 60, holds), 1 << 60),
        ));
    }
    let declared = payload(desk, payloads, &variants);
    let by = match text(filters, "aggregation_group_type_index") {
        None => None,
        Some(index) => {
            match get(desk.root, "group_type_mapping").and_then(|all| text(all, index)) {
                Some(group) => Some(desk.attribute(group)),
                None => {
                    return desk.refuse(
                        filters,
                        format!("the group type {index} has no name in `group_type_mapping`"),
                        "",
                    );
                }
            }
        }
    };
    let rollout = OutDraw::new("sha1", format!("{key}."), "").bits(60);
    let draws = OutDraws {
        serve: match ends.is_empty() {
            true => rollout.clone(),
            false => OutDraw::new("sha1", format!("{key}."), "variant").bits(60),
        },
        rollout,
    };
    if ends.last().is_some_and(|(_, end)| *end < WHOLE) {
        ends.push(("on".to_owned(), WHOLE));
    }
    let mut ways: Vec<(Option<When>, u32, Option<String>)> = Vec::new();
    for group in items(get(filters, "groups")) {
        let mut all = Some(Vec::new());
        for property in items(get(group, "properties")) {
            let when = self::property(desk, property);
            all = all.zip(when).map(|(mut all, when)| {
                all.push(when);
                all
            });
        }
        let percent = match get(group, "rollout_percentage") {
            None => 100.0,
            Some(percent) => {
                match number(percent).filter(|percent| (0.0..=100.0).contains(percent)) {
                    Some(percent) => percent,
                    None => return desk.refuse(percent, "it is no percentage", ""),
                }
            }
        };
        let variant = text(group, "variant").and_then(|name| variants.get(name));
        if variant.is_some() && percent < 100.0 {
            desk.refuse::<()>(
                group,
                "a variant of its own for a part of those whom a condition meets",
                "give it to all of them, or to none",
            );
        }
        let share = if percent >= 100.0 {
            WHOLE
        } else if percent <= 0.0 {
            0
        } else {
            below(percent)
        };
        if let Some(all) = all {
            ways.push((When::all(all), share, variant));
        }
    }
    // variants of their own come first there; then the wider of what draws one number
    ways.sort_by_key(|(_, share, variant)| (variant.is_none(), std::cmp::Reverse(*share)));
    ways.retain(|(_, share, _)| *share > 0);
    let mut feature = OutFeature {
        name: desk.feature(key),
        variants: declared,
        default: "off".to_owned(),
        by,
        ..OutFeature::default()
    };
    if !is_true(node, "active") {
        feature.status = Some("paused");
        feature.comments.push("was not active".to_owned());
    }
    for (when, share, variant) in ways {
        if !feature.add(when, give(share, variant, &ends, &draws)) {
            break;
        }
    }
    Some(feature)
}

fn give(share: u32, variant: Option<String>, ends: &[(String, u32)], draws: &OutDraws) -> Give {
    if let Some(variant) = variant {
        return Give::one(variant);
    }
    if ends.is_empty() {
        return Give::share(share, "on", "off", draws.rollout.clone());
    }
    let arms = Give::arms(ends, draws.serve.clone());
    match arms.serve {
        Arms::One(only) => Give::share(share, &only, "off", draws.rollout.clone()),
        serve => Give {
            rollout: Reach::Share(share),
            serve,
            draws: Some(draws.clone()),
        },
    }
}

/// What is declared, with payloads for all or for none.
fn payload(
    desk: &mut Desk<'_, '_>,
    payloads: Option<&Node<'_>>,
    variants: &Variants,
) -> Vec<(String, Option<Value>)> {
    let parsed = |node: &Node<'_>| {
        node.text()
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
    };
    let found: Vec<(String, Value)> = payloads
        .map(entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| Some((variants.get(&entry.key)?, parsed(&entry.value)?)))
        .collect();
    let Some((_, some)) = found.first() else {
        return variants.declared.clone();
    };
    let empty = match some {
        Value::Object(_) => Value::Object(Default::default()),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Number(_) => Value::from(0),
        Value::Bool(_) => Value::from(false),
        _ => Value::from(""),
    };
    if let (Some(node), true) = (payloads, found.len() < variants.declared.len()) {
        desk.note(
            node,
            "some variants have no payload",
            "here they get an empty one",
        );
    }
    let value = |name: &String| {
        found
            .iter()
            .find(|(one, _)| one == name)
            .map_or(empty.clone(), |(_, value)| value.clone())
    };
    let all: Vec<_> = variants
        .declared
        .iter()
        .map(|(name, _)| (name.clone(), Some(value(name))))
        .collect();
    let kind = |value: &Option<Value>| value.as_ref().map(std::mem::discriminant);
    match all
        .windows(2)
        .all(|pair| kind(&pair[0].1) == kind(&pair[1].1))
    {
        true => all,
        false => {
            if let Some(node) = payloads {
                desk.refuse::<()>(node, "its payloads have different types", "give them one");
            }
            variants.declared.clone()
        }
    }
}

fn property(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<When> {
    let kind = text(node, "type").unwrap_or("person");
    if kind == "cohort" {
        return desk.refuse(
            node,
            "the members of a cohort are not in the file",
            "have a proxy in front send a header for them, and ask that",
        );
    }
    let (Some(key), value) = (text(node, "key"), get(node, "value")) else {
        return desk.refuse(node, "a condition without `key`", "");
    };
    let name = match key {
        "distinct_id" | "$user_id" => "user".to_owned(),
        key => desk.attribute(key),
    };
    let values: Vec<String> = match value {
        Some(list) if is_list(list) => texts(Some(list)),
        Some(one) => one.text().map(str::to_owned).into_iter().collect(),
        None => Vec::new(),
    };
    let operator = text(node, "operator").unwrap_or("exact");
    if values.is_empty() && !matches!(operator, "is_set" | "is_not_set") {
        return desk.refuse(node, "a condition without a value", "");
    }
    let folded = |values: &[String]| {
        values
            .iter()
            .map(|value| format!("(?i){}", regex::escape(value)))
            .collect::<Vec<_>>()
    };
    let op = |word: &'static str| When::Op(name.clone(), word, values.clone());
    Some(match operator {
        "exact" | "is_not" => {
            if values
                .iter()
                .any(|value| value.chars().any(char::is_alphabetic))
            {
                desk.note(node, "`exact` ignores case there", "here it does not: `lower: true` of the attribute folds it, with the values in lower case");
            }
            let when = When::Is(name, values);
            if operator == "exact" {
                when
            } else {
                when.not()
            }
        }
        "icontains" => When::Op(name, "matches", folded(&values)),
        "not_icontains" => When::Op(name, "matches", folded(&values)).not(),
        "regex" | "not_regex" => {
            if values
                .iter()
                .any(|pattern| regex::Regex::new(pattern).is_err())
            {
                return desk.refuse(
                    node,
                    "the pattern is none here: it looks ahead or behind, or refers back",
                    "write it without",
                );
            }
            if operator == "regex" {
                op("matches")
            } else {
                op("matches").not()
            }
        }
        "gt" => op("above"),
        "gte" => op("min"),
        "lt" => op("below"),
        "lte" => op("max"),
        "is_set" => When::Present(name, true),
        "is_not_set" => When::Present(name, false),
        "is_date_before" | "is_date_after" => match whole_second(&values[0]) {
            Some((at, _)) if operator == "is_date_before" => {
                When::Op(name, "until", vec![shown(at)])
            }
            Some((at, _)) => When::Op(name, "from", vec![shown(at + 1)]),
            None => {
                return desk.refuse(
                    node,
                    format!("`{}` is a relative date", values[0]),
                    "it has no words here: send what follows from it as a header",
                );
            }
        },
        other => {
            return desk.refuse(
                node,
                format!("the operator `{other}`"),
                "write the condition by hand",
            );
        }
    })
}
