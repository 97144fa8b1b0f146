//! The operators of a condition: text to tests.
//! In: a map of operators. Out: a [`Test`]; what can never hold is a problem.

use super::{
    super::{
        file,
        problem::quote,
        source::{Entry, Kind, Node, Place},
    },
    Cx,
};
use crate::engine::{
    attributes::Slot,
    evaluate::FeatureIndex,
    instant::{self, InstantError},
    number::Decimal,
    operator::{Test, Texts},
    source::Source,
    units::Second,
};
use ipnet::IpNet;
use std::net::IpAddr;

/// Regular expressions of a file, and what one may take in bytes once it is compiled.
const MOST_PATTERNS: usize = 200;
const LARGEST_PATTERN: usize = 100 * 1024;

/// An operator that looks for any of several texts.
type ManyTexts = fn(Box<[Box<str>]>) -> Test;

impl<'t> Cx<'t, '_> {
    pub(super) fn operators(
        &mut self,
        node: &'t Node<'t>,
        at: Place,
        feature: Option<FeatureIndex>,
    ) -> Option<Test> {
        let before = self.log.errors();
        let map = file::Operators::read(node, self.log)?;
        let mut tests = Vec::new();
        if let Some(entry) = map.not {
            let test = self.matcher(&entry.value, entry.key_at, feature);
            tests.extend(test.map(|test| Test::Not(Box::new(test))));
        }
        let texts: [(_, ManyTexts); 3] = [
            (map.contains, Test::Contains),
            (map.prefix, Test::Prefix),
            (map.suffix, Test::Suffix),
        ];
        for (entry, test) in texts {
            tests.extend(
                entry
                    .and_then(|entry| self.texts(entry, |_, text, _| Some(text.into())))
                    .map(test),
            );
        }
        tests.extend(
            map.matches
                .and_then(|entry| self.texts(entry, Self::pattern))
                .map(Test::Matches),
        );
        let [above, min, below, max] = [map.above, map.min, map.below, map.max]
            .map(|entry| entry.and_then(|entry| self.number(entry)));
        self.empty_range(
            [(map.above, &above), (map.min, &min)],
            [(map.below, &below), (map.max, &max)],
        );
        tests.extend(above.map(Test::Above));
        tests.extend(min.map(Test::Min));
        tests.extend(below.map(Test::Below));
        tests.extend(max.map(Test::Max));
        tests.extend(
            map.version
                .and_then(|entry| self.texts(entry, Self::range))
                .map(Test::Version),
        );
        tests.extend(
            map.within
                .and_then(|entry| self.texts(entry, Self::network))
                .map(Test::Within),
        );
        let from = map.from.and_then(|entry| self.instant(&entry.value));
        let until = map.until.and_then(|entry| self.instant(&entry.value));
        if let (Some(from), Some(until), Some(entry)) = (from, until, map.until)
            && from >= until
        {
            self.log.error(
                entry.value.at,
                "`until` is not after `from`: this never holds",
                "`from` is inclusive, `until` exclusive",
            );
        }
        tests.extend(from.map(Test::From));
        tests.extend(until.map(Test::Until));
        if let Some(present) = map.present.and_then(|entry| self.switch(entry)) {
            if !present
                && file::entries(node, "", self.log).is_some_and(|all| {
                    all.iter()
                        .any(|other| !matches!(&*other.key, "present" | "not"))
                })
            {
                self.log.error(
                    at,
                    "an absent value has nothing else: this never holds",
                    "leave `present: false` or the other operators out",
                );
            }
            tests.push(Test::Present(present));
        }
        self.reach.tests += tests.len() as u64;
        if self.log.errors() > before {
            return None;
        }
        match tests.len() {
            1 => tests.pop(),
            _ => Some(Test::All(tests.into())),
        }
    }

    /// A text or a list of them, each read by `read`.
    fn texts<T>(
        &mut self,
        entry: &'t Entry<'t>,
        read: impl Fn(&mut Self, &'t str, Place) -> Option<T>,
    ) -> Option<Box<[T]>> {
        let items = match &entry.value.kind {
            Kind::List(items) => &items[..],
            _ => std::slice::from_ref(&entry.value),
        };
        if items.is_empty() {
            self.log.error(
                entry.value.at,
                "the list is empty: this never holds",
                "write at least one text",
            );
            return None;
        }
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some("") | None => self.expected(item, "a text", "write what to look for"),
                Some(text) => texts.extend(read(self, text, item.at)),
            }
        }
        (texts.len() == items.len()).then(|| texts.into())
    }

    fn pattern(&mut self, text: &'t str, at: Place) -> Option<regex::bytes::Regex> {
        self.patterns += 1;
        if self.patterns == MOST_PATTERNS + 1 {
            self.log.error(
                at,
                format!("more than {MOST_PATTERNS} regular expressions in one file"),
                "`prefix`, `suffix`, `contains` and lists of values do most of what they do",
            );
        }
        if self.patterns > MOST_PATTERNS {
            return None;
        }
        let built = regex::bytes::RegexBuilder::new(text)
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN)
            .build();
        let (why, hint) = match built {
            Ok(pattern) => return Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => (
                "too much to match in linear time".to_owned(),
                "repeat less, and use narrow classes: `[a-z]` rather than `\\w`",
            ),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default();
                let looks_around = ["(?=", "(?!", "(?<"]
                    .iter()
                    .any(|around| text.contains(around));
                (
                    why.trim_start_matches("error: ").to_owned(),
                    match looks_around {
                        true => "`not:` can say some of what look-around says",
                        false => "see https://docs.rs/regex for what may be written",
                    },
                )
            }
        };
        self.log.error(
            at,
            format!("{} is no regular expression: {why}", quote(text)),
            hint,
        );
        None
    }

    fn range(&mut self, text: &'t str, at: Place) -> Option<semver::VersionReq> {
        if let Ok(range) = semver::VersionReq::parse(text) {
            return Some(range);
        }
        let hint = if text.contains("||") {
            "`||` is not read: write a list, `[\"<2\", \">=3\"]`".to_owned()
        } else if text.trim().contains(' ') && !text.contains(',') {
            format!(
                "put commas between the parts: `{}`",
                text.split_whitespace()
                    .collect::<Vec<_>>()
                    .join(", ")
                    .replace("=, ", "=")
            )
        } else if text.starts_with(['v', 'V']) {
            format!(
                "leave the `v` out: `{}`",
                quote(&text[1..]).trim_matches('`')
            )
        } else {
            "write a range such as `>=2.10, <3`, `^1.2`, `~1.2.3` or `1.*`".to_owned()
        };
        self.log
            .error(at, format!("{} is no range of versions", quote(text)), hint);
        None
    }

    fn network(&mut self, text: &'t str, at: Place) -> Option<IpNet> {
        let hint = match text.parse::<IpNet>() {
            Ok(network) if network.trunc() == network => match mapped(network) {
                None => return Some(network),
                Some(v4) => format!("write it as IPv4: `{v4}`"),
            },
            Ok(network) => format!("the network of that size is `{}`", network.trunc()),
            Err(_) => match text.parse::<IpAddr>() {
                Ok(address) => format!("write `{}` for this one address", IpNet::from(address)),
                Err(_) => "write a network such as `10.0.0.0/8` or `2001:db8::/32`".to_owned(),
            },
        };
        self.log
            .error(at, format!("{} is no network", quote(text)), hint);
        None
    }

    fn number(&mut self, entry: &'t Entry<'t>) -> Option<Decimal> {
        let text = self.words(entry, "a number")?;
        let number = Decimal::parse(text.as_bytes());
        if number.is_none() {
            let hint = match instant::parse(text) {
                Ok(_) => "instants are compared by `from` and `until`",
                Err(_) if text.split('.').count() > 2 => {
                    "versions are compared by `version: \">=2.10\"`"
                }
                Err(_) => "write a decimal number",
            };
            self.log.error(
                entry.value.at,
                format!("{} is no number", quote(text)),
                hint,
            );
        }
        number
    }

    fn empty_range(
        &mut self,
        low: [(Option<&'t Entry<'t>>, &Option<Decimal>); 2],
        high: [(Option<&'t Entry<'t>>, &Option<Decimal>); 2],
    ) {
        for (low_place, low) in low {
            for (high_place, high) in high {
                let (Some(low), Some(high), Some(low_place), Some(place)) =
                    (low, high, low_place, high_place)
                else {
                    continue;
                };
                let both_inclusive = low_place.key == "min" && place.key == "max";
                if low > high || (low == high && !both_inclusive) {
                    self.log.error(
                        place.value.at,
                        format!(
                            "no number is both {} and {}: this never holds",
                            bound(low_place),
                            bound(place)
                        ),
                        "swap the numbers, or leave one out",
                    );
                }
            }
        }
    }

    /// An instant: a date, or RFC 3339 with a zone.
    pub(super) fn instant(&mut self, node: &Node<'_>) -> Option<Second> {
        let Some(text) = node.text() else {
            self.expected(
                node,
                "a date",
                "write `2026-03-01` or `2026-03-01T09:00:00Z`",
            );
            return None;
        };
        self.instant_text(text, node.at)
    }

    pub(super) fn instant_text(&mut self, text: &str, at: Place) -> Option<Second> {
        let (message, hint) = match instant::parse(text) {
            Ok(second) => return Some(second),
            Err(InstantError::NoZone) => (
                "has no time zone",
                format!("add `Z` for UTC or an offset: `{}`", zoned(text)),
            ),
            Err(InstantError::TooFine) => (
                "has a fraction of a second",
                "write whole seconds".to_owned(),
            ),
            Err(InstantError::OutOfRange) => (
                "is outside the years 0001 to 9999",
                "write a year in between".to_owned(),
            ),
            Err(InstantError::NotAnInstant) => (
                "is no date",
                "write `2026-03-01` (00:00 UTC) or `2026-03-01T09:00:00+01:00`".to_owned(),
            ),
        };
        self.log
            .error(at, format!("{} {message}", quote(text)), hint);
        None
    }

    /// Warnings for values that a request can never have.
    pub(super) fn never(&mut self, slot: Slot, test: &Test, entry: &'t Entry<'t>) {
        let attribute = &self.slots.list[usize::from(slot)];
        let [source] = &*attribute.sources else {
            return;
        };
        let texts: Vec<&str> = match test {
            Test::Is(Texts::Few(texts)) | Test::Prefix(texts) => {
                texts.iter().map(|text| &**text).collect()
            }
            _ => return,
        };
        let odd = texts.into_iter().find_map(|text| match source {
            Source::Path if !text.starts_with('/') && text != "*" => {
                Some((text, "a path begins with `/`"))
            }
            Source::Path if text.contains('?') => {
                Some((text, "the path is without the query: ask `query.NAME`"))
            }
            Source::Host if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Some((text, "the host is in lower case"))
            }
            Source::Host if text.contains(':') && !text.contains('[') => {
                Some((text, "the host is without the port"))
            }
            Source::Ip if text.contains('/') => {
                Some((text, "an address in a network is `ip: {within: …}`"))
            }
            Source::Method if text.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                Some((text, "methods are in upper case"))
            }
            _ => None,
        });
        if let Some((text, why)) = odd {
            self.log.warn(
                entry.value.at,
                format!("no request has {} here", quote(text)),
                why,
            );
        }
    }
}

fn bound(entry: &Entry<'_>) -> String {
    quote(&format!(
        "{}: {}",
        entry.key,
        entry.value.text().unwrap_or_default()
    ))
}

fn zoned(text: &str) -> String {
    let text = text.replace(' ', "T");
    let seconds = if text.matches(':').count() == 1 {
        ":00"
    } else {
        ""
    };
    format!("{}{seconds}Z", quote(&text).trim_matches('`'))
}

/// The IPv4 network that a network of mapped addresses stands for: addresses are compared as IPv4.
fn mapped(network: IpNet) -> Option<String> {
    let IpNet::V6(network) = network else {
        return None;
    };
    let v4 = network.addr().to_ipv4_mapped()?;
    Some(format!("{v4}/{}", network.prefix_len().checked_sub(96)?))
}
