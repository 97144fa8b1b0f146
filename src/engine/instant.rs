//! Instants as people write them in a file: `2026-03-01` (00:00 UTC) or RFC 3339 with a zone; and as clients send them.
//! In: text. Out: a [`Second`], or why not.

use super::units::Second;
use time::{
    Date, OffsetDateTime, error::Parse, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstantError {
    /// a date and a time, but no `Z` and no offset
    NoZone,
    /// a fraction of a second
    TooFine,
    /// `23:59:60Z`
    LeapSecond,
    /// a year before 0001 or after 9999
    OutOfRange,
    /// anything else
    NotAnInstant,
}

/// Reads a date (00:00 UTC) or an RFC 3339 instant in whole seconds; YAML tools write a blank for its `T`.
pub fn parse(text: &str) -> Result<Second, InstantError> {
    if let Ok(date) = date(text) {
        return in_range(date.midnight().assume_utc());
    }
    let with_t = match text.as_bytes().get(10) {
        Some(b' ') => text.replacen(' ', "T", 1),
        _ => text.to_owned(),
    };
    if with_t.contains(['T', 't']) {
        match OffsetDateTime::parse(&with_t, &Rfc3339) {
            Ok(_) if text.get(16..19) == Some(":60") => return Err(InstantError::LeapSecond),
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

fn date(text: &str) -> Result<Date, Parse> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
}

/// As clients write it: also with a fraction of a second, which is cut off, a blank or a small `t` before the time, an
/// offset without colon or minutes, no seconds; or seconds (10 digits) or milliseconds (13) since 1970.
pub fn in_request(value: &[u8]) -> Option<Second> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    if let Some(count) = whole(text) {
        return match text.find(['.', ',']).unwrap_or(text.len()) {
            10 => Some(Second(count)),
            13 => Some(Second(count / 1000)),
            _ => None,
        };
    }
    let (day, rest) = text.split_at_checked(10)?;
    let midnight = in_range(date(day).ok()?.midnight().assume_utc()).ok()?;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix([' ', 'T', 't'])?;
    let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let (hour, rest) = time.trim_end().split_once(':')?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "00"));
    let pair = |text: &str, below: i64| whole(text).filter(|n| text.len() == 2 && *n < below);
    let fraction = second.find(['.', ',']).unwrap_or(second.len());
    // a leap second is the last of its minute
    let second = pair(second.get(..2)?, 61).filter(|_| fraction == 2 && whole(second).is_some())?;
    let since = pair(hour, 24)? * 3600 + pair(minute, 60)? * 60 + second.min(59);
    let offset = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign @ ("+" | "-"), offset) => {
            let (hours, minutes) = offset.split_at_checked(2)?;
            let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
            let minutes = if offset.len() == 2 { "00" } else { minutes };
            let seconds = pair(hours, 24)? * 3600 + pair(minutes, 60)? * 60;
            if sign == "-" { -seconds } else { seconds }
        }
        _ => return None,
    };
    Some(Second(midnight.0 + since - offset))
}

/// `12`, or the 12 of `12.34`; nothing but digits.
fn whole(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    whole
        .parse()
        .ok()
        .filter(|_| digits(whole) && digits(fraction))
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
        let rows: [(&str, Result<i64, InstantError>); 15] = [
            ("2026-03-01 01:00:00+01:00", Ok(1_772_323_200)),
            ("2026-03-01 00:00:00Z", Ok(1_772_323_200)),
            ("2016-12-31T23:59:60Z", Err(InstantError::LeapSecond)),
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
            // what a file may say, a client may too
            let sent = in_request(text.as_bytes());
            assert!(expected.is_err() || sent == parse(text).ok(), "{text}");
        }
    }

    #[test]
    fn a_client_may_write_more() {
        for (text, expected) in [
            ("2026-01-05T08:00:00.123Z", Some(1_767_600_000)),
            ("2026-01-05T08:00:00.999999999Z", Some(1_767_600_000)),
            ("2026-01-05 08:00:00Z", Some(1_767_600_000)),
            ("2026-01-05t08:00:00z", Some(1_767_600_000)),
            ("2026-01-05T09:00:00+0100", Some(1_767_600_000)),
            ("2026-01-05T07:00:00.5-01:00", Some(1_767_600_000)),
            ("2026-01-05 09:00:00,5 +01", Some(1_767_600_000)),
            ("2026-01-05T08:00Z", Some(1_767_600_000)),
            (" 2026-01-05 ", Some(1_767_571_200)),
            ("1767600000", Some(1_767_600_000)),
            ("1767600000.75", Some(1_767_600_000)),
            ("1767600000123", Some(1_767_600_000)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_799)),
            ("1969-12-31T23:59:59.5Z", Some(-1)),
            ("2026-01-05T08:00:00", None),
            ("2026-01-05T24:00:00Z", None),
            ("2026-01-05T08:00:00.Z", None),
            ("2026-01-05T08:00:0Z", None),
            ("2026-01-05T08:00:00+1", None),
            ("2026-01-05T08:00:00+010", None),
            ("2026-01-05T+8:00:00Z", None),
            ("2026-02-30T08:00:00Z", None),
            ("2026-01-05Tä8:00:00Z", None),
            ("20260105", None),
            ("176760000", None),
            ("-1767600000", None),
            ("soon", None),
        ] {
            let read = in_request(text.as_bytes()).map(|second| second.0);
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn an_instant_is_shown_in_utc() {
        assert_eq!(show(Second(1_772_323_200)), "2026-03-01T00:00:00Z");
    }
}
