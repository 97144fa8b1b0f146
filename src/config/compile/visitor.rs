//! Ids for visitors who are not signed in. In: the `anonymous` map. Out: the cookie, as the last source of `user`.

use super::{compiler::Compiler, names};
use crate::config::{file, phrases::quote, tree::Entry};
use crate::engine::{attributes::USER, source::Source, visitor::VisitorCookie};

impl<'t> Compiler<'t, '_> {
    pub(super) fn visitor_cookie(&mut self, entry: &'t Entry<'t>) -> Option<VisitorCookie> {
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
        let Some(cookie_entry) = map.cookie else {
            self.problems.error(
                entry.key_at,
                "`cookie` is missing",
                "name the cookie that keeps the id: `cookie: visitor`",
            );
            return None;
        };
        let cookie = self.text(cookie_entry, "the name of a cookie")?;
        if !names::is_token(cookie) {
            self.problems.error(
                cookie_entry.value.at,
                format!("{} is not a valid cookie name", quote(cookie)),
                "use letters, digits, `-` and `_`",
            );
            return None;
        }
        let user = &mut self.attributes.list[usize::from(USER)];
        if user
            .sources
            .iter()
            .any(|source| matches!(source, Source::Cookie(name) if **name == *cookie))
        {
            self.problems.error(
                cookie_entry.value.at,
                format!("`cookie.{cookie}` is among the sources of `user` already"),
                "remove it there: `anonymous` adds it as the last source",
            );
        }
        let visitor = Source::Visitor(cookie.into());
        user.sources = user.sources.iter().cloned().chain([visitor]).collect();
        Some(VisitorCookie {
            cookie: cookie.into(),
            max_age: max_age?,
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
