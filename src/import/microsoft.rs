//! Microsoft's FeatureManagement: `feature_management.feature_flags`, as Azure App Configuration exports them.
//!
//! The draw: SHA-256 of `ID\nHINT`, the first 4 bytes little end first, / (2^32 - 1) * 100, below the percentage; the hint is the flag, flag
//! and group, or the seed of the allocation. Refused: `Microsoft.Percentage` (at random), windows that recur, groups and everybody both in
//! part (two draws and an OR), filters of one's own code.

use super::{
    dates::{shown, whole_second},
    desk::{Desk, Variants},
    lower,
    out::{Give, OutDraw, OutFeature, OutRule, WHOLE, When},
    read::{get, is_list, is_true, items, json, number, text, texts},
};
use crate::config::Node;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let about = get(root, "feature_management")
        .or(get(root, "FeatureManagement"))
        .unwrap_or(root);
    let Some(flags) = get(about, "feature_flags").filter(|flags| is_list(flags)) else {
        desk.refuse::<()>(
            root,
            "there is no list `feature_management.feature_flags` in it",
            "the older schema of .NET has no ids to read: export the flags in Microsoft's schema",
        );
        return;
    };
    for node in items(Some(flags)) {
        let id = text(node, "id").unwrap_or("");
        if !desk.begin(id) {
            break;
        }
        if id.is_empty() || id.contains("{unit}") {
            desk.refuse::<()>(node, "a flag without an id that can be drawn by", "");
            continue;
        }
        let feature = flag(desk, id, node);
        desk.done(node, feature);
    }
}

fn share_of(number: u64) -> f64 {
    number as f64 / 4_294_967_295.0 * 100.0
}

/// The share below which a percentage lies.
fn cut(percent: f64) -> u32 {
    match percent {
        100.0.. => WHOLE,
        percent => lower::share(
            lower::first_outside(1 << 32, |number| share_of(number) < percent),
            1 << 32,
        ),
    }
}

fn draw(hint: &str) -> OutDraw {
    OutDraw {
        little: true,
        ..OutDraw::new("sha256", "", format!("\n{hint}")).bits(32)
    }
}

fn flag(desk: &mut Desk<'_, '_>, id: &str, node: &Node<'_>) -> Option<OutFeature> {
    let mut feature = OutFeature {
        name: desk.feature(id),
        description: text(node, "description").map(str::to_owned),
        default: "off".to_owned(),
        ..OutFeature::default()
    };
    if !is_true(node, "enabled") {
        feature.comments.push("was not enabled".to_owned());
        feature.status = Some("paused");
    }
    if let Some(allocation) = get(node, "allocation") {
        return allocated(desk, id, node, allocation, feature);
    }
    let conditions = get(node, "conditions");
    let all = conditions.and_then(|one| text(one, "requirement_type")) == Some("All");
    let filters = items(conditions.and_then(|one| get(one, "client_filters")));
    let (mut windows, mut audience) = (Vec::new(), None);
    for filter in filters {
        let parameters = get(filter, "parameters").unwrap_or(filter);
        match text(filter, "name").unwrap_or("") {
            "Microsoft.TimeWindow" | "TimeWindow" => windows.push(window(desk, parameters)?),
            "Microsoft.Targeting" | "Targeting" if audience.is_none() => {
                audience = get(parameters, "Audience")
            }
            "Microsoft.Percentage" | "Percentage" => {
                desk.refuse::<()>(
                    filter,
                    "`Microsoft.Percentage` is drawn anew for each call: nobody keeps anything",
                    "for a share of people write `rollout`, which draws by the user",
                );
            }
            other => {
                return desk.refuse(
                    filter,
                    format!("what the filter `{other}` does is in your own code"),
                    "write a rule for what it asks",
                );
            }
        }
    }
    match (all, audience) {
        (_, None) if windows.is_empty() => feature.own = Some(Give::one("on")),
        (_, None) => {
            feature.when = match all {
                true => When::all(windows),
                false => Some(When::any(windows)),
            };
            feature.own = Some(Give::one("on"));
        }
        (true, Some(audience)) => {
            feature.when = When::all(windows);
            targeting(desk, id, audience, &mut feature);
        }
        (false, Some(audience)) => {
            if !windows.is_empty() {
                feature.rules.push(OutRule {
                    name: None,
                    when: Some(When::any(windows)),
                    give: Give::one("on"),
                });
            }
            targeting(desk, id, audience, &mut feature);
        }
    }
    Some(feature)
}

fn window(desk: &mut Desk<'_, '_>, node: &Node<'_>) -> Option<When> {
    if let Some(recurrence) = get(node, "Recurrence") {
        return desk.refuse(
            recurrence,
            "a window that recurs has no words here",
            "write its next windows by date, or send what follows from it as a header",
        );
    }
    let mut at = |key: &str| match get(node, key) {
        None => Some(None),
        Some(value) => match value.text().and_then(instant) {
            Some(at) => Some(Some(shown(at))),
            None => desk.refuse(value, "it is no date", ""),
        },
    };
    let (from, until) = (at("Start")?, at("End")?);
    match (&from, &until) {
        (None, None) => desk.refuse(node, "a window without `Start` and `End`", ""),
        _ => Some(When::Now(from, until)),
    }
}

fn instant(text: &str) -> Option<i64> {
    let rfc = OffsetDateTime::parse(text, &Rfc2822).ok();
    rfc.map(OffsetDateTime::unix_timestamp)
        .or_else(|| whole_second(text).map(|(at, _)| at))
}

fn groups(desk: &mut Desk<'_, '_>) -> String {
    desk.attribute_from("groups", "header.x-groups", Some(","), true);
    "groups".to_owned()
}

