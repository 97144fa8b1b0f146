//! Flipt: `flags` and `segments`, as its files and its exports have them.
//!
//! Thresholds draw CRC-32 of entity + flag key modulo 100; a miss falls through, which arms of one draw say. Distributions draw CRC-32 of
//! flag key + entity modulo 1,000: the server cuts each share off to thousandths, so that a number may belong to nobody; clients round.

use super::{
    dates::{shown, whole_second},
    desk::{Desk, Variants},
    lower,
    options::Flipt,
    out::{Give, OutDraw, OutFeature, WHOLE, When},
    read::{first, get, is_list, is_map, is_true, items, json, number, text, texts},
};
use crate::config::Node;
use serde_json::Value;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    if let Some(version) = get(root, "version")
        .filter(|version| !version.text().is_some_and(|text| text.starts_with("1.")))
    {
        desk.refuse::<()>(
            version,
            format!("version {} of the file is not known", version.what()),
            "1.0 to 1.5 are",
        );
        return;
    }
    let Some(flags) = get(root, "flags").filter(|flags| is_list(flags)) else {
        desk.refuse::<()>(root, "there is no list `flags` in it", "");
        return;
    };
    for node in items(Some(flags)) {
        let key = text(node, "key").unwrap_or("");
        if !desk.begin(key) {
            break;
        }
        if key.is_empty() || key.contains("{unit}") {
            desk.refuse::<()>(node, "a flag without a key that can be drawn by", "");
            continue;
        }
        let feature = match text(node, "type") {
            Some("BOOLEAN_FLAG_TYPE") => boolean(desk, key, node),
            _ => variant(desk, key, node),
        };
        desk.done(node, feature);
    }
}

fn word(is: bool) -> &'static str {
    if is { "on" } else { "off" }
}

fn boolean(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    let mut feature = OutFeature {
        name: desk.feature(key),
        description: text(node, "description").map(str::to_owned),
        default: "off".to_owned(),
        ..OutFeature::default()
    };
    // numbers that a threshold has taken so far: what comes later gets the others
    let mut taken: Vec<(String, u32)> = Vec::new();
    let draw = OutDraw::new("crc32", "", key).out_of(100);
    let with_rest = |taken: &[(String, u32)], rest: &str| {
        let mut ends = taken.to_vec();
        ends.push((rest.to_owned(), WHOLE));
        Give::arms(&ends, draw.clone())
    };
    for rollout in items(get(node, "rollouts")) {
        if let Some(threshold) = get(rollout, "threshold") {
            let Some(percent) = get(threshold, "percentage")
                .and_then(number)
                .filter(|percent| (0.0..=100.0).contains(percent))
            else {
                return desk.refuse(threshold, "its percentage is none", "");
            };
            let end = lower::share(f64::from(percent as f32).ceil() as u64, 100);
            if taken.last().is_none_or(|(_, last)| *last < end) {
                taken.push((word(is_true(threshold, "value")).to_owned(), end));
            }
        } else if let Some(segment) = get(rollout, "segment") {
            let when = segments(desk, segment)?;
            let give = with_rest(&taken, word(is_true(segment, "value")));
            if !feature.add(when, give) {
                return Some(feature);
            }
        } else {
            return desk.refuse(
                rollout,
                "a rollout that is neither `segment` nor `threshold`",
                "",
            );
        }
    }
    feature.own = Some(with_rest(&taken, word(is_true(node, "enabled"))));
    Some(feature)
}

fn variant(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    let mut variants = Variants::default();
    let attachment = |one: &Node<'_>| {
        let value = json(get(one, "attachment")?);
        let parsed = value.as_str().map(serde_json::from_str::<Value>);
        Some(match parsed {
            Some(Ok(parsed)) => parsed,
            _ => value,
        })
    };
    let list = items(get(node, "variants"));
    let some = list.iter().find_map(attachment);
    let mut default = "off".to_owned();
    for one in list {
        let Some(name) = text(one, "key") else {
            return desk.refuse(one, "a variant without a key", "");
        };
        let value = attachment(one).or_else(|| {
            some.as_ref().map(|some| match some {
                Value::Object(_) => Value::Object(Default::default()),
                Value::Array(_) => Value::Array(Vec::new()),
                _ => Value::from(""),
            })
        });
        let ours = variants.add(name, value);
        if is_true(one, "default") {
            default = ours;
        }
    }
    let mut feature = OutFeature {
        name: desk.feature(key),
        description: text(node, "description").map(str::to_owned),
        default,
        status: (!is_true(node, "enabled")).then_some("paused"),
        ..OutFeature::default()
    };
    for rule in items(get(node, "rules")) {
        let reference = first(rule, &["segment", "segments"]);
        let when = match reference {
            Some(reference) => segments(
                desk,
                if get(rule, "segments").is_some() && !is_list(reference) {
                    rule
                } else {
                    reference
                },
            )?,
            None => return desk.refuse(rule, "a rule without a segment", ""),
        };
        let give = distribution(desk, key, rule, &mut variants)?;
        if !feature.add(when, give) {
            break;
        }
    }
    feature.variants = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => return desk.refuse(node, why, "give the attachments one type"),
    };
    Some(feature)
}

