//! GO Feature Flag: a map of flags, each with `variations` and a `defaultRule`.
//!
//! The draw: FNV-1a of flag key + user key, modulo the sum of the percentages in thousandths; arms in falling order of their names.
//! Carried: percentages, progressive rollouts (a glide), schedules that change percentages of two variations (steps).
//! Refused: percentages whose sum depends on their order (the vendor adds them up in that of a Go map: its answer changes from call
//! to call), and queries.

use super::{
    dates::{shown, whole_second},
    desk::{Desk, Variants},
    lower,
    out::{Arms, Give, OutDraw, OutDraws, OutFeature, Reach, WHOLE},
    read::{entries, first, get, is_map, is_true, items, json, number, text},
};
use crate::{config::Node, engine::describe::reason::percent};

/// So many arms have orders that can all be tried.
const MOST_ARMS: usize = 6;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    for entry in entries(root) {
        let node = &entry.value;
        if !desk.begin(&entry.key) {
            break;
        }
        let feature = flag(desk, &entry.key, node);
        desk.done(node, feature);
    }
    if entries(root).is_empty() {
        desk.refuse::<()>(
            root,
            "there are no flags in it",
            "a file of GO Feature Flag is a map of flags",
        );
    }
}

fn flag(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>) -> Option<OutFeature> {
    let Some(variations) = get(node, "variations").filter(|variations| is_map(variations)) else {
        return desk.refuse(node, "it has no map `variations`", "");
    };
    let mut variants = Variants::default();
    for entry in entries(variations) {
        variants.add(
            &entry.key,
            Some(json(&entry.value)).filter(|value| !value.is_null()),
        );
    }
    let declared = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => return desk.refuse(variations, why, "give them one type"),
    };
    let Some(rule) = get(node, "defaultRule") else {
        return desk.refuse(node, "it has no `defaultRule`", "");
    };
    for query in items(first(node, &["targeting"])) {
        desk.refuse::<()>(
            query,
            "a query in its targeting",
            "write it as a rule: `rules: [{when: …}]`",
        );
    }
    let by = text(node, "bucketingKey").map(|by| desk.attribute(by));
    let mut feature = OutFeature {
        name: desk.feature(key),
        variants: declared,
        default: "off".to_owned(),
        metadata: get(node, "metadata")
            .filter(|metadata| is_map(metadata))
            .map(json),
        by,
        ..OutFeature::default()
    };
    if is_true(node, "disable") {
        desk.note(
            node,
            "disabled gives the default that is in the code of the caller",
            "carried as `status: draft`: no header",
        );
        feature.status = Some("draft");
    }
    if key.contains("{unit}") {
        return desk.refuse(
            node,
            "its name has `{unit}` in it",
            "a draw has one `{unit}`",
        );
    }
    let steps = items(get(node, "scheduledRollout"));
    if !steps.is_empty() {
        (feature.own, feature.default) = schedule(desk, key, rule, steps, &variants)?;
        return Some(feature);
    }
    if let Some(progressive) = get(rule, "progressiveRollout") {
        (feature.own, feature.default) = glide(desk, key, progressive, &variants)?;
        return Some(feature);
    }
    feature.own = Some(match (get(rule, "percentage"), text(rule, "variation")) {
        (Some(percentage), _) => split(desk, key, percentage, &variants)?,
        (None, Some(name)) => match variants.get(name) {
            Some(ours) => {
                feature.default.clone_from(&ours);
                Give::one(ours)
            }
            None => return desk.refuse(rule, format!("there is no variation `{name}`"), ""),
        },
        (None, None) => {
            return desk.refuse(rule, "it says neither `percentage` nor `variation`", "");
        }
    });
    Some(feature)
}

/// Arms as they are laid: in falling order of their names, with their ends out of the sum.
fn arms(
    desk: &mut Desk<'_, '_>,
    node: &Node<'_>,
    variants: &Variants,
) -> Option<(Vec<(String, u64)>, u64)> {
    let mut arms = Vec::new();
    for entry in entries(node) {
        let Some(ours) = variants.get(&entry.key) else {
            return desk.refuse(
                &entry.value,
                format!("there is no variation `{}`", entry.key),
                "",
            );
        };
        let Some(share) = number(&entry.value).filter(|share| (0.0..=1_000_000.0).contains(share))
        else {
            return desk.refuse(&entry.value, "it is no percentage", "");
        };
        arms.push((entry.key.to_string(), ours, share));
    }
    let shares: Vec<f64> = arms.iter().map(|(_, _, share)| *share).collect();
    let whole = shares.iter().all(|share| share.fract() == 0.0);
    let mut sums = Vec::new();
    match whole || shares.len() > MOST_ARMS {
        true => sums.push((shares.iter().sum::<f64>() * 1_000.0) as u64),
        false => orders(&shares, &mut |order| {
            sums.push((order.iter().sum::<f64>() * 1_000.0) as u64)
        }),
    }
    sums.sort_unstable();
    sums.dedup();
    let [total] = sums[..] else {
        return desk.refuse(
            node,
            "its percentages add up to one sum or another, by the order of a Go map: its own answers change from call to call",
            format!("there is nothing to keep: give whole percentages there first, or write `draw: {{hash: fnv1a, text: \"{}{{unit}}\", out-of: 100000}}`", desk.named()),
        );
    };
    if total == 0 || (!whole && shares.len() > MOST_ARMS) {
        return desk.refuse(
            node,
            "percentages of many variations that are not whole",
            "round them there first",
        );
    }
    arms.sort_by(|(one, ..), (other, ..)| other.cmp(one));
    let mut at = 0.0;
    let ends = arms.into_iter().map(|(_, ours, share)| {
        at += share * 1_000.0;
        (ours, (at as u64).min(total))
    });
    Some((ends.collect(), total))
}

