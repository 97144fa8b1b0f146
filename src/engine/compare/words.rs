//! What a person reads of a comparison: a difference, an interval that holds at every look, and words that are certain.
//! In: the sums of a stage. Out: numbers and words.

use super::{LEAST_GROUPS, bound::bound, statistic::Statistic, sums::Sums};
use std::fmt;

/// An interval that reaches further than 5 points says nothing.
const WIDEST: f64 = 0.05;

/// What ends badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// a status of 500 or above, as the client saw it
    Errors,
    /// the head of the response came later than a bound
    Slow,
}

impl Measure {
    /// As metrics and the API call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Measure::Errors => "errors",
            Measure::Slow => "slow",
        }
    }
}

/// What may be said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// too few people, or too wide an interval
    TooFewToTell,
    /// the tested arm has more bad answers
    MoreOften,
    /// the tested arm has fewer bad answers
    LessOften,
    /// if there is a difference, then it is at most this
    NoDifferenceSeen(f64),
}

impl Verdict {
    /// As the API and reports call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::TooFewToTell => "too_few",
            Verdict::MoreOften => "more_often",
            Verdict::LessOften => "less_often",
            Verdict::NoDifferenceSeen(_) => "no_difference_seen",
        }
    }
}

/// `98,765`
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let comma = |index: usize| index > 0 && (digits.len() - index).is_multiple_of(3);
    let with = |(index, digit): (usize, char)| match comma(index) {
        true => vec![',', digit],
        false => vec![digit],
    };
    digits.chars().enumerate().flat_map(with).collect()
}

/// `6,452 not eligible, 5 forced`: what there is none of is left out.
pub fn counts(all: &[(u64, &str)]) -> String {
    let some = all.iter().filter(|(count, _)| *count > 0);
    let some = some.map(|(count, what)| format!("{} {what}", grouped(*count)));
    some.collect::<Vec<_>>().join(", ")
}

/// The difference of two arms: the tested one's share of bad answers less the control's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// and the interval that holds it at every look; none where there are too few people
    pub difference: Option<Interval>,
    /// what may be said of it
    pub verdict: Verdict,
}

/// A value, and the always-valid interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// as seen
    pub value: f64,
    /// at least
    pub low: f64,
    /// at most
    pub high: f64,
}

impl Comparison {
    /// With an error of `one_sided` at either end, at all looks together.
    pub fn of(sums: &Sums, one_sided: f64) -> Comparison {
        Comparison::with_unknown(sums, one_sided, 0.0)
    }

    /// The same where something is not known by which the difference may be larger or smaller.
    pub fn with_unknown(sums: &Sums, one_sided: f64, unknown: f64) -> Comparison {
        let Some(statistic) = Statistic::of(sums) else {
            return Comparison {
                difference: None,
                verdict: Verdict::TooFewToTell,
            };
        };
        let value = statistic.amount / statistic.weight;
        let half = bound(statistic.variance, statistic.freedom, one_sided) / statistic.weight;
        let half = half + unknown;
        let interval = Interval {
            value,
            low: (value - half).max(-1.0),
            high: (value + half).min(1.0),
        };
        Comparison {
            difference: Some(interval),
            verdict: Verdict::of(interval, &statistic),
        }
    }
}

impl Verdict {
    fn of(interval: Interval, statistic: &Statistic) -> Verdict {
        if interval.low > 0.0 && statistic.worse >= LEAST_GROUPS {
            return Verdict::MoreOften;
        }
        if interval.high < 0.0 && statistic.better >= LEAST_GROUPS {
            return Verdict::LessOften;
        }
        let most = interval.high.max(-interval.low);
        if most > WIDEST {
            Verdict::TooFewToTell
        } else {
            Verdict::NoDifferenceSeen(most)
        }
    }

    /// Where the split itself is broken, nothing good may be said of it.
    pub fn without_a_fair_split(self) -> Verdict {
        match self {
            Verdict::LessOften | Verdict::NoDifferenceSeen(_) => Verdict::TooFewToTell,
            said => said,
        }
    }

