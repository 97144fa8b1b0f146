//! When a test begins: with the stage, and anew each day, two hours, ten minutes and minute, so that harm that comes late is
//! found as quickly as harm that was there from the start. In: running sums and the clock. Out: where each sequence began.

use super::sums::Sums;
use crate::engine::units::Second;

/// How long a sequence runs before the next of its kind begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// as long as the feature's text
    Stage,
    /// 86,400 s
    Day,
    /// 7,200 s
    TwoHours,
    /// 600 s
    TenMinutes,
    /// 60 s
    Minute,
}

/// Of fair rollouts, those in which something is said against the treatment within a week, at any look.
const BUDGET: f64 = 0.01;

impl Span {
    /// Those that begin again and again, the quickest first.
    pub const RECURRING: [Span; 4] = [Span::Minute, Span::TenMinutes, Span::TwoHours, Span::Day];

    /// None for the stage.
    fn seconds(self) -> Option<i64> {
        match self {
            Span::Stage => None,
            Span::Day => Some(86_400),
            Span::TwoHours => Some(7_200),
            Span::TenMinutes => Some(600),
            Span::Minute => Some(60),
        }
    }

    /// The part of the budget that one test gets: half for the stage, an eighth for each other kind, divided by how many of
    /// its kind begin in a week, which make two tests each.
    fn part(self) -> f64 {
        let each = 1.0 / 8.0;
        match self {
            Span::Stage => 1.0 / 2.0,
            Span::Day => each / 7.0 / 2.0,
            Span::TwoHours => each / 84.0 / 2.0,
            Span::TenMinutes => each / 1_008.0 / 2.0,
            Span::Minute => each / 10_080.0 / 2.0,
        }
    }

    /// As the design and the recording rules call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Span::Stage => "stage",
            Span::Day => "day",
            Span::TwoHours => "2h",
            Span::TenMinutes => "10min",
            Span::Minute => "1min",
        }
    }
}

/// How many tests share the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tests {
    /// variants that are compared with the control
    pub variants: usize,
    /// errors, and slow answers where somebody asks
    pub measures: usize,
    /// processes that decide by themselves
    pub pods: usize,
}

impl Tests {
    /// The one-sided error of one test of this kind.
    pub fn one_sided(self, span: Span) -> f64 {
        BUDGET * span.part() / (self.variants * self.measures * self.pods) as f64
    }
}

/// The sums at the beginning of each sequence that lives: two of each kind.
#[derive(Clone, Debug)]
pub struct Sequences {
    since: Second,
    begun: [[Option<Beginning>; 2]; Span::RECURRING.len()],
}

#[derive(Clone, Debug)]
struct Beginning {
    at: Second,
    sums: Sums,
}

/// One sequence now.
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    /// its kind
    pub span: Span,
    /// when it began
    pub since: Second,
    /// what came between the stage's begin and its own; none where it began with the stage
    pub before: Option<&'a Sums>,
}

impl Sequences {
    /// All begin with the stage.
    pub fn new(since: Second) -> Sequences {
        Sequences {
            since,
            begun: Default::default(),
        }
    }

    /// Begins what is due. `sums` are those of the stage up to the last whole minute; no slice goes beyond one.
    pub fn begin(&mut self, sums: &Sums, now: Second) {
        for (span, [older, newer]) in Span::RECURRING.iter().zip(&mut self.begun) {
            let Some(length) = span.seconds() else {
                continue;
            };
            let at = Second(now.0 - now.0.rem_euclid(length));
            let last = newer.as_ref().map_or(self.since, |newer| newer.at);
            if at > last {
                *older = newer.take();
                *newer = Some(Beginning {
                    at,
                    sums: sums.clone(),
                });
            }
        }
    }

    /// Those that live, without the stage's own.
    pub fn living(&self) -> impl Iterator<Item = Sequence<'_>> {
        let kinds = Span::RECURRING.iter().zip(&self.begun);
        kinds.flat_map(move |(span, begun)| {
            // what is older than both began with the stage
            let with_stage = begun.iter().any(Option::is_none).then_some(Sequence {
                span: *span,
                since: self.since,
                before: None,
            });
            let begun = begun.iter().flatten().map(move |begun| Sequence {
                span: *span,
                since: begun.at,
                before: Some(&begun.sums),
            });
            begun.chain(with_stage)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every two seconds, each of which brings one unit; what lives then, as `span since/own+before`.
    fn living(from: i64, until: i64) -> Vec<String> {
        let mut sequences = Sequences::new(Second(from));
        let mut sums = Sums::default();
        for now in (from..=until).step_by(2) {
            sums.f += 1.0;
            sequences.begin(&sums, Second(now));
        }
        let show = |one: Sequence<'_>| {
            let (span, since) = (one.span.as_str(), one.since.0);
            let before = one.before.map_or(0.0, |before| before.f);
            format!("{span} {since}/{}+{before}", sums.f - before)
        };
        sequences.living().map(show).collect()
    }

    #[test]
    fn two_of_each_kind_live_and_the_first_begins_with_the_stage() {
        assert_eq!(
            living(130, 134),
            ["1min 130/3+0", "10min 130/3+0", "2h 130/3+0", "day 130/3+0"]
        );
        assert_eq!(
            living(130, 190)[..3],
            ["1min 180/5+26", "1min 130/31+0", "10min 130/31+0"]
        );
        assert_eq!(
            living(130, 250)[..3],
            ["1min 180/35+26", "1min 240/5+56", "10min 130/61+0"]
        );
        assert_eq!(
            living(130, 1300)[..4],
            [
                "1min 1200/50+536",
                "1min 1260/20+566",
                "10min 600/350+236",
                "10min 1200/50+536"
            ]
        );
    }

    /// All tests of a week together spend the budget, at most.
    #[test]
    fn the_budget_of_a_week_is_not_overdrawn() {
        for (variants, measures, pods) in [(1, 1, 1), (3, 2, 100)] {
            let tests = Tests {
                variants,
                measures,
                pods,
            };
            let week = 7 * 86_400;
            let of = |span: Span| {
                let (begun, tests_each) = span.seconds().map_or((1, 1.0), |s| (week / s, 2.0));
                begun as f64 * tests_each * tests.one_sided(span)
            };
            let all: f64 = Span::RECURRING
                .into_iter()
                .chain([Span::Stage])
                .map(of)
                .sum();
            let all = all * (variants * measures * pods) as f64;
            assert!((all - BUDGET).abs() < 1e-12, "{all}");
        }
    }
}