fn targeting(desk: &mut Desk<'_, '_>, id: &str, audience: &Node<'_>, feature: &mut OutFeature) {
    let mut rule = |when: When, give: Give| {
        feature.rules.push(OutRule {
            name: None,
            when: Some(when),
            give,
        })
    };
    let mut listed =
        |desk: &mut Desk<'_, '_>, node: Option<&Node<'_>>, variant: &str, whole: bool| {
            let users = texts(node.and_then(|node| get(node, "Users")));
            if !users.is_empty() {
                rule(When::Is("user".to_owned(), users), Give::one(variant));
            }
            let names = texts(node.and_then(|node| get(node, "Groups")));
            if whole && !names.is_empty() {
                let groups = groups(desk);
                rule(When::Is(groups, names), Give::one(variant));
            }
        };
    listed(desk, get(audience, "Exclusion"), "off", true);
    listed(desk, Some(audience), "on", false);
    let percent = |node: &Node<'_>, key: &str| {
        get(node, key)
            .and_then(number)
            .filter(|percent| (0.0..=100.0).contains(percent))
    };
    let everybody = percent(audience, "DefaultRolloutPercentage").unwrap_or(0.0);
    let is_part = |percent: f64| percent > 0.0 && percent < 100.0;
    let mut parts = Vec::new();
    for group in items(get(audience, "Groups")) {
        let (Some(name), Some(share)) = (text(group, "Name"), percent(group, "RolloutPercentage"))
        else {
            desk.refuse::<()>(group, "a group without `Name` or `RolloutPercentage`", "");
            continue;
        };
        if is_part(share) {
            parts.push((group, name));
        }
        if share > 0.0 {
            let groups = groups(desk);
            let give = Give::share(cut(share), "on", "off", draw(&format!("{id}\n{name}")));
            feature.rules.push(OutRule {
                name: None,
                when: Some(When::Is(groups, vec![name.to_owned()])),
                give,
            });
        }
    }
    if let [(first, name), rest @ ..] = &parts[..]
        && (is_part(everybody) || !rest.is_empty())
    {
        desk.refuse::<()>(first, format!("a part of the group `{name}` and a part of others: two draws and an OR, so that whoever misses one may be in by the other"), "make the group a feature of its own with `header: none`, and ask for it in a rule: `{feature.NAME: on}`");
    }
    feature.own = Some(Give::share(cut(everybody), "on", "off", draw(id)));
}

fn allocated(
    desk: &mut Desk<'_, '_>,
    id: &str,
    node: &Node<'_>,
    allocation: &Node<'_>,
    mut feature: OutFeature,
) -> Option<OutFeature> {
    let mut variants = Variants::default();
    for one in items(get(node, "variants")) {
        let Some(name) = text(one, "name") else {
            return desk.refuse(one, "a variant without a name", "");
        };
        variants.add(name, get(one, "configuration_value").map(json));
        if let Some(overridden) =
            get(one, "status_override").filter(|one| one.text() != Some("None"))
        {
            desk.note(
                overridden,
                "a variant that overrides the status of its flag",
                "here a feature is its variant alone",
            );
        }
    }
    feature.variants = match variants.declare() {
        Ok(declared) => declared,
        Err(why) => return desk.refuse(node, why, "give them one type"),
    };
    let key = if is_true(node, "enabled") {
        "default_when_enabled"
    } else {
        "default_when_disabled"
    };
    if let Some(name) = text(allocation, key) {
        match variants.get(name) {
            Some(ours) => feature.default = ours,
            None => return desk.refuse(allocation, format!("there is no variant `{name}`"), ""),
        }
    }
    for (list, of) in [("user", "users"), ("group", "groups")] {
        for one in items(get(allocation, list)) {
            let names = texts(get(one, of));
            let variant = text(one, "variant").and_then(|name| variants.get(name));
            let (Some(variant), false) = (variant, names.is_empty()) else {
                return desk.refuse(one, "an allocation without variant, or of nobody", "");
            };
            let name = if list == "user" {
                "user".to_owned()
            } else {
                groups(desk)
            };
            feature.rules.push(OutRule {
                name: None,
                when: Some(When::Is(name, names)),
                give: Give::one(variant),
            });
        }
    }
    let mut ranges = Vec::new();
    for one in items(get(allocation, "percentile")) {
        let end = |key: &str| {
            get(one, key)
                .and_then(number)
                .filter(|end| (0.0..=100.0).contains(end))
        };
        let variant = text(one, "variant").and_then(|name| variants.get(name));
        let (Some(variant), Some(from), Some(to)) = (variant, end("from"), end("to")) else {
            return desk.refuse(one, "a percentile without `variant`, `from` or `to`", "");
        };
        if from < to {
            ranges.push((variant, cut(from), cut(to)));
        }
    }
    let hint = text(allocation, "seed")
        .filter(|seed| !seed.is_empty())
        .map_or_else(|| format!("allocation\n{id}"), str::to_owned);
    if hint.contains("{unit}") {
        return desk.refuse(
            allocation,
            "its seed has `{unit}` in it",
            "a draw has one `{unit}`",
        );
    }
    let mut at = 0;
    let is_whole = ranges
        .iter()
        .all(|(_, from, to)| std::mem::replace(&mut at, *to) == *from)
        && at == WHOLE;
    feature.own = Some(match (ranges.is_empty(), is_whole) {
        (true, _) => Give::one(feature.default.clone()),
        (false, true) => Give::arms(
            &ranges
                .into_iter()
                .map(|(name, _, to)| (name, to))
                .collect::<Vec<_>>(),
            draw(&hint),
        ),
        (false, false) => Give::ranges(ranges, draw(&hint)),
    });
    Some(feature)
}
