//! When it is certain that the tested arm does harm, in any sequence that lives.
//! In: sums, sequences, a margin. Out: the first test that succeeds.

use super::{
    LEAST_GROUPS,
    bound::{BEND, bound, logarithm},
    sequences::{Sequences, Span, Tests},
    statistic::Statistic,
    sums::Sums,
};
use crate::engine::units::Second;

/// What a test asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// whether the difference exceeds the margin
    Level,
    /// whether it has risen by more than the margin since the time before, and exceeds it now
    Rise,
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

/// Whether the difference exceeds the margin, with an error of `one_sided` at all looks together: by how much, and at least.
/// With `before`, whether it has risen by more than that.
pub fn exceeds(
    sums: &Sums,
    before: Option<&Sums>,
    margin: f64,
    one_sided: f64,
) -> Option<(f64, f64)> {
    // nearly always there is nothing to see, and that needs no group
    let weight = sums.weight();
    let least = (sums.f.max(0.0) + BEND) * logarithm(sums.f.max(0.0), one_sided);
    let rise = before.map_or(0.0, |before| before.amount() / before.weight() * weight);
    let above = sums.amount() - rise - margin * weight;
    // also where there was nothing before
    if above.is_nan() || above <= least.sqrt() {
        return None;
    }
    let found = match before {
        Some(before) => Statistic::rise(sums, before),
        None => Statistic::of(sums),
    };
    let found = found.filter(|found| found.worse >= LEAST_GROUPS && found.level > margin)?;
    let bound = bound(found.variance, found.freedom, one_sided);
    (found.amount - margin * found.weight > bound).then(|| {
        let at_least = (found.amount - bound) / found.weight;
        (found.amount / found.weight, at_least)
    })
}

/// The first test that succeeds: the stage's, then the shortest sequence's.
pub fn harm(
    stage: &Sums,
    since: Second,
    sequences: &Sequences,
    margin: f64,
    tests: Tests,
) -> Option<Harm> {
    let found = |span, since, test, (difference, at_least)| Harm {
        span,
        since,
        test,
        difference,
        at_least,
    };
    if let Some(by) = exceeds(stage, None, margin, tests.one_sided(Span::Stage)) {
        return Some(found(Span::Stage, since, Test::Level, by));
    }
    sequences.living(stage).find_map(|one| {
        let one_sided = tests.one_sided(one.span);
        let level = exceeds(&one.sums, None, margin, one_sided).map(|by| (Test::Level, by));
        let rise =
            || exceeds(&one.sums, Some(&one.before), margin, one_sided).map(|by| (Test::Rise, by));
        let (test, by) = level.or_else(rise)?;
        Some(found(one.span, one.since, test, by))
    })
}
