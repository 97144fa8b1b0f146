//! From a vendor's arithmetic to shares: its floats end here, once.
//! In: how it compares a number. Out: the first number that is outside, and that as a share in millionths of a percent.

use super::out::WHOLE;

/// The least number in 0..=top at which `holds` is false, where it is true below and false from there on.
pub(crate) fn first_outside(top: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, top);
    while low < high {
        let middle = low + (high - low) / 2;
        match holds(middle) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}

/// The share below which the numbers before `cut` lie, of `out_of`: exact up to 100,000,000 numbers, else the nearest.
#[inline(never)]
pub(crate) fn share(cut: u64, out_of: u64) -> u32 {
    let (cut, whole, out_of) = (u128::from(cut), u128::from(WHOLE), u128::from(out_of));
    let share = match out_of <= whole {
        true => cut * whole / out_of,
        false => (cut * whole + out_of / 2) / out_of,
    };
    u32::try_from(share.min(whole)).unwrap_or(WHOLE)
}

/// A decimal as it stands in a file, in so many digits behind the point; none where it has more, or is none.
#[inline(never)]
pub(crate) fn decimal(text: &str, digits: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !is_number(whole)
        || !is_number(fraction)
        || fraction.len() > digits as usize
    {
        return None;
    }
    let scale = 10_u64.checked_pow(digits)?;
    let places = digits - fraction.len() as u32;
    let rest = match fraction.is_empty() {
        true => 0,
        false => fraction.parse::<u64>().ok()? * 10_u64.pow(places),
    };
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(scale)?
        .checked_add(rest)
}

/// A version in three parts: `2` is `2.0.0`, where a range of versions would take it for every 2.x.
#[inline(never)]
pub(crate) fn version(text: &str) -> String {
    let text = text.trim().trim_start_matches('v');
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (parts, rest) = text.split_at(end);
    let missing = 2_usize.saturating_sub(parts.matches('.').count());
    format!("{parts}{}{rest}", ".0".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The engine is in below ceil(share * out_of / 100%): that has to be the cut again.
    #[test]
    fn a_share_cuts_where_the_vendor_cut() {
        for out_of in [100, 1_000, 9_999, 10_000, 100_000, 99_999_999] {
            for cut in [0, 1, 2, out_of / 3, out_of / 2, out_of - 1, out_of] {
                let share = u128::from(share(cut, out_of));
                let back = (share * u128::from(out_of)).div_ceil(u128::from(WHOLE));
                assert_eq!(back, u128::from(cut), "{cut} of {out_of}");
            }
        }
        assert_eq!(share(1 << 59, 1 << 60), 50_000_000);
    }

    #[test]
    fn the_first_outside_is_found() {
        for cut in [0, 1, 57, 99, 100] {
            assert_eq!(first_outside(100, |number| number < cut), cut);
        }
    }

    #[test]
    fn a_version_has_three_parts() {
        for (text, expected) in [
            ("2", "2.0.0"),
            ("v2.1", "2.1.0"),
            ("2.1.3-beta", "2.1.3-beta"),
            ("2-rc.1", "2.0.0-rc.1"),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[test]
    fn decimals_are_read_as_text() {
        for (text, digits, expected) in [
            ("33.33", 2, Some(3_333)),
            ("33.330", 2, Some(3_333)),
            ("10", 3, Some(10_000)),
            ("0.5", 2, Some(50)),
            ("33.333", 2, None),
            ("-1", 2, None),
            ("1e2", 2, None),
            (".5", 2, None),
            ("99999999999999999999", 2, None),
        ] {
            assert_eq!(decimal(text, digits), expected, "{text}");
        }
    }
}
