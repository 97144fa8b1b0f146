//! flagd: `{"flags": {KEY: {state, variants, defaultVariant, targeting}}}`, whose targeting is JSON logic.
//!
//! Carried: `if` chains, the comparisons that burgee has words for, `fractional` by literal weights. The draw is
//! murmur3(flag key + targeting key), or of the first argument: as integers from 2026-04 (`h * total >> 32 < sum`), before that
//! `|int32(h)| / (2^31 - 1) * 100 < 100 * sum / total` in doubles. The file does not say which, and they agree on few people.
//! Refused: weights and arms that are computed, CBOR, and what JSON logic can say beyond burgee's conditions.

use super::{
    desk::{Desk, Variants},
    lower,
    options::Flagd,
    out::{Give, OutDraw, OutFeature, When},
    read::{boolean, entries, first, get, is_list, is_map, items, json, number, only, text},
};
use crate::{
    config::{Kind, Node},
    engine::{instant, units::Second},
};

/// How deep conditions may refer to shared ones.
const DEEPEST: usize = 16;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let Some(flags) = get(root, "flags").filter(|flags| is_map(flags)) else {
        desk.refuse::<()>(
            root,
            "there is no map `flags` in it",
            "a flagd file is `{\"flags\": {…}}`",
        );
        return;
    };
    for entry in entries(flags) {
        if !desk.begin(&entry.key) {
            break;
        }
        let feature = flag(desk, &entry.key, &entry.value);
        desk.done(&entry.value, feature);
    }
}

/// What a flag is read with.
struct Flag<'a> {
    key: &'a str,
    variants: Variants,
    default: String,
    by: Option<String>,
}

fn flag(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    if !is_map(node) {
        return desk.refuse(node, "a flag is a map", "");
    }
    let mut variants = Variants::default();
    for entry in get(node, "variants").map(entries).unwrap_or_default() {
        match entry.value.is_null() {
            true => return desk.refuse(&entry.value, "a variant of no value", "give it one"),
            false => variants.add(&entry.key, Some(json(&entry.value))),
        };
    }
    let declared = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => {
            return desk.refuse(
                first(node, &["variants"]).unwrap_or(node),
                why,
                "give them one type",
            );
        }
    };
    let named = get(node, "defaultVariant");
    let default = match named.and_then(Node::text) {
        Some(name) => match variants.get(name) {
            Some(ours) => ours,
            None => {
                return desk.refuse(
                    named.unwrap_or(node),
                    format!("there is no variant `{name}`"),
                    "",
                );
            }
        },
        None => {
            desk.note(
                node,
                "it has no `defaultVariant`: the default is in the code of each caller",
                "here it is `off`",
            );
            "off".to_owned()
        }
    };
    let mut feature = OutFeature {
        name: desk.feature(key),
        variants: declared,
        default: default.clone(),
        ..OutFeature::default()
    };
    if let Some(metadata) = get(node, "metadata").filter(|metadata| is_map(metadata)) {
        feature.metadata = Some(json(metadata));
    }
    match text(node, "state") {
        Some("ENABLED") => {}
        Some("DISABLED") => {
            let at = get(node, "state").unwrap_or(node);
            desk.note(
                at,
                "DISABLED gives the default that is in the code of the caller",
                "carried as `status: draft`: no header",
            );
            feature.status = Some("draft");
        }
        _ => {
            return desk.refuse(
                get(node, "state").unwrap_or(node),
                "`state` is neither ENABLED nor DISABLED",
                "",
            );
        }
    }
    let mut flag = Flag {
        key,
        variants,
        default,
        by: None,
    };
    let mut rules = Vec::new();
    let targeting = get(node, "targeting")
        .filter(|targeting| !entries(targeting).is_empty() || !is_map(targeting));
    match targeting {
        None => rules.push((None, Give::one(flag.default.clone()))),
        Some(targeting) => branch(desk, &mut flag, targeting, None, &mut rules),
    }
    for (when, give) in rules {
        if !feature.add(when, give) {
            break;
        }
    }
    feature.by = flag.by.filter(|by| by != "user");
    Some(feature)
}

type Rules = Vec<(Option<When>, Give)>;

