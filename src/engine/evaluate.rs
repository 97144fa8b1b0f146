//! The order of evaluation, numbered where it is carried out. It never fails, and it never delays a request.
//! In: a snapshot, a request as it came, one reading of the clock. Out: one decision a feature.
//!
//! 1. One snapshot and one reading of the clock decide the whole request. The caller brings both.
//! 2. The user, the attributes and an override are read from the request as it came. A visitor without an id gets one
//!    where the file says so.
//! 3. Fields are stripped: hop-by-hop ones, then every field that only burgee may send. The proxy does this when all
//!    decisions are made, and before it writes ours. A file whose own `when` is false decides nothing.
//! 4. Each feature is decided once, parents before children:
//!    - a. Archived: no decision. Draft: none, unless an override names it.
//!    - b. The file or the feature is paused: the default, `DISABLED`, whatever an override says.
//!    - c. A valid override: its variant, `TARGETING_MATCH`.
//!    - d. The feature's `when` is false: the default, `DEFAULT`.
//!    - e. The first rule whose `when` holds is *the* rule. Without one it is the feature's own `rollout` and `serve`;
//!      without these: the default, `DEFAULT`. A rule that matches has decided, even where its percentage misses: the
//!      rules below it get no second chance.
//!    - f. Rollout: 0% is the default, with the reason of h. 100% goes on. Any other share needs the unit: without one
//!      the default, `ERROR`; outside the share the default, `SPLIT`; inside goes on.
//!    - g. Serve: one variant needs no unit. Shares and buckets need it, as in f; a gap between buckets is the default.
//!    - h. Reason: `SPLIT` where a share between 0 and 100% was consulted, else `TARGETING_MATCH` where the feature or
//!      the rule has a condition, else `STATIC`.
//! 5. What somebody has stopped gives the default, `DISABLED`, whatever the steps before say. A feature that is held, and one
//!    that asks for a feature that is stopped or held, is decided once more: where that is another variant, the default.
//! 6. Our headers are written: `headers`.

use super::{
    anonymous,
    attributes::{Found, USER, Values},
    compare::Person,
    condition::Scope,
    decision::{Decision, Decisions, Reason, UserSource},
    model::{
        Anonymous, Condition, Effect, EffectKind, Feature, FeatureIndex, OverridePolicy, Snapshot,
        Status, Toggles,
    },
    overrides::OverrideResult,
    remember::{self, OverrideCookies},
    request::Input,
    units::Second,
    visitor::RandomBits,
};

impl Snapshot {
    /// Decides every feature of every file, from the request as it came. Then, in this order: strip what is for this hop
    /// only, drop what only burgee may send ([`super::forged_fields`]), write our headers.
    pub fn decide(
        &self,
        input: Input<'_>,
        now: Second,
        random: Option<RandomBits<'_>>,
        decisions: &mut Decisions,
    ) {
        decisions.reset(self);
        if self.stopped.untouched.is_empty() {
            return self.decide_stopped(input, now, random, decisions);
        }
        for (index, toggles) in self.stopped.untouched.iter().enumerate() {
            let values = Values::new(&toggles.attributes, input);
            file(toggles, index, &values, input, now, random, decisions);
            if let (Some(anonymous), Some(_)) = (&toggles.anonymous, random) {
                signed_in(toggles, anonymous, &values, input, now, &[], decisions);
            }
            people(toggles, &values, decisions);
        }
    }

    /// The same where something is stopped.
    #[cold]
    #[inline(never)]
    fn decide_stopped(
        &self,
        input: Input<'_>,
        now: Second,
        random: Option<RandomBits<'_>>,
        decisions: &mut Decisions,
    ) {
        for (index, toggles) in self.files.iter().enumerate() {
            let values = Values::new(&toggles.attributes, input);
            file(toggles, index, &values, input, now, random, decisions);
            let effects = self.stopped.effects.get(index);
            let effects = effects.map_or(&[][..], |effects| effects);
            let decided = &mut decisions.by_feature[toggles.first..][..toggles.features.len()];
            stop(effects, toggles, &values, now, decided);
            if let (Some(anonymous), Some(_)) = (&toggles.anonymous, random) {
                signed_in(toggles, anonymous, &values, input, now, effects, decisions);
            }
            people(toggles, &values, decisions);
        }
    }
}

/// Who is compared. Each unit is hashed once, however many features draw by it.
#[inline(always)]
fn people(toggles: &Toggles, values: &Values<'_>, decisions: &mut Decisions) {
    for unit in &toggles.drawn_by {
        let person = values.seen(*unit).map(Person::of);
        decisions.people.push(person.unwrap_or_default());
    }
    if decisions.remember_users {
        let units = toggles.drawn_by.iter().map(|unit| values.seen(*unit));
        let units = units.map(|unit| unit.map(Into::into));
        decisions.units.extend(units);
    }
}

