//! What a cookie is called, how far it reaches and how long it lasts. In: entries. Out: what browsers keep, or a problem.

use super::{compiler::Compiler, names};
use crate::config::{
    phrases::quote,
    tree::{Entry, Position},
};
use crate::engine::{
    attributes::{Attribute, USER},
    source::Source,
    units::milliseconds,
};
use std::net::Ipv4Addr;

/// Whoever writes these means a switch.
const SWITCHES: [&str; 6] = ["true", "false", "on", "off", "yes", "no"];

/// What a longer name takes is missing for the value.
const LONGEST_NAME: usize = 128;

impl<'t> Compiler<'t, '_> {
    pub(super) fn cookie_name(
        &mut self,
        entry: &'t Entry<'t>,
        has_domain: bool,
    ) -> Option<&'t str> {
        let cookie = self.cookie(entry, ("the id", "visitor"))?;
        if has_domain && cookie.to_ascii_lowercase().starts_with("__host-") {
            self.problems.error(
                entry.value.at,
                "browsers keep a cookie whose name begins with `__Host-` only without a domain",
                "leave `domain` out, or choose another name",
            );
        } else {
            self.warn_of_prefix(cookie, entry.value.at);
        }
        let user = &self.attributes.list[usize::from(USER)];
        if reads(user, cookie) {
            self.problems.error(
                entry.value.at,
                format!("`cookie.{cookie}` is among the sources of `user` already"),
                "remove it there: `anonymous` adds it as the last source",
            );
        }
        Some(cookie)
    }

    /// The name of a cookie that we set; `keeps` says what is in it, and a name for it. What it cannot be called is told.
    pub(super) fn cookie(
        &mut self,
        entry: &'t Entry<'t>,
        (keeps, such_as): (&str, &str),
    ) -> Option<&'t str> {
        let name = self.text(entry, "the name of a cookie")?;
        let key = &entry.key;
        let (what, instead) = match name {
            _ if SWITCHES.contains(&&*name.to_ascii_lowercase()) => (
                format!("{} is no name for a cookie", quote(name)),
                format!("name the cookie that keeps {keeps}: `{key}: {such_as}`"),
            ),
            _ if name.starts_with("cookie.") => (
                format!(
                    "{} is a source, and `{key}` takes the name of a cookie",
                    quote(name)
                ),
                format!("write `{key}: {}`", name.trim_start_matches("cookie.")),
            ),
            _ if name.len() > LONGEST_NAME => (
                format!("the name of the cookie has more than {LONGEST_NAME} letters"),
                format!(
                    "write a short one, such as `{key}: {such_as}`: browsers keep 4,096 bytes of name and value"
                ),
            ),
            _ if !names::is_token(name) => (
                format!("{} is not a valid cookie name", quote(name)),
                "use letters, digits, `-` and `_`".to_owned(),
            ),
            _ => return Some(name),
        };
        self.problems.error(entry.value.at, what, instead);
        None
    }

    /// A name that browsers take as a promise (RFC 6265bis, 4.1.3).
    pub(super) fn warn_of_prefix(&mut self, cookie: &str, at: Position) {
        let is = |prefix: &&str| {
            let begin = cookie.get(..prefix.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
        };
        if let Some(prefix) = ["__Host-", "__Secure-"].iter().find(|prefix| is(prefix)) {
            self.problems.warn(
                at,
                format!("browsers keep a cookie whose name begins with `{prefix}` by https alone"),
                "have the proxy in front of burgee send `X-Forwarded-Proto: https`; where people come by http, choose another name",
            );
        }
    }

    /// A host name, as `Domain` of a cookie has it.
    pub(super) fn domain(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
        let text = self.text(entry, "a domain, such as `example.com`")?;
        let name = text.trim_matches('.');
        let why = match text {
            _ if is_domain(text) => return Some(text),
            _ if text != name && is_domain(name) => {
                format!("write it without a dot at its ends: `domain: {name}`")
            }
            _ if text.parse::<Ipv4Addr>().is_ok() || text.contains(':') => {
                "a cookie has a name for its domain, no address and no port".to_owned()
            }
            _ if !text.is_ascii() => {
                "write it as browsers do: `xn--…` for letters that are not ASCII".to_owned()
            }
            _ => "write the name alone, with its dot: `domain: example.com`".to_owned(),
        };
        let message = format!("{} is not a domain for a cookie", quote(text));
        self.problems.error(entry.value.at, message, why);
        None
    }

    pub(super) fn duration(&mut self, entry: &'t Entry<'t>) -> Option<u64> {
        let text = self.text(entry, "a duration, such as `365d`")?;
        // browsers count seconds; what no `u32` holds is a slip
        let number = text.get(..text.len().saturating_sub(1));
        let number = number.and_then(|number| number.parse::<u32>().ok());
        let duration = number.and(milliseconds(text)).map(|all| all / 1_000);
        if duration.is_none_or(|duration| duration == 0) {
            self.problems.error(
                entry.value.at,
                format!("{} is not a duration", quote(text)),
                "write a number and `s`, `m`, `h` or `d`: `365d`",
            );
            return None;
        }
        duration
    }
}

/// Whether this attribute reads this cookie.
pub(super) fn reads(attribute: &Attribute, cookie: &str) -> bool {
    let mut sources = attribute.sources.iter();
    sources.any(|source| matches!(source, Source::Cookie(name) if **name == *cookie))
}

/// Two labels or more; the last begins with a letter, so that no address is one.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len())
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let (first, last) = text.rsplit_once('.').unwrap_or_default();
    text.len() <= 253
        && first.split('.').all(is_label)
        && is_label(last)
        && last.len() > 1
        && last.starts_with(|first: char| first.is_ascii_alphabetic())
}
