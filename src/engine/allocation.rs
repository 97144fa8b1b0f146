//! How far a rule reaches and what it serves: the bucketing contract applied to one feature.
//! In: a rollout, what it serves, and the unit's bytes. Out: a variant, and whether a share was consulted.

use super::{
    bucket,
    decision::Reason,
    model::{Allocation, Feature, Serve},
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
            if !feature.is_in(unit, share) {
                return (feature.default, reason);
            }
        }
        // g. and h.
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
            .and_then(|weighted| weighted.rollout.position(unit))
        {
            Some(position) => position.is_in(share),
            None => self.seed.point(unit).is_in(share),
        }
    }

    /// The bucket of this unit, 0 to 9,999.
    pub fn bucket(&self, unit: &[u8]) -> u16 {
        match self
            .weighted
            .as_ref()
            .and_then(|weighted| weighted.rollout.position(unit))
        {
            Some(position) => position.bucket(),
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
        }
    }
}
