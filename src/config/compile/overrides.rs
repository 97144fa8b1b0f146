//! The `override` block: who may force variants.
//! In: its map. Out: an [`OverridePolicy`] that is protected by a condition, a key, or both.

use super::compiler::{Compiler, Reach};
use crate::config::{
    file,
    phrases::quote,
    tree::{Entry, Position},
};
use crate::engine::{
    model::{OverrideKey, OverridePolicy},
    signature::SigningKey,
    source::Source,
};

impl<'t> Compiler<'t, '_> {
    /// What the condition reaches is looked at once all features are known.
    pub(super) fn overrides(
        &mut self,
        entry: &'t Entry<'t>,
    ) -> Option<(OverridePolicy, Option<(Reach, Position)>)> {
        let map = file::Override::read(&entry.value, self.problems)?;
        let from = match map.from {
            Some(from) => self.sources(from),
            None => {
                self.problems.error(
                    entry.key_at,
                    "`from` is missing",
                    "write where an override is looked for: `from: header.x-qa-override`",
                );
                None
            }
        };
        self.override_from = from.clone().unwrap_or_default();
        for source in from.iter().flatten() {
            let at = map.from.map_or(entry.key_at, |from| from.value.at);
            let message = format!(
                "an override cannot come from {}",
                quote(&source.to_string())
            );
            match source {
                Source::Header(_) | Source::Query(_) => {}
                Source::Cookie(_) if map.key.is_some() => {}
                Source::Cookie(_) => self.problems.error(
                    at,
                    format!("{message} without a `key`"),
                    "add `key: env.BURGEE_OVERRIDE_KEY`: what a browser sends by itself has to be signed",
                ),
                _ => self.problems.error(
                    at,
                    message,
                    "use `header.` and `query.` sources, and `cookie.` ones with a `key`",
                ),
            }
        }
        // whatever its case: an override finds a feature so
        let taken = |name: &&str| ["exp", "sig"].contains(&&*name.to_ascii_lowercase());
        let mut taken: Vec<&str> = self
            .features
            .keys()
            .map(|name| &**name)
            .filter(taken)
            .collect();
        taken.sort_unstable();
        for name in taken {
            if map.key.is_some() {
                self.problems.error(
                    entry.key_at,
                    format!(
                        "a feature cannot be called {}: signed overrides use that name",
                        quote(name)
                    ),
                    "rename the feature",
                );
            }
        }
        if map.when.is_none() && map.key.is_none() {
            self.problems.error(entry.key_at, "anybody could use this override", "add `key: env.BURGEE_OVERRIDE_KEY`, or a `when` on headers that the proxy in front of burgee sets");
        }
        let condition = map.when.map(|when| {
            let (condition, reach) = self.condition(&when.value);
            (condition, reach, when.key_at)
        });
        let key = map.key.map(|key| self.key_of(key));
        let unprotected = match (&condition, map.key) {
            (Some((_, reach, at)), None) => Some((reach.clone(), *at)),
            _ => None,
        };
        self.override_reach = condition.as_ref().map(|(_, reach, _)| reach.clone());
        let remember = map.remember.map(|remember| {
            let sources = from.as_deref().unwrap_or_default();
            self.remember(remember, sources, map.key.is_some())
        });
        let when = match condition {
            Some((condition, ..)) => Some(condition?),
            None => None,
        };
        let (from, remember) = match remember {
            None => (from?, None),
            Some(name) => {
                let (from, name) = (from?, name?);
                // the last: what comes anew by header or query is meant
                let kept = Source::Cookie(name.clone());
                (from.into_iter().chain([kept]).collect(), Some(name))
            }
        };
        let key = match key {
            Some(key) => Some(key?),
            None => None,
        };
        let policy = OverridePolicy {
            from,
            when,
            key,
            remember,
        };
        Some((policy, unprotected))
    }

    /// Without what the variable holds an override is closed, not open.
    fn key_of(&mut self, entry: &'t Entry<'t>) -> Option<OverrideKey> {
        let text = self.text(entry, "`env.` and the name of a variable")?;
        let Some(variable) = text.strip_prefix("env.").filter(|name| !name.is_empty()) else {
            // the words may be the key itself: they are not repeated
            self.problems.error(
                entry.value.at,
                "the key must not be written in the file",
                "put it into a variable, and write `key: env.BURGEE_OVERRIDE_KEY`",
            );
            return None;
        };
        self.source(text, entry.value.at)?;
        let held = (self.env)(variable).unwrap_or_default();
        let secret = SigningKey::new(held.as_bytes());
        if secret.is_none() {
            self.problems.warn(
                entry.value.at,
                format!(
                    "the variable {} is not set: overrides are ignored",
                    quote(variable)
                ),
                "set it from a Secret",
            );
        } else if SigningKey::is_short(held.as_bytes()) {
            self.problems.warn(
                entry.value.at,
                format!(
                    "the key in {} has fewer than {} bytes: whoever sees a link can guess it",
                    quote(variable),
                    SigningKey::SHORTEST
                ),
                "make one by `openssl rand -base64 32`",
            );
        }
        Some(OverrideKey {
            variable: variable.into(),
            secret,
        })
    }
}
