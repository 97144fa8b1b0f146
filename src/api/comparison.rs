//! What `GET /features` says of the comparison of variants: numbers and words. In: a report of the counters. Out: JSON. The page
//! draws it, and judges nothing.

use crate::{
    engine::{
        Feature,
        compare::{
            split::Split,
            words::{Interval, counts},
        },
        instant,
    },
    telemetry::{ArmReport, DrawReport, FeatureComparison, GoalReport, NotCompared},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap};

/// How the variants of a feature compare in this process, since the feature's text was written or the process began. Only
/// what a draw gave counts
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Comparison")]
pub struct ComparisonResponse<'a> {
    /// When it began
    pub since: String,
    /// What the others are compared with
    pub control: Cow<'a, str>,
    /// Each other variant that is drawn beside the control
    pub tested: Vec<TestedVariant<'a>>,
    /// The feature's own draw and those of its rules, each by itself
    pub draws: Vec<Draw<'a>>,
    /// Requests that are in no arm
    pub not_compared: NotComparedResponse,
}

/// A variant beside the control
#[derive(Serialize, JsonSchema)]
pub struct TestedVariant<'a> {
    /// Its name
    pub variant: Cow<'a, str>,
    /// `errors` or `slow`
    pub measure: &'static str,
    /// Its share of bad answers less the control's; null where there are too few people. The interval holds the truth at
    /// every look, in 99 of 100 rollouts
    pub difference: Option<IntervalResponse>,
    /// `too_few`, `more_often`, `less_often` or `no_difference_seen`
    pub verdict: &'static str,
    /// `too few to tell`, `fails more often`, `fails less often`, `no difference seen: at most 0.4 points`
    pub words: String,
}

/// A value, and an interval that may be looked at all day
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Interval")]
pub struct IntervalResponse {
    /// As seen
    pub value: f64,
    /// At least
    pub low: f64,
    /// At most
    pub high: f64,
}

/// A draw
#[derive(Serialize, JsonSchema)]
pub struct Draw<'a> {
    /// The rule's name, else its number from 1; `-` for the feature's own draw
    pub rule: Cow<'a, str>,
    /// What it gave
    pub arms: Vec<Arm<'a>>,
    /// Null, or why nothing good may be concluded from it
    pub split: Option<String>,
}

/// A variant of a draw
#[derive(Serialize, JsonSchema)]
pub struct Arm<'a> {
    /// Its name
    pub variant: Cow<'a, str>,
    /// Requests
    pub requests: u64,
    /// People, within 2%
    pub people: u64,
    /// Responses with a status of 500 or above
    pub errors: u64,
    /// Their share; null where there are too few people
    pub share: Option<IntervalResponse>,
    /// Requests by the time they took: a count for each of `bounds`, and one for what took longer
    pub durations: Vec<u64>,
    /// By goal, the people who reached it; as this process saw it: `burgee report` speaks for all pods
    pub goals: BTreeMap<Cow<'a, str>, ReachedResponse>,
    /// The part of people that this variant should have had, and had; null where nothing is known of it
    pub split: Option<SplitShares>,
}

/// People of an arm who reached a goal
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reached")]
pub struct ReachedResponse {
    /// About so many
    pub people: u64,
    /// Their share of the arm's people; null where there are too few
    pub share: Option<IntervalResponse>,
}

/// Which part of people a variant has
#[derive(Serialize, JsonSchema)]
pub struct SplitShares {
    /// As drawn
    pub drawn: f64,
    /// As they arrived
    pub arrived: f64,
    /// Of so many people, at the last look
    pub people: u64,
}

/// Requests that are in no arm, by why
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NotCompared")]
pub struct NotComparedResponse {
    /// No condition held
    pub not_eligible: u64,
    /// A draw had to decide, and nobody knows who asks
    pub without_id: u64,
    /// A tester asked for a variant
    pub forced: u64,
    /// A rule gave a variant to everybody that it holds for
    pub without_draw: u64,
    /// A rule drew between other variants than the control
    pub without_control: u64,
    /// The file was paused
    pub paused: u64,
    /// The same in words; empty where there are none
    pub words: String,
}

