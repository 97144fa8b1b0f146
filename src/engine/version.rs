//! Versions as people write them, and ranges of them.
//! In: the bytes of an attribute. Out: a version, or none, and whether a range holds it: precedence decides, pre-releases too.

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};
use std::cmp::Ordering;

/// `v2.10`, `2.10.1-beta`, `2.10.1.4567`: a leading `v` dropped, missing parts 0, a build number ignored.
pub fn read(value: &[u8]) -> Option<Version> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(text, _)| text);
    let (core, pre) = match text.split_once('-') {
        Some((_, "")) => return None,
        Some((core, pre)) => (core, Prerelease::new(pre).ok()?),
        None => (text, Prerelease::EMPTY),
    };
    let mut numbers = [0; 4];
    for (place, part) in core.split('.').enumerate() {
        // `parse` would take a sign
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *numbers.get_mut(place)? = part.parse::<u64>().ok()?;
    }
    let [major, minor, patch, _] = numbers;
    Some(Version {
        major,
        minor,
        patch,
        pre,
        build: BuildMetadata::EMPTY,
    })
}

/// Whether a range holds this version. `>=2.10` holds `2.10.1-beta`, which [`VersionReq::matches`] denies.
pub fn is_in(version: &Version, range: &VersionReq) -> bool {
    range.comparators.iter().all(|one| compares(version, one))
}

fn compares(version: &Version, to: &Comparator) -> bool {
    let parts = |version: &Version| (version.major, version.minor, version.patch);
    let least = (to.major, to.minor.unwrap_or(0), to.patch.unwrap_or(0));
    let from_least = (parts(version), &version.pre).cmp(&(least, &to.pre));
    let reaches = from_least != Ordering::Less;
    match to.op {
        Op::Less => !reaches,
        Op::GreaterEq => reaches,
        // `>2.10` is above all of 2.10
        Op::Greater => beside(version, to) == Ordering::Greater,
        Op::LessEq => beside(version, to) != Ordering::Greater,
        Op::Exact | Op::Wildcard => reaches && beside(version, to) == Ordering::Equal,
        Op::Tilde => {
            let minor = to.minor.is_none_or(|minor| version.minor == minor);
            reaches && version.major == to.major && minor
        }
        Op::Caret => {
            let same = match (to.major, to.minor, to.patch) {
                (1.., ..) | (0, None, _) => version.major == to.major,
                (0, Some(minor @ 1..), _) | (0, Some(minor), None) => {
                    (version.major, version.minor) == (0, minor)
                }
                (0, Some(0), Some(patch)) => parts(version) == (0, 0, patch),
            };
            reaches && same
        }
        _ => false,
    }
}

/// As far as the comparator is written.
fn beside(version: &Version, to: &Comparator) -> Ordering {
    let minor = to.minor.map(|minor| version.minor.cmp(&minor));
    let patch = to
        .patch
        .map(|patch| (version.patch, &version.pre).cmp(&(patch, &to.pre)));
    version
        .major
        .cmp(&to.major)
        .then(minor.unwrap_or(Ordering::Equal))
        .then(patch.unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_decides() {
        for (range, inside, outside) in [
            (
                ">=2.10",
                &["2.10", "v2.10.0", "2.10.1-beta", "2.10.0.1", "3.0.0-rc.1"][..],
                &["2.9.99", "2.10.0-beta", "2"][..],
            ),
            (
                "<2.10",
                &["2.9.9-beta", "2.10.0-beta"],
                &["2.10", "2.10.1-beta"],
            ),
            (
                ">2.10",
                &["2.11", "2.11.0-beta"],
                &["2.10.5", "2.10.5-beta"],
            ),
            (
                "<=2.10",
                &["2.10.5", "2.10.5-beta", "2.9"],
                &["2.11.0-beta"],
            ),
            (
                ">=2.10.1, <3",
                &["2.10.1.4567", "2.99.0-a"],
                &["2.10.1-beta", "3.0.0"],
            ),
            ("^2.10", &["2.10.1-beta", "2.11"], &["2.9", "3.0.0-beta"]),
            ("^0.2.3", &["0.2.3", "0.2.9-a"], &["0.2.3-a", "0.3.0"]),
            ("^0.0.3", &["0.0.3"], &["0.0.4", "0.0.3-a"]),
            ("^0", &["0.9"], &["1.0"]),
            ("~2.10.1", &["2.10.1", "2.10.9-x"], &["2.11", "2.10.0"]),
            ("~2", &["2.99"], &["3", "1.9"]),
            ("2.*", &["2.0", "2.7.1-beta"], &["3.0.0-a", "2.0.0-a"]),
            (
                "=2.10.1",
                &["2.10.1", "2.10.1+5"],
                &["2.10.1-beta", "2.10.2"],
            ),
            ("*", &["0.0.0-a", "9"], &[]),
        ] {
            let parsed = VersionReq::parse(range).unwrap();
            let holds = |text: &&&str| is_in(&read(text.as_bytes()).unwrap(), &parsed);
            assert_eq!(inside.iter().find(|text| !holds(text)), None, "in {range}");
            assert_eq!(outside.iter().find(holds), None, "not in {range}");
        }
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "latest",
            "2.x",
            "2..1",
            "+2",
            "1.2.3.4.5",
            "2.10-",
            "-2",
            "2.10.1-01",
            "99999999999999999999",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
    }
}
