//! Unleash: an export (features, with strategies apart in newer ones), or what its client API gives.
//!
//! Strategies are an OR that falls through on a miss; burgee's first rule decides. Where all draw the same number, rules in falling
//! order of percentage mean the same. In or out: murmur3("GROUP:ID") % 100, below the percentage. Which variant:
//! murmur3("NAME:ID", seed 86028157) % sum of weights; of a strategy's own variants the text begins with its group.
//! Refused: random stickiness, strategies of one's own code, different draws in one feature, segments that are not in the file.

use super::{
    dates::{shown, whole_second},
    desk::{Desk, Variants},
    lower,
    out::{Arms, Give, OutDraw, OutDraws, OutFeature, OutRule, Reach, When},
    read::{first, get, is_list, is_map, is_true, items, text, texts},
};
use crate::config::Node;
use serde_json::Value;

/// The seed of variants, since 2023.
const VARIANTS: u32 = 86_028_157;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    if let Some(version) =
        get(root, "version").filter(|version| !matches!(version.text(), Some("1" | "2")))
    {
        desk.refuse::<()>(
            version,
            format!("version {} of the export is not known", version.what()),
            "1 and 2 are",
        );
        return;
    }
    let Some(features) = get(root, "features").filter(|features| is_list(features)) else {
        desk.refuse::<()>(
            root,
            "there is no list `features` in it",
            "give an export, or what `/api/client/features` answers",
        );
        return;
    };
    for node in items(Some(features)) {
        let name = text(node, "name").unwrap_or("");
        if !desk.begin(name) {
            break;
        }
        if name.is_empty() {
            desk.refuse::<()>(node, "a feature without a name", "");
            continue;
        }
        let feature = feature(desk, name, node);
        desk.done(node, feature);
    }
}

/// A strategy, understood.
struct Way {
    when: Option<When>,
    /// in percent
    share: u64,
    draw: OutDraw,
    by: String,
    /// variants of its own, and their group
    variants: Option<(String, Vec<(String, u64)>)>,
    name: Option<String>,
}