impl<'a> ComparisonResponse<'a> {
    pub(super) fn new(feature: &'a Feature, report: FeatureComparison) -> ComparisonResponse<'a> {
        let name = |variant: u8| Cow::Borrowed(&*feature.variant(variant).name);
        let tested = report.tested.into_iter();
        let tested = tested.map(|(variant, measure, comparison)| TestedVariant {
            variant: name(variant),
            measure: measure.as_str(),
            difference: comparison.difference.map(Into::into),
            verdict: comparison.verdict.as_str(),
            words: comparison.verdict.sentence(measure),
        });
        let draw = |draw: DrawReport| {
            let all = draw.arms.iter().filter_map(|arm| arm.drawn);
            let all = all.map(|(_, people)| people).sum();
            Draw {
                rule: feature.rule_label(draw.rule),
                split: draw.broken.as_ref().map(broken),
                arms: draw
                    .arms
                    .into_iter()
                    .map(|arm| Arm::new(feature, arm, all))
                    .collect(),
            }
        };
        ComparisonResponse {
            since: instant::show(report.since),
            control: name(report.control),
            tested: tested.collect(),
            draws: report.draws.into_iter().map(draw).collect(),
            not_compared: report.not_compared.into(),
        }
    }
}

impl<'a> Arm<'a> {
    /// `all` people of the draw, whose shares are known.
    fn new(feature: &'a Feature, arm: ArmReport, all: u64) -> Arm<'a> {
        let part = |people: f64| people / all.max(1) as f64;
        let goal = |(name, goal): (Box<str>, GoalReport)| {
            let reached = ReachedResponse {
                people: goal.people,
                share: goal.share.map(Into::into),
            };
            (String::from(name).into(), reached)
        };
        Arm {
            variant: (&*feature.variant(arm.variant).name).into(),
            requests: arm.requests,
            people: arm.people,
            errors: arm.errors,
            share: arm.share.map(Into::into),
            durations: arm.durations.into(),
            goals: arm.goals.into_iter().map(goal).collect(),
            split: arm.drawn.map(|(drawn, arrived)| SplitShares {
                drawn: part(drawn),
                arrived: part(arrived as f64),
                people: all,
            }),
        }
    }
}

impl From<Interval> for IntervalResponse {
    fn from(interval: Interval) -> IntervalResponse {
        IntervalResponse {
            value: interval.value,
            low: interval.low,
            high: interval.high,
        }
    }
}

fn broken(split: &Split) -> String {
    let (arrived, drawn) = split.shares();
    format!(
        "the split is broken: {} instead of {} of people; a cache, a redirect or a client decides who arrives",
        percent(arrived),
        percent(drawn)
    )
}

/// `46%`, `0.4%`.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        few if few < 1.0 => format!("{few:.2}%"),
        some if some < 10.0 => format!("{some:.1}%"),
        many => format!("{many:.0}%"),
    }
}

impl From<NotCompared> for NotComparedResponse {
    fn from(not: NotCompared) -> NotComparedResponse {
        let named = [
            (not.not_eligible, "not eligible"),
            (not.without_id, "without an id"),
            (not.forced, "forced"),
            (not.without_draw, "served without a draw"),
            (not.without_control, "drawn without the control"),
            (not.paused, "while paused"),
        ];
        NotComparedResponse {
            words: counts(&named),
            not_eligible: not.not_eligible,
            without_id: not.without_id,
            forced: not.forced,
            without_draw: not.without_draw,
            without_control: not.without_control,
            paused: not.paused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_arm_is_said_in_words() {
        for (not, words) in [
            (NotCompared::default(), ""),
            (
                NotCompared {
                    not_eligible: 6452,
                    without_id: 300,
                    forced: 5,
                    ..NotCompared::default()
                },
                "6,452 not eligible, 300 without an id, 5 forced",
            ),
            (
                NotCompared {
                    without_draw: 1_000_000,
                    without_control: 1,
                    paused: 999,
                    ..NotCompared::default()
                },
                "1,000,000 served without a draw, 1 drawn without the control, 999 while paused",
            ),
        ] {
            assert_eq!(NotComparedResponse::from(not).words, words);
        }
    }

    #[test]
    fn a_broken_split_says_what_arrived_and_what_was_drawn() {
        for (share, people, words) in [
            (0.5, 4600, "46% instead of 50%"),
            (0.05, 400, "4.0% instead of 5.0%"),
            (0.01, 300, "3.0% instead of 1.0%"),
            (0.001, 60, "0.60% instead of 0.10%"),
        ] {
            let mut split = Split::default();
            split.look(share, people, 10_000);
            assert!(split.is_broken(), "{words}");
            let expected = format!("the split is broken: {words} of people");
            assert!(broken(&split).starts_with(&expected), "{}", broken(&split));
        }
    }
}
