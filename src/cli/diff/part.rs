//! A share of users in whole 10^-12, so that what is printed is an exact decimal, and flows sum to what moves.
//! In: shares as they are computed, counts. Out: percentages for people, numbers for JSON.

use crate::engine::units::Share;
use serde_json::Value;
use std::iter::Sum;

/// A share of users, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part(u64);

const WHOLE: u64 = 1_000_000_000_000;

impl Part {
    /// The nearest one.
    pub fn of(share: f64) -> Part {
        Part((share * WHOLE as f64).round() as u64)
    }

    /// So many of so many; none of nobody.
    pub fn counted(count: u64, of: u64) -> Part {
        Part::of(count as f64 / of.max(1) as f64)
    }

    /// As a percentage, with as many digits as it needs.
    pub fn percent(self) -> String {
        let text = format!("{:.4}", self.0 as f64 / (WHOLE / 100) as f64);
        match text.trim_end_matches('0').trim_end_matches('.') {
            "0" if self.0 > 0 => "less than 0.0001%".into(),
            text => format!("{text}%"),
        }
    }

    /// As a number of JSON.
    pub fn json(self) -> Value {
        // twelve decimals are fewer than a float keeps apart: it is written as the same decimal
        (self.0 as f64 / WHOLE as f64).into()
    }
}

impl From<Share> for Part {
    fn from(share: Share) -> Part {
        Part(u64::from(share.millionths()) * (WHOLE / u64::from(Share::WHOLE)))
    }
}

impl Sum for Part {
    fn sum<I: Iterator<Item = Part>>(parts: I) -> Part {
        Part(parts.map(|part| part.0).sum())
    }
}
