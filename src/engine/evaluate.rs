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
//! 5. Our headers are written: `headers`.

use super::{
    attributes::{Found, USER, Values},
    condition::Context,
    decision::{Decision, Decisions, Person, Reason},
    model::{Condition, FeatureIndex, Snapshot, Status, Toggles},
    overrides,
    request::Asked,
    units::Second,
    visitor::{Anonymous, Fresh, VisitorId},
};
use smallvec::SmallVec;
use std::borrow::Cow;

impl Snapshot {
    /// Decides every feature of every file, from the request as it came. Then, in this order: strip what is for this hop
    /// only, drop what only burgee may send ([`super::forged_fields`]), write our headers.
    pub fn decide(
        &self,
        asked: Asked<'_>,
        now: Second,
        fresh: Option<Fresh<'_>>,
        decisions: &mut Decisions,
    ) {
        decisions.reset(self);
        for (index, toggles) in self.files.iter().enumerate() {
            file(toggles, index, asked, now, fresh, decisions);
        }
    }
}

/// Steps 2 to 4 for one file.
fn file(
    toggles: &Toggles,
    index: usize,
    asked: Asked<'_>,
    now: Second,
    fresh: Option<Fresh<'_>>,
    out: &mut Decisions,
) {
    // 2. as the request came
    let values = Values::new(&toggles.attributes, asked);
    out.people.push(person(
        toggles,
        index,
        &values,
        asked,
        fresh,
        &mut out.visitor,
    ));
    if out.remember_users {
        out.users.push(values.get(USER).bytes().map(Into::into));
    }
    let answers = &mut out.answers[toggles.first..toggles.first + toggles.features.len()];
    let context = Context {
        values: &values,
        now,
        toggles,
        decided: &[],
    };
    // 3. the file's own condition. It cannot ask for the file's features: that is refused at load
    if toggles
        .when
        .as_ref()
        .is_some_and(|when| !when.holds(context))
    {
        return out.overrides.push(None);
    }
    // 4. without the override first: its condition may ask for features, as they are without it
    every_feature(context, answers, &[]);
    let Some(overriding) = &toggles.forced else {
        return out.overrides.push(None);
    };
    let holds = |when: &Condition| {
        when.holds(Context {
            decided: answers,
            ..context
        })
    };
    let allowed = overriding.when.as_ref().is_none_or(holds);
    let outcome = overriding.claim(asked).map(|claim| {
        if !allowed {
            return overrides::Outcome::NotAllowed;
        }
        match claim.and_then(|text| overriding.read(&text, toggles, now)) {
            Err(refused) => refused,
            Ok(dictionary) => {
                every_feature(context, answers, &dictionary);
                overrides::Outcome::Applied
            }
        }
    });
    out.overrides.push(outcome);
}

fn every_feature(
    context: Context<'_, '_>,
    answers: &mut [Option<Decision>],
    forced: &[(FeatureIndex, u8)],
) {
    for &feature in &*context.toggles.order {
        answers[usize::from(feature)] = feature_answer(
            feature,
            Context {
                decided: answers,
                ..context
            },
            forced,
        );
    }
}

fn person<'a>(
    toggles: &'a Toggles,
    index: usize,
    values: &Values<'a>,
    asked: Asked<'a>,
    fresh: Option<Fresh<'_>>,
    visitor: &mut Option<(VisitorId, SmallVec<[u16; 1]>)>,
) -> Person {
    if let (Some(_), Asked::Http(http), Some(fresh)) = (&toggles.anonymous, asked, fresh) {
        // looked up apart from `values`, which then takes the new id as if it had come with the request
        if Anonymous::is_navigation(http.headers)
            && toggles.attributes[usize::from(USER)].find(asked, true) == Found::Absent
        {
            let (id, files) =
                visitor.get_or_insert_with(|| (VisitorId::new(fresh()), SmallVec::new()));
            files.push(index as u16);
            values.set_user(Cow::Owned(id.as_str().as_bytes().to_vec()));
        }
    }
    match values.get(USER) {
        Found::Absent => Person::Unknown,
        Found::Conflict => Person::Conflict,
        Found::Value(..) if matches!(asked, Asked::Context(_)) => Person::Context,
        Found::Value(_, source) => Person::Source(*source as u16),
    }
}

fn feature_answer(
    index: FeatureIndex,
    context: Context<'_, '_>,
    forced: &[(FeatureIndex, u8)],
) -> Option<Decision> {
    let toggles = context.toggles;
    let feature = &toggles.features[usize::from(index)];
    let answer = |variant, reason| {
        Some(Decision {
            variant,
            reason,
            rule: 0,
            forced: false,
        })
    };
    let force = forced
        .iter()
        .find(|(forced, _)| *forced == index)
        .map(|(_, variant)| *variant);
    // a. and b.
    match feature.status {
        Status::Archived => return None,
        Status::Draft if force.is_none() || toggles.paused => return None,
        _ if toggles.paused || feature.status == Status::Paused => {
            return answer(feature.default, Reason::Disabled);
        }
        _ => {}
    }
    // c.
    if let Some(variant) = force {
        return Some(Decision {
            variant,
            reason: Reason::TargetingMatch,
            rule: 0,
            forced: true,
        });
    }
    // d.
    if feature
        .when
        .as_ref()
        .is_some_and(|when| !when.holds(context))
    {
        return answer(feature.default, Reason::Default);
    }
    // e.
    let rule = feature
        .rules
        .iter()
        .position(|rule| rule.when.holds(context));
    let outcome = rule
        .map(|rule| &feature.rules[rule].outcome)
        .or(feature.last.as_ref());
    let Some(outcome) = outcome else {
        return answer(feature.default, Reason::Default);
    };
    // f. to h.
    let asked = |rule: usize| !feature.rules[rule].when.is_always();
    let targeted = if rule.is_some_and(asked) || feature.when.is_some() {
        Reason::TargetingMatch
    } else {
        Reason::Static
    };
    let (variant, reason) = outcome.decide(
        feature,
        || context.values.get(feature.unit).bytes(),
        context.now,
        targeted,
    );
    Some(Decision {
        variant,
        reason,
        rule: rule.map_or(0, |rule| rule as u8 + 1),
        forced: false,
    })
}