fn feature(desk: &mut Desk<'_, '_>, name: &str, node: &Node<'_>) -> Option<OutFeature> {
    let root = desk.root;
    let belongs = |one: &&Node<'_>| text(one, "featureName").or(text(one, "feature")) == Some(name);
    let mut strategies: Vec<&Node<'_>> = items(get(node, "strategies")).iter().collect();
    strategies.extend(items(get(root, "featureStrategies")).iter().filter(belongs));
    let is_bare = strategies.is_empty();
    let environment = items(get(root, "featureEnvironments"))
        .iter()
        .rfind(belongs);
    let enabled = match environment {
        Some(environment) => is_true(environment, "enabled"),
        None => is_true(node, "enabled"),
    };
    let mut variants = Variants::default();
    let own = get(node, "variants").filter(|list| !items(Some(list)).is_empty());
    let listed = own.or_else(|| get(environment?, "variants"));
    let weights = weights(desk, items(listed), &mut variants)?;
    let by_variants = items(listed)
        .first()
        .and_then(|one| stickiness(desk, text(one, "stickiness"), one, false));
    let mut ways = Vec::new();
    for strategy in strategies
        .into_iter()
        .filter(|one| !is_true(one, "disabled"))
    {
        if let Some(way) = way(desk, name, strategy, &mut variants) {
            ways.push(way);
        }
    }
    let declared = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => {
            desk.refuse::<()>(
                listed.unwrap_or(node),
                why,
                "its payloads are left out: give them one type",
            );
            variants
                .declared
                .iter()
                .map(|(name, _)| (name.clone(), None))
                .collect()
        }
    };
    // wider first: whoever the first rule that holds takes in is whom any of them would
    ways.sort_by_key(|way| std::cmp::Reverse(way.share));
    ways.retain(|way| way.share > 0);
    let drawn: Vec<&Way> = ways.iter().filter(|way| way.share < 100).collect();
    if let Some(pair) = drawn
        .windows(2)
        .find(|pair| pair[0].draw != pair[1].draw || pair[0].by != pair[1].by)
    {
        let [one, other] = [&pair[0], &pair[1]]
            .map(|way| format!("{} by {}", way.draw.before.trim_end_matches(':'), way.by));
        desk.refuse::<()>(node, format!("two strategies draw apart (groups {one} and {other}): who misses one may be in by the other"), "give them one group, or write the one that matters");
    }
    let by = drawn.first().map(|way| way.by.clone());
    if let (Some(by), Some(other)) = (&by, &by_variants)
        && by != other
    {
        desk.refuse::<()>(
            listed.unwrap_or(node),
            format!("in or out is drawn by `{by}`, the variant by `{other}`"),
            "a feature draws by one attribute",
        );
    }
    let lost = desk.is_lost();
    let mut feature = OutFeature {
        name: desk.feature(name),
        description: text(node, "description").map(str::to_owned),
        variants: declared,
        default: "off".to_owned(),
        by: by.or(by_variants).filter(|by| by != "user"),
        ..OutFeature::default()
    };
    if !enabled {
        feature.status = Some("paused");
        feature.comments.push("was not enabled".to_owned());
    }
    feature.when = parents(desk, node);
    if ways.is_empty() && !lost && is_bare {
        // without strategies it is on
        ways.push(Way {
            when: None,
            share: 100,
            draw: OutDraw::new("murmur3", "", ""),
            by: "user".to_owned(),
            variants: None,
            name: None,
        });
    }
    let overrides = overrides(desk, items(listed), &variants);
    for way in ways {
        let split = match (&way.variants, &weights[..]) {
            (Some((group, own)), _) => Some((group.clone(), own.clone())),
            (None, []) => None,
            (None, shared) => Some((name.to_owned(), shared.to_vec())),
        };
        let mut gives = vec![(None, give(desk, &way, split))];
        if way.variants.is_none() {
            for (who, variant) in overrides.iter().rev() {
                gives.insert(0, (Some(who.clone()), give_one(&way, variant)));
            }
        }
        for (who, give) in gives {
            match (When::and(way.when.clone(), who), give) {
                (None, give) if feature.own.is_none() => feature.own = Some(give),
                (None, _) => {}
                (when, give) => feature.rules.push(OutRule {
                    name: way.name.clone(),
                    when,
                    give,
                }),
            }
        }
        if feature.own.is_some() {
            break; // whoever comes here has been decided: what follows reaches fewer
        }
    }
    let splits = feature
        .gives()
        .any(|give| matches!(give.serve, Arms::List(_)));
    if splits && !desk.options.unleash_old_variants {
        desk.note(
            listed.unwrap_or(node),
            "clients before 2023 (npm unleash-client 3) drew variants without a seed",
            "if yours do, say `--unleash-variants old`: other people",
        );
    }
    Some(feature)
}

fn draws(desk: &Desk<'_, '_>, way: &Way, group: &str, total: u64) -> OutDraws {
    let serve = OutDraw {
        seed: if desk.options.unleash_old_variants {
            0
        } else {
            VARIANTS
        },
        ..OutDraw::new("murmur3", format!("{group}:"), "").out_of(total)
    };
    OutDraws {
        rollout: if way.share < 100 {
            way.draw.clone()
        } else {
            serve.clone()
        },
        serve,
    }
}

fn give(desk: &Desk<'_, '_>, way: &Way, split: Option<(String, Vec<(String, u64)>)>) -> Give {
    let Some((group, weights)) = split else {
        return give_one(way, "on");
    };
    let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0;
    let end = |(name, weight): (String, u64)| {
        sum += weight;
        (name, lower::share(sum, total))
    };
    let ends: Vec<_> = weights.into_iter().map(end).collect();
    let draws = draws(desk, way, &group, total);
    let arms = Give::arms(&ends, draws.serve.clone());
    match arms.serve {
        Arms::One(only) => give_one(way, &only),
        serve => Give {
            rollout: Reach::Share(way.share as u32 * 1_000_000),
            serve,
            draws: Some(draws),
        },
    }
}

fn give_one(way: &Way, variant: &str) -> Give {
    match way.share {
        100.. => Give::one(variant),
        share => Give {
            rollout: Reach::Share(share as u32 * 1_000_000),
            serve: Arms::One(variant.to_owned()),
            draws: Some(OutDraws {
                rollout: way.draw.clone(),
                serve: way.draw.clone(),
            }),
        },
    }
}