/// A part of the targeting that says which variant: a name, null, `if`, `fractional`, or a condition.
fn branch(
    desk: &mut Desk<'_, '_>,
    flag: &mut Flag<'_>,
    node: &Node<'_>,
    given: Option<When>,
    rules: &mut Rules,
) {
    if node.is_null() {
        return rules.push((given, Give::one(flag.default.clone())));
    }
    if let (false, Some(name)) = (is_map(node) || is_list(node), node.text()) {
        return match flag.variants.get(name) {
            Some(ours) => rules.push((given, Give::one(ours))),
            None => drop(desk.refuse::<()>(node, format!("there is no variant `{name}`"), "")),
        };
    }
    match only(node) {
        Some(("if", arguments)) => {
            let mut arguments = items(Some(arguments));
            while let [asked, then, rest @ ..] = arguments {
                // more than a feature may have: it is refused where it is put together
                if rules.len() > 100 {
                    return;
                }
                let Some(when) = condition(desk, asked, 0) else {
                    return;
                };
                match when {
                    Asked::Always => return branch(desk, flag, then, given, rules),
                    Asked::Never => {}
                    Asked::When(when) => branch(
                        desk,
                        flag,
                        then,
                        When::and(given.clone(), Some(when)),
                        rules,
                    ),
                }
                arguments = rest;
            }
            match arguments {
                [otherwise] => branch(desk, flag, otherwise, given, rules),
                _ => rules.push((given, Give::one(flag.default.clone()))),
            }
        }
        Some(("fractional", arguments)) => {
            if let Some(give) = fractional(desk, flag, arguments) {
                rules.push((given, give));
            }
        }
        // a condition by itself: `true` and `false` name variants
        _ => {
            let Some(asked) = condition(desk, node, 0) else {
                return;
            };
            let (Some(on), Some(off)) = (flag.variants.get("true"), flag.variants.get("false"))
            else {
                desk.refuse::<()>(
                    node,
                    "a condition that is neither in an `if` nor of variants `true` and `false`",
                    "write it as a rule",
                );
                return;
            };
            match asked {
                Asked::Always => rules.push((given, Give::one(on))),
                Asked::Never => rules.push((given, Give::one(off))),
                Asked::When(when) => {
                    rules.push((When::and(given.clone(), Some(when)), Give::one(on)));
                    rules.push((given, Give::one(off)));
                }
            }
        }
    }
}

fn fractional(desk: &mut Desk<'_, '_>, flag: &mut Flag<'_>, node: &Node<'_>) -> Option<Give> {
    let arms = items(Some(node));
    let (before, after, by, arms) = match arms {
        [first, rest @ ..] if !is_list(first) => {
            let (before, after, by) = bucketed(desk, flag, first)?;
            (before, after, by, rest)
        }
        arms => (flag.key.to_owned(), String::new(), "user".to_owned(), arms),
    };
    let mut weights: Vec<(String, u64)> = Vec::new();
    for arm in arms {
        let (name, weight) = match items(Some(arm)) {
            [name] => (name, None),
            [name, weight] => (name, Some(weight)),
            _ => return desk.refuse(arm, "an arm is a variant and its weight", ""),
        };
        let Some(theirs) = name.text() else {
            return desk.refuse(
                name,
                "a condition inside an arm",
                "by hand: a rule for each side of the condition, both with this same `draw`",
            );
        };
        let Some(ours) = flag.variants.get(theirs) else {
            return desk.refuse(name, format!("there is no variant `{theirs}`"), "");
        };
        let weight = match weight {
            None => 1,
            Some(weight) => match weight.text().and_then(|text| lower::decimal(text, 0)) {
                Some(whole) if whole <= i32::MAX as u64 => whole,
                _ if is_map(weight) => {
                    let hint = glide(weight, items(Some(node)).len());
                    return desk.refuse(
                        weight,
                        format!("the weight of `{theirs}` is computed"),
                        hint,
                    );
                }
                _ => return desk.refuse(weight, "a weight is a whole number", ""),
            },
        };
        weights.push((ours, weight));
    }
    let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
    if total == 0 || total > i32::MAX as u64 {
        return desk.refuse(node, format!("the weights add up to {total}"), "");
    }
    match flag.by.get_or_insert_with(|| by.clone()) {
        known if *known == by => {}
        known => {
            let known = known.clone();
            return desk.refuse(
                node,
                format!("one share is drawn by `{known}`, another by `{by}`"),
                "a feature draws by one attribute",
            );
        }
    }
    if format!("{before}{after}").contains("{unit}") {
        return desk.refuse(
            node,
            "what is hashed has `{unit}` in it",
            "a draw has one `{unit}`",
        );
    }
    let plain = OutDraw::new("murmur3", before, after);
    let mut sum = 0;
    let mut so_far = 0.0;
    let ends: Vec<(String, u32)> = match desk.options.flagd {
        None => return desk.refuse(node, "the file does not say how its flagd draws", "say `--flagd int` (from 2026-04) or `--flagd float` (before): they agree on few people"),
        Some(Flagd::Cbor) => return desk.refuse(node, "the draw over CBOR (flagd-core 2.0.0 of PyPI) has no words here", "use a flagd that draws as integers, which most do"),
        Some(Flagd::Int) => {
            let end = |(name, weight): (String, u64)| {
                sum += weight;
                (name, lower::share(sum, total))
            };
            weights.into_iter().map(end).collect()
        }
        Some(Flagd::Float) => {
            let end = |(name, weight): (String, u64)| {
                so_far += 100.0 * weight as f64 / total as f64;
                let limit = so_far;
                let holds = |number: u64| number as f64 / 2_147_483_647.0 * 100.0 < limit;
                (name, lower::share(lower::first_outside(1 << 31, holds), 1 << 31))
            };
            weights.into_iter().map(end).collect()
        }
    };
    let draw = OutDraw {
        signed: desk.options.flagd == Some(Flagd::Float),
        ..plain
    };
    Some(Give::arms(&ends, draw))
}

