//! What may be concluded, in one sentence: that which is certain, and no more. In: numbers. Out: words.

use super::{
    arms::SplitReadout,
    readout::{ArmReadout, FeatureReadout, GoalReadout},
};
use crate::engine::compare::words::{AtLeast, Comparison, Points, Verdict, counts, grouped};

/// The verdict as programs read it.
pub fn verdict(feature: &FeatureReadout, comparison: &Comparison) -> &'static str {
    match is_refused(feature) {
        true => "refused",
        false => comparison.verdict.as_str(),
    }
}

/// `treatment reaches purchase more often than control: by 1.27 points, at least 0.4 points`
pub fn conclusion(
    feature: &FeatureReadout,
    goal: &GoalReadout,
    tested: &str,
    comparison: &Comparison,
) -> String {
    let (goal, control) = (&goal.goal, &feature.arms[0].variant);
    let pair = format!("{tested} and {control}");
    if is_refused(feature) {
        return format!("no verdict on {goal}: the split is broken");
    }
    let more = |word: &str, by: f64, least: f64| {
        // what was seen is what it is; what is certain is never more than that
        let (by, least) = (points(by), AtLeast(least));
        format!(
            "{tested} reaches {goal} {word} often than {control}: by {by} points, at least {least}"
        )
    };
    match (comparison.verdict, comparison.difference) {
        (Verdict::MoreOften, Some(of)) => more("more", of.value, of.low),
        (Verdict::LessOften, Some(of)) => more("less", -of.value, -of.high),
        (Verdict::NoDifferenceSeen(most), _) => {
            let most = Points(most);
            format!("no difference seen between {pair} in {goal}: it is at most {most}")
        }
        _ => format!("too few to tell whether {pair} differ in {goal}"),
    }
}

/// Whether people arrive as they were drawn; a second part says what it may be where they do not.
pub fn split(feature: &FeatureReadout) -> (String, Option<&'static str>) {
    let Some(split) = &feature.split else {
        return (
            "the split was not checked: no line says with which shares people were drawn".into(),
            None,
        );
    };
    if !split.is_broken {
        return (
            format!("people arrive as they were drawn (p {})", likely(split.p)),
            None,
        );
    }
    let worst = |arm: &&ArmReadout| {
        (share_of(arm.drawn.1 as f64, split) - share_of(arm.drawn.0, split)).abs()
    };
    let worst = feature
        .arms
        .iter()
        .max_by(|a, b| worst(a).total_cmp(&worst(b)));
    let said = worst.map_or_else(String::new, |arm| {
        let [is, drawn] =
            [arm.drawn.1 as f64, arm.drawn.0].map(|people| percent(share_of(people, split)));
        format!(
            "the split is broken: {is} of people met {}, {drawn} were drawn (p {})",
            arm.variant,
            likely(split.p)
        )
    });
    let why = "One variant loses people or exposure lines, a cache, a redirect or a client decides who arrives, or only one of them reports X-Feature-Used";
    (said, Some(why))
}

/// What to know of its people besides.
pub fn notes(feature: &FeatureReadout) -> impl Iterator<Item = String> {
    let control = &feature.arms[0].variant;
    let stands_in = feature.stands_in.then(|| {
        format!("no variant is named control and the default is never drawn: {control} stands for it; --control names another")
    });
    stands_in.into_iter().chain(in_two_arms(feature))
}

fn in_two_arms(feature: &FeatureReadout) -> Option<String> {
    let moved: u64 = feature.arms.iter().map(|arm| arm.in_two_arms).sum();
    (moved > 0).then(|| {
        format!(
            "{} met two variants and {} counted in none; intervals are wider by what they may have done. Where a share was changed, count from the day after: --since",
            people(moved),
            if moved == 1 { "is" } else { "are" }
        )
    })
}

/// Goals that came too early, or of people who are nowhere else.
pub fn goals_apart(feature: &FeatureReadout, goal: &GoalReadout) -> Option<String> {
    let late = (goal.late > 0).then(|| {
        format!(
            "{} reached it before they met {}, and not again",
            people(goal.late),
            feature.feature
        )
    });
    let reached: u64 = goal.arms.iter().map(|arm| arm.reached).sum();
    let strangers = goal.not_exposed > 0;
    let strangers = strangers.then(|| {
        let hint = match reached + goal.late {
            0 => "; if another service wrote these lines, does it share --log-user-key?",
            _ => "",
        };
        format!(
            "{} reached it without having met {}{hint}",
            people(goal.not_exposed),
            feature.feature
        )
    });
    let parts: Vec<_> = late.into_iter().chain(strangers).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn is_refused(feature: &FeatureReadout) -> bool {
    feature.split.is_some_and(|split| split.is_broken)
}

pub(super) fn share_of(people: f64, split: &SplitReadout) -> f64 {
    people / split.people.max(1) as f64
}

/// `1 person`, `98,765 people`
pub fn people(count: u64) -> String {
    format!(
        "{} {}",
        grouped(count),
        if count == 1 { "person" } else { "people" }
    )
}

/// `49.93%`, `0.052%`
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        few if few > 0.0 && few < 0.1 => format!("{percent:.3}%"),
        _ => format!("{percent:.2}%"),
    }
}

/// Percentage points, as seen.
pub fn points(share: f64) -> String {
    let points = share * 100.0;
    match points.abs() {
        large if large >= 10.0 => format!("{points:.1}"),
        small if small >= 0.1 || small == 0.0 => format!("{points:.2}"),
        _ => format!("{points:.3}"),
    }
}

/// A p-value, short.
fn likely(p: f64) -> String {
    match p {
        p if p < 1e-12 => "below 1e-12".into(),
        p if p < 0.001 => format!("{p:.0e}"),
        p => format!("{p:.2}"),
    }
}

/// What became of the lines, for people.
pub fn lines(lines: &super::people::Lines) -> String {
    let known = lines.repeated_exposures + lines.repeated_goals;
    let parts = [
        (lines.exposures, "exposures"),
        (lines.goals, "goals"),
        (known, "of both said what was known"),
        (lines.joined, "of visitors who signed in"),
        (lines.not_drawn, "not drawn"),
        (lines.without_user, "without a user"),
        (lines.left_out, "not asked for"),
        (lines.broken, "broken"),
        (lines.other, "of other logs"),
    ];
    let some = counts(&parts);
    let read = grouped(lines.read);
    let word = if lines.read == 1 { "line" } else { "lines" };
    match some.is_empty() {
        true => format!("{read} {word}"),
        false => format!("{read} {word}: {some}"),
    }
}
