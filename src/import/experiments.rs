//! williamgrosset/experiments: a published snapshot.
//!
//! The draw: murmur3 of `USER:SALT` modulo 10,000, and ranges with both ends: carried whole. Audience and targeting are both needed.

use super::{
    desk::{Desk, Variants},
    lower,
    out::{Give, OutDraw, OutFeature, When},
    read::{entries, get, is_list, is_map, items, json, text, texts},
};
use crate::config::Node;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let Some(list) = get(root, "experiments").filter(|list| is_list(list)) else {
        desk.refuse::<()>(
            root,
            "there is no list `experiments` in it",
            "give a published snapshot",
        );
        return;
    };
    for node in items(Some(list)) {
        let key = text(node, "key").unwrap_or("");
        if !desk.begin(key) {
            break;
        }
        if key.is_empty() || !is_map(node) {
            desk.refuse::<()>(node, "an experiment without `key`", "");
            continue;
        }
        let feature = experiment(desk, key, node);
        desk.done(node, feature);
    }
}

fn experiment(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    let mut variants = Variants::default();
    let mut by_id = Vec::new();
    for one in items(get(node, "variants")) {
        let Some(name) = text(one, "key") else {
            return desk.refuse(one, "a variant without `key`", "");
        };
        let payload =
            get(one, "payload").filter(|payload| !entries(payload).is_empty() || !is_map(payload));
        let ours = variants.add(name, payload.map(json));
        by_id.push((text(one, "id").unwrap_or(name), ours));
    }
    let declared = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => {
            return desk.refuse(node, why, "give all of them a payload of one type, or none");
        }
    };
    let mut ranges = Vec::new();
    for one in items(get(node, "allocations")) {
        let id = text(one, "variantId").unwrap_or("");
        let Some((_, name)) = by_id.iter().find(|(known, _)| *known == id) else {
            return desk.refuse(one, format!("there is no variant `{id}`"), "");
        };
        let end = |key: &str| {
            text(one, key)
                .and_then(|text| lower::decimal(text, 0))
                .filter(|end| *end < 10_000)
        };
        let (Some(first), Some(last)) = (end("rangeStart"), end("rangeEnd")) else {
            return desk.refuse(one, "a range lies within 0 to 9999", "");
        };
        if first > last {
            return desk.refuse(one, "this range goes backwards", "");
        }
        ranges.push((
            name.clone(),
            lower::share(first, 10_000),
            lower::share(last + 1, 10_000),
        ));
    }
    if ranges.is_empty() {
        return desk.refuse(node, "nothing is allocated", "");
    }
    let Some(salt) = text(node, "salt").filter(|salt| !salt.contains("{unit}")) else {
        return desk.refuse(
            node,
            "it has no `salt`, so nobody knows who is where",
            "export it with its salt",
        );
    };
    let draw = OutDraw::new("murmur3", "", format!(":{salt}")).out_of(10_000);
    let audience = any_rule(desk, items(get(node, "audienceRules")))?;
    let targeting = any_rule(desk, items(get(node, "targetingRules")))?;
    Some(OutFeature {
        name: desk.feature(key),
        description: text(node, "description").map(str::to_owned),
        variants: declared,
        default: "off".to_owned(),
        when: When::and(audience, targeting),
        own: Some(Give::ranges(ranges, draw)),
        ..OutFeature::default()
    })
}

/// Any rule, of which every condition; the outer none where one is refused.
fn any_rule(desk: &mut Desk<'_, '_>, rules: &[Node<'_>]) -> Option<Option<When>> {
    let mut any = Vec::new();
    for rule in rules {
        let mut all = Vec::new();
        for condition in items(get(rule, "conditions")) {
            all.push(self::condition(desk, condition)?);
        }
        match When::all(all) {
            Some(when) => any.push(when),
            None => return Some(None), // a rule without conditions holds for everybody
        }
    }
    Some((!any.is_empty()).then(|| When::any(any)))
}

fn condition(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<When> {
    let (Some(attribute), Some(value)) = (text(node, "attribute"), get(node, "value")) else {
        return desk.refuse(node, "a condition without `attribute` or `value`", "");
    };
    let values = match is_list(value) {
        true => texts(Some(value)),
        false => value.text().map(str::to_owned).into_iter().collect(),
    };
    if values.is_empty() {
        return desk.refuse(
            value,
            "a condition without values",
            "nobody meets it: take it out",
        );
    }
    let name = desk.attribute(attribute);
    let operator = text(node, "operator").unwrap_or("");
    let op = |word: &'static str| When::Op(name.clone(), word, values.clone());
    Some(match operator {
        "eq" | "equals" | "in" => When::Is(name, values),
        "neq" | "notEquals" | "notIn" | "not_in" | "nin" => When::Is(name, values).not(),
        "gt" => op("above"),
        "gte" => op("min"),
        "lt" => op("below"),
        "lte" => op("max"),
        "contains" => op("contains"),
        "startsWith" | "starts_with" => op("prefix"),
        "endsWith" | "ends_with" => op("suffix"),
        other => {
            return desk.refuse(
                node,
                format!("the operator `{other}`"),
                "write the condition by hand",
            );
        }
    })
}
