//! Ids for visitors. In: the `anonymous` map. Out: the cookie, which is the last source of `user`, and `visitor` where it is for
//! everybody; whether its `when` asks for headers and cookies alone.

use super::compiler::{Compiler, Reach};
use super::names;
use crate::config::{file, phrases::quote, tree::Entry};
use crate::engine::{
    attributes::{Attribute, AttributeIndex, USER},
    model::{Anonymous, Condition},
    source::Source,
    visitor::VisitorCookie,
};
use std::net::Ipv4Addr;

/// What a file calls the attribute.
pub(super) const VISITOR: &str = "visitor";

/// `anonymous`, but for its condition, which may name segments.
pub(super) struct Declared<'t> {
    cookie: VisitorCookie,
    visitor: Option<AttributeIndex>,
    when: Option<&'t Entry<'t>>,
    entry: &'t Entry<'t>,
}

impl<'t> Compiler<'t, '_> {
    pub(super) fn visitors(&mut self, entry: &'t Entry<'t>) -> Option<Declared<'t>> {
        let map = file::Anonymous::read(&entry.value, self.problems)?;
        let max_age = match map.max_age {
            Some(entry) => self.duration(entry),
            None => {
                self.problems.error(
                    entry.key_at,
                    "`max-age` is missing",
                    "write how long the browser keeps the cookie: `max-age: 365d`",
                );
                None
            }
        };
        let domain = map.domain.and_then(|entry| self.domain(entry));
        let cookie = match map.cookie {
            Some(entry) => self.cookie_name(entry, domain.is_some()),
            None => {
                self.problems.error(
                    entry.key_at,
                    "`cookie` is missing",
                    "name the cookie that keeps the id: `cookie: visitor`",
                );
                None
            }
        };
        let audience = map
            .audience
            .and_then(|entry| self.choice(entry, &["strangers", "everybody"]));
        // what is broken keeps a name, so that what asks for it is not told too
        let name = cookie.unwrap_or(VISITOR);
        let source = || Source::Visitor(name.into());
        let user = &mut self.attributes.list[usize::from(USER)];
        user.sources = user.sources.iter().cloned().chain([source()]).collect();
        let visitor = (audience == Some("everybody")).then(|| {
            let visitor = Attribute::new(VISITOR, Box::new([source()]));
            self.add(visitor, entry.key_at)
        });
        Some(Declared {
            cookie: VisitorCookie {
                cookie: name.into(),
                max_age: max_age.unwrap_or(1),
                domain: domain.map(|domain| domain.to_ascii_lowercase().into()),
            },
            visitor,
            when: map.when,
            entry,
        })
    }

    fn cookie_name(&mut self, entry: &'t Entry<'t>, has_domain: bool) -> Option<&'t str> {
        let cookie = self.text(entry, "the name of a cookie")?;
        if !names::is_token(cookie) {
            self.problems.error(
                entry.value.at,
                format!("{} is not a valid cookie name", quote(cookie)),
                "use letters, digits, `-` and `_`",
            );
            return None;
        }
        if has_domain && cookie.to_ascii_lowercase().starts_with("__host-") {
            self.problems.error(
                entry.value.at,
                "browsers keep a cookie whose name begins with `__Host-` only without a domain",
                "leave `domain` out, or choose another name",
            );
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

    /// A host name, as `Domain` of a cookie has it.
    fn domain(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
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

    /// With its condition, now that all segments are known.
    pub(super) fn anonymous(
        &mut self,
        declared: Declared<'t>,
        segments: &[Option<Condition>],
    ) -> (Anonymous, Reach) {
        let Declared {
            cookie,
            visitor,
            when,
            entry,
        } = declared;
        let condition = when.map(|when| (self.condition(&when.value), when.key_at));
        let (when, reach) = match condition {
            None => (None, Reach::default()),
            Some(((when, reach), at)) => {
                let mut seen = vec![false; segments.len()];
                let beside = when
                    .as_ref()
                    .and_then(|when| self.beside(when, segments, &mut seen));
                if let Some(beside) = beside {
                    self.problems.error(
                        at,
                        format!("this condition cannot gate the cookie: {beside}"),
                        "use only `header.` and `cookie.` sources, which every request of a browser brings alike",
                    );
                }
                (when, reach)
            }
        };
        let around = self.attributes.list.iter().skip(1);
        if when.is_some() && around.clone().any(|one| reads(one, &cookie.cookie)) {
            self.problems.error(
                entry.key_at,
                format!(
                    "`cookie.{}` is read elsewhere in this file, whatever `when` says",
                    cookie.cookie
                ),
                "write `for: everybody` here and `visitor` there",
            );
        }
        (
            Anonymous {
                cookie,
                when,
                visitor,
            },
            reach,
        )
    }

    /// What a condition asks for beside headers and cookies, if anything.
    fn beside(
        &self,
        condition: &Condition,
        segments: &[Option<Condition>],
        seen: &mut [bool],
    ) -> Option<String> {
        let mut any = |some: &[Condition]| {
            let mut some = some.iter();
            some.find_map(|one| self.beside(one, segments, seen))
        };
        match condition {
            Condition::All(some) | Condition::Any(some) => any(some),
            Condition::Not(one) => any(std::slice::from_ref(one)),
            Condition::Segment(index) => {
                let index = usize::from(*index);
                if std::mem::replace(&mut seen[index], true) {
                    return None;
                }
                self.beside(segments[index].as_ref()?, segments, seen)
            }
            Condition::Feature(..) => Some("it depends on a feature".to_owned()),
            Condition::Now { .. } => Some("it depends on the clock".to_owned()),
            Condition::Attribute(index, _) => {
                let attribute = &self.attributes.list[usize::from(*index)];
                let sources = attribute.sources.iter();
                let mut others = sources
                    .filter(|source| !matches!(source, Source::Header(_) | Source::Cookie(_)));
                let source = others.next()?.to_string();
                Some(match *attribute.name == *source {
                    true => format!("it depends on {}", quote(&source)),
                    false => format!("{} is read from {}", quote(&attribute.name), quote(&source)),
                })
            }
        }
    }

    /// What to write for `visitor` where it is no attribute; none for another name.
    pub(super) fn no_visitor(&self, name: &str) -> Option<&'static str> {
        let user = self.attributes.list.get(usize::from(USER))?;
        let is_declared = matches!(user.sources.last(), Some(Source::Visitor(_)));
        (name == VISITOR).then_some(match is_declared {
            true => {
                "write `for: everybody` in `anonymous`: then everybody has a visitor id, signed in or not"
            }
            false => {
                "visitors have an id where the file says `anonymous: {cookie: visitor, max-age: 365d, for: everybody}`"
            }
        })
    }

    pub(super) fn duration(&mut self, entry: &'t Entry<'t>) -> Option<u64> {
        let text = self.text(entry, "a duration, such as `365d`")?;
        let (number, unit) =
            text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => 0,
        };
        let duration = number
            .parse::<u32>()
            .ok()
            .filter(|_| !number.starts_with('+'))
            .map(|number| u64::from(number) * seconds);
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

fn reads(attribute: &Attribute, cookie: &str) -> bool {
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
