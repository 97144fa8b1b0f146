//! Values with a range, proved once when the file is read: a [`Share`] of users and a [`Second`] in time; and how long something is.
//! In: numbers and text of the toggles file, or of the command line. Out: types that cannot hold anything else.

use std::fmt;

/// A share of users in millionths of a percent: 0 (nobody) to 100,000,000 (everybody).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// Nobody.
    pub const NOBODY: Share = Share(0);
    /// Everybody.
    pub const EVERYBODY: Share = Share(Self::WHOLE);
    /// 100% in millionths of a percent.
    pub const WHOLE: u32 = 100_000_000;

    /// `None` above 100%.
    pub const fn from_millionths(millionths: u32) -> Option<Share> {
        if millionths <= Self::WHOLE {
            Some(Share(millionths))
        } else {
            None
        }
    }

    /// Millionths of a percent.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }

    /// Reads `25%`, `0.01%`, `33.333333%` as decimal text, never through a float.
    pub fn parse(text: &str) -> Result<Share, ShareError> {
        let number = text.strip_suffix('%').ok_or(ShareError::NoPercentSign)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(ShareError::NotANumber);
        }
        if fraction.len() > 6 {
            return Err(ShareError::TooFine);
        }
        let whole: u32 = whole.parse().map_err(|_| ShareError::OutOfRange)?;
        let places = fraction.len() as u32;
        let fraction: u32 = fraction.parse().map_err(|_| ShareError::TooFine)?;
        let fraction = fraction * 10_u32.pow(6 - places);
        whole
            .checked_mul(1_000_000)
            .and_then(|whole| whole.checked_add(fraction))
            .and_then(Share::from_millionths)
            .ok_or(ShareError::OutOfRange)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        write!(
            f,
            "{whole}.{}%",
            format!("{fraction:06}").trim_end_matches('0')
        )
    }
}

/// Why a text is no [`Share`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareError {
    /// `25`, `0.25`
    NoPercentSign,
    /// `x%`, `%`, `1e3%`, `-1%`
    NotANumber,
    /// more than six decimals
    TooFine,
    /// above 100%
    OutOfRange,
}

/// An instant in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Second(pub i64);

/// Reads `250ms`, `10s`, `5m`, `8h`, `7d`: a whole number, without a sign, and its unit. In milliseconds.
pub fn milliseconds(text: &str) -> Option<u64> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &text[number.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    Some(number.saturating_mul(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read_as_decimal_text() {
        let rows: [(&str, Result<u32, ShareError>); 13] = [
            ("0%", Ok(0)),
            ("25%", Ok(25_000_000)),
            ("0.000001%", Ok(1)),
            ("33.333333%", Ok(33_333_333)),
            ("100%", Ok(100_000_000)),
            ("100.000001%", Err(ShareError::OutOfRange)),
            ("99999999999%", Err(ShareError::OutOfRange)),
            ("0.0000001%", Err(ShareError::TooFine)),
            ("25", Err(ShareError::NoPercentSign)),
            ("-1%", Err(ShareError::NotANumber)),
            ("1e1%", Err(ShareError::NotANumber)),
            (".5%", Err(ShareError::NotANumber)),
            ("%", Err(ShareError::NotANumber)),
        ];
        for (text, expected) in rows {
            assert_eq!(
                Share::parse(text).map(Share::millionths),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_duration_is_a_whole_number_and_its_unit() {
        for (text, expected) in [
            ("250ms", Some(250)),
            ("10s", Some(10_000)),
            ("5m", Some(300_000)),
            ("8h", Some(28_800_000)),
            ("007d", Some(604_800_000)),
            ("0s", Some(0)),
            ("300000000000d", Some(u64::MAX)),
            ("99999999999999999999h", None),
            ("+7d", None),
            ("-1s", None),
            ("1.5s", None),
            ("1 s", None),
            ("10", None),
            ("7D", None),
            ("7\u{e4}", None),
            ("s", None),
            ("", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_percentage_is_shown_as_it_was_written() {
        for text in ["0%", "25%", "0.000001%", "99.5%", "100%"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
    }
}
