//! Decimal numbers compared as text, so that an id of twenty digits is not rounded.
//! In: the bytes of an attribute. Out: a number, or none; never an error.

use std::{cmp::Ordering, fmt};

/// A decimal number: sign, digits without leading or trailing zeros, and the power of ten before the first digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: Box<[u8]>,
    magnitude: i64,
}

impl Decimal {
    /// Reads `-12`, `3.50`, `.5`, `1e3`; `None` for anything else (`NaN`, `0x1f`, `1_000`, blank).
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (
                &text[..at],
                std::str::from_utf8(&text[at + 1..])
                    .ok()?
                    .parse::<i32>()
                    .ok()?,
            ),
            None => (text, 0),
        };
        let point = mantissa
            .iter()
            .position(|byte| *byte == b'.')
            .unwrap_or(mantissa.len());
        let (whole, fraction) = (
            &mantissa[..point],
            mantissa.get(point + 1..).unwrap_or_default(),
        );
        let all: Vec<u8> = whole.iter().chain(fraction).copied().collect();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = all.iter().take_while(|digit| **digit == b'0').count();
        let end = all
            .iter()
            .rposition(|digit| *digit != b'0')
            .map_or(zeros, |last| last + 1);
        if zeros == end {
            return Some(Decimal {
                negative: false,
                digits: Box::default(),
                magnitude: 0,
            });
        }
        let magnitude = whole.len() as i64 - zeros as i64 + i64::from(exponent);
        Some(Decimal {
            negative,
            digits: all[zeros..end].into(),
            magnitude,
        })
    }

    fn size(&self, other: &Decimal) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .magnitude
                .cmp(&other.magnitude)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

/// Plainly, or with an exponent where that would be long.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = std::str::from_utf8(&self.digits).unwrap_or_default();
        let sign = if self.negative { "-" } else { "" };
        match self.magnitude {
            0 if digits.is_empty() => f.write_str("0"),
            before @ 1..=30 if before as usize >= digits.len() => {
                write!(f, "{sign}{digits:0<0$}", before as usize)
            }
            before @ 1..=30 => {
                let (whole, fraction) = digits.split_at(before as usize);
                write!(f, "{sign}{whole}.{fraction}")
            }
            before @ -30..=0 => write!(
                f,
                "{sign}0.{:0>1$}{digits}",
                "",
                before.unsigned_abs() as usize
            ),
            before => write!(f, "{sign}0.{digits}e{before}"),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.size(other),
            (true, true) => other.size(self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_as_numbers_and_exactly() {
        for (less, more) in [
            ("-1", "0"),
            ("-2", "-1.5"),
            ("9", "10"),
            ("0.099", "0.1"),
            ("1e2", "100.5"),
            ("0", "1e-9"),
            ("9007199254740992", "9007199254740993"),
        ] {
            assert!(
                Decimal::parse(less.as_bytes()) < Decimal::parse(more.as_bytes()),
                "{less} < {more}"
            );
        }
        for (one, other) in [
            ("1.50", "1.5"),
            ("007", "7"),
            ("-0", "0"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("5.", "5"),
        ] {
            assert_eq!(
                Decimal::parse(one.as_bytes()),
                Decimal::parse(other.as_bytes()),
                "{one} = {other}"
            );
        }
    }

    #[test]
    fn a_number_is_shown_as_a_number() {
        for (text, shown) in [
            ("-1.50", "-1.5"),
            ("1e3", "1000"),
            ("0.05", "0.05"),
            ("0.5", "0.5"),
            ("123.45", "123.45"),
            ("1200", "1200"),
            ("1e40", "0.1e41"),
            ("-1e-40", "-0.1e-39"),
            ("0", "0"),
            ("12", "12"),
        ] {
            assert_eq!(Decimal::parse(text.as_bytes()).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_a_number_is_none() {
        for text in [
            "",
            ".",
            "-",
            "NaN",
            "inf",
            "0x1f",
            "1_000",
            "1 ",
            "1e",
            "1.2.3",
            "1e99999999999",
        ] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
