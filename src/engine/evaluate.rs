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
    decision::{Decision, Decisions, UserSource},
    features::{every_feature, is_stopped, stop},
    model::{Condition, Effect, FeatureIndex, OverridePolicy, Snapshot, Toggles},
    override_choice,
    overrides::OverrideResult,
    remember::{self, Forced, OverrideCookies},
    request::Input,
    signed_in::signed_in,
    units::Second,
    visitor::RandomBits,
};
use std::borrow::Cow;

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
            whole_file((toggles, index), &[], (input, now), random, decisions);
        }
        self.settle_overrides(input, now, decisions);
    }

    /// Where several files have looked for an override, and one has accepted what it found.
    #[inline(always)]
    fn settle_overrides(&self, input: Input<'_>, now: Second, decisions: &mut Decisions) {
        let (accepted, results) = (&decisions.accepted_overrides, &mut decisions.overrides);
        if results.len() > 1 && !accepted.is_empty() {
            override_choice::settle(&self.files, (input, now), accepted, results);
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
            let effects = self.stopped.effects.get(index);
            let effects = effects.map_or(&[][..], |effects| effects);
            whole_file((toggles, index), effects, (input, now), random, decisions);
        }
        self.settle_overrides(input, now, decisions);
    }
}

/// Steps 2 to 5 for one file; what login has changed, and who is compared.
#[inline(always)] // of its two callers one decides nearly every request
fn whole_file<'a>(
    (toggles, index): (&'a Toggles, usize),
    effects: &[Effect],
    (input, now): (Input<'a>, Second),
    random: Option<RandomBits<'_>>,
    out: &mut Decisions,
) {
    let values = Values::new(&toggles.attributes, input);
    let at = (input, now);
    file((toggles, index), effects, &values, at, random, out);
    if !effects.is_empty() {
        let decided = &mut out.by_feature[toggles.first..][..toggles.features.len()];
        stop(effects, toggles, &values, now, decided);
    }
    people(toggles, &values, at, random.is_some(), effects, out);
}

/// What login has changed, and who is compared. Each unit is hashed once, however many features draw by it.
#[inline(always)]
fn people<'a>(
    toggles: &'a Toggles,
    values: &Values<'a>,
    (input, now): (Input<'a>, Second),
    is_traffic: bool,
    effects: &[Effect],
    decisions: &mut Decisions,
) {
    if let (Some(anonymous), true) = (&toggles.anonymous, is_traffic) {
        let file = (toggles, anonymous);
        signed_in(file, values, (input, now), effects, decisions);
    }
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

/// Steps 2 to 4 for one file. Of `effects`, which step 5 carries out, an override is told what it cannot pass.
#[inline(always)]
fn file<'a>(
    (toggles, index): (&'a Toggles, usize),
    effects: &[Effect],
    values: &Values<'a>,
    (input, now): (Input<'a>, Second),
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
    let (cookies, accepted) = (&mut out.override_cookies, &mut out.accepted_overrides);
    let overridden = policy.and_then(|policy| {
        let found = overridden(policy, input, scope, effects, decided, cookies)?;
        accepted.extend(found.1);
        Some(found.0)
    });
    out.overrides.push(overridden);
}

/// Decides again with the override that the request brings, if it may; says what became of it, and its text where it was accepted.
fn overridden(
    policy: &OverridePolicy,
    input: Input<'_>,
    scope: Scope<'_, '_>,
    effects: &[Effect],
    decided: &mut [Option<Decision>],
    cookies: &mut Option<OverrideCookies>,
) -> Option<(OverrideResult, Option<Vec<u8>>)> {
    let holds = |when: &Condition| when.holds(Scope { decided, ..scope });
    let allowed = policy.when.as_ref().is_none_or(holds);
    // what the override's own condition could not read is no feature's
    scope.values.unreadable.take();
    let (toggles, now) = (scope.toggles, scope.now);
    let choice = policy.choose((input, now), toggles.namespace.as_deref(), allowed)?;
    let valid = choice.valid.as_ref();
    let variants = valid.map(|(_, value)| value.variants(toggles));
    let variants = variants.unwrap_or_default();
    if !variants.is_empty() {
        // nothing is counted twice
        every_feature(scope, decided, &variants, &mut Vec::new());
    }
    // what is stopped is not forced: step 5 gives the default
    let is_forced = |(feature, _): &(FeatureIndex, u8)| {
        let decision = decided[usize::from(*feature)];
        decision.is_some_and(|one| one.overridden) && !is_stopped(*feature, effects)
    };
    let forced = Forced {
        has_effect: variants.iter().any(is_forced),
        is_known: !variants.is_empty(),
    };
    let result = remember::remember(policy, &choice, forced, (input, now), cookies);
    let accepted = choice.valid.and_then(|(found, _)| found.text.ok());
    Some((result, accepted.map(Cow::into_owned)))
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