/// Who gets what of 1,000 numbers.
fn distribution(
    desk: &mut Desk<'_, '_>,
    key: &str,
    rule: &Node<'_>,
    variants: &mut Variants,
) -> Option<Give> {
    let mut shares: Vec<(String, f32)> = Vec::new();
    for one in items(get(rule, "distributions")) {
        let Some(name) = first(one, &["variant", "variantKey"]).and_then(Node::text) else {
            return desk.refuse(one, "a distribution without a variant", "");
        };
        let ours = variants
            .get(name)
            .unwrap_or_else(|| variants.add(name, None));
        let Some(share) = get(one, "rollout")
            .and_then(number)
            .filter(|share| (0.0..=100.0).contains(share))
        else {
            return desk.refuse(one, "its rollout is no percentage", "");
        };
        shares.push((ours, share as f32));
    }
    if shares.is_empty() {
        return desk.refuse(rule, "a rule that distributes nothing", "");
    }
    let mut server = Vec::new();
    for (name, share) in &shares {
        let at = server.last().map_or(0, |(_, end)| *end);
        server.push((name.clone(), (at + (share * 10.0) as u64).min(1_000)));
    }
    let total: f32 = shares.iter().map(|(_, share)| *share).sum();
    let mut sum = 0.0_f32;
    let mut client: Vec<(String, u64)> = shares
        .iter()
        .map(|(name, share)| {
            sum += share / total * 100.0;
            (
                name.clone(),
                ((f64::from(sum * 10.0) + 0.5) as u64).min(1_000),
            )
        })
        .collect();
    if let Some((_, end)) = client.last_mut() {
        *end = 1_000;
    }
    let ends = match desk.options.flipt {
        _ if server == client => server,
        Some(Flipt::Server) => server,
        Some(Flipt::Client) => client,
        None => {
            return desk.refuse(
                rule,
                "server and clients cut these shares otherwise, for about 2 ids in 1,000",
                "say `--flipt server` or `--flipt client`",
            );
        }
    };
    let draw = OutDraw::new("crc32", key, "").out_of(1_000);
    let mut at = 0;
    let ranges: Vec<_> = ends
        .iter()
        .map(|(name, end)| {
            let range = (
                name.clone(),
                lower::share(at, 1_000),
                lower::share(*end, 1_000),
            );
            at = *end;
            range
        })
        .filter(|(_, from, to)| from < to)
        .collect();
    match at {
        1_000 => {
            let ends: Vec<_> = ranges.into_iter().map(|(name, _, to)| (name, to)).collect();
            Some(Give::arms(&ends, draw))
        }
        _ => Some(Give::ranges(ranges, draw)),
    }
}

/// A segment's key, several keys with an operator, or segments as a snapshot has them. The inner none is everybody.
fn segments(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<Option<When>> {
    let keys = get(node, "keys");
    let inline = if is_list(node) {
        items(Some(node))
    } else {
        items(get(node, "segments"))
    };
    let references: Vec<&Node<'_>> = match (is_map(node), is_list(node)) {
        (false, false) => vec![node],
        _ if !inline.is_empty() => inline.iter().collect(),
        _ => get(node, "key").into_iter().chain(items(keys)).collect(),
    };
    let operator =
        first(node, &["operator", "segment_operator", "segmentOperator"]).and_then(Node::text);
    let all = operator == Some("AND_SEGMENT_OPERATOR");
    let mut parts = Vec::new();
    for reference in &references {
        match segment(desk, reference)? {
            Some(when) => parts.push(when),
            None if all => {}
            None => return Some(None),
        }
    }
    Some(match (references.is_empty(), parts.is_empty(), all) {
        (true, ..) => return desk.refuse(node, "a rule without a segment", ""),
        (_, true, _) => None,
        (_, _, true) => When::all(parts),
        (_, _, false) => Some(When::any(parts)),
    })
}

