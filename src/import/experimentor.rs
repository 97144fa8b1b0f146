//! Experimentor: its contexts, with features, treatments and segments.
//!
//! Who gets what cannot be kept: its draw is SipHash-1-3 seeding a PCG32, and panics for one in a hundred. The treatments are carried with
//! burgee's own draw, and the report says how many people move.

use super::{
    desk::{Desk, Variants},
    lower,
    out::{Arms, Give, OutFeature, OutRule, Reach, WHOLE, When},
    read::{get, is_list, items, text, texts},
};
use crate::config::{self, Node};

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let Some(contexts) = get(root, "contexts").filter(|contexts| is_list(contexts)) else {
        desk.refuse::<()>(root, "there is no list `contexts` in it", "");
        return;
    };
    let all = items(Some(contexts));
    let name = |one: &Node<'_>| text(one, "name").unwrap_or("").to_owned();
    let context = match (all, desk.options.context.clone()) {
        (all, Some(wanted)) => all.iter().find(|one| name(one) == wanted),
        ([only], None) => Some(only),
        (all, None) => {
            let names: Vec<_> = all.iter().map(name).collect();
            desk.refuse::<()>(
                contexts,
                "each context is a file here, with its name as `namespace`",
                format!(
                    "import one at a time: `--context {}`",
                    names.join("`, `--context ")
                ),
            );
            return;
        }
    };
    let Some(context) = context else {
        desk.refuse::<()>(contexts, "there is no such context", "");
        return;
    };
    let namespace = name(context);
    if config::is_name(&namespace) {
        desk.out.namespace = Some(namespace);
    }
    for node in items(get(context, "features")) {
        let name = text(node, "name").unwrap_or("");
        if !desk.begin(name) {
            break;
        }
        if name.is_empty() {
            desk.refuse::<()>(node, "a feature without a name", "");
            continue;
        }
        let feature = feature(desk, context, name, node);
        desk.done(node, feature);
    }
}

fn feature(
    desk: &mut Desk<'_, '_>,
    context: &Node<'_>,
    name: &str,
    node: &Node<'_>,
) -> Option<OutFeature> {
    let mut variants = Variants::default();
    let (mut rules, mut arms, mut sum) = (Vec::new(), Vec::<(String, u32)>::new(), 0);
    for treatment in items(get(node, "treatments")) {
        let Some(value) = text(treatment, "value").filter(|value| !value.is_empty()) else {
            return desk.refuse(treatment, "a treatment without a value", "");
        };
        let ours = variants
            .get(value)
            .unwrap_or_else(|| variants.add(value, None));
        let mut any = Vec::new();
        for segment in texts(get(treatment, "segments")) {
            let read = |desk: &mut Desk<'_, '_>| members(desk, context, &segment, treatment);
            any.extend(desk.shared(&segment, treatment, read)?);
        }
        if !any.is_empty() {
            rules.push(OutRule {
                name: None,
                when: Some(When::any(any)),
                give: Give::one(ours.clone()),
            });
        }
        let Some(percent) = text(treatment, "probability")
            .map_or(Some(0), |text| lower::decimal(text, 0))
            .filter(|percent| *percent <= 100)
        else {
            return desk.refuse(
                treatment,
                "a probability is a whole number from 0 to 100",
                "",
            );
        };
        sum += percent;
        match arms.iter_mut().find(|(known, _)| *known == ours) {
            Some((_, share)) => *share += percent as u32 * 1_000_000,
            None => arms.push((ours, percent as u32 * 1_000_000)),
        }
    }
    if sum != 100 {
        return desk.refuse(
            node,
            format!("the probabilities add up to {sum}, not to 100"),
            "",
        );
    }
    arms.retain(|(_, share)| *share > 0);
    // dealt anew: whoever gets the same again is there by chance
    let stays: f64 = arms
        .iter()
        .map(|(_, share)| (f64::from(*share) / f64::from(WHOLE)).powi(2))
        .sum();
    let moved = ((1.0 - stays) * 100_000.0).round() as u32;
    if moved > 0 {
        desk.approximate(
            node,
            moved,
            "people are dealt anew: its draw cannot be kept",
            "roll out to everybody or nobody before you switch, or accept that they move",
        );
    }
    for (theirs, ours) in variants.renamed() {
        desk.report
            .renamed
            .push((format!("{name}: {theirs}"), ours.clone()));
    }
    let serve = match &arms[..] {
        [(only, _)] => Arms::One(only.clone()),
        _ => Arms::Map(arms),
    };
    Some(OutFeature {
        name: desk.feature(name),
        description: text(node, "description").map(str::to_owned),
        variants: variants.declare().unwrap_or_default(),
        default: "off".to_owned(),
        rules,
        own: Some(Give {
            rollout: Reach::Share(WHOLE),
            serve,
            draws: None,
        }),
        ..OutFeature::default()
    })
}

/// The users of a segment; the inner none where it has no users.
fn members(
    desk: &mut Desk<'_, '_>,
    context: &Node<'_>,
    segment: &str,
    at: &Node<'_>,
) -> Option<Option<When>> {
    let found = items(get(context, "segments"))
        .iter()
        .find(|one| text(one, "name") == Some(segment));
    let Some(found) = found else {
        return desk.refuse(at, format!("there is no segment `{segment}`"), "");
    };
    let users = texts(get(found, "user_identifiers"));
    if users.is_empty() {
        return Some(None);
    }
    let users = When::Is("user".to_owned(), users);
    Some(Some(When::Segment(desk.segment(segment, users))))
}
