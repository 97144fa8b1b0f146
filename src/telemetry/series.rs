//! The families of features: a thousand features with three variants are a hundred thousand lines of `/metrics`.
//! In: every worker's counters. Out: OpenMetrics text, its labels written once a series, so that a scrape takes milliseconds.

use super::{
    count::{BOUNDS, CLASSES, Endings},
    metrics::{Key, Metrics, REASONS, Variant, lock},
    scrape::{Sum, count},
};
use std::{borrow::Cow, fmt::Write as _, thread};

/// After so many bytes a worker on the same core may go first: requests do not wait for a scrape.
const POLITE: usize = 16 * 1024;

/// Appends them.
pub(super) fn write(metrics: &Metrics, out: &mut String) {
    let features = lock(&metrics.features);
    let arms: Vec<_> = features
        .arms
        .iter()
        .map(|(key, variant)| (labels(key), variant))
        .collect();
    family(
        out,
        "burgee_evaluations",
        "counter",
        "Decisions by feature, variant and reason",
    );
    for (labels, variant) in &arms {
        for (index, reason) in REASONS.iter().enumerate() {
            let sum = variant
                .workers
                .iter()
                .map(|arm| arm.evaluations[index].get())
                .sum();
            counter(
                out,
                "burgee_evaluations",
                labels,
                "reason",
                reason.as_str(),
                sum,
            );
        }
    }
    outcomes(&arms, out);
    family(
        out,
        "burgee_exposures",
        "counter",
        "Answers that used the feature, as the application says",
    );
    for (labels, variant) in &arms {
        let sum = variant
            .workers
            .iter()
            .map(|arm| arm.exposures.get())
            .sum::<u64>();
        if sum > 0 {
            line(out, &["burgee_exposures_total{", labels, "}"], sum);
        }
    }
    let goals = metrics.goals.names();
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
            counter(out, "burgee_goals", labels, "goal", goal, sum);
        }
    }
}

/// Requests and durations of what is compared.
fn outcomes(arms: &[(String, &Variant)], out: &mut String) {
    let compared = arms.iter().filter(|(_, variant)| variant.is_compared);
    let sums = compared.map(|(labels, variant)| {
        let counted = variant.workers.iter().filter_map(|arm| arm.requests.get());
        (labels, Endings::sum(counted.map(|endings| &**endings)))
    });
    let sums: Vec<_> = sums.collect();
    family(
        out,
        "burgee_feature_requests",
        "counter",
        "Requests answered, by what the feature gave them",
    );
    for (labels, sums) in &sums {
        for (status, sum) in CLASSES.iter().zip(sums) {
            counter(
                out,
                "burgee_feature_requests",
                labels,
                "status",
                status,
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
    let bounds: Vec<String> = BOUNDS
        .iter()
        .map(|bound| (*bound as f64 / 1e9).to_string())
        .collect();
    for (labels, sums) in &sums {
        for (status, sum) in CLASSES.iter().zip(sums).filter(|(_, sum)| count(sum) > 0) {
            histogram(
                out,
                name,
                &format!("{labels},status=\"{status}\"}}"),
                &bounds,
                sum,
            );
        }
    }
}

fn histogram(
    out: &mut String,
    name: &str,
    labels: &str,
    bounds: &[String],
    (buckets, nanoseconds): &Sum,
) {
    // a float keeps a fraction, as OpenMetrics has it
    let _ = writeln!(out, "{name}_sum{{{labels} {:?}", *nanoseconds as f64 / 1e9);
    let mut below = 0;
    let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
    for (bound, bucket) in bounds.zip(buckets) {
        below += bucket;
        line(out, &[name, "_bucket{le=\"", bound, "\",", labels], below);
    }
    line(out, &[name, "_count{", labels], below);
}

/// Nothing for what did not happen: most features know few reasons.
fn counter(out: &mut String, name: &str, labels: &str, label: &str, value: &str, sum: u64) {
    if sum > 0 {
        line(
            out,
            &[name, "_total{", labels, ",", label, "=\"", value, "\"}"],
            sum,
        );
    }
}

fn line(out: &mut String, series: &[&str], value: u64) {
    let before = out.len();
    series.iter().for_each(|part| out.push_str(part));
    // writing to a string cannot fail
    let _ = writeln!(out, " {value}");
    if before / POLITE != out.len() / POLITE {
        thread::yield_now();
    }
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}.\n# TYPE {name} {kind}");
}

fn labels((feature, variant): &Key) -> String {
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