fn segment(desk: &mut Desk<'_, '_>, reference: &Node<'_>) -> Option<Option<When>> {
    let key = if is_map(reference) {
        text(reference, "key")
    } else {
        reference.text()
    };
    let read = |desk: &mut Desk<'_, '_>| read_segment(desk, key, reference);
    match key {
        Some(key) => desk.shared(key, reference, read),
        None => read(desk),
    }
}

fn read_segment(
    desk: &mut Desk<'_, '_>,
    key: Option<&str>,
    reference: &Node<'_>,
) -> Option<Option<When>> {
    let known = items(get(desk.root, "segments"))
        .iter()
        .find(|one| text(one, "key") == key);
    let Some(node) = known.or(Some(reference).filter(|one| is_map(one))) else {
        return desk.refuse(
            reference,
            format!("the segment {} is not in the file", reference.what()),
            "",
        );
    };
    let any = first(node, &["match_type", "matchType"])
        .and_then(Node::text)
        .is_some_and(|kind| kind.starts_with("ANY"));
    let mut parts = Vec::new();
    for one in items(get(node, "constraints")) {
        parts.push(constraint(desk, one)?);
    }
    let when = match (parts.is_empty(), any) {
        (true, _) => return Some(None),
        (false, true) => When::any(parts),
        (false, false) => When::all(parts)?,
    };
    Some(Some(When::Segment(
        desk.segment(key.unwrap_or("segment"), when),
    )))
}

fn constraint(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<When> {
    let kind = text(node, "type").unwrap_or("");
    let name = match (kind.starts_with("ENTITY"), text(node, "property")) {
        (true, _) => "user".to_owned(),
        (false, Some(property)) => desk.attribute(property),
        (false, None) => return desk.refuse(node, "a constraint without a property", ""),
    };
    let value = text(node, "value").unwrap_or("").to_owned();
    let list = || {
        serde_json::from_str::<Vec<Value>>(&value).ok().map(|list| {
            list.into_iter()
                .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
                .collect::<Vec<_>>()
        })
    };
    let list = list().or_else(|| {
        get(node, "value")
            .filter(|value| is_list(value))
            .map(|value| texts(Some(value)))
    });
    let is_date = kind.starts_with("DATETIME");
    let bound = |desk: &mut Desk<'_, '_>, number: &'static str, date: &'static str, later: i64| {
        match is_date {
            false => Some(When::Op(name.clone(), number, vec![value.clone()])),
            true => match whole_second(&value) {
                Some((at, _)) => Some(When::Op(name.clone(), date, vec![shown(at + later)])),
                None => desk.refuse(node, format!("`{value}` is no date"), ""),
            },
        }
    };
    let op = |word: &'static str| When::Op(name.clone(), word, vec![value.clone()]);
    let is_number = kind.starts_with("NUMBER");
    Some(match text(node, "operator").unwrap_or("") {
        "eq" if is_number => When::All(vec![op("min"), op("max")]),
        "neq" if is_number => When::All(vec![
            When::Present(name.clone(), true),
            When::All(vec![op("min"), op("max")]).not(),
        ]),
        "eq" => When::Is(name, vec![value]),
        "neq" => When::Is(name, vec![value]).not(),
        "prefix" => op("prefix"),
        "suffix" => op("suffix"),
        "contains" => op("contains"),
        "notcontains" => op("contains").not(),
        "lt" => bound(desk, "below", "until", 0)?,
        "lte" => bound(desk, "max", "until", 1)?,
        "gt" => bound(desk, "above", "from", 1)?,
        "gte" => bound(desk, "min", "from", 0)?,
        "true" | "false" => When::Is(name, vec![text(node, "operator").unwrap_or("").to_owned()]),
        "present" | "notempty" => When::Present(name, true),
        "notpresent" | "empty" => When::Present(name, false),
        "isoneof" | "isnotoneof" => {
            let Some(list) = list.filter(|list| !list.is_empty()) else {
                return desk.refuse(node, "its value is no list", "");
            };
            let when = When::Is(name, list);
            if text(node, "operator") == Some("isoneof") {
                when
            } else {
                when.not()
            }
        }
        other => {
            return desk.refuse(
                node,
                format!("the operator `{other}`"),
                "write the condition by hand",
            );
        }
    })
}
