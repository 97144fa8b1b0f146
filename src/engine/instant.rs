//! Instants as people write them: `2026-03-01` (00:00 UTC) or RFC 3339 with a zone.
//! In: text. Out: a [`Second`], or why not.

use super::units::Second;
use time::{
    Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantError {
    /// a date and a time, but no `Z` and no offset
    NoZone,
    /// a fraction of a second
    TooFine,
    /// a year before 0001 or after 9999
    OutOfRange,
    /// anything else
    NotAnInstant,
}

/// Reads a date (00:00 UTC) or an RFC 3339 instant in whole seconds.
pub fn parse(text: &str) -> Result<Second, InstantError> {
    if let Ok(date) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        return in_range(date.midnight().assume_utc());
    }
    if text.contains('T') || text.contains('t') {
        match OffsetDateTime::parse(text, &Rfc3339) {
            Ok(instant) if instant.nanosecond() != 0 => return Err(InstantError::TooFine),
            Ok(instant) => return in_range(instant),
            Err(_) => {}
        }
    }
    let zoned = format!("{}Z", text.replace(' ', "T"));
    match OffsetDateTime::parse(&zoned, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&zoned.replace('Z', ":00Z"), &Rfc3339))
    {
        Ok(_) => Err(InstantError::NoZone),
        Err(_) => Err(InstantError::NotAnInstant),
    }
}

fn in_range(instant: OffsetDateTime) -> Result<Second, InstantError> {
    let utc = instant.unix_timestamp();
    let year_one = -62_135_596_800;
    let year_ten_thousand = 253_402_300_800;
    if (year_one..year_ten_thousand).contains(&utc) {
        Ok(Second(utc))
    } else {
        Err(InstantError::OutOfRange)
    }
}

/// RFC 3339 in UTC, to the second; a second outside the years 0001 to 9999 is shown as a number.
pub fn show(second: Second) -> String {
    OffsetDateTime::from_unix_timestamp(second.0)
        .ok()
        .and_then(|instant| instant.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{} s", second.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_date_or_has_a_zone() {
        let rows: [(&str, Result<i64, InstantError>); 12] = [
            ("1970-01-01", Ok(0)),
            ("2026-03-01", Ok(1_772_323_200)),
            ("2026-03-01T01:00:00+01:00", Ok(1_772_323_200)),
            ("2026-03-01T00:00:00Z", Ok(1_772_323_200)),
            ("0001-01-01", Ok(-62_135_596_800)),
            ("9999-12-31", Ok(253_402_214_400)),
            ("0000-01-01", Err(InstantError::OutOfRange)),
            ("2026-03-01T00:00:00", Err(InstantError::NoZone)),
            ("2026-03-01 00:00", Err(InstantError::NoZone)),
            ("2026-03-01T00:00:00.5Z", Err(InstantError::TooFine)),
            ("2026-02-30", Err(InstantError::NotAnInstant)),
            ("tomorrow", Err(InstantError::NotAnInstant)),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text).map(|second| second.0), expected, "{text}");
        }
    }

    #[test]
    fn an_instant_is_shown_in_utc() {
        assert_eq!(show(Second(1_772_323_200)), "2026-03-01T00:00:00Z");
    }
}
