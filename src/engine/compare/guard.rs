//! When it is certain that the tested arm does harm, in any sequence that lives.
//! In: sums, sequences, a margin. Out: the first test that succeeds.

use super::{
    LEAST_GROUPS,
    bound::{BEND, bound, logarithm},
    sequences::{Sequence, Sequences, Span, Tests},
    statistic::Statistic,
    sums::Sums,
    words::{AtLeast, Measure, Points},
};
use crate::engine::{instant, units::Second};

/// What a test asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// whether the difference exceeds the margin
    Level,
    /// whether it has risen by more than the margin since the time before, and exceeds it now
    Rise,
}

impl Test {
    /// As the design and the recording rules call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Test::Level => "level",
            Test::Rise => "rise",
        }
    }
}

/// The tested arm does harm, with certainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Harm {
    /// the kind of the sequence that found it
    pub span: Span,
    /// when that sequence began
    pub since: Second,
    /// the test that found it
    pub test: Test,
    /// the difference since then, or its rise
    pub difference: f64,
    /// what it is at the very least
    pub at_least: f64,
}

impl Harm {
    /// `since 2026-11-28T14:02:00Z treatment fails 2.1 points more often than control; at least 0.6 points`
    pub fn sentence(&self, tested: &str, control: &str, measure: Measure) -> String {
        let since = instant::show(self.since);
        let bad = match measure {
            Measure::Errors => "fails",
            Measure::Slow => "is slow",
        };
        let than = match self.test {
            Test::Level => format!("than {control}"),
            Test::Rise => format!("than before, compared with {control}"),
        };
        let (difference, least) = (Points(self.difference), AtLeast(self.at_least));
        format!("since {since} {tested} {bad} {difference} more often {than}; at least {least}")
    }
}

/// What a sequence has: the sums of the stage, less those of before it began.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// of the stage so far
    pub stage: &'a Sums,
    /// of the stage until the sequence began
    pub before: Option<&'a Sums>,
}

impl Window<'_> {
    /// Whether the difference exceeds the margin, with an error of `one_sided` at all looks together: by how much, and at
    /// least. Of a rise, whether it has risen by more than that since the time before, and exceeds it now.
    pub fn exceeds(self, test: Test, margin: f64, one_sided: f64) -> Option<(f64, f64)> {
        if !self.may_exceed(test, margin, one_sided) {
            return None;
        }
        let sums = match self.before {
            Some(before) => &self.stage.since(before),
            None => self.stage,
        };
        let found = match test {
            Test::Level => Statistic::of(sums),
            Test::Rise => Statistic::rise(sums, self.before?),
        };
        let found = found.filter(|found| found.worse >= LEAST_GROUPS && found.level > margin)?;
        let bound = bound(found.variance, found.freedom, one_sided);
        (found.amount - margin * found.weight > bound).then(|| {
            let at_least = (found.amount - bound) / found.weight;
            (found.amount / found.weight, at_least)
        })
    }

    /// Nearly always there is nothing to see, and that needs no group: the variance is never less than the binomial one.
    fn may_exceed(self, test: Test, margin: f64, one_sided: f64) -> bool {
        let old = self
            .before
            .map_or((0.0, 0.0, 0.0), |sums| (sums.amount, sums.weight, sums.f));
        let weight = self.stage.weight - old.1;
        let least = (self.stage.f - old.2).max(0.0);
        let rise = match test {
            Test::Level => 0.0,
            Test::Rise => old.0 / old.1 * weight,
        };
        let above = self.stage.amount - old.0 - rise - margin * weight;
        // not where there was nothing before: no number is above another then
        above > ((least + BEND) * logarithm(least, one_sided)).sqrt()
    }
}

/// The first test that succeeds: the stage's, then the shortest sequence's.
pub fn harm(
    stage: &Sums,
    since: Second,
    sequences: &Sequences,
    margin: f64,
    tests: Tests,
) -> Option<Harm> {
    let own = Sequence {
        span: Span::Stage,
        since,
        before: None,
    };
    let harm = |one: Sequence<'_>, test| {
        let window = Window {
            stage,
            before: one.before,
        };
        let (difference, at_least) = window.exceeds(test, margin, tests.one_sided(one.span))?;
        Some(Harm {
            span: one.span,
            since: one.since,
            test,
            difference,
            at_least,
        })
    };
    harm(own, Test::Level).or_else(|| {
        let mut living = sequences.living();
        living.find_map(|one| harm(one, Test::Level).or_else(|| harm(one, Test::Rise)))
    })
}
