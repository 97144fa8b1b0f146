//! The families of features: a thousand features with three variants are a hundred thousand lines of `/metrics`.
//! In: every worker's counters. Out: OpenMetrics text, its labels written once a series, so that a scrape takes milliseconds.

use super::{
    counter::{BOUNDS, CLASSES, RequestHistogram},
    metrics::{Metrics, VariantKey, VariantMetrics},
    openmetrics::count,
    recorder::{REASONS, lock},
};
use crate::background::give_way;
use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

/// Appends them.
pub(super) fn write(metrics: &Metrics, out: &mut String) {
    let features = lock(&metrics.features);
    let arms: Vec<_> = features
        .arms
        .iter()
        .map(|(key, variant)| (labels(key), variant))
        .collect();
    let reasons = REASONS.map(|reason| label("reason", reason.as_str()));
    family(
        out,
        "burgee_evaluations",
        "counter",
        "Decisions by feature, variant and reason",
    );
    for (labels, variant) in &arms {
        for (index, reason) in reasons.iter().enumerate() {
            let counted = variant.workers.iter();
            let sum = counted.map(|arm| arm.evaluations[index].get()).sum();
            happened(out, ["burgee_evaluations_total{", labels, reason], sum);
        }
        give_way();
    }
    unreadable(&features.arms, out);
    outcomes(&arms, out);
    family(
        out,
        "burgee_exposures",
        "counter",
        "Answers that used the feature, as the application says",
    );
    for (labels, variant) in &arms {
        let sum = variant.workers.iter().map(|arm| arm.exposures.get()).sum();
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
    for (labels, variant) in &arms {
        for (number, goal) in goals.iter().enumerate() {
            let reached = variant.workers.iter().filter_map(|arm| arm.goals.get());
            let sum = reached.map(|goals| goals[number].get()).sum();
            happened(out, ["burgee_goals_total{", labels, goal], sum);
        }
    }
}

/// One line a feature.
fn unreadable(arms: &BTreeMap<VariantKey, VariantMetrics>, out: &mut String) {
    family(
        out,
        "burgee_unreadable_values",
        "counter",
        "Requests with a value that a condition of the feature could not read",
    );
    let mut sums = BTreeMap::new();
    for ((feature, _), variant) in arms {
        let counted = variant.workers.iter().map(|arm| arm.unreadable.get());
        *sums.entry(feature).or_insert(0) += counted.sum::<u64>();
    }
    for (feature, sum) in sums {
        let feature = format!("feature=\"{}\"", escaped(feature));
        happened(out, ["burgee_unreadable_values_total{", &feature, "}"], sum);
    }
}

/// Requests and durations of what is compared.
fn outcomes(arms: &[(String, &VariantMetrics)], out: &mut String) {
    let compared = arms.iter().filter(|(_, variant)| variant.is_compared);
    let sums = compared.map(|(labels, variant)| {
        let counted = variant.workers.iter().filter_map(|arm| arm.requests.get());
        (
            labels,
            RequestHistogram::sum(counted.map(|histograms| &**histograms)),
        )
    });
    let sums: Vec<_> = sums.collect();
    let classes = CLASSES.map(|class| label("status", class));
    family(
        out,
        "burgee_feature_requests",
        "counter",
        "Requests answered, by what the feature gave them",
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
        "Durations, by what the feature gave the request",
    );
    let bounds = BOUNDS.iter().map(|bound| (*bound as f64 / 1e9).to_string());
    let buckets = bounds.chain(["+Inf".to_owned()]);
    let buckets: Vec<_> = buckets
        .map(|bound| format!("{name}_bucket{{le=\"{bound}\","))
        .collect();
    for (labels, sums) in &sums {
        for (class, (counts, nanoseconds)) in classes.iter().zip(sums) {
            let mut below = 0;
            let all = counts.iter().sum();
            if all > 0 {
                // a float keeps a fraction, as OpenMetrics has it
                let seconds = *nanoseconds as f64 / 1e9;
                let _ = writeln!(out, "{name}_sum{{{labels}{class} {seconds:?}");
                for (bucket, count) in buckets.iter().zip(counts) {
                    below += count;
                    line(out, [bucket, labels, class], below);
                }
                line(out, [name, "_count{", labels, class], all);
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

fn line<const PARTS: usize>(out: &mut String, series: [&str; PARTS], value: u64) {
    series.iter().for_each(|part| out.push_str(part));
    out.push(' ');
    out.push_str(itoa::Buffer::new().format(value));
    out.push('\n');
}

/// The last label of a series.
fn label(name: &str, value: &str) -> String {
    format!(",{name}=\"{}\"}}", escaped(value))
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} {kind}");
}

fn labels((feature, variant): &VariantKey) -> String {
    format!(
        "feature=\"{}\",variant=\"{}\"",
        escaped(feature),
        escaped(variant)
    )
}

/// As OpenMetrics escapes a label's value.
fn escaped(value: &str) -> Cow<'_, str> {
    if !value.contains(['\\', '"', '\n']) {
        return value.into();
    }
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
        .into()
}