/// Names and weights in their order.
fn weights(
    desk: &mut Desk<'_, '_>,
    list: &[Node<'_>],
    variants: &mut Variants,
) -> Option<Vec<(String, u64)>> {
    let mut weights = Vec::new();
    let has_payload = |one: &Node<'_>| get(one, "payload").is_some();
    let some = list.iter().any(has_payload);
    for one in list {
        let Some(name) = text(one, "name") else {
            return desk.refuse(one, "a variant without a name", "");
        };
        let weight = match text(one, "weight").map(|text| lower::decimal(text, 0)) {
            Some(Some(weight)) if weight <= 1_000_000 => weight,
            None => 0,
            _ => return desk.refuse(one, "a weight is a whole number", ""),
        };
        let value = payload(desk, one);
        if some && !has_payload(one) {
            desk.note(
                one,
                format!("`{name}` has no payload"),
                "the others have: here it gets an empty one",
            );
        }
        let mut empty = || {
            list.iter()
                .find(|one| has_payload(one))
                .and_then(|one| payload(desk, one))
                .map(|value| match value {
                    Value::Object(_) => Value::Object(Default::default()),
                    Value::Number(_) => Value::from(0),
                    Value::Array(_) => Value::Array(Vec::new()),
                    _ => Value::from(""),
                })
        };
        let value = match value {
            None if some => empty(),
            value => value,
        };
        let ours = variants
            .get(name)
            .unwrap_or_else(|| variants.add(name, value));
        weights.push((ours, weight));
    }
    let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
    match (weights.is_empty(), total) {
        (false, 0) => desk.refuse(list.first()?, "the weights add up to 0", ""),
        _ => Some(weights),
    }
}

fn payload(desk: &mut Desk<'_, '_>, variant: &Node<'_>) -> Option<Value> {
    let payload = get(variant, "payload")?;
    let value = get(payload, "value")?;
    match text(payload, "type") {
        Some("json" | "number") => match serde_json::from_str(value.text().unwrap_or("")) {
            Ok(value) => Some(value),
            Err(_) => desk.refuse(value, "this payload is not what its type says", ""),
        },
        _ => Some(Value::from(value.text().unwrap_or(""))),
    }
}

/// Users who get one variant, if they are in at all.
fn overrides(
    desk: &mut Desk<'_, '_>,
    list: &[Node<'_>],
    variants: &Variants,
) -> Vec<(When, String)> {
    let mut found = Vec::new();
    for one in list {
        let Some(variant) = text(one, "name").and_then(|name| variants.get(name)) else {
            continue;
        };
        for rule in items(get(one, "overrides")) {
            let values = texts(get(rule, "values"));
            if let (Some(context), false) = (text(rule, "contextName"), values.is_empty()) {
                let name = context_name(desk, context);
                found.push((When::Is(name, values), variant.clone()));
            }
        }
    }
    found
}

/// The features that it depends on.
fn parents(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<When> {
    let mut all = Vec::new();
    for parent in items(get(node, "dependencies")) {
        let Some(theirs) = text(parent, "feature") else {
            continue;
        };
        let known = items(get(desk.root, "features"))
            .iter()
            .any(|one| text(one, "name") == Some(theirs));
        if !known {
            desk.refuse::<()>(
                parent,
                format!("it depends on `{theirs}`, which is not in the file"),
                "export both",
            );
            continue;
        }
        let name = desk.feature(theirs);
        let is_on = get(parent, "enabled").is_none_or(|_| is_true(parent, "enabled"));
        let variants = texts(get(parent, "variants"));
        all.push(match (is_on, variants.is_empty()) {
            (true, false) => When::Feature(name, variants),
            (true, true) => When::Feature(name, vec!["off".to_owned()]).not(),
            (false, _) => When::Feature(name, vec!["off".to_owned()]),
        });
    }
    When::all(all)
}

/// What is drawn by; none where nobody keeps anything.
fn stickiness(
    desk: &mut Desk<'_, '_>,
    named: Option<&str>,
    at: &Node<'_>,
    tell: bool,
) -> Option<String> {
    match named.unwrap_or("default") {
        "default" => {
            if tell {
                desk.note(
                    at,
                    "`default` stickiness is the user id, else the session id, else random",
                    "carried for those with a user id; the others get the default",
                );
            }
            Some("user".to_owned())
        }
        "userId" => Some("user".to_owned()),
        "random" => desk.refuse(
            at,
            "random stickiness: nobody keeps anything",
            "decide by whom it should be drawn, and write `rollout`",
        ),
        context => Some(context_name(desk, context)),
    }
}

fn way(
    desk: &mut Desk<'_, '_>,
    feature: &str,
    node: &Node<'_>,
    variants: &mut Variants,
) -> Option<Way> {
    let name = first(node, &["name", "strategyName"])
        .and_then(Node::text)
        .unwrap_or("");
    let parameters = get(node, "parameters");
    let parameter = |key: &str| parameters.and_then(|all| text(all, key));
    let mut when = constraints(desk, items(get(node, "constraints")))?;
    for segment in items(get(node, "segments")) {
        when = When::and(when, self::segment(desk, segment)?);
    }
    let group = parameter("groupId")
        .filter(|group| !group.is_empty())
        .unwrap_or(feature)
        .to_owned();
    let draw = OutDraw::new("murmur3", format!("{group}:"), "").out_of(100);
    if group.contains("{unit}") {
        return desk.refuse(
            node,
            "its group has `{unit}` in it",
            "a draw has one `{unit}`",
        );
    }
    let percent = |desk: &mut Desk<'_, '_>, key: &str| match parameter(key).map(|text| {
        (
            text.split('.')
                .next()
                .and_then(|whole| whole.trim().parse::<u64>().ok()),
            text,
        )
    }) {
        Some((Some(whole), _)) if whole <= 100 => Some(whole),
        _ => desk.refuse(node, format!("`{key}` is no percentage"), ""),
    };
    let list = |key: &str| -> Vec<String> {
        let values = parameter(key).unwrap_or("").split(',').map(str::trim);
        values
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (share, by) = match name {
        "default" => (100, "user".to_owned()),
        "flexibleRollout" => (
            percent(desk, "rollout")?,
            stickiness(desk, parameter("stickiness"), node, true)?,
        ),
        "gradualRolloutUserId" => (percent(desk, "percentage")?, "user".to_owned()),
        "gradualRolloutSessionId" => (
            percent(desk, "percentage")?,
            context_name(desk, "sessionId"),
        ),
        "userWithId" => {
            let who = list("userIds");
            if who.is_empty() {
                return None;
            }
            when = When::and(when, Some(When::Is("user".to_owned(), who)));
            (100, "user".to_owned())
        }
        "remoteAddress" => {
            let addresses = list("IPs");
            if addresses.is_empty() {
                return None;
            }
            let (networks, single): (Vec<_>, Vec<_>) =
                addresses.into_iter().partition(|one| one.contains('/'));
            let mut any = Vec::new();
            if !single.is_empty() {
                any.push(When::Is("ip".to_owned(), single));
            }
            if !networks.is_empty() {
                any.push(When::Op("ip".to_owned(), "within", networks));
            }
            when = When::and(when, Some(When::any(any)));
            (100, "user".to_owned())
        }
        "gradualRolloutRandom" => {
            return desk.refuse(
                node,
                "it is drawn at random: nobody keeps anything",
                "decide by whom it should be drawn, and write `rollout`",
            );
        }
        other => {
            return desk.refuse(
                node,
                format!("what the strategy `{other}` does is in your own code"),
                "write a rule for what it asks",
            );
        }
    };
    let own = items(get(node, "variants"));
    let own = match own.is_empty() {
        true => None,
        false => Some((group, weights(desk, own, variants)?)),
    };
    Some(Way {
        when,
        share,
        draw,
        by,
        variants: own,
        name: text(node, "title").map(str::to_owned),
    })
}

/// A segment, by its number, or as it stands in the client API.
fn segment(desk: &mut Desk<'_, '_>, reference: &Node<'_>) -> Option<Option<When>> {
    let id = match is_map(reference) {
        true => text(reference, "id"),
        false => reference.text(),
    };
    let read = |desk: &mut Desk<'_, '_>| read_segment(desk, id, reference);
    match id {
        Some(id) => desk.shared(id, reference, read),
        None => read(desk),
    }
}

fn read_segment(
    desk: &mut Desk<'_, '_>,
    id: Option<&str>,
    reference: &Node<'_>,
) -> Option<Option<When>> {
    let found = items(get(desk.root, "segments"))
        .iter()
        .find(|one| id.is_some() && text(one, "id") == id);
    let Some(found) = found.or(Some(reference).filter(|one| get(one, "constraints").is_some()))
    else {
        return desk.refuse(
            reference,
            format!("the segment {} is not in the file", reference.what()),
            "export it, or write its condition",
        );
    };
    let when = constraints(desk, items(get(found, "constraints")))?;
    let name =
        text(found, "name").map_or_else(|| format!("segment-{}", id.unwrap_or("x")), str::to_owned);
    Some(when.map(|when| When::Segment(desk.segment(&name, when))))
}

fn context_name(desk: &mut Desk<'_, '_>, theirs: &str) -> String {
    match theirs {
        "userId" => "user".to_owned(),
        "remoteAddress" => "ip".to_owned(),
        "sessionId" => {
            desk.attribute_from("session", "cookie.session", None, true);
            "session".to_owned()
        }
        other => desk.attribute(other),
    }
}

/// All of them; the outer none where one is refused.
fn constraints(desk: &mut Desk<'_, '_>, list: &[Node<'_>]) -> Option<Option<When>> {
    let mut all = Vec::new();
    for one in list {
        all.extend(constraint(desk, one)?);
    }
    Some(When::all(all))
}

/// The inner none holds for everybody.
fn constraint(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<Option<When>> {
    let (Some(context), Some(operator)) = (text(node, "contextName"), text(node, "operator"))
    else {
        return desk.refuse(node, "a constraint without `contextName` or `operator`", "");
    };
    let values = texts(get(node, "values"));
    let value = get(node, "value")
        .and_then(Node::text)
        .map(str::to_owned)
        .or_else(|| values.first().cloned());
    let is_list = operator.starts_with("STR_") || operator.ends_with("IN");
    if is_list && values.is_empty() {
        let everybody = (operator == "NOT_IN") != is_true(node, "inverted");
        return match everybody {
            true => Some(None),
            false => desk.refuse(
                node,
                "a constraint without values",
                "nobody meets it: take the strategy out",
            ),
        };
    }
    let is_clock = context == "currentTime";
    let name = if is_clock {
        String::new()
    } else {
        context_name(desk, context)
    };
    let several = |operator: &'static str| match is_true(node, "caseInsensitive") {
        true => {
            let (before, after) = match operator {
                "prefix" => ("^", ""),
                "suffix" => ("", "$"),
                _ => ("", ""),
            };
            let pattern = |value: &String| format!("(?i){before}{}{after}", regex::escape(value));
            When::Op(
                name.clone(),
                "matches",
                values.iter().map(pattern).collect(),
            )
        }
        false => When::Op(name.clone(), operator, values.clone()),
    };
    let single = |desk: &mut Desk<'_, '_>| match &value {
        Some(value) => Some(value.clone()),
        None => desk.refuse(node, "a constraint without a value", ""),
    };
    let when = match operator {
        "IN" | "NOT_IN" => {
            let when = When::Is(name, values);
            if operator == "IN" { when } else { when.not() }
        }
        "STR_CONTAINS" => several("contains"),
        "STR_STARTS_WITH" => several("prefix"),
        "STR_ENDS_WITH" => several("suffix"),
        "NUM_EQ" => {
            let value = single(desk)?;
            When::All(vec![
                When::Op(name.clone(), "min", vec![value.clone()]),
                When::Op(name, "max", vec![value]),
            ])
        }
        "NUM_GT" => When::Op(name, "above", vec![single(desk)?]),
        "NUM_GTE" => When::Op(name, "min", vec![single(desk)?]),
        "NUM_LT" => When::Op(name, "below", vec![single(desk)?]),
        "NUM_LTE" => When::Op(name, "max", vec![single(desk)?]),
        "SEMVER_EQ" | "SEMVER_GT" | "SEMVER_LT" => {
            let sign = match operator {
                "SEMVER_EQ" => "=",
                "SEMVER_GT" => ">",
                _ => "<",
            };
            When::Op(
                name,
                "version",
                vec![format!("{sign}{}", lower::version(&single(desk)?))],
            )
        }
        "DATE_AFTER" | "DATE_BEFORE" => {
            let value = single(desk)?;
            let Some((at, cut)) = whole_second(&value) else {
                return desk.refuse(node, format!("`{value}` is no date"), "");
            };
            let after = operator == "DATE_AFTER";
            // after it, in whole seconds: from the next one on
            let at = shown(if after || cut { at + 1 } else { at });
            match (is_clock, after) {
                (true, true) => When::Now(Some(at), None),
                (true, false) => When::Now(None, Some(at)),
                (false, true) => When::Op(name, "from", vec![at]),
                (false, false) => When::Op(name, "until", vec![at]),
            }
        }
        other => {
            return desk.refuse(
                node,
                format!("the operator `{other}`"),
                "write the condition by hand",
            );
        }
    };
    let inverted = is_true(node, "inverted");
    Some(Some(if inverted { when.not() } else { when }))
}
