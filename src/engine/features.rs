//! Steps 4 and 5 of the order of evaluation: every feature once, parents before children; then what is stopped.
//! In: one file, and the values of a request. Out: a decision a feature.

use super::{
    attributes::{USER, Values},
    condition::Scope,
    decision::{Decision, Reason},
    model::{Condition, Effect, EffectKind, Feature, FeatureIndex, Status, Toggles},
    units::Second,
};

/// Steps 4a to 4h, parents before children.
pub(super) fn every_feature(
    scope: Scope<'_, '_>,
    decided: &mut [Option<Decision>],
    overrides: &[(FeatureIndex, u8)],
    unreadable: &mut Vec<usize>,
) {
    // read in step 2
    let user = scope.values.get(USER).bytes();
    for step in &*scope.toggles.order {
        let index = usize::from(step.feature);
        if let (Some(shortcut), []) = (&step.shortcut, overrides) {
            decided[index] = shortcut.decide(&scope.toggles.features, index, user);
            continue;
        }
        let scope = Scope { decided, ..scope };
        decided[index] = feature(step.feature, scope, overrides, None, unreadable);
    }
}

/// Steps 4a to 4h for one feature.
#[inline(always)] // most of what a feature costs is here, and a call of it is counted by `tests/bench/gate`
fn feature(
    index: FeatureIndex,
    scope: Scope<'_, '_>,
    overrides: &[(FeatureIndex, u8)],
    hold: Option<Second>,
    unreadable: &mut Vec<usize>,
) -> Option<Decision> {
    let toggles = scope.toggles;
    let feature = &toggles.features[usize::from(index)];
    let decision = |variant, reason| Some(Decision::new(variant, reason));
    let named = overrides
        .iter()
        .find(|(named, _)| *named == index)
        .map(|(_, variant)| *variant);
    // a. and b.
    match feature.status {
        Status::Archived => return None,
        Status::Draft if named.is_none() || toggles.paused => return None,
        _ if toggles.paused || feature.status == Status::Paused => {
            return disabled(feature);
        }
        _ => {}
    }
    // c.
    if let Some(variant) = named {
        return Some(Decision {
            variant,
            reason: Reason::TargetingMatch,
            rule: 0,
            overridden: true,
        });
    }
    let mut holds = |when: &Condition| {
        let holds = when.holds(scope);
        let index = toggles.first + usize::from(index);
        if scope.values.unreadable.take().is_some() && unreadable.last() != Some(&index) {
            unreadable.push(index);
        }
        holds
    };
    // d.
    if feature.when.as_ref().is_some_and(|when| !holds(when)) {
        return decision(feature.default, Reason::Default);
    }
    // e.
    let rule = feature.rules.iter().position(|rule| holds(&rule.when));
    let allocation = rule
        .map(|rule| &feature.rules[rule].allocation)
        .or(feature.fallthrough.as_ref());
    let Some(allocation) = allocation else {
        return decision(feature.default, Reason::Default);
    };
    // f. to h.
    let has_condition = |rule: usize| !feature.rules[rule].when.is_always();
    let targeted = if rule.is_some_and(has_condition) || feature.when.is_some() {
        Reason::TargetingMatch
    } else {
        Reason::Static
    };
    let unit = || scope.values.get(feature.unit).bytes();
    let (variant, reason) = allocation.decide(feature, unit, scope.now, hold, targeted);
    Some(Decision {
        variant,
        reason,
        rule: rule.map_or(0, |rule| rule as u8 + 1),
        overridden: false,
    })
}

/// Step 5, parents before children: what is decided here is what their children see.
#[inline(never)] // so that `feature` has one caller that matters
pub(super) fn stop(
    effects: &[Effect],
    toggles: &Toggles,
    values: &Values<'_>,
    now: Second,
    decided: &mut [Option<Decision>],
) {
    for effect in effects {
        let index = usize::from(effect.feature);
        let Some(before) = decided[index] else {
            continue; // a draft stays silent
        };
        let hold = match effect.kind {
            EffectKind::Stopped => {
                decided[index] = disabled(&toggles.features[index]);
                continue;
            }
            EffectKind::Held(at) => Some(at),
            EffectKind::Follows => None,
        };
        if before.overridden {
            continue;
        }
        let again = Scope {
            values,
            now,
            toggles,
            decided,
        };
        let after = feature(effect.feature, again, &[], hold, &mut Vec::new());
        if after.is_none_or(|after| after.variant != before.variant) {
            decided[index] = disabled(&toggles.features[index]);
        }
    }
}

/// Whether step 5 gives the default, whatever the steps before say.
pub(super) fn is_stopped(index: FeatureIndex, effects: &[Effect]) -> bool {
    let is = |effect: &Effect| effect.feature == index && effect.kind == EffectKind::Stopped;
    effects.iter().any(is)
}

fn disabled(feature: &Feature) -> Option<Decision> {
    Some(Decision::new(feature.default, Reason::Disabled))
}
