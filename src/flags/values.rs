//! Values with a unit on the command line: `250ms`, `64KiB`, `100/s`, `none`.
//! In: what the user typed. Out: a value, or what to type instead.

use crate::{engine::units::milliseconds, proxy::Upstream};
use std::{net::SocketAddr, str::FromStr, time::Duration};

/// In milliseconds.
const YEAR: u64 = 365 * 24 * 3_600_000;

/// `250ms`, `10s`, `5m`, `1h`, `7d`, `0s`
pub fn duration(text: &str) -> Result<Duration, String> {
    match milliseconds(text) {
        None => Err("write a whole number and its unit: `250ms`, `10s`, `5m`, `7d`".into()),
        // a typo, and it overflows the timers
        Some(all) if all > YEAR => Err("longer than a year".into()),
        Some(all) => Ok(Duration::from_millis(all)),
    }
}

/// A flag without a value, as a variable says it: `BURGEE_JSON=1`.
pub fn switch(text: &str) -> Result<bool, String> {
    match &*text.trim().to_ascii_lowercase() {
        "1" | "true" | "yes" | "on" | "y" | "t" => Ok(true),
        "" | "0" | "false" | "no" | "off" | "n" | "f" => Ok(false),
        _ => Err("write 1, true, yes or on, or 0, false, no or off".into()),
    }
}

/// As the kernel takes it: whole seconds, at least one.
pub fn probe_interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    match interval.subsec_nanos() == 0 && (1..=32_767).contains(&interval.as_secs()) {
        true => Ok(interval),
        false => Err("write whole seconds, `1s` to `9h`".into()),
    }
}

/// The same, or `0s`.
pub fn probe_time(text: &str) -> Result<Duration, String> {
    match duration(text)?.is_zero() {
        true => Ok(Duration::ZERO),
        false => probe_interval(text),
    }
}

/// Bytes: `512`, `64KiB`, `1MiB`.
pub fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let bytes = match &text[digits.len()..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => {
            return Err(
                "write a whole number of bytes, or one with a unit: `64KiB`, `1MiB`".into(),
            );
        }
    };
    let number = digits
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(bytes));
    match number {
        Some(size) if (1..=1 << 30).contains(&size) => Ok(size),
        _ => Err("a size is 1 byte to 1024MiB".into()),
    }
}

/// A size in which a connection with a request has room.
pub fn budget(text: &str) -> Result<usize, String> {
    match size(text)? {
        size if size >= 1 << 20 => Ok(size),
        _ => Err("a budget is 1MiB to 1024MiB".into()),
    }
}

/// `100/s`
pub fn per_second(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/s").and_then(|n| n.parse().ok());
    number
        .filter(|n| *n > 0)
        .ok_or_else(|| "write a number per second: `100/s`".into())
}

/// A value, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrNone<T>(pub Option<T>);

impl FromStr for OrNone<SocketAddr> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(OrNone(None));
        }
        address(text).map(|at| OrNone(Some(at)))
    }
}

/// `[::]:3524`, `127.0.0.1:3526`, `localhost:3526`
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric
        .parse()
        .map_err(|_| "write an IP address and a port: `[::]:3524`, `127.0.0.1:0`".into())
}

/// `ready=/healthz`, `app=connect`: a name on the admin port, and the path of the application that it checks.
pub fn probe(text: &str) -> Result<(String, String), String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    match text.split_once('=') {
        Some((name, path)) if is_name(name) && (path.starts_with('/') || path == "connect") => {
            Ok((name.into(), path.into()))
        }
        _ => Err("write a name and a path of the application, or `connect`: `ready=/healthz`, `app=connect`".into()),
    }
}

impl FromStr for OrNone<Upstream> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(OrNone(None));
        }
        text.parse().map(|upstream| OrNone(Some(upstream)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_its_unit() {
        for (text, expected) in [
            ("250ms", Some(250)),
            ("10s", Some(10_000)),
            ("5m", Some(300_000)),
            ("0s", Some(0)),
            ("365d", Some(31_536_000_000)),
            ("366d", None),
            ("10", None),
            ("1.5s", None),
            ("-1s", None),
            ("+1s", None),
            ("s", None),
            ("99999999999999999999h", None),
            ("9000h", None),
        ] {
            assert_eq!(
                duration(text).ok(),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn probes_are_whole_seconds_apart() {
        for (text, time, interval) in [
            ("0s", true, false),
            ("1s", true, true),
            ("9h", true, true),
            ("10h", false, false),
            ("500ms", false, false),
            ("1500ms", false, false),
        ] {
            let found = (probe_time(text).is_ok(), probe_interval(text).is_ok());
            assert_eq!(found, (time, interval), "{text}");
        }
    }

    #[test]
    fn a_budget_has_room_for_something() {
        let found = ["1MiB", "1023KiB", "64"].map(|text| budget(text).ok());
        assert_eq!(found, [Some(1 << 20), None, None]);
    }

    #[test]
    fn a_size_is_a_number_and_its_unit() {
        for (text, expected) in [
            ("64KiB", Some(65_536)),
            ("1MiB", Some(1 << 20)),
            ("512", Some(512)),
            ("64KB", None),
            ("0", None),
            ("99999999999MiB", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }
}