    /// In words, without a number.
    pub fn words(self, measure: Measure) -> &'static str {
        match (self, measure) {
            (Verdict::TooFewToTell, _) => "too few to tell",
            (Verdict::MoreOften, Measure::Errors) => "fails more often",
            (Verdict::MoreOften, Measure::Slow) => "is slow more often",
            (Verdict::LessOften, Measure::Errors) => "fails less often",
            (Verdict::LessOften, Measure::Slow) => "is slow less often",
            (Verdict::NoDifferenceSeen(_), _) => "no difference seen",
        }
    }

    /// In words, with the number that belongs to them.
    pub fn sentence(self, measure: Measure) -> String {
        match self {
            Verdict::NoDifferenceSeen(most) => {
                format!("{}: at most {}", self.words(measure), Points(most))
            }
            _ => self.words(measure).to_owned(),
        }
    }
}

/// A difference of shares in percentage points, rounded away from zero: what is said is never less than what is certain.
#[derive(Clone, Copy, Debug)]
pub struct Points(pub f64);

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        points(self.0, f64::ceil, f)
    }
}

/// The same, rounded towards zero: what it is at the least.
#[derive(Clone, Copy, Debug)]
pub struct AtLeast(pub f64);

impl fmt::Display for AtLeast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        points(self.0, f64::floor, f)
    }
}

fn points(share: f64, round: fn(f64) -> f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let points = share * 100.0;
    // two digits that say something; above ten points whole ones
    let digits = match points.abs() {
        large if large >= 10.0 => 0,
        small if small >= 0.1 => 1,
        small if small >= 0.01 => 2,
        _ => 3,
    };
    let scale = 10_f64.powi(digits);
    // sums of fractions: what is one by a hair is one
    let even = (points.abs() * scale * 1e9).round() / 1e9;
    let rounded = round(even) / scale * points.signum();
    let unit = if rounded == 1.0 { "point" } else { "points" };
    write!(f, "{rounded} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_rounded_away_from_zero() {
        for (share, expected) in [
            (0.0, "0 points"),
            (0.004, "0.4 points"),
            (0.003_91, "0.4 points"),
            (0.000_131, "0.02 points"),
            (0.000_000_1, "0.001 points"),
            (0.01, "1 point"),
            (0.0421, "4.3 points"),
            (-0.0421, "-4.3 points"),
            (0.3333, "34 points"),
            (1.0, "100 points"),
            (1.000_000_000_000_000_2, "100 points"),
            (0.999_999_999_999_999_9, "100 points"),
        ] {
            assert_eq!(Points(share).to_string(), expected, "{share}");
        }
        for (share, expected) in [
            (0.003_91, "0.3 points"),
            (0.006, "0.6 points"),
            (0.3333, "33 points"),
            (0.999_999_999_999_999_9, "100 points"),
        ] {
            assert_eq!(AtLeast(share).to_string(), expected, "{share}");
        }
    }

    #[test]
    fn a_broken_split_takes_the_good_words_away_and_leaves_the_bad() {
        for (verdict, errors, slow, unfair) in [
            (
                Verdict::TooFewToTell,
                "too few to tell",
                "too few to tell",
                "too few to tell",
            ),
            (
                Verdict::MoreOften,
                "fails more often",
                "is slow more often",
                "fails more often",
            ),
            (
                Verdict::LessOften,
                "fails less often",
                "is slow less often",
                "too few to tell",
            ),
            (
                Verdict::NoDifferenceSeen(0.004),
                "no difference seen: at most 0.4 points",
                "no difference seen: at most 0.4 points",
                "too few to tell",
            ),
        ] {
            assert_eq!(verdict.sentence(Measure::Errors), errors);
            assert_eq!(verdict.sentence(Measure::Slow), slow);
            let unfair_words = verdict.without_a_fair_split().sentence(Measure::Errors);
            assert_eq!(unfair_words, unfair);
        }
    }
}
