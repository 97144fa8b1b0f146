//! What most features are, prepared at load: the same for everybody, or one share of all users. Only for speed: steps 4a to 4h of
//! [`super::evaluate`] give the same, and every row of the scenarios is decided both ways.
//! In: a feature. Out: its decision where no override is there, without a look at the feature.
//!
//! Counted with callgrind: a toggle more of a plain build costs about 140 instructions, and 266 without this file.

use super::{
    attributes::USER,
    bucket::Point,
    decision::{Decision, Reason},
    model::{Feature, FeatureIndex, Serve, Shortcut, Spread, Status, Step},
    schedule::Rollout,
    units::Share,
};

impl Step {
    /// Of a feature, in a file that may be paused.
    pub fn new(index: FeatureIndex, feature: &Feature, paused: bool) -> Step {
        Step {
            feature: index,
            shortcut: shortcut(feature, paused),
        }
    }
}

fn shortcut(feature: &Feature, paused: bool) -> Option<Shortcut> {
    match feature.status {
        Status::Archived | Status::Draft => return Some(Shortcut::Silent),
        _ if paused || feature.status == Status::Paused => {
            return Some(Shortcut::Disabled(feature.default));
        }
        _ => {}
    }
    if feature.when.is_some() || !feature.rules.is_empty() {
        return None;
    }
    let Some(own) = &feature.fallthrough else {
        return Some(Shortcut::Default(feature.default));
    };
    match (&own.rollout, &own.serve, &feature.spread) {
        (Rollout::Fixed(Share::NOBODY), ..) => Some(Shortcut::Static(feature.default)),
        (Rollout::Fixed(Share::EVERYBODY), Serve::One(variant), _) => {
            Some(Shortcut::Static(*variant))
        }
        (Rollout::Fixed(share), Serve::One(variant), Spread::Points) if feature.unit == USER => {
            Some(Shortcut::Rollout {
                seed: feature.seed,
                end: Point::first_outside(*share)?,
                inside: *variant,
                outside: feature.default,
            })
        }
        (Rollout::Fixed(share), Serve::One(variant), _) if feature.unit == USER => {
            let (inside, outside) = (*variant, feature.default);
            Some(match &own.draws {
                Some(draws) => Shortcut::Drawn {
                    end: draws.rollout.first_outside(*share)?,
                    inside,
                    outside,
                },
                None => Shortcut::Weighed {
                    share: *share,
                    inside,
                    outside,
                },
            })
        }
        _ => None,
    }
}

impl Shortcut {
    /// The decision of the feature at this index, for this user.
    #[inline]
    pub fn decide(
        &self,
        features: &[Feature],
        index: usize,
        user: Option<&[u8]>,
    ) -> Option<Decision> {
        let Shortcut::Rollout {
            seed,
            end,
            inside,
            outside,
        } = self
        else {
            return self.decide_otherwise(&features[index], user);
        };
        let Some(user) = user else {
            return Some(Decision::new(*outside, Reason::Error));
        };
        let variant = match seed.point(user) < *end {
            true => *inside,
            false => *outside,
        };
        Some(Decision::new(variant, Reason::Split))
    }

    fn decide_otherwise(&self, feature: &Feature, user: Option<&[u8]>) -> Option<Decision> {
        let own = feature.fallthrough.as_ref();
        let (inside, outside, is_in) = match self {
            Shortcut::Drawn {
                end,
                inside,
                outside,
            } => {
                let draws = own.and_then(|own| own.draws.as_ref()).zip(user);
                let is_in = draws.map(|(draws, user)| draws.rollout.number(user).number < *end);
                (inside, outside, is_in)
            }
            Shortcut::Weighed {
                share,
                inside,
                outside,
            } => {
                let is_in = own.zip(user);
                let is_in = is_in.map(|(own, user)| own.is_in(feature, user, *share));
                (inside, outside, is_in)
            }
            same => return same.same(),
        };
        Some(match is_in {
            Some(true) => Decision::new(*inside, Reason::Split),
            Some(false) => Decision::new(*outside, Reason::Split),
            None => Decision::new(*outside, Reason::Error),
        })
    }

    /// To everybody.
    fn same(&self) -> Option<Decision> {
        match *self {
            Shortcut::Disabled(variant) => Some(Decision::new(variant, Reason::Disabled)),
            Shortcut::Default(variant) => Some(Decision::new(variant, Reason::Default)),
            Shortcut::Static(variant) => Some(Decision::new(variant, Reason::Static)),
            Shortcut::Silent
            | Shortcut::Rollout { .. }
            | Shortcut::Drawn { .. }
            | Shortcut::Weighed { .. } => None,
        }
    }
}