/// What is hashed, where an arm's list begins with it: text before and after one variable.
fn bucketed(
    desk: &mut Desk<'_, '_>,
    flag: &Flag<'_>,
    node: &Node<'_>,
) -> Option<(String, String, String)> {
    let parts: &[Node<'_>] = match only(node) {
        Some(("cat", parts)) if is_list(parts) => items(Some(parts)),
        _ => std::slice::from_ref(node),
    };
    let (mut texts, mut by) = ([String::new(), String::new()], None);
    for part in parts {
        let variable = only(part)
            .filter(|(operator, _)| *operator == "var")
            .and_then(|(_, name)| var(name));
        match (variable, part.text()) {
            (Some("$flagd.flagKey"), _) => texts[usize::from(by.is_some())].push_str(flag.key),
            (Some(name), _) if by.is_none() => {
                by = Some(match name {
                    "targetingKey" => "user".to_owned(),
                    name => {
                        desk.note(
                            part,
                            format!("drawn by `{name}`: whoever has none gets the default here"),
                            "flagd's languages disagree on such people",
                        );
                        desk.attribute(name)
                    }
                });
            }
            (None, Some(text)) if !is_map(part) => texts[usize::from(by.is_some())].push_str(text),
            _ => {
                return desk.refuse(
                    part,
                    "what is hashed is more than text and one variable",
                    "a draw has one `{unit}`",
                );
            }
        }
    }
    let [before, after] = texts;
    match by {
        Some(by) => Some((before, after, by)),
        _ => desk.refuse(
            node,
            "what is hashed has no variable",
            "a draw has one `{unit}`",
        ),
    }
}

/// `{"var": "email"}`, `{"var": ["email"]}`
fn var<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match &node.kind {
        Kind::List(items) => match &items[..] {
            [one] => one.text(),
            _ => None,
        },
        Kind::Map(_) => None,
        _ => node.text(),
    }
}

/// A weight that grows with the clock: what could be written for it.
fn glide(weight: &Node<'_>, arms: usize) -> String {
    let read = || {
        let (_, quotient) = only(weight).filter(|(operator, _)| *operator == "/")?;
        let [difference, divisor] = items(Some(quotient)) else {
            return None;
        };
        let (_, difference) = only(difference).filter(|(operator, _)| *operator == "-")?;
        let [clock, start] = items(Some(difference)) else {
            return None;
        };
        let (_, name) = only(clock).filter(|(operator, _)| *operator == "var")?;
        if var(name) != Some("$flagd.timestamp") {
            return None;
        }
        let (start, divisor) = (number(start)? as i64, number(divisor)? as i64);
        let end = start.checked_add(divisor.checked_mul(100)?)?;
        Some((instant::show(Second(start)), instant::show(Second(end))))
    };
    match read() {
        Some((start, end)) if arms == 2 => format!(
            "it looks like a glide, which you may write with this `draw`: `rollout: {{from: 0%, to: 50%, start: {start}, end: {end}}}` (its weight is 100 then)"
        ),
        _ => "if it follows the clock, write a glide with this `draw`: `rollout: {from: 0%, to: 100%, start: …, end: …}`".to_owned(),
    }
}