/// Steps 2 to 4 for one file.
#[inline(always)] // of its two callers one decides nearly every request
fn file<'a>(
    toggles: &'a Toggles,
    index: usize,
    values: &Values<'a>,
    input: Input<'a>,
    now: Second,
    random: Option<RandomBits<'_>>,
    out: &mut Decisions,
) {
    // 2. as the request came
    if let Some(anonymous) = &toggles.anonymous {
        let file = (toggles, anonymous, index);
        anonymous::apply(file, values, input, now, random, &mut out.visitor);
    }
    out.user_sources.push(user_source(values, input));
    if out.remember_users {
        out.users.push(values.get(USER).bytes().map(Into::into));
    }
    let decided = &mut out.by_feature[toggles.first..toggles.first + toggles.features.len()];
    let scope = Scope {
        values,
        now,
        toggles,
        decided: &[],
    };
    // 3. the file's own condition. It cannot ask for the file's features: that is refused at load
    if let Some(when) = &toggles.when {
        let holds = when.holds(scope);
        if values.unreadable.take().is_some() {
            let all = toggles.first..toggles.first + toggles.features.len();
            out.unreadable.extend(all);
        }
        if !holds {
            return out.overrides.push(None);
        }
    }
    // 4. without the override first: its condition may ask for features, as they are without it
    every_feature(scope, decided, &[], &mut out.unreadable);
    let policy = toggles.override_policy.as_ref();
    let cookies = &mut out.override_cookies;
    let overridden = policy.and_then(|policy| overridden(policy, input, scope, decided, cookies));
    out.overrides.push(overridden);
}

/// Steps 4a to 4h, parents before children.
fn every_feature(
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

/// Step 5, parents before children: what is decided here is what their children see.
#[inline(never)] // so that `feature` has one caller that matters
fn stop(
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

/// Where somebody is signed in and the visitor's cookie came: both ids, and which answers the visitor's alone would have made
/// another: that is what login changed. Nothing else of the request is taken back, so an attribute that comes with login stays.
#[cold]
#[inline(never)]
fn signed_in<'a>(
    toggles: &'a Toggles,
    anonymous: &Anonymous,
    values: &Values<'a>,
    input: Input<'a>,
    now: Second,
    effects: &[Effect],
    out: &mut Decisions,
) {
    let draws = anonymous.visitor.is_some() && toggles.drawn_by.contains(&USER);
    if !draws && !out.remember_users {
        return;
    }
    let both = anonymous::both_ids(toggles, anonymous, values, input, now);
    let Some((user, visitor)) = both else { return };
    let mut both = out.signed_in.take().unwrap_or_default();
    if out.remember_users {
        both.ids.push((user.into(), (&*visitor).into()));
    }
    // a tester is no sign of what others met
    let is_tested = out.overrides.last() == Some(&Some(OverrideResult::Applied));
    if draws && !is_tested {
        let decided = &mut both.by_visitor;
        decided.clear();
        decided.resize(toggles.features.len(), None);
        let before = Values::new(&toggles.attributes, input);
        before.set(USER, visitor);
        let scope = Scope {
            values: &before,
            now,
            toggles,
            decided: &[],
        };
        if toggles.when.as_ref().is_none_or(|when| when.holds(scope)) {
            every_feature(scope, decided, &[], &mut Vec::new());
            stop(effects, toggles, &before, now, decided);
        }
        let after = &out.by_feature[toggles.first..];
        let features = toggles.features.iter().zip(toggles.first..);
        for ((feature, index), decisions) in features.zip(after.iter().zip(&*decided)) {
            let (Some(after), Some(before)) = decisions else {
                continue;
            };
            let is_drawn = [after.reason, before.reason].contains(&Reason::Split);
            let counts = feature.unit == USER && feature.metrics && is_drawn;
            if counts && after.variant != before.variant {
                both.drifted.push(index);
            }
        }
    }
    out.signed_in = Some(both);
}

fn disabled(feature: &Feature) -> Option<Decision> {
    Some(Decision::new(feature.default, Reason::Disabled))
}

/// Decides again with the override that the request brings, if it may; says what became of it.
fn overridden(
    policy: &OverridePolicy,
    input: Input<'_>,
    scope: Scope<'_, '_>,
    decided: &mut [Option<Decision>],
    cookies: &mut Option<OverrideCookies>,
) -> Option<OverrideResult> {
    let holds = |when: &Condition| when.holds(Scope { decided, ..scope });
    let allowed = policy.when.as_ref().is_none_or(holds);
    // what the override's own condition could not read is no feature's
    scope.values.unreadable.take();
    let found = policy.find(input)?;
    let (toggles, now) = (scope.toggles, scope.now);
    let read = match (&found.text, allowed) {
        (_, false) => Err(OverrideResult::NotAllowed),
        (Err(refused), true) => Err(*refused),
        (Ok(text), true) => policy.read(text, toggles.namespace.as_deref(), now),
    };
    if let Ok(value) = &read {
        // nothing is counted twice
        every_feature(scope, decided, &value.variants(toggles), &mut Vec::new());
    }
    let result = remember::remember(policy, &found, &read, (input, now), cookies);
    Some(result)
}

/// Where the user's id came from.
fn user_source(values: &Values<'_>, input: Input<'_>) -> UserSource {
    match values.get(USER) {
        Found::Absent | Found::Object | Found::List(_) => UserSource::Absent,
        Found::Conflict => UserSource::Conflict,
        Found::Value(..) if matches!(input, Input::Context(_)) => UserSource::Context,
        Found::Value(_, source) => UserSource::Source(*source as u16),
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
