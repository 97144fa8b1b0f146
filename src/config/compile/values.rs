//! What operators compare with: regular expressions, ranges of versions, networks, numbers.
//! In: text. Out: the value, or what to write instead.

use super::compiler::Compiler;
use crate::config::{
    phrases::quote,
    tree::{Entry, Position},
};
use crate::engine::{instant, number::Decimal};
use ipnet::IpNet;
use std::net::IpAddr;

/// How many regular expressions a file may have, and how many bytes one may take once it is compiled.
pub(super) const MOST_PATTERNS: usize = 200;

pub(super) const LARGEST_PATTERN: usize = 100 * 1024;

impl<'t> Compiler<'t, '_> {
    pub(super) fn pattern(&mut self, text: &'t str, at: Position) -> Option<regex::bytes::Regex> {
        self.patterns += 1;
        if self.patterns == MOST_PATTERNS + 1 {
            self.problems.error(
                at,
                format!("more than {MOST_PATTERNS} regular expressions in one file"),
                "`prefix`, `suffix`, `contains` and lists of values do most of what they do",
            );
        }
        if self.patterns > MOST_PATTERNS {
            return None;
        }
        let built = regex::bytes::RegexBuilder::new(text)
            .case_insensitive(self.asked().is_some_and(|asked| asked.normal.lower))
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN)
            .build();
        let (why, hint) = match built {
            Ok(pattern) => return Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => (
                "it is too large to match in linear time".to_owned(),
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
                        true => "`not:` can replace some of it",
                        false => "see https://docs.rs/regex for what may be written",
                    },
                )
            }
        };
        self.problems.error(
            at,
            format!("{} is not a valid regular expression: {why}", quote(text)),
            hint,
        );
        None
    }

    pub(super) fn range(&mut self, text: &'t str, at: Position) -> Option<semver::VersionReq> {
        if let Ok(range) = semver::VersionReq::parse(text) {
            return Some(range);
        }
        let hint = if text.contains("||") {
            "`||` is not supported: write a list, `[\"<2\", \">=3\"]`".to_owned()
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
        self.problems
            .error(at, format!("{} is not a version range", quote(text)), hint);
        None
    }

    pub(super) fn network(&mut self, text: &'t str, at: Position) -> Option<IpNet> {
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
        self.problems
            .error(at, format!("{} is not a network", quote(text)), hint);
        None
    }

    pub(super) fn number(&mut self, entry: &'t Entry<'t>) -> Option<Decimal> {
        let text = self.text(entry, "a number")?;
        let number = Decimal::parse(text.as_bytes());
        if number.is_none() {
            let hint = match instant::parse(text) {
                Ok(_) => "dates are compared by `from` and `until`",
                Err(_) if text.split('.').count() > 2 => {
                    "versions are compared by `version: \">=2.10\"`"
                }
                Err(_) => "write a decimal number",
            };
            self.problems.error(
                entry.value.at,
                format!("{} is not a number", quote(text)),
                hint,
            );
        }
        number
    }
}

/// The IPv4 network that a network of mapped addresses stands for: addresses are compared as IPv4.
pub(super) fn mapped(network: IpNet) -> Option<String> {
    let IpNet::V6(network) = network else {
        return None;
    };
    let v4 = network.addr().to_ipv4_mapped()?;
    Some(format!("{v4}/{}", network.prefix_len().checked_sub(96)?))
}
