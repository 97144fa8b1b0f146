//! The comparison of each feature's variants, as long as its text stays the same. In: a look each two seconds, off the path of
//! requests. Out: what can be said of it, to `comparison` and `series`.

use super::{
    arms::{DrawnArm, NEVER_SLOW, StageCounters},
    bitmap::Bitmap,
    counter::{BOUNDS, RequestHistogram},
    goal_people::{ArmGoals, DrawGoals},
    variant::{FORCED, VariantCounters},
    verdict::Verdict,
};
use crate::engine::{
    Feature,
    compare::{
        stage::{Arm, Stage},
        words::Measure,
    },
    guard::Guard,
    units::Second,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// An answer may come so long after its decision, as far as the comparison cares.
pub(super) const LONGEST_SETTLE: Duration = Duration::from_secs(60);

/// One feature's, with the counters that it looks at.
#[derive(Debug)]
pub(super) struct StageMetrics {
    pub(super) feature: Box<str>,
    pub(super) text: u32,
    /// a stop or a hold takes people out of its arms, so that who arrives says nothing of the split; when it is resumed, the
    /// comparison begins anew, because those come as if they were new
    is_reached: bool,
    /// what its guard is certain of
    pub(super) verdicts: Vec<Verdict>,
    pub(super) guard: Option<Guard>,
    pub(super) stage: Stage,
    /// by draw and variant
    pub(super) arms: Vec<Vec<ArmMetrics>>,
    /// evaluations by reason when it began, over all variants
    pub(super) before: [u64; FORCED + 1],
}

/// One variant of one draw, in all workers.
#[derive(Debug)]
pub(super) struct ArmMetrics {
    pub(super) key: DrawKey,
    pub(super) requests: Workers<RequestHistogram>,
    stage: Workers<StageCounters>,
    people: Arc<Bitmap>,
    pub(super) goals: Arc<ArmGoals>,
    /// the durations when the stage began
    pub(super) before: [u64; BOUNDS.len() + 1],
}

/// The same counter of each worker.
pub(super) type Workers<T> = Box<[Arc<T>]>;

/// A draw's histograms by feature, variant and rule: they outlive the text.
pub(super) type DrawKey = (Box<str>, Box<str>, Box<str>);

impl StageMetrics {
    /// Goes on where the text is the same and it was not resumed; else begins anew. None where nothing is drawn.
    #[allow(clippy::too_many_arguments)] // each is another thing, and there is one caller
    pub(super) fn next(
        old: Option<StageMetrics>,
        feature: &Feature,
        is_reached: bool,
        histograms: &mut BTreeMap<DrawKey, Workers<RequestHistogram>>,
        workers: usize,
        before: [u64; FORCED + 1],
        now: Second,
        settle: Duration,
    ) -> Option<StageMetrics> {
        let mut verdicts = Vec::new();
        if let Some(old) = old.filter(|old| old.text == feature.text) {
            if is_reached || !old.is_reached {
                return Some(StageMetrics { is_reached, ..old });
            }
            verdicts = old.verdicts;
        }
        let guard = feature.guard.as_ref();
        let slow = guard.and_then(|guard| guard.slow);
        let slow_above = slow.map_or(NEVER_SLOW, |slow| slow.above * 1_000_000);
        let measures: &[Measure] = match slow {
            Some(_) => &[Measure::Errors, Measure::Slow],
            None => &[Measure::Errors],
        };
        let settle = settle.min(LONGEST_SETTLE).as_secs() as i64;
        let stage = Stage::new(feature, measures, guard.is_some(), now, settle)?;
        let arms = stage.draws.iter().map(|looked| {
            let (people, draw_goals): (Arc<Bitmap>, Arc<DrawGoals>) = Default::default();
            let arm = |variant: &u8| {
                let rule = feature.rule_label(looked.draw.rule);
                let name = &feature.variant(*variant).name;
                let key = (feature.key.clone(), name.clone(), (*rule).into());
                let each = |_| Arc::<RequestHistogram>::default();
                let requests = histograms.entry(key.clone());
                let requests = requests.or_insert_with(|| (0..workers).map(each).collect());
                let goals = Arc::new(ArmGoals::of(&draw_goals));
                ArmMetrics {
                    key,
                    before: durations(requests),
                    requests: requests.clone(),
                    stage: (0..workers)
                        .map(|_| Arc::new(StageCounters::new(slow_above, goals.clone())))
                        .collect(),
                    people: people.clone(),
                    goals,
                }
            };
            looked.draw.variants.iter().map(arm).collect()
        });
        Some(StageMetrics {
            feature: feature.key.clone(),
            text: feature.text,
            is_reached,
            verdicts,
            guard: feature.guard,
            arms: arms.collect(),
            stage,
            before,
        })
    }

    /// By rule from 0 and variant, as one worker counts them; `variants` are the feature's.
    pub(super) fn drawn(
        &self,
        feature: &Feature,
        variants: &[Workers<VariantCounters>],
        worker: usize,
    ) -> Vec<Option<DrawnArm>> {
        let mut drawn = vec![None; (feature.rules.len() + 1) * variants.len()];
        for (looked, arms) in self.stage.draws.iter().zip(&self.arms) {
            let first = usize::from(looked.draw.rule) * variants.len();
            for (variant, arm) in looked.draw.variants.iter().zip(arms) {
                let variant = usize::from(*variant);
                drawn[first + variant] = Some(DrawnArm {
                    variant: variants[variant][worker].clone(),
                    requests: arm.requests[worker].clone(),
                    stage: arm.stage[worker].clone(),
                    people: arm.people.clone(),
                });
            }
        }
        drawn
    }

    /// Everything of the stage, as of now.
    pub(super) fn counted(&self) -> Vec<Vec<Arm>> {
        let of = |draw: &Vec<ArmMetrics>| {
            let sums = draw.iter().map(|arm| StageCounters::sum(&arm.stage));
            sums.collect()
        };
        self.arms.iter().map(of).collect()
    }

    /// A look. Out: what has become certain.
    pub(super) fn look(&mut self, now: Second, pods: usize) -> Vec<Verdict> {
        let counted = self.counted();
        self.stage.look(now, &counted, !self.is_reached);
        let new = self.verdicts(now, pods, &counted);
        self.verdicts.extend_from_slice(&new);
        new
    }
}

/// By bucket, over all workers and classes.
pub(super) fn durations(requests: &[Arc<RequestHistogram>]) -> [u64; BOUNDS.len() + 1] {
    let mut all = [0; BOUNDS.len() + 1];
    for (buckets, _) in RequestHistogram::sum(requests.iter().map(|one| &**one)) {
        all.iter_mut()
            .zip(buckets)
            .for_each(|(sum, one)| *sum += one);
    }
    all
}
