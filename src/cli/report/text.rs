//! `burgee report` for a terminal: aligned, with small bars, the conclusions in bold. In: a readout. Out: text.

use super::{
    readout::{FeatureReadout, GoalReadout, Readout},
    sentence::{self, people, percent},
};
use crate::{
    cli::style::Style,
    engine::{
        compare::words::{Interval, grouped},
        instant,
        units::Second,
    },
};
use std::io::{self, Write};

/// Prints it.
pub fn print(readout: &Readout, style: Style, out: &mut impl Write) -> io::Result<()> {
    for one in &readout.features {
        feature(one, style, out)?;
    }
    writeln!(out, "{}", sentence::lines(&readout.lines))
}

fn feature(feature: &FeatureReadout, style: Style, out: &mut impl Write) -> io::Result<()> {
    let Style {
        bold, red, plain, ..
    } = style;
    let all: u64 = feature.arms.iter().map(|arm| arm.people).sum();
    let (first, last) = (instant(feature.first), instant(feature.last));
    let key = &feature.feature;
    writeln!(
        out,
        "{bold}{key}{plain}: {} met it first between {first} and {last}\n",
        people(all)
    )?;
    let width = width(feature);
    for arm in &feature.arms {
        let share = arm.people as f64 / all.max(1) as f64;
        let drawn = feature.split.map_or_else(String::new, |split| {
            let drawn = sentence::share_of(arm.drawn.0, &split);
            format!("  {:>7} drawn", percent(drawn))
        });
        let (name, count) = (&arm.variant, grouped(arm.people));
        let (bar, share) = (bar(share, 1.0), percent(share));
        let line = format!("  {name:width$}  {count:>12} people  {share:>7}{drawn}  {bar}");
        writeln!(out, "{}", line.trim_end())?;
    }
    let (said, why) = sentence::split(feature);
    let shade = if why.is_some() { red } else { "" };
    writeln!(out, "  {shade}{said}{plain}")?;
    let notes = why.map(|why| format!("{why}.")).into_iter();
    for note in notes.chain(sentence::notes(feature)) {
        writeln!(out, "  {note}")?;
    }
    writeln!(out)?;
    if feature.goals.is_empty() {
        writeln!(out, "  no goal was reached, as far as the lines say\n")?;
    }
    feature
        .goals
        .iter()
        .try_for_each(|one| goal(feature, one, style, out))
}

fn goal(
    feature: &FeatureReadout,
    goal: &GoalReadout,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let Style {
        bold,
        red,
        green,
        plain,
        ..
    } = style;
    writeln!(out, "  {bold}{}{plain}", goal.goal)?;
    let width = width(feature);
    let part = |reached: u64, of: u64| reached as f64 / of.max(1) as f64;
    let most = goal.arms.iter().map(|arm| part(arm.reached, arm.people));
    let most = most.fold(0.0, f64::max);
    for (arm, reached) in feature.arms.iter().zip(&goal.arms) {
        let count = format!(
            "{} of {}",
            grouped(reached.reached),
            grouped(reached.people)
        );
        let share = part(reached.reached, reached.people);
        let between = reached.share.map_or_else(String::new, between);
        let (name, bar, share) = (&arm.variant, bar(share, most), percent(share));
        let line = format!("  {name:width$}  {count:>19}  {share:>7}  {between:<20}  {bar}");
        writeln!(out, "{}", line.trim_end())?;
    }
    for (tested, comparison) in &goal.compared {
        let said = sentence::conclusion(feature, goal, tested, comparison);
        let shade = match sentence::verdict(feature, comparison) {
            "refused" => red,
            "more_often" | "less_often" => green,
            _ => "",
        };
        writeln!(out, "  {bold}{shade}{said}{plain}")?;
        if let Some(of) = comparison.difference {
            let (value, low, high) = (points(of.value), points(of.low), points(of.high));
            writeln!(
                out,
                "  {tested} less {}: {value} points, between {low} and {high}",
                feature.arms[0].variant
            )?;
        }
    }
    if let Some(apart) = sentence::goals_apart(feature, goal) {
        writeln!(out, "  {apart}")?;
    }
    writeln!(out)
}

fn width(feature: &FeatureReadout) -> usize {
    let names = feature.arms.iter().map(|arm| arm.variant.len());
    names.max().unwrap_or_default()
}

/// `9.71% to 10.3%`
pub(super) fn between(interval: Interval) -> String {
    format!("{} to {}", percent(interval.low), percent(interval.high))
}

/// Percentage points with their sign.
pub(super) fn points(share: f64) -> String {
    let sign = if share < 0.0 { "" } else { "+" };
    format!("{sign}{}", sentence::points(share))
}

/// Eighths of ten characters.
fn bar(share: f64, most: f64) -> String {
    if most <= 0.0 {
        return String::new();
    }
    let eighths = (80.0 * share / most).round() as usize;
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    "█".repeat(eighths / 8) + rest
}

/// In whole seconds.
pub(super) fn instant(micros: i64) -> String {
    instant::show(Second(micros.div_euclid(1_000_000)))
}