/// Every order of some numbers.
fn orders(numbers: &[f64], take: &mut impl FnMut(&[f64])) {
    fn go(done: usize, numbers: &mut Vec<f64>, take: &mut impl FnMut(&[f64])) {
        if done + 1 >= numbers.len() {
            return take(numbers);
        }
        for next in done..numbers.len() {
            numbers.swap(done, next);
            go(done + 1, numbers, take);
            numbers.swap(done, next);
        }
    }
    go(0, &mut numbers.to_vec(), take);
}

fn draw(key: &str, total: u64) -> OutDraw {
    OutDraw::new("fnv1a", key, "").out_of(total)
}

fn split(desk: &mut Desk<'_, '_>, key: &str, node: &Node<'_>, variants: &Variants) -> Option<Give> {
    let (ends, total) = arms(desk, node, variants)?;
    let ends: Vec<_> = ends
        .into_iter()
        .map(|(name, end)| (name, lower::share(end, total)))
        .collect();
    Some(Give::arms(&ends, draw(key, total)))
}

/// The first arm of two, and its share.
fn pair(
    desk: &mut Desk<'_, '_>,
    rule: &Node<'_>,
    variants: &Variants,
) -> Option<(String, String, u32)> {
    let percentage = get(rule, "percentage");
    let others = entries(rule)
        .iter()
        .any(|entry| !matches!(&*entry.key, "name" | "percentage"));
    let (Some(percentage), false) = (percentage, others) else {
        return desk.refuse(
            rule,
            "a step that changes more than percentages",
            "write its rollout by hand",
        );
    };
    let (ends, total) = arms(desk, percentage, variants)?;
    match &ends[..] {
        [(one, end), (other, _)] if total == 100_000 => {
            Some((one.clone(), other.clone(), lower::share(*end, total)))
        }
        _ => desk.refuse(
            percentage,
            "a schedule of other than two variations that add up to 100",
            "write its rollout by hand",
        ),
    }
}

fn schedule(
    desk: &mut Desk<'_, '_>,
    key: &str,
    rule: &Node<'_>,
    steps: &[Node<'_>],
    variants: &Variants,
) -> Option<(Option<Give>, String)> {
    let (one, other, share) = pair(desk, rule, variants)?;
    let mut text = Vec::new();
    if share > 0 {
        text.push(format!("0001-01-01: {}", percent(share)));
    }
    for step in steps {
        let more = entries(step)
            .iter()
            .find(|entry| !matches!(&*entry.key, "date" | "defaultRule"));
        if let Some(more) = more {
            return desk.refuse(
                &more.value,
                "a step that changes more than percentages",
                "write its rollout by hand",
            );
        }
        let (Some(at), Some(rule)) = (date(step, "date"), get(step, "defaultRule")) else {
            return desk.refuse(step, "a step without `date` or `defaultRule`", "");
        };
        let (first, _, share) = pair(desk, rule, variants)?;
        if first != one {
            return desk.refuse(
                rule,
                "a step that changes the variations",
                "write its rollout by hand",
            );
        }
        text.push(format!("\"{at}\": {}", percent(share)));
    }
    Some((
        Some(clocked(
            format!("{{{}}}", text.join(", ")),
            &one,
            draw(key, 100_000),
        )),
        other,
    ))
}

fn glide(
    desk: &mut Desk<'_, '_>,
    key: &str,
    node: &Node<'_>,
    variants: &Variants,
) -> Option<(Option<Give>, String)> {
    let side = |name: &str| {
        let side = get(node, name)?;
        let share = match get(side, "percentage") {
            Some(share) => number(share).filter(|share| (0.0..=100.0).contains(share))?,
            None => {
                if name == "end" {
                    100.0
                } else {
                    0.0
                }
            }
        };
        Some((
            variants.get(text(side, "variation")?)?,
            (share * 1_000_000.0).round() as u32,
            date(side, "date")?,
        ))
    };
    let (Some((old, from, start)), Some((new, to, end))) = (side("initial"), side("end")) else {
        return desk.refuse(
            node,
            "a progressive rollout without variations, percentages or dates",
            "",
        );
    };
    let to = if to == 0 { WHOLE } else { to };
    let text = format!(
        "{{from: {}, to: {}, start: \"{start}\", end: \"{end}\"}}",
        percent(from),
        percent(to)
    );
    Some((Some(clocked(text, &new, draw(key, 100_000))), old))
}

fn clocked(text: String, variant: &str, draw: OutDraw) -> Give {
    Give {
        rollout: Reach::Clock(text),
        serve: Arms::One(variant.to_owned()),
        draws: Some(OutDraws {
            rollout: draw.clone(),
            serve: draw,
        }),
    }
}

fn date(node: &Node<'_>, key: &str) -> Option<String> {
    let (at, _) = whole_second(text(node, key)?)?;
    Some(shown(at))
}
