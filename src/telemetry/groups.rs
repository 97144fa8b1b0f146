//! Counters by group of users, of guarded features alone: the recording rules make of them, over all pods, what
//! `engine/compare` makes in one. In: every worker's counters. Out: OpenMetrics text. All series are there at 0 from the
//! stage's first moment: `increase()` does not see a series' first value.

use super::{
    openmetrics::{escaped, family, label, line},
    stages::StageMetrics,
};
use crate::engine::compare::{stage::Arm, words::Measure};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Appends them.
pub(super) fn write(stages: &BTreeMap<Box<str>, StageMetrics>, out: &mut String) {
    let guarded = stages.iter().filter(|(_, stage)| stage.guard.is_some());
    let guarded: Vec<_> = guarded.collect();
    let mut requests = String::new();
    let mut bad = String::new();
    let mut margins = String::new();
    let mut trips = String::new();
    for (feature, stage) in guarded {
        for ((looked, keys), arms) in stage
            .stage
            .draws
            .iter()
            .zip(&stage.arms)
            .zip(stage.counted())
        {
            // without the control there is nothing to compare with
            if !looked.draw.variants.contains(&stage.stage.control) {
                continue;
            }
            for ((variant, key), arm) in looked.draw.variants.iter().zip(keys).zip(arms) {
                let is_control = *variant == stage.stage.control;
                let (_, name, rule) = &key.key;
                let labels = format!(
                    "feature=\"{}\",stage=\"{:08x}\",rule=\"{}\",variant=\"{}\",role=\"{}\"",
                    escaped(feature),
                    stage.text,
                    escaped(rule),
                    escaped(name),
                    if is_control { "control" } else { "tested" },
                );
                by_group(&labels, stage, &arm, &mut requests, &mut bad);
            }
        }
        for (measure, margin) in margins_of(stage) {
            let action = stage.guard.map_or("", |guard| guard.action.as_str());
            let _ = writeln!(
                margins,
                "burgee_guard_margin{{feature=\"{}\",measure=\"{}\",action=\"{action}\"}} {margin:?}",
                escaped(feature),
                measure.as_str(),
            );
        }
        // errors and slow answers of one variant are one series
        let tripped = stage.verdicts.iter().map(|one| {
            format!(
                "burgee_guard_tripped{{feature=\"{}\",rule=\"{}\",variant=\"{}\"}} 1\n",
                escaped(feature),
                escaped(&one.rule),
                escaped(&one.variant)
            )
        });
        trips.extend(tripped.collect::<BTreeSet<_>>());
    }
    for (name, kind, help, lines) in [
        (
            "burgee_group_requests",
            "counter",
            "Requests that a draw of a guarded feature gave a variant, by group of users",
            requests,
        ),
        (
            "burgee_group_bad",
            "counter",
            "Of them, those that ended badly",
            bad,
        ),
        (
            "burgee_guard_margin",
            "gauge",
            "By how much a variant may be worse than its control",
            margins,
        ),
        (
            "burgee_guard_tripped",
            "gauge",
            "1 for each variant of which this process is certain that it does harm",
            trips,
        ),
    ] {
        family(out, name, kind, help);
        out.push_str(&lines);
    }
}

fn by_group(
    labels: &str,
    stage: &StageMetrics,
    arm: &Arm,
    requests: &mut String,
    bad: &mut String,
) {
    let all = arm.cells.counts(Measure::Errors).requests;
    for (group, count) in all.iter().enumerate() {
        let group = label("group", &group.to_string());
        line(
            requests,
            ["burgee_group_requests_total{", labels, &group],
            *count,
        );
    }
    for (measure, _) in margins_of(stage) {
        let labels = format!("{labels},measure=\"{}\"", measure.as_str());
        for (group, count) in arm.cells.counts(measure).bad.iter().enumerate() {
            let group = label("group", &group.to_string());
            line(bad, ["burgee_group_bad_total{", &labels, &group], *count);
        }
    }
}

/// What is guarded, and its margin.
fn margins_of(stage: &StageMetrics) -> impl Iterator<Item = (Measure, f64)> {
    let guard = stage.guard;
    [Measure::Errors, Measure::Slow]
        .into_iter()
        .filter_map(move |measure| Some((measure, guard?.margin(measure)?)))
}
