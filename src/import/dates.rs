//! Dates as other systems write them.
//! In: RFC 3339, or milliseconds since 1970. Out: whole seconds, and the text that a toggles file has of them.

use crate::engine::{instant, units::Second};

/// A date of a file as whole seconds, and whether a fraction was cut off: RFC 3339, or milliseconds since 1970.
pub(crate) fn whole_second(text: &str) -> Option<(i64, bool)> {
    if let Ok(milliseconds) = text.parse::<i64>() {
        return Some((
            milliseconds.div_euclid(1_000),
            milliseconds.rem_euclid(1_000) != 0,
        ));
    }
    let (front, rest) = text.split_once('.').unwrap_or((text, ""));
    let zone = rest
        .find(|c: char| !c.is_ascii_digit())
        .map_or("", |at| &rest[at..]);
    let fraction = &rest[..rest.len() - zone.len()];
    let at = instant::parse(&format!("{front}{zone}")).ok()?;
    Some((at.0, fraction.bytes().any(|digit| digit != b'0')))
}

/// As a toggles file writes it.
pub(crate) fn shown(second: i64) -> String {
    instant::show(Second(second))
}
