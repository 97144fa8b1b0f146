//! The counters as figures, for the page. In: every worker's counters. Out: their sums, by feature and variant.

use super::{
    counter::{CLASSES, RequestHistogram},
    metrics::Metrics,
    recorder::lock,
    stages::Workers,
    variant::{FORCED, VariantCounters},
};
use std::{collections::BTreeMap, sync::Arc};

/// What one variant has been counted for, since the process began.
#[derive(Debug, Default)]
pub struct VariantTotals {
    /// requests that got it
    pub evaluations: u64,
    /// of them, those that a draw gave it; their outcome was counted
    pub requests: u64,
    /// of them, responses with a status of 500 or above
    pub errors: u64,
    /// of them, by the time they took: a count for each of [`super::counter::BOUNDS`], and one for what took longer
    pub durations: Vec<u64>,
    /// responses that used the feature, as the application says
    pub exposures: u64,
    /// goals reached, by name
    pub goals: BTreeMap<Box<str>, u64>,
}

impl Metrics {
    /// Requests so far.
    pub fn requests(&self) -> u64 {
        let sums = RequestHistogram::sum(self.workers.iter().map(|worker| &worker.requests));
        sums.iter().flat_map(|(buckets, _)| buckets).sum()
    }

    /// By feature, then by variant. Variants that nobody got are left out.
    pub fn counts(&self) -> BTreeMap<Box<str>, BTreeMap<Box<str>, VariantTotals>> {
        let names = self.goals.names();
        let mut all = BTreeMap::<_, BTreeMap<_, _>>::new();
        let features = lock(&self.features);
        for ((feature, variant), workers) in &features.variants {
            let mut counts = VariantTotals::of(workers, &names);
            if counts.evaluations > 0 {
                let first = (feature.clone(), variant.clone(), Box::default());
                let drawn = features.histograms.range(first..);
                drawn
                    .take_while(|((key, name, _), _)| key == feature && name == variant)
                    .for_each(|(_, requests)| counts.add_outcomes(requests));
                let variants = all.entry(feature.clone()).or_default();
                variants.insert(variant.clone(), counts);
            }
        }
        all
    }
}

impl VariantTotals {
    fn of(arms: &[Arc<VariantCounters>], names: &[Box<str>]) -> VariantTotals {
        let sum =
            |slot: &dyn Fn(&VariantCounters) -> u64| arms.iter().map(|arm| slot(arm)).sum::<u64>();
        let mut counts = VariantTotals {
            evaluations: (0..=FORCED)
                .map(|reason| sum(&|arm| arm.evaluations[reason].get()))
                .sum(),
            exposures: sum(&|arm| arm.exposures.get()),
            ..VariantTotals::default()
        };
        for (number, name) in names.iter().enumerate() {
            let reached = sum(&|arm| arm.goals.get().map_or(0, |goals| goals[number].get()));
            if reached > 0 {
                counts.goals.insert(name.clone(), reached);
            }
        }
        counts
    }

    fn add_outcomes(&mut self, requests: &Workers<RequestHistogram>) {
        let histograms = RequestHistogram::sum(requests.iter().map(|one| &**one));
        for (class, (buckets, _)) in CLASSES.iter().zip(histograms) {
            let requests: u64 = buckets.iter().sum();
            self.requests += requests;
            if *class == "5xx" {
                self.errors += requests;
            }
            self.durations.resize(buckets.len(), 0);
            self.durations
                .iter_mut()
                .zip(buckets)
                .for_each(|(all, one)| *all += one);
        }
    }
}