/// What a condition comes to.
enum Asked {
    Always,
    Never,
    When(When),
}

fn condition(desk: &mut Desk<'_, '_>, node: &Node<'_>, depth: usize) -> Option<Asked> {
    desk.step(node)?;
    if let Some(is) = boolean(node) {
        return Some(if is { Asked::Always } else { Asked::Never });
    }
    let Some((operator, operand)) = only(node).filter(|_| depth < DEEPEST) else {
        return desk.refuse(
            node,
            "a condition that burgee has no words for",
            "write it by hand",
        );
    };
    let arguments = match &operand.kind {
        Kind::List(items) => &items[..],
        _ => std::slice::from_ref(operand),
    };
    let when = match (operator, arguments) {
        ("$ref", [name]) => {
            let shared = name
                .text()
                .and_then(|name| get(get(desk.root, "$evaluators")?, name));
            return match shared {
                Some(shared) => condition(desk, shared, depth + 1),
                None => desk.refuse(name, "there is no such evaluator", ""),
            };
        }
        ("and" | "or", some) if !some.is_empty() => {
            let all = operator == "and";
            let mut parts = Vec::new();
            for one in some {
                match condition(desk, one, depth + 1)? {
                    Asked::Always if all => {}
                    Asked::Never if !all => {}
                    Asked::Always => return Some(Asked::Always),
                    Asked::Never => return Some(Asked::Never),
                    Asked::When(when) => parts.push(when),
                }
            }
            match (parts.is_empty(), all) {
                (true, true) => return Some(Asked::Always),
                (true, false) => return Some(Asked::Never),
                (false, true) => When::all(parts)?,
                (false, false) => When::any(parts),
            }
        }
        ("!", [one]) => match condition(desk, one, depth + 1)? {
            Asked::Always => return Some(Asked::Never),
            Asked::Never => return Some(Asked::Always),
            Asked::When(when) => when.not(),
        },
        ("!!", [one]) => return condition(desk, one, depth + 1),
        ("var", _) => {
            let name = asked(desk, node)?;
            // JSON logic takes these for false
            When::All(vec![
                When::Present(name.clone(), true),
                When::Not(Box::new(When::Is(name, vec!["false".into(), "0".into()]))),
            ])
        }
        ("==" | "===" | "!=" | "!==", [one, other]) => {
            let (variable, value) = if is_variable(one) {
                (one, other)
            } else {
                (other, one)
            };
            let name = asked(desk, variable)?;
            let is = match (value.is_null(), value.text()) {
                (true, _) => When::Present(name, false),
                (_, Some(text)) if !is_map(value) => When::Is(name, vec![text.to_owned()]),
                _ => {
                    return desk.refuse(
                        value,
                        "a comparison with something that is computed",
                        "write it by hand",
                    );
                }
            };
            if operator.starts_with('!') {
                is.not()
            } else {
                is
            }
        }
        ("in", [one, other]) if is_variable(one) && is_list(other) => {
            let values: Vec<String> = items(Some(other))
                .iter()
                .filter_map(Node::text)
                .map(str::to_owned)
                .collect();
            if values.is_empty() {
                return Some(Asked::Never);
            }
            When::Is(asked(desk, one)?, values)
        }
        ("in", [one, other]) if is_variable(other) => match one.text() {
            Some(text) if !is_map(one) && !text.is_empty() => {
                desk.note(
                    node,
                    "`in` of one value holds for a part of a text and for an element of a list",
                    "here it is `contains`",
                );
                When::Op(asked(desk, other)?, "contains", vec![text.to_owned()])
            }
            _ => return desk.refuse(one, "a part of a text that is computed", "write it by hand"),
        },
        ("starts_with" | "ends_with", [variable, value]) => {
            match value.text().filter(|text| !text.is_empty()) {
                Some(text) if !is_map(value) => {
                    let word = if operator == "starts_with" {
                        "prefix"
                    } else {
                        "suffix"
                    };
                    When::Op(asked(desk, variable)?, word, vec![text.to_owned()])
                }
                _ => {
                    return desk.refuse(
                        value,
                        "a part of a text that is computed",
                        "write it by hand",
                    );
                }
            }
        }
        ("sem_ver", [variable, sign, version]) => {
            let (Some(sign), Some(version)) = (sign.text(), version.text()) else {
                return desk.refuse(node, "a version that is computed", "write it by hand");
            };
            let name = asked(desk, variable)?;
            let range = |sign: &str| {
                When::Op(
                    name.clone(),
                    "version",
                    vec![format!("{sign}{}", lower::version(version))],
                )
            };
            match sign {
                "=" | ">" | ">=" | "<" | "<=" | "^" | "~" => range(sign),
                "!=" => When::All(vec![When::Present(name.clone(), true), range("=").not()]),
                _ => {
                    return desk.refuse(
                        node,
                        format!("`{sign}` between versions"),
                        "write it by hand",
                    );
                }
            }
        }
        ("<" | "<=" | ">" | ">=", [one, other]) => compare(desk, node, operator, one, other)?,
        ("<" | "<=", [low, middle, high]) => {
            let above = compare(desk, node, operator, low, middle)?;
            let below = compare(desk, node, operator, middle, high)?;
            When::All(vec![above, below])
        }
        _ => {
            return desk.refuse(
                node,
                format!("`{operator}` in a condition"),
                "write it by hand",
            );
        }
    };
    Some(Asked::When(when))
}

