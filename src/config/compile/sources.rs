//! Places of a request, and of the process, that attributes come from.
//! In: `header.x-user-id`, or a list of such. Out: [`Source`]s; every header among them is trusted from then on.

use super::{compiler::Compiler, names};
use crate::config::{
    hints,
    phrases::{nearest, quote},
    tree::{Entry, Kind, Position},
};
use crate::engine::source::Source;
use std::collections::HashSet;

/// What stands before the dot of a source.
pub(super) const PLACES: [&str; 5] = ["header", "cookie", "query", "jwt", "env"];

impl<'t> Compiler<'t, '_> {
    /// One source, or a list of which the first that is present wins.
    pub(super) fn sources(&mut self, entry: &'t Entry<'t>) -> Option<Box<[Source]>> {
        let items = match &entry.value.kind {
            Kind::List(items) => &items[..],
            _ => std::slice::from_ref(&entry.value),
        };
        if items.is_empty() {
            self.problems.error(
                entry.key_at,
                format!("{} is an empty list", quote(&entry.key)),
                "write a source, such as `header.x-user-id`",
            );
        }
        let mut seen = HashSet::new();
        let mut sources = Vec::new();
        for item in items {
            let Some(text) = item.text() else {
                self.expected(item, "a source", "write one such as `header.x-user-id`");
                continue;
            };
            if !seen.insert(text.to_ascii_lowercase()) {
                self.problems.error(
                    item.at,
                    format!("duplicate source {}", quote(text)),
                    "name it once",
                );
            }
            sources.extend(self.source(text, item.at));
        }
        (sources.len() == items.len() && !items.is_empty()).then(|| sources.into())
    }

    /// `header.X`, `cookie.X`, `query.X`, `jwt.CLAIM`, `env.VAR`, `path`, `method`, `host` or `ip`.
    pub(super) fn source(&mut self, text: &str, at: Position) -> Option<Source> {
        let (place, name) = text.split_once('.').unwrap_or((text, ""));
        match (place, name) {
            ("path", "") => return Some(Source::Path),
            ("method", "") => return Some(Source::Method),
            ("host", "") => return Some(Source::Host),
            ("ip", "") => return Some(Source::Ip),
            _ => {}
        }
        if !PLACES.contains(&place) || name.is_empty() {
            let hint = match (place, text) {
                (place, _) if PLACES.contains(&place) => format!("add a name: `{place}.name`"),
                (_, "user" | "now") | ("feature", _) => "a source is a part of the request, such as `header.x-user-id`".to_owned(),
                _ if self.attributes.by_name.contains_key(text) => "write its sources: one attribute cannot be the source of another".to_owned(),
                (place, text) if text.contains('.') && hints::place_of(&place.to_ascii_lowercase()).is_some() => {
                    format!("did you mean `{}.{name}`?", hints::place_of(&place.to_ascii_lowercase()).unwrap_or_default())
                }
                (place, text) if text.contains('.') && nearest(place, PLACES).is_some() => {
                    format!("did you mean `{}.{name}`?", nearest(place, PLACES).unwrap_or_default())
                }
                _ => match names::is_token(text) && text.contains('-') {
                    true => format!("did you mean `header.{}`?", text.to_ascii_lowercase()),
                    false => "sources are `header.NAME`, `cookie.NAME`, `query.NAME`, `jwt.CLAIM`, `env.VAR`, `path`, `method`, `host` and `ip`".to_owned(),
                },
            };
            self.problems
                .error(at, format!("{} is not a source", quote(text)), hint);
            return None;
        }
        let source = match place {
            "header" => match names::header(name) {
                Some(header) => {
                    self.attributes.trusted.push((header.clone(), at));
                    Source::Header(header)
                }
                None => return self.no_source(name, "header name", "letters, digits and `-`", at),
            },
            "cookie" if names::is_token(name) => Source::Cookie(name.into()),
            "cookie" => {
                return self.no_source(name, "cookie name", "letters, digits, `-` and `_`", at);
            }
            "query" => Source::Query(name.into()),
            "jwt" => Source::Jwt(name.into()),
            _ if name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                Source::Env(name.into(), (self.env)(name).map(Into::into))
            }
            _ => return self.no_source(name, "variable name", "letters, digits and `_`", at),
        };
        Some(source)
    }

    pub(super) fn no_source(
        &mut self,
        name: &str,
        what: &str,
        of: &str,
        at: Position,
    ) -> Option<Source> {
        self.problems.error(
            at,
            format!("{} is not a valid {what}", quote(name)),
            format!("use {of}"),
        );
        None
    }
}
