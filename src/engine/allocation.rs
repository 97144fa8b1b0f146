//! How far a rule reaches and what it serves: the bucketing contract applied to one feature.
//! In: a rollout, what it serves, and the unit's bytes. Out: a variant, and whether a share was consulted.

use super::{
    bucket,
    decision::Reason,
    imported::Number,
    model::{Allocation, Feature, Serve, Spread},
    units::{Second, Share},
};

impl Allocation {
    /// Steps 4f to 4h of `evaluate`. `targeted` is the reason when no share between 0 and 100% was consulted.
    pub fn decide<'u>(
        &self,
        feature: &Feature,
        unit: impl Fn() -> Option<&'u [u8]>,
        now: Second,
        hold: Option<Second>,
        targeted: Reason,
    ) -> (u8, Reason) {
        // f.
        let missing = (feature.default, Reason::Error);
        let mut reason = targeted;
        let share = match hold {
            None => self.rollout.at(now),
            Some(hold) => self.rollout.held(now, hold),
        };
        if share == Share::NOBODY {
            return (feature.default, targeted);
        }
        if share != Share::EVERYBODY {
            let Some(unit) = unit() else { return missing };
            reason = Reason::Split;
            if !self.is_in(feature, unit, share) {
                return (feature.default, reason);
            }
        }
        // g. and h.
        if let Serve::One(variant) = self.serve {
            return (variant, reason);
        }
        let Some(unit) = unit() else { return missing };
        (self.pick(feature, unit), Reason::Split)
    }

    /// Whether a rollout of `share` includes this unit.
    #[inline]
    pub fn is_in(&self, feature: &Feature, unit: &[u8], share: Share) -> bool {
        match &feature.spread {
            Spread::Points => feature.seed.point(unit).is_in(share),
            Spread::Weights(_) | Spread::Draws => self.is_in_otherwise(feature, unit, share),
        }
    }

    /// The same where units have weights, or another system drew them.
    fn is_in_otherwise(&self, feature: &Feature, unit: &[u8], share: Share) -> bool {
        if let Some(draws) = &self.draws {
            return draws.rollout.number(unit).is_in(share);
        }
        let position = match &feature.spread {
            Spread::Weights(weighted) => weighted.rollout.position(unit),
            Spread::Points | Spread::Draws => None,
        };
        match position {
            Some(position) => position.is_in(share),
            None => feature.seed.point(unit).is_in(share),
        }
    }

    /// Whether in or out and which variant are decided by one number.
    pub fn is_one_number(&self) -> bool {
        let draws = self.draws.as_ref();
        draws.is_some_and(|draws| draws.rollout == draws.serve)
    }

    fn pick(&self, feature: &Feature, unit: &[u8]) -> u8 {
        match &self.serve {
            Serve::Split(arms) => match feature
                .weighted()
                .and_then(|weighted| weighted.split.position(unit))
            {
                None => bucket::split(arms, unit),
                Some(position) => {
                    let mut cut = 0;
                    let arm = arms.iter().find(|arm| {
                        cut += u64::from(arm.share.millionths());
                        position.before(cut)
                    });
                    arm.map_or(feature.default, |arm| arm.variant)
                }
            },
            Serve::One(variant) => *variant,
            Serve::Buckets(ranges) => {
                let bucket = feature.bucket(unit);
                let range = ranges
                    .iter()
                    .find(|(first, last, _)| (*first..=*last).contains(&bucket));
                range.map_or(feature.default, |(_, _, variant)| *variant)
            }
            imported => {
                let number = self.draws.as_ref().map(|draws| draws.serve.number(unit));
                let variant = number.and_then(|number| imported.drawn(number));
                variant.unwrap_or(feature.default)
            }
        }
    }
}

impl Feature {
    /// The bucket of this unit, 0 to 9,999.
    pub fn bucket(&self, unit: &[u8]) -> u16 {
        match self
            .weighted()
            .and_then(|weighted| weighted.rollout.position(unit))
        {
            Some(position) => position.bucket(),
            None => self.seed.point(unit).bucket(),
        }
    }
}

impl Serve {
    /// Under a draw of another system: from, to and whose, in the order in which they are asked.
    pub fn pieces(&self) -> impl Iterator<Item = (u32, u32, u8)> {
        let (arms, ranges): (&[_], &[_]) = match self {
            Serve::Arms(arms) => (arms, &[]),
            Serve::Ranges(ranges) => (&[], ranges),
            Serve::One(_) | Serve::Split(_) | Serve::Buckets(_) => (&[], &[]),
        };
        let starts = std::iter::once(0).chain(arms.iter().map(|(end, _)| *end));
        let arms = starts.zip(arms);
        arms.map(|(start, (end, variant))| (start, *end, *variant))
            .chain(ranges.iter().copied())
    }

    /// Whose this number is, under a draw of another system; none in a gap.
    pub fn drawn(&self, number: Number) -> Option<u8> {
        match self {
            Serve::Arms(arms) => {
                let mut arms = arms.iter();
                let arm = arms.find(|(end, _)| number.is_below(*end));
                arm.map(|(_, variant)| *variant)
            }
            Serve::Ranges(ranges) => {
                let mut ranges = ranges.iter();
                let range = ranges
                    .find(|(start, end, _)| !number.is_below(*start) && number.is_below(*end));
                range.map(|(_, _, variant)| *variant)
            }
            Serve::One(_) | Serve::Split(_) | Serve::Buckets(_) => None,
        }
    }
}
