//! The order of evaluation, as `toggles.md` numbers it.
//! In: one file's toggles and the request. Out: one decision a feature, parents before children.

use super::{
    Feature, Snapshot, Status, Toggles,
    attributes::{Asked, Found, USER, Values},
    bucket::{self, Arm},
    condition::{Condition, Context},
    overrides,
    schedule::Rollout,
    units::{Second, Share},
    visitor::{Anonymous, Fresh, VisitorId},
};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Index of a feature in [`Toggles::features`].
pub type FeatureIndex = u16;

/// A rule: the first whose condition holds decides.
#[derive(Debug)]
pub struct Rule {
    /// `name`, for `explain` and metadata
    pub name: Option<Box<str>>,
    /// the rule's condition
    pub when: Condition,
    /// what it gives
    pub outcome: Outcome,
}

/// How far, and what.
#[derive(Debug)]
pub struct Outcome {
    /// everybody where the file says nothing
    pub rollout: Rollout,
    /// what those inside get
    pub serve: Serve,
}

/// What those inside a rollout get.
#[derive(Clone, Debug)]
pub enum Serve {
    /// one variant, or one share of 100%
    One(u8),
    /// shares that add up to 100%; no empty arm; in bytewise order of the variants' names
    Split(Box<[Arm]>),
    /// inclusive ranges of buckets that do not overlap; a gap is the default
    Buckets(Box<[(u16, u16, u8)]>),
}

/// Why, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// nothing was asked
    Static,
    /// the feature's condition does not hold, or no rule decided
    Default,
    /// a condition decided
    TargetingMatch,
    /// a share decided
    Split,
    /// paused
    Disabled,
    /// a share had to decide, and there is no unit
    Error,
}

impl Reason {
    /// As OpenFeature writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Static => "STATIC",
            Reason::Default => "DEFAULT",
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Disabled => "DISABLED",
            Reason::Error => "ERROR",
        }
    }
}

/// What one feature answers to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// index into the feature's variants
    pub variant: u8,
    /// why
    pub reason: Reason,
    /// the rule that decided, from 1; 0 for none
    pub rule: u8,
    /// by a valid override
    pub forced: bool,
}

/// The answers to one request. Reused from request to request, so that the hot path does not allocate.
#[derive(Debug, Default)]
pub struct Decisions {
    /// by [`Toggles::first`] + index of the feature; none where a feature gives no answer
    pub answers: Vec<Option<Decision>>,
    /// for each file, where the user came from
    pub people: SmallVec<[Person; 1]>,
    /// for each file, what became of an override
    pub overrides: SmallVec<[Option<overrides::Outcome>; 1]>,
    /// the new id of a stranger, and which files' cookies carry it
    pub visitor: Option<(VisitorId, SmallVec<[u16; 1]>)>,
    /// how many fields were dropped because only burgee may send them
    pub forged: usize,
    /// our fields as lines of a head, after [`Snapshot::write_lines`]
    pub lines: Vec<u8>,
    /// whether `users` is filled: only where somebody asked for ids in a log
    pub remember_users: bool,
    /// for each file, who asks
    pub users: SmallVec<[Option<Box<[u8]>>; 1]>,
}

/// Who asks, without the id itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// nobody said
    Unknown,
    /// a header said two things
    Conflict,
    /// by the source at this index of the user's sources; one past the last is a new visitor
    Source(u16),
    /// by the `targetingKey` of an evaluation context
    Context,
}

impl Decisions {
    /// Makes room for the answers of this snapshot.
    pub fn reset(&mut self, snapshot: &Snapshot) {
        self.answers.clear();
        self.answers.resize(
            snapshot
                .files
                .last()
                .map_or(0, |file| file.first + file.features.len()),
            None,
        );
        self.people.clear();
        self.overrides.clear();
        self.visitor = None;
        self.forged = 0;
        self.lines.clear();
        self.users.clear();
    }
}

/// Evaluates one file. Step 3's stripping is not done here: it belongs to the request, whatever the file says.
pub fn file(
    toggles: &Toggles,
    index: usize,
    asked: Asked<'_>,
    now: Second,
    fresh: Option<Fresh<'_>>,
    out: &mut Decisions,
) {
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
    // a file's own condition cannot ask for its features: that is refused at load
    if toggles
        .when
        .as_ref()
        .is_some_and(|when| !when.holds(context))
    {
        return out.overrides.push(None);
    }
    every_feature(context, answers, &[]);
    let Some(overriding) = &toggles.forced else {
        return out.overrides.push(None);
    };
    // its condition may ask for features, as they are without it
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
    match feature.status {
        Status::Archived => return None,
        Status::Draft if force.is_none() || toggles.paused => return None,
        _ if toggles.paused || feature.status == Status::Paused => {
            return answer(feature.default, Reason::Disabled);
        }
        _ => {}
    }
    if let Some(variant) = force {
        return Some(Decision {
            variant,
            reason: Reason::TargetingMatch,
            rule: 0,
            forced: true,
        });
    }
    if feature
        .when
        .as_ref()
        .is_some_and(|when| !when.holds(context))
    {
        return answer(feature.default, Reason::Default);
    }
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

impl Outcome {
    /// Steps f to h. `targeted` is the reason when no share between 0 and 100% was consulted.
    pub fn decide<'u>(
        &self,
        feature: &Feature,
        unit: impl Fn() -> Option<&'u [u8]>,
        now: Second,
        targeted: Reason,
    ) -> (u8, Reason) {
        let missing = (feature.default, Reason::Error);
        let mut reason = targeted;
        let share = self.rollout.at(now);
        if share == Share::NOBODY {
            return (feature.default, targeted);
        }
        if share != Share::EVERYBODY {
            let Some(unit) = unit() else { return missing };
            reason = Reason::Split;
            if !feature.is_in(unit, share) {
                return (feature.default, reason);
            }
        }
        if let Serve::One(variant) = self.serve {
            return (variant, reason);
        }
        let Some(unit) = unit() else { return missing };
        (self.serve.pick(feature, unit), Reason::Split)
    }
}

impl Feature {
    /// Whether a rollout of `share` includes this unit.
    #[inline]
    pub fn is_in(&self, unit: &[u8], share: Share) -> bool {
        match self
            .weighted
            .as_ref()
            .and_then(|weighted| weighted.rollout.place(unit))
        {
            Some(place) => place.is_in(share),
            None => self.seed.point(unit).is_in(share),
        }
    }

    /// The bucket of this unit, 0 to 9,999.
    pub fn bucket(&self, unit: &[u8]) -> u16 {
        match self
            .weighted
            .as_ref()
            .and_then(|weighted| weighted.rollout.place(unit))
        {
            Some(place) => place.bucket(),
            None => self.seed.point(unit).bucket(),
        }
    }
}

impl Serve {
    fn pick(&self, feature: &Feature, unit: &[u8]) -> u8 {
        match self {
            Serve::One(variant) => *variant,
            Serve::Buckets(ranges) => {
                let bucket = feature.bucket(unit);
                let range = ranges
                    .iter()
                    .find(|(first, last, _)| (*first..=*last).contains(&bucket));
                range.map_or(feature.default, |(_, _, variant)| *variant)
            }
            Serve::Split(arms) => match feature
                .weighted
                .as_ref()
                .and_then(|weighted| weighted.split.place(unit))
            {
                None => bucket::split(arms, unit),
                Some(place) => {
                    let mut cut = 0;
                    let arm = arms.iter().find(|arm| {
                        cut += u64::from(arm.share.millionths());
                        place.before(cut)
                    });
                    arm.map_or(feature.default, |arm| arm.variant)
                }
            },
        }
    }
}