fn is_variable(node: &Node<'_>) -> bool {
    only(node).is_some_and(|(operator, _)| operator == "var")
}

/// The attribute that a variable is here.
fn asked(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<String> {
    match only(node)
        .filter(|(operator, _)| *operator == "var")
        .and_then(|(_, name)| var(name))
    {
        Some("targetingKey") => Some("user".to_owned()),
        Some(name) if !name.starts_with("$flagd.") && !name.is_empty() => {
            Some(desk.attribute(name))
        }
        _ => desk.refuse(
            node,
            "a condition on something that is no attribute",
            "write it by hand",
        ),
    }
}

/// A number on one side, a variable on the other.
fn compare(
    desk: &mut Desk<'_, '_>,
    node: &Node<'_>,
    operator: &str,
    one: &Node<'_>,
    other: &Node<'_>,
) -> Option<When> {
    let (variable, value, operator) = match is_variable(one) {
        true => (one, other, operator),
        false => (
            other,
            one,
            match operator {
                "<" => ">",
                "<=" => ">=",
                ">" => "<",
                _ => "<=",
            },
        ),
    };
    let (Some(bound), Some(text)) = (number(value), value.text()) else {
        return desk.refuse(value, "a bound that is no number", "write it by hand");
    };
    if only(variable).and_then(|(_, name)| var(name)) == Some("$flagd.timestamp") {
        let second = bound.floor() as i64;
        let at = |second: i64| Some(instant::show(Second(second)));
        return Some(match operator {
            "<" if bound == bound.floor() => When::Now(None, at(second)),
            "<" | "<=" => When::Now(None, at(second.saturating_add(1))),
            ">=" if bound == bound.floor() => When::Now(at(second), None),
            _ => When::Now(at(second.saturating_add(1)), None),
        });
    }
    let name = asked(desk, variable)?;
    let (word, of_nothing) = match operator {
        "<" => ("below", 0.0 < bound),
        "<=" => ("max", 0.0 <= bound),
        ">" => ("above", 0.0 > bound),
        _ => ("min", 0.0 >= bound),
    };
    let when = When::Op(name.clone(), word, vec![text.to_owned()]);
    if !of_nothing {
        return Some(when);
    }
    desk.note(
        node,
        format!("whoever has no `{name}` counts as 0 in JSON logic, and so it holds for them"),
        "the rule says so; take it out where that was not meant",
    );
    Some(When::Any(vec![when, When::Present(name, false)]))
}
