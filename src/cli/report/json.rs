//! `burgee report --json`: its shape is a promise, fields are only ever added. In: a readout. Out: one object.

use super::{
    readout::{FeatureReadout, GoalReadout, Readout},
    sentence,
    text::instant,
};
use crate::engine::compare::words::Interval;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Prints it.
pub fn print(readout: &Readout, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &object(readout))?;
    writeln!(out)
}

/// All of it.
pub fn object(readout: &Readout) -> Value {
    let lines = &readout.lines;
    let features = readout.features.iter();
    let features = features.map(|one| (one.feature.clone(), feature(one)));
    json!({
        "lines": {
            "read": lines.read,
            "exposures": lines.exposures,
            "repeated_exposures": lines.repeated_exposures,
            "goals": lines.goals,
            "repeated_goals": lines.repeated_goals,
            "joined": lines.joined,
            "not_drawn": lines.not_drawn,
            "without_user": lines.without_user,
            "left_out": lines.left_out,
            "broken": lines.broken,
            "other": lines.other,
        },
        "features": features.collect::<serde_json::Map<_, _>>(),
    })
}

fn feature(feature: &FeatureReadout) -> Value {
    let arms = feature.arms.iter().map(|arm| {
        json!({
            "variant": arm.variant,
            "people": arm.people,
            "in_two_arms": arm.in_two_arms,
            "drawn": feature.split.map(|_| arm.drawn.0),
        })
    });
    let split = feature.split.map(|split| {
        json!({"people": split.people, "p": split.p, "broken": split.is_broken, "words": sentence::split(feature).0})
    });
    let goals = feature
        .goals
        .iter()
        .map(|one| (one.goal.clone(), goal(feature, one)));
    json!({
        "first": instant(feature.first),
        "last": instant(feature.last),
        "control": feature.arms[0].variant,
        "arms": arms.collect::<Vec<_>>(),
        "split": split,
        "goals": goals.collect::<serde_json::Map<_, _>>(),
    })
}

fn goal(feature: &FeatureReadout, goal: &GoalReadout) -> Value {
    let arms = feature.arms.iter().zip(&goal.arms).map(|(arm, reached)| {
        json!({
            "variant": arm.variant,
            "people": reached.people,
            "reached": reached.reached,
            "share": reached.share.map(interval),
        })
    });
    let compared = goal.compared.iter().map(|(tested, comparison)| {
        json!({
            "variant": tested,
            "difference": comparison.difference.map(interval),
            "verdict": sentence::verdict(feature, comparison),
            "words": sentence::conclusion(feature, goal, tested, comparison),
        })
    });
    json!({
        "late": goal.late,
        "not_exposed": goal.not_exposed,
        "arms": arms.collect::<Vec<_>>(),
        "compared": compared.collect::<Vec<_>>(),
    })
}

fn interval(interval: Interval) -> Value {
    json!({"value": interval.value, "low": interval.low, "high": interval.high})
}
