//! The families of features: a thousand features with three variants are a hundred thousand lines of `/metrics`.
//! In: every worker's counters. Out: OpenMetrics text, its labels written once a series, so that a scrape takes milliseconds.

use super::{
    counter::{BOUNDS, CLASSES, Counter, RequestHistogram},
    groups,
    metrics::{FeatureMetrics, Metrics, VariantKey},
    openmetrics::{count, escaped, family, label, line},
    recorder::lock,
    stages::{DrawKey, Workers},
    variant::{FORCED, REASONS, VariantCounters},
};
use crate::background::give_way;
use crate::engine::Reason;
use std::{collections::BTreeMap, fmt::Write as _};

/// Appends them.
pub(super) fn write(metrics: &Metrics, out: &mut String) {
    let features = lock(&metrics.features);
    let arms: Vec<_> = features
        .variants
        .iter()
        .map(|(key, workers)| (labels(key), workers))
        .collect();
    let reasons = REASONS.map(|reason| label("reason", reason.as_str()));
    family(
        out,
        "burgee_evaluations",
        "counter",
        "Decisions by feature, variant and reason",
    );
    for (labels, workers) in &arms {
        for (index, reason) in reasons.iter().enumerate() {
            let mut sum = evaluated(workers, index);
            if REASONS[index] == Reason::TargetingMatch {
                sum += evaluated(workers, FORCED);
            }
            happened(out, ["burgee_evaluations_total{", labels, reason], sum);
        }
        give_way();
    }
    let unreadable = "Requests with a value that a condition of the feature could not read";
    let name = "burgee_unreadable_values";
    by_feature(&features, (name, unreadable), |arm| &arm.unreadable, out);
    let drifted =
        "Requests of signed-in people whose visitor id alone would have got another variant";
    by_feature(
        &features,
        ("burgee_drift", drifted),
        |arm| &arm.drifted,
        out,
    );
    outcomes(&features.histograms, out);
    groups::write(&features.stages, out);
    family(
        out,
        "burgee_exposures",
        "counter",
        "Answers that used the feature, as the application says",
    );
    for (labels, workers) in &arms {
        let sum = workers.iter().map(|arm| arm.exposures.get()).sum();
        happened(out, ["burgee_exposures_total{", labels, "}"], sum);
    }
    let goals = metrics.goals.names();
    let goals: Vec<_> = goals.iter().map(|goal| label("goal", goal)).collect();
    family(
        out,
        "burgee_goals",
        "counter",
        "Goals reached, by what the feature gave the request",
    );
    for (labels, workers) in &arms {
        for (number, goal) in goals.iter().enumerate() {
            let reached = workers.iter().filter_map(|arm| arm.goals.get());
            let sum = reached.map(|goals| goals[number].get()).sum();
            happened(out, ["burgee_goals_total{", labels, goal], sum);
        }
    }
}

/// One line a feature, of what its first variant counts for all of them.
fn by_feature(
    features: &FeatureMetrics,
    (name, help): (&str, &str),
    of: impl Fn(&VariantCounters) -> &Counter,
    out: &mut String,
) {
    family(out, name, "counter", help);
    let mut sums = BTreeMap::new();
    for ((feature, _), workers) in &features.variants {
        let counted = workers.iter().map(|arm| of(arm).get());
        *sums.entry(feature).or_insert(0) += counted.sum::<u64>();
    }
    for (feature, sum) in sums {
        let series = format!("_total{{feature=\"{}\"", escaped(feature));
        happened(out, [name, &series, "}"], sum);
    }
}

fn evaluated(workers: &Workers<VariantCounters>, slot: usize) -> u64 {
    workers.iter().map(|arm| arm.evaluations[slot].get()).sum()
}

/// Requests and durations of what draws gave.
fn outcomes(histograms: &BTreeMap<DrawKey, Workers<RequestHistogram>>, out: &mut String) {
    let sums = histograms
        .iter()
        .map(|((feature, variant, rule), workers)| {
            let labels = format!(
                "feature=\"{}\",variant=\"{}\",rule=\"{}\"",
                escaped(feature),
                escaped(variant),
                escaped(rule)
            );
            let counted = workers.iter().map(|histograms| &**histograms);
            (labels, RequestHistogram::sum(counted))
        });
    let sums: Vec<_> = sums.collect();
    let classes = CLASSES.map(|class| label("status", class));
    family(
        out,
        "burgee_feature_requests",
        "counter",
        "Requests answered, by what a draw of the feature gave them",
    );
    for (labels, sums) in &sums {
        for (class, sum) in classes.iter().zip(sums) {
            happened(
                out,
                ["burgee_feature_requests_total{", labels, class],
                count(sum),
            );
        }
    }
    let name = "burgee_feature_request_duration_seconds";
    family(
        out,
        name,
        "histogram",
        "Durations, by what a draw of the feature gave the request",
    );
    let bounds = BOUNDS.iter().map(|bound| (*bound as f64 / 1e9).to_string());
    let buckets = bounds.chain(["+Inf".to_owned()]);
    let buckets: Vec<_> = buckets
        .map(|bound| format!("{name}_bucket{{le=\"{bound}\","))
        .collect();
    let mut series = String::new();
    for (labels, sums) in &sums {
        for (class, (counts, nanoseconds)) in classes.iter().zip(sums) {
            let mut below = 0;
            let all = counts.iter().sum();
            if all > 0 {
                series.clear();
                series.push_str(labels);
                series.push_str(class);
                // a float keeps a fraction, as OpenMetrics has it
                let seconds = *nanoseconds as f64 / 1e9;
                let _ = writeln!(out, "{name}_sum{{{series} {seconds:?}");
                for (bucket, count) in buckets.iter().zip(counts) {
                    below += count;
                    line(out, [bucket, &series], below);
                }
                line(out, [name, "_count{", &series], all);
            }
        }
        give_way();
    }
}

/// Nothing for what did not happen: most features know few reasons.
fn happened(out: &mut String, series: [&str; 3], sum: u64) {
    if sum > 0 {
        line(out, series, sum);
    }
}

fn labels((feature, variant): &VariantKey) -> String {
    format!(
        "feature=\"{}\",variant=\"{}\"",
        escaped(feature),
        escaped(variant)
    )
}
