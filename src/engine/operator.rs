//! The operators of a condition, on the text of one attribute.
//! In: a test made at load and a value, or its absence. Out: whether it holds; never an error.

use super::{client_address, instant, number::Decimal, units::Second, version};
use ipnet::IpNet;
use std::{cell::Cell, collections::HashSet};

/// What a value has to be. A missing value satisfies nothing but `not` and `present: false`.
#[derive(Clone, Debug)]
pub enum Test {
    /// a value, or any of a list
    Is(Texts),
    /// every operator of a map
    All(Box<[Test]>),
    /// `not`
    Not(Box<Test>),
    /// `contains`, any of these
    Contains(Box<[Box<str>]>),
    /// `prefix`, any of these
    Prefix(Box<[Box<str>]>),
    /// `suffix`, any of these
    Suffix(Box<[Box<str>]>),
    /// `matches`: anywhere in the value, unless anchored; linear time
    Matches(Box<[regex::bytes::Regex]>),
    /// `above`: greater than
    Above(Decimal),
    /// `min`: at least
    Min(Decimal),
    /// `below`: less than
    Below(Decimal),
    /// `max`: at most
    Max(Decimal),
    /// `version`: any of these ranges
    Version(Box<[semver::VersionReq]>),
    /// `within`: any of these networks
    Within(Box<[IpNet]>),
    /// `from`: this instant or later
    From(Second),
    /// `until`: earlier than this instant
    Until(Second),
    /// `present`
    Present(bool),
}

/// Values to be equal to: a few are compared one by one, many are hashed.
#[derive(Clone, Debug)]
pub enum Texts {
    /// up to eight
    Few(Box<[Box<str>]>),
    /// more than eight
    Many(HashSet<Box<[u8]>>),
}

impl FromIterator<Box<str>> for Texts {
    fn from_iter<I: IntoIterator<Item = Box<str>>>(texts: I) -> Self {
        let texts: Vec<_> = texts.into_iter().collect();
        if texts.len() <= 8 {
            return Texts::Few(texts.into());
        }
        Texts::Many(
            texts
                .into_iter()
                .map(|text| text.into_boxed_bytes())
                .collect(),
        )
    }
}

impl Texts {
    /// Whether one of them is exactly this.
    pub fn contains(&self, value: &[u8]) -> bool {
        match self {
            Texts::Few(few) => few.iter().any(|text| text.as_bytes() == value),
            Texts::Many(many) => many.contains(value),
        }
    }
}

/// What an operator needs a value to be. One that is not counts as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// `above`, `min`, `below`, `max`
    Number,
    /// `version`
    Version,
    /// `within`
    Address,
    /// `from`, `until`
    Instant,
    /// any of them: a text, a number or a truth, not an object
    Value,
}

/// Whether a value was met that could not be read, and as what: the first, until it is taken.
#[derive(Debug, Default)]
pub struct Unreadable(Cell<Option<Needs>>);

impl Unreadable {
    /// What was met since this was asked last.
    pub fn take(&self) -> Option<Needs> {
        self.0.take()
    }

    /// A value cannot be read as this.
    pub fn note(&self, needs: Needs) {
        self.0.set(self.0.get().or(Some(needs)));
    }

    fn read<T>(&self, needs: Needs, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.note(needs);
        }
        read
    }
}

impl Test {
    /// Whether this holds for a value, or for its absence.
    pub fn holds(&self, value: Option<&[u8]>, unreadable: &Unreadable) -> bool {
        match (self, value) {
            (Test::Not(test), _) => !test.holds(value, unreadable),
            (Test::All(all), _) => all.iter().all(|test| test.holds(value, unreadable)),
            (Test::Present(wanted), _) => value.is_some() == *wanted,
            (_, None) => false,
            (test, Some(value)) => test.holds_for(value, unreadable),
        }
    }

    /// Whether this holds for a list: one element passes every plain test, and none passes what is negated.
    pub fn holds_for_any<E: AsRef<[u8]>>(&self, elements: &[E], unreadable: &Unreadable) -> bool {
        let any = |tests: &[&Test]| {
            let all = |one: &[u8]| tests.iter().all(|test| test.holds(Some(one), unreadable));
            elements.iter().any(|one| all(one.as_ref()))
        };
        match self {
            Test::Not(test) => !test.holds_for_any(elements, unreadable),
            Test::Present(wanted) => elements.is_empty() != *wanted,
            Test::All(all) => {
                let (whole, each): (Vec<_>, Vec<_>) = all
                    .iter()
                    .partition(|test| matches!(test, Test::Not(_) | Test::Present(_)));
                let holds = |test: &&Test| test.holds_for_any(elements, unreadable);
                whole.iter().all(holds) && (each.is_empty() || any(&each))
            }
            test => any(&[test]),
        }
    }

    fn holds_for(&self, value: &[u8], unreadable: &Unreadable) -> bool {
        let any = |texts: &[Box<str>], test: fn(&[u8], &[u8]) -> bool| {
            texts.iter().any(|text| test(value, text.as_bytes()))
        };
        // a client may put blanks around it
        let number = || unreadable.read(Needs::Number, Decimal::parse(value.trim_ascii()));
        let second = || unreadable.read(Needs::Instant, instant::in_request(value));
        match self {
            Test::Is(texts) => texts.contains(value),
            Test::Contains(texts) => any(texts, |value, text| {
                value.windows(text.len()).any(|window| window == text)
            }),
            Test::Prefix(texts) => any(texts, <[u8]>::starts_with),
            Test::Suffix(texts) => any(texts, <[u8]>::ends_with),
            Test::Matches(patterns) => patterns.iter().any(|pattern| pattern.is_match(value)),
            Test::Above(bound) => number().is_some_and(|number| number > *bound),
            Test::Min(bound) => number().is_some_and(|number| number >= *bound),
            Test::Below(bound) => number().is_some_and(|number| number < *bound),
            Test::Max(bound) => number().is_some_and(|number| number <= *bound),
            Test::Version(ranges) => unreadable
                .read(Needs::Version, version::read(value))
                .is_some_and(|version| ranges.iter().any(|range| version::is_in(&version, range))),
            Test::Within(networks) => unreadable
                .read(Needs::Address, client_address::read(value))
                .is_some_and(|address| networks.iter().any(|network| network.contains(&address))),
            Test::From(from) => second().is_some_and(|at| at >= *from),
            Test::Until(until) => second().is_some_and(|at| at < *until),
            // decided in `holds`, where absence is known too
            Test::Not(_) | Test::All(_) | Test::Present(_) => self.holds(Some(value), unreadable),
        }
    }
}
