//! Ids for visitors. In: the `anonymous` map. Out: the cookie, which is the last source of `user`, and `visitor` where it is for
//! everybody; whether its `when` asks for headers and cookies alone.

use super::compiler::{Compiler, Reach};
use crate::config::{
    file,
    tree::{Entry, Kind, Node},
};
use crate::engine::{
    attributes::{Attribute, AttributeIndex, USER},
    model::{Anonymous, Condition},
    source::Source,
    visitor::VisitorCookie,
};

/// What a file calls the attribute.
pub(super) const VISITOR: &str = "visitor";
/// As long as browsers keep any cookie (RFC 6265bis, 5.5): 400 days.
const MOST_AGE: u64 = 400 * 86_400;

/// `anonymous`, but for its condition, which may name segments.
pub(super) struct Declared<'t> {
    cookie: VisitorCookie,
    visitor: Option<AttributeIndex>,
    when: Option<&'t Entry<'t>>,
}

impl<'t> Compiler<'t, '_> {
    pub(super) fn visitors(
        &mut self,
        entry: &'t Entry<'t>,
        attributes: Option<&'t Entry<'t>>,
    ) -> Option<Declared<'t>> {
        let map = file::Anonymous::read(&entry.value, self.problems);
        let Some(map) = map else {
            self.broken_visitor(entry, attributes);
            return None;
        };
        let max_age = match map.max_age {
            Some(entry) => self.max_age(entry),
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
        if visitor.is_none()
            && (map.audience.is_some() != audience.is_some() || means_everybody(entry))
        {
            self.broken_visitor(entry, attributes);
        }
        Some(Declared {
            cookie: VisitorCookie {
                cookie: name.into(),
                max_age: max_age.unwrap_or(1),
                domain: domain.map(|domain| domain.to_ascii_lowercase().into()),
            },
            visitor,
            when: map.when,
        })
    }

    fn max_age(&mut self, entry: &'t Entry<'t>) -> Option<u64> {
        let max_age = self.duration(entry)?;
        if max_age > MOST_AGE {
            self.problems.warn(
                entry.value.at,
                "browsers keep a cookie for 400 days at most, since it was last set",
                "write `max-age: 400d`, or less",
            );
        }
        Some(max_age)
    }

    /// What is broken keeps its name too, unless the file gives that to something else.
    fn broken_visitor(&mut self, entry: &'t Entry<'t>, attributes: Option<&'t Entry<'t>>) {
        if !attributes.is_some_and(|attributes| has_key(&attributes.value, VISITOR)) {
            self.add(Attribute::new(VISITOR, Box::default()), entry.key_at);
        }
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
        } = declared;
        let (when, reach) = match when {
            Some(entry) => self.consent(entry, &cookie.cookie, segments),
            None => (None, Reach::default()),
        };
        let anonymous = Anonymous {
            cookie,
            when,
            visitor,
            changed_by_login: Box::default(),
        };
        (anonymous, reach)
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

/// Whoever misspells the key has this value.
fn means_everybody(entry: &Entry<'_>) -> bool {
    match &entry.value.kind {
        Kind::Map(entries) => entries
            .iter()
            .any(|entry| entry.value.text() == Some("everybody")),
        _ => false,
    }
}

fn has_key(node: &Node<'_>, key: &str) -> bool {
    match &node.kind {
        Kind::Map(entries) => entries.iter().any(|entry| entry.key == key),
        _ => false,
    }
}
