//! What login changes: somebody is signed in, and the visitor's cookie came.
//! In: one file and a request that it has decided. Out: both ids, and the features that the visitor's alone would have given
//! another variant.

use super::{
    anonymous,
    attributes::{USER, Values},
    condition::Scope,
    decision::{Decision, Decisions, Ids, Reason},
    features::{every_feature, stop},
    model::{Anonymous, Effect, Toggles},
    overrides::OverrideResult,
    request::Input,
    units::Second,
};

/// Where both ids came. Nothing else of the request is taken back, so an attribute that comes with login stays.
#[cold]
#[inline(never)]
pub(super) fn signed_in<'a>(
    (toggles, anonymous): (&'a Toggles, &Anonymous),
    values: &Values<'a>,
    (input, now): (Input<'a>, Second),
    effects: &[Effect],
    out: &mut Decisions,
) {
    let changes = &anonymous.changed_by_login;
    if changes.is_empty() && !out.remember_pairs {
        return;
    }
    let both = anonymous::both_ids(toggles, anonymous, values, input, now);
    let Some((user, visitor)) = both else { return };
    let mut both = out.signed_in.take().unwrap_or_default();
    if out.remember_pairs {
        let is_there = |(one, other): &Ids| (&**one, &**other) == (user, &*visitor);
        // files that share the cookie know one pair
        if !both.ids.iter().any(is_there) {
            both.ids.push((user.into(), (&*visitor).into()));
        }
    }
    // a tester is no sign of what others met
    let overridden = out.overrides.last().copied().flatten();
    let is_tested = overridden.is_some_and(OverrideResult::has_effect);
    if !changes.is_empty() && !is_tested {
        let before = Values::new(&toggles.attributes, input);
        before.set(USER, visitor);
        let decided = &mut both.by_visitor;
        decide_again(toggles, &before, now, effects, decided);
        let after = &out.by_feature[toggles.first..];
        for index in changes.iter().map(|index| usize::from(*index)) {
            let (Some(before), Some(after)) = (decided[index], after[index]) else {
                continue;
            };
            let is_drawn = [before.reason, after.reason].contains(&Reason::Split);
            if is_drawn && before.variant != after.variant {
                both.drifted.push(toggles.first + index);
            }
        }
    }
    out.signed_in = Some(both);
}

/// What the file gives by other values; no override.
fn decide_again(
    toggles: &Toggles,
    values: &Values<'_>,
    now: Second,
    effects: &[Effect],
    decided: &mut Vec<Option<Decision>>,
) {
    decided.clear();
    decided.resize(toggles.features.len(), None);
    let scope = Scope {
        values,
        now,
        toggles,
        decided: &[],
    };
    if toggles.when.as_ref().is_none_or(|when| when.holds(scope)) {
        every_feature(scope, decided, &[], &mut Vec::new());
        stop(effects, toggles, values, now, decided);
    }
}
