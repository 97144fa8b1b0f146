//! Who answers for a feature, and how long it is meant to live.
//! In: `owner`, `expires`, `permanent`. Out: the same, proved; a warning where the day has passed.

use super::compiler::Compiler;
use crate::config::file;
use crate::engine::{model::Expiry, units::Second};

const DAY: i64 = 86_400;

impl<'t> Compiler<'t, '_> {
    /// The owner, the end, and whether it is meant to stay.
    pub(super) fn lifetime(
        &mut self,
        feature: &file::Feature<'t>,
    ) -> (Option<Box<str>>, Option<Expiry>, bool) {
        let owner = feature
            .owner
            .and_then(|entry| self.text(entry, "who answers for it"));
        let permanent = feature.permanent.and_then(|entry| self.boolean(entry));
        let permanent = permanent.unwrap_or(false);
        let expires = feature.expires.and_then(|entry| {
            let from = self.instant(&entry.value)?;
            let day = entry.value.text()?;
            // a date is the whole day
            let end = match day.len() {
                10 => Second(from.0 + DAY),
                _ => from,
            };
            if end <= self.now {
                self.problems.warn(
                    entry.value.at,
                    "this day has passed, and the feature is still here",
                    "remove the feature, or move the day",
                );
            }
            if permanent {
                self.problems.warn(
                    entry.key_at,
                    "what is `permanent` does not expire",
                    "leave one of the two out",
                );
            }
            Some(Expiry {
                day: day.into(),
                end,
            })
        });
        (owner.map(Into::into), expires, permanent)
    }
}
