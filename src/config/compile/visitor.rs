//! Ids for visitors. In: the `anonymous` map. Out: the cookie, which is the last source of `user`, and `visitor` where it is for
//! everybody; whether its `when` asks for headers and cookies alone.

use super::{
    compiler::{Compiler, Reach},
    cookie::reads,
};
use crate::config::{file, phrases::quote, tree::Entry};
use crate::engine::{
    attributes::{Attribute, AttributeIndex, USER},
    model::{Anonymous, Condition},
    source::Source,
    visitor::VisitorCookie,
};

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
}
