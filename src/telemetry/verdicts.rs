//! What the guard of each feature is certain of, in this process. In: a look at what is compared. Out: a verdict, once; it stays
//! with the feature's text.

use super::{stages::StageMetrics, verdict::Verdict};
use crate::engine::{
    compare::{
        guard::Harm,
        stage::{Arm, Tested},
        words::Measure,
    },
    units::Second,
};

impl StageMetrics {
    /// What has become certain at this look.
    pub(super) fn verdicts(&self, now: Second, pods: usize, counted: &[Vec<Arm>]) -> Vec<Verdict> {
        let Some(guard) = self.guard else {
            return Vec::new();
        };
        let known = |tested: &&Tested| {
            let name = self.name(tested.variant);
            let mut verdicts = self.verdicts.iter();
            verdicts.any(|one| one.measure == tested.measure && *one.variant == *name)
        };
        let tested = self.stage.tested.iter().filter(|tested| !known(tested));
        let certain = tested.filter_map(|tested| {
            let margin = guard.margin(tested.measure)?;
            let harm = self.stage.harm(tested, margin, pods, now, counted)?;
            Some((tested, margin, harm))
        });
        let verdict = |(tested, margin, harm): (&Tested, f64, Harm)| {
            let (name, control) = (self.name(tested.variant), self.name(self.stage.control));
            let mut sentence = harm.sentence(name, control, tested.measure);
            if self.stage.broken_split().is_some() {
                sentence +=
                    "; the split is broken, so something else than the draw decides who arrives";
            }
            Verdict {
                feature: self.feature.clone(),
                text: self.text,
                action: guard.action,
                rule: self.rule(self.stage.worst_draw(tested, counted)),
                variant: name.into(),
                measure: tested.measure,
                margin,
                harm,
                counted: [tested.variant, self.stage.control]
                    .map(|variant| self.sums(variant, tested.measure, counted)),
                at: now,
                sentence,
            }
        };
        certain.map(verdict).collect()
    }

    /// Requests and bad ones of one variant, in all draws.
    fn sums(&self, variant: u8, measure: Measure, counted: &[Vec<Arm>]) -> (u64, u64) {
        let draws = self.stage.draws.iter().zip(counted);
        let arms = draws.filter_map(|(looked, arms)| {
            let index = looked.draw.variants.binary_search(&variant).ok()?;
            Some(arms[index].cells.counts(measure))
        });
        arms.fold((0, 0), |(requests, bad), counts| {
            let sum = |groups: &[u64]| groups.iter().sum::<u64>();
            (requests + sum(&counts.requests), bad + sum(&counts.bad))
        })
    }

    fn name(&self, variant: u8) -> &str {
        let keys = self.stage.draws.iter().zip(&self.arms);
        let mut names = keys.filter_map(|(looked, arms)| {
            let index = looked.draw.variants.binary_search(&variant).ok()?;
            Some(&*arms[index].key.1)
        });
        names.next().unwrap_or_default()
    }

    fn rule(&self, rule: u8) -> Box<str> {
        let mut draws = self.stage.draws.iter().zip(&self.arms);
        let arms = draws.find(|(looked, _)| looked.draw.rule == rule);
        let arm = arms.and_then(|(_, arms)| arms.first());
        arm.map_or_else(Box::default, |arm| arm.key.2.clone())
    }
}
