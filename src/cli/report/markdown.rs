//! `burgee report --markdown`: the conclusions, and tables below them, for a pull request. In: a readout. Out: Markdown.

use super::{
    readout::{FeatureReadout, GoalReadout, Readout},
    sentence::{self, percent},
    text::{between, instant, points},
};
use crate::engine::compare::words::grouped;
use std::io::{self, Write};

/// Prints it.
pub fn print(readout: &Readout, out: &mut impl Write) -> io::Result<()> {
    for one in &readout.features {
        feature(one, out)?;
    }
    writeln!(out, "{}", sentence::lines(&readout.lines))
}

fn feature(feature: &FeatureReadout, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "### What came of `{}`\n", feature.feature)?;
    for goal in &feature.goals {
        for (tested, comparison) in &goal.compared {
            let said = sentence::conclusion(feature, goal, tested, comparison);
            writeln!(out, "- **{said}**")?;
        }
    }
    let (said, why) = sentence::split(feature);
    let mark = if why.is_some() { "⚠️ " } else { "" };
    writeln!(
        out,
        "- {mark}{said}{}",
        why.map_or_else(String::new, |why| format!(". {why}"))
    )?;
    let (first, last) = (instant(feature.first), instant(feature.last));
    writeln!(out, "- people who met it first between {first} and {last}")?;
    for note in sentence::notes(feature) {
        writeln!(out, "- {note}")?;
    }
    writeln!(out, "\n| variant | people | drawn |\n|---|---:|---:|")?;
    for arm in &feature.arms {
        let drawn = feature
            .split
            .map_or_else(String::new, |_| format!("{:.0}", arm.drawn.0));
        writeln!(
            out,
            "| `{}` | {} | {drawn} |",
            arm.variant,
            grouped(arm.people)
        )?;
    }
    writeln!(out)?;
    feature
        .goals
        .iter()
        .try_for_each(|one| goal(feature, one, out))
}

fn goal(feature: &FeatureReadout, goal: &GoalReadout, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "| `{}` | reached | of people | share | difference, points |\n|---|---:|---:|---|---|",
        goal.goal
    )?;
    for (index, (arm, reached)) in feature.arms.iter().zip(&goal.arms).enumerate() {
        let share = reached.reached as f64 / reached.people.max(1) as f64;
        let interval = reached
            .share
            .map_or_else(String::new, |of| format!(", {}", between(of)));
        let compared = index
            .checked_sub(1)
            .and_then(|index| goal.compared.get(index));
        let difference = compared.and_then(|(_, comparison)| comparison.difference);
        let difference = difference.map_or_else(String::new, |of| {
            format!(
                "{}, {} to {}",
                points(of.value),
                points(of.low),
                points(of.high)
            )
        });
        writeln!(
            out,
            "| `{}` | {} | {} | {}{interval} | {difference} |",
            arm.variant,
            grouped(reached.reached),
            grouped(reached.people),
            percent(share)
        )?;
    }
    if let Some(apart) = sentence::goals_apart(feature, goal) {
        writeln!(out, "\n{apart}")?;
    }
    writeln!(out)
}
