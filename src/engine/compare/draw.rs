//! What can be compared: the draws of a feature, and the variant that the others are compared with.
//! In: a feature as the file means it. Out: its draws, and the share that each gives a variant at an instant.

use crate::engine::{
    Feature, Status,
    model::{Allocation, Serve},
    schedule::Rollout,
    units::{Second, Share},
};

/// A rule, or the feature's own allocation, that draws between several variants.
#[derive(Clone, Debug)]
pub struct Draw {
    /// the rule's number from 1; 0 for the feature's own
    pub rule: u8,
    /// what it can give, in ascending order
    pub variants: Box<[u8]>,
    /// weighted subjects are laid end to end, not drawn: their split is no trial
    pub is_weighted: bool,
    rollout: Rollout,
    serve: Serve,
    /// in or out and which variant are one number, as some systems have it
    is_one_number: bool,
    default: u8,
}

/// What the others are compared with: the variant named `control`, else the default.
pub fn control(feature: &Feature) -> u8 {
    let named = feature
        .variants
        .iter()
        .position(|variant| &*variant.name == "control");
    named.map_or(feature.default, |named| named as u8)
}

/// The draws of a running feature that wants to be counted.
pub fn draws(feature: &Feature) -> Vec<Draw> {
    match is_counted(feature) {
        true => declared(feature),
        false => Vec::new(),
    }
}

/// The one of this rule; 0 is the feature's own.
pub fn of(feature: &Feature, rule: u8) -> Option<Draw> {
    let allocation = feature.allocation(rule).filter(|_| is_counted(feature))?;
    Draw::new(rule, allocation, feature)
}

fn is_counted(feature: &Feature) -> bool {
    feature.status == Status::Running && feature.metrics
}

/// What the file draws, whether the feature runs and is counted or not.
pub fn declared(feature: &Feature) -> Vec<Draw> {
    let own = feature.fallthrough.iter().map(|own| (0, own));
    let rules = (1..).zip(feature.rules.iter().map(|rule| &rule.allocation));
    own.chain(rules)
        .filter_map(|(rule, allocation)| Draw::new(rule, allocation, feature))
        .collect()
}

impl Draw {
    fn new(rule: u8, allocation: &Allocation, feature: &Feature) -> Option<Draw> {
        let mut variants = served(allocation);
        if is_ever_partial(&allocation.rollout) || has_gaps(&allocation.serve) {
            variants.push(feature.default);
        }
        variants.sort_unstable();
        variants.dedup();
        (variants.len() > 1).then(|| Draw {
            rule,
            variants: variants.into(),
            is_weighted: feature.weighted().is_some(),
            rollout: allocation.rollout.clone(),
            serve: allocation.serve.clone(),
            is_one_number: allocation.is_one_number(),
            default: feature.default,
        })
    }

    /// How far the rule reaches.
    pub fn share(&self, now: Second) -> Share {
        self.rollout.at(now)
    }

    /// Which part of those who are drawn gets each of `variants`; nobody is drawn while the rule reaches nobody.
    pub fn parts(&self, now: Second) -> Vec<f64> {
        let share = self.share(now);
        let reach = share.fraction();
        let part = |variant: u8| match &self.serve {
            _ if share == Share::NOBODY => 0.0,
            Serve::One(one) => f64::from(u8::from(*one == variant)) * reach,
            Serve::Split(arms) => {
                let arms = arms.iter().filter(|arm| arm.variant == variant);
                arms.map(|arm| arm.share.fraction()).sum::<f64>() * reach
            }
            Serve::Arms(_) => {
                let end = match self.is_one_number {
                    true => share.millionths(),
                    false => Share::WHOLE,
                };
                let reach = if self.is_one_number { 1.0 } else { reach };
                let pieces = self.serve.pieces().filter(|piece| piece.2 == variant);
                let lengths = pieces.map(|(start, to, _)| to.min(end).saturating_sub(start));
                f64::from(lengths.sum::<u32>()) / f64::from(Share::WHOLE) * reach
            }
            // they go without a rollout
            Serve::Ranges(_) => {
                let pieces = self.serve.pieces().filter(|piece| piece.2 == variant);
                let lengths = pieces.map(|(start, end, _)| end - start);
                f64::from(lengths.sum::<u32>()) / f64::from(Share::WHOLE)
            }
            Serve::Buckets(ranges) => {
                let ranges = ranges.iter().filter(|(_, _, one)| *one == variant);
                f64::from(ranges.map(covered).sum::<u32>()) / f64::from(BUCKETS)
            }
        };
        let mut parts: Vec<f64> = self.variants.iter().map(|one| part(*one)).collect();
        if share != Share::NOBODY {
            let rest = 1.0 - parts.iter().sum::<f64>();
            if let Ok(default) = self.variants.binary_search(&self.default) {
                parts[default] += rest.max(0.0);
            }
        }
        parts
    }
}

fn served(allocation: &Allocation) -> Vec<u8> {
    match &allocation.serve {
        _ if matches!(allocation.rollout, Rollout::Fixed(Share::NOBODY)) => Vec::new(),
        Serve::One(variant) => vec![*variant],
        Serve::Split(arms) => arms.iter().map(|arm| arm.variant).collect(),
        Serve::Buckets(ranges) => ranges.iter().map(|(_, _, variant)| *variant).collect(),
        Serve::Arms(_) | Serve::Ranges(_) => {
            let pieces = allocation.serve.pieces();
            let given = pieces.filter(|(start, end, _)| start < end);
            given.map(|(_, _, variant)| variant).collect()
        }
    }
}

fn is_ever_partial(rollout: &Rollout) -> bool {
    let is_partial = |share: Share| share != Share::NOBODY && share != Share::EVERYBODY;
    match rollout {
        Rollout::Fixed(share) => is_partial(*share),
        Rollout::Steps(steps) => steps.iter().any(|(_, share)| is_partial(*share)),
        Rollout::Glide { from, to, .. } => from != to || is_partial(*from),
    }
}

fn has_gaps(serve: &Serve) -> bool {
    match serve {
        Serve::Buckets(ranges) => ranges.iter().map(covered).sum::<u32>() < BUCKETS,
        Serve::Ranges(_) => {
            let lengths = serve.pieces().map(|(start, end, _)| end - start);
            lengths.sum::<u32>() < Share::WHOLE
        }
        Serve::One(_) | Serve::Split(_) | Serve::Arms(_) => false,
    }
}

/// How many buckets there are.
const BUCKETS: u32 = 10_000;

fn covered((first, last, _): &(u16, u16, u8)) -> u32 {
    u32::from(last - first) + 1
}
