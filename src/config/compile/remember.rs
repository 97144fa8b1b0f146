//! The cookie that keeps a signed override: `remember`.
//! In: its name, and what else reads cookies. Out: the name, where nobody else has it.

use super::{compiler::Compiler, toggles::Compiled};
use crate::config::{collector::Collector, phrases::quote, tree::Entry};
use crate::engine::source::Source;

impl<'t> Compiler<'t, '_> {
    pub(super) fn remember(
        &mut self,
        entry: &'t Entry<'t>,
        from: &[Source],
        has_key: bool,
    ) -> Option<Box<str>> {
        let name = self.cookie(entry, ("the override", "qa_flags"))?;
        let (at, cookie) = (entry.value.at, Source::Cookie(name.into()));
        if !has_key {
            self.problems.error(
                entry.key_at,
                "only a signed override can be remembered",
                "add `key: env.BURGEE_OVERRIDE_KEY`",
            );
        }
        if from.contains(&cookie) {
            self.problems.error(
                at,
                format!("{} is in `from` already", quote(&cookie.to_string())),
                "remove it there: `remember` adds it as the last source",
            );
        }
        let is_asked = |source: &Source| matches!(source, Source::Header(_) | Source::Query(_));
        if !from.is_empty() && !from.iter().any(is_asked) {
            self.problems.error(
                at,
                "there is nothing to remember: an override that came by cookie is there already",
                "add `query.ff` to `from`, for links",
            );
        }
        self.warn_of_prefix(name, at);
        let name = Box::from(name);
        self.remembered = Some((Box::clone(&name), at));
        Some(name)
    }
}

/// No two files write one cookie, and nothing else is read from it.
pub(super) fn check(files: &[&Compiled], problems: &mut Collector) {
    for (number, file) in files.iter().enumerate() {
        let Some((name, at)) = &file.remembered else {
            continue;
        };
        for (other_number, other) in files.iter().enumerate() {
            let same = other.remembered.as_ref().filter(|same| same.0 == *name);
            if let (true, Some((_, other_at))) = (number != other_number, same) {
                let other = problems.file(*other_at);
                problems.error(
                    *at,
                    format!(
                        "{other} remembers overrides in the cookie {} too",
                        quote(name)
                    ),
                    "give every file a cookie of its own: each signs for its own namespace",
                );
            }
            let finds = other
                .override_from
                .iter()
                .any(|source| matches!(source, Source::Cookie(read) if read == name));
            if number != other_number && finds {
                let other = problems.file(other.namespace_at);
                problems.error(
                    *at,
                    format!(
                        "{other} looks for overrides in the cookie {} too",
                        quote(name)
                    ),
                    "remember overrides in a cookie that nothing else uses: each file signs for its own namespace",
                );
            }
            let reads = |source: &Source| matches!(source, Source::Cookie(read) | Source::Visitor(read) if read == name);
            let attributes = other.attributes.list.iter();
            let mut readers = attributes.filter(|one| one.sources.iter().any(reads));
            if let Some(reader) = readers.next() {
                let of = problems.of_file(other.namespace_at, *at);
                problems.error(
                    *at,
                    format!(
                        "{}{of} is read from the cookie {}: an override would be written over it",
                        quote(&reader.name),
                        quote(name)
                    ),
                    "remember overrides in a cookie that nothing else uses",
                );
            }
        }
    }
}
