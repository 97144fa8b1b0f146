//! Which headers one file sends.
//! In: `headers`, and `header:` of its features. Out: a [`HeaderOptions`].

use super::{compiler::Compiler, names};
use crate::config::{
    file,
    phrases::quote,
    tree::{Entry, Kind, Position},
};
use crate::engine::forged_fields;
use http::HeaderName;

/// Which headers one file sends, and what is in them.
#[derive(Default)]
pub(super) struct HeaderOptions {
    /// none for `headers: none`
    pub(super) prefix: Option<(String, Position)>,
    pub(super) omit_off: bool,
    pub(super) values: bool,
    pub(super) combined: Option<(HeaderName, Position)>,
    pub(super) revision: Option<(HeaderName, Position)>,
}

impl HeaderOptions {
    /// The header of a feature that does not name its own.
    pub(super) fn feature(&self, name: &str) -> Option<HeaderName> {
        let (prefix, _) = self.prefix.as_ref()?;
        names::header(&format!("{prefix}{}", names::in_header(name)))
    }

    /// A member of the combined header: a token where the name is one (RFC 9651, section 3.3.4), else a string.
    pub(super) fn member(&self, key: &str, variant: &str) -> Box<str> {
        if variant.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("{key}={variant}").into()
        } else {
            format!("{key}=\"{variant}\"").into()
        }
    }
}

impl<'t> Compiler<'t, '_> {
    pub(super) fn header_options(
        &mut self,
        entry: Option<&'t Entry<'t>>,
        file: Position,
    ) -> HeaderOptions {
        let default = || Some((forged_fields::DEFAULT_PREFIX.to_owned(), file));
        let Some(entry) = entry else {
            return HeaderOptions {
                prefix: default(),
                ..HeaderOptions::default()
            };
        };
        if let Kind::Text(text, _) = &entry.value.kind
            && text == "none"
        {
            return HeaderOptions::default();
        }
        let Some(map) = file::Headers::read(&entry.value, self.problems) else {
            return HeaderOptions {
                prefix: default(),
                ..HeaderOptions::default()
            };
        };
        let prefix = match map.prefix {
            Some(entry) => self.prefix(entry),
            None => default(),
        };
        HeaderOptions {
            prefix,
            omit_off: map
                .off
                .and_then(|entry| self.choice(entry, &["send", "omit"]))
                == Some("omit"),
            values: map
                .values
                .and_then(|entry| self.boolean(entry))
                .unwrap_or(false),
            combined: map
                .combined
                .and_then(|entry| Some((self.field(entry)?, entry.value.at))),
            revision: map
                .revision
                .and_then(|entry| Some((self.field(entry)?, entry.value.at))),
        }
    }

    pub(super) fn prefix(&mut self, entry: &'t Entry<'t>) -> Option<(String, Position)> {
        let prefix = self.text(entry, "a prefix")?;
        if names::header(prefix).is_none() {
            self.problems.error(
                entry.value.at,
                format!("{} cannot begin a header name", quote(prefix)),
                "use letters, digits and `-`: `X-Shop-`",
            );
            return None;
        }
        if !prefix.ends_with('-') {
            self.problems.error(
                entry.value.at,
                format!("the prefix {} does not end with `-`", quote(prefix)),
                format!("write `{prefix}-`: feature names follow it directly"),
            );
        }
        if names::is_token(prefix) && prefix.len() > 64 {
            self.problems.error(
                entry.value.at,
                "the prefix is longer than 64 characters",
                "use a shorter one",
            );
        }
        Some((prefix.to_owned(), entry.value.at))
    }

    pub(super) fn field(&mut self, entry: &'t Entry<'t>) -> Option<HeaderName> {
        let text = self.text(entry, "the name of a header")?;
        let name = names::header(text);
        if name.is_none() {
            self.problems.error(
                entry.value.at,
                format!("{} is not a valid header name", quote(text)),
                "use letters, digits and `-`",
            );
        }
        name
    }

    /// `header:` of a feature.
    pub(super) fn renamed(
        &mut self,
        entry: &'t Entry<'t>,
        headers: &HeaderOptions,
    ) -> Option<HeaderName> {
        if entry.value.text() == Some("none") {
            return None;
        }
        let name = self.field(entry);
        name.filter(|_| headers.prefix.is_some())
    }
}
