//! How the answers of one file travel.
//! In: `headers`, and `header:` of its features. Out: a [`Travel`].

use super::{Cx, names};
use crate::config::{
    file,
    problem::quote,
    tree::{Entry, Kind, Place},
};
use crate::engine::forged_fields;
use http::HeaderName;

/// How the answers of one file travel.
#[derive(Default)]
pub(super) struct Travel {
    /// none for `headers: none`
    pub(super) prefix: Option<(String, Place)>,
    pub(super) omit_off: bool,
    pub(super) values: bool,
    pub(super) combined: Option<(HeaderName, Place)>,
    pub(super) revision: Option<(HeaderName, Place)>,
}

impl Travel {
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

impl<'t> Cx<'t, '_> {
    pub(super) fn travel(&mut self, entry: Option<&'t Entry<'t>>, file: Place) -> Travel {
        let default = || Some((forged_fields::DEFAULT_PREFIX.to_owned(), file));
        let Some(entry) = entry else {
            return Travel {
                prefix: default(),
                ..Travel::default()
            };
        };
        if let Kind::Text(text, _) = &entry.value.kind
            && text == "none"
        {
            return Travel::default();
        }
        let Some(map) = file::Headers::read(&entry.value, self.log) else {
            return Travel {
                prefix: default(),
                ..Travel::default()
            };
        };
        let prefix = match map.prefix {
            Some(entry) => self.prefix(entry),
            None => default(),
        };
        Travel {
            prefix,
            omit_off: map
                .off
                .and_then(|entry| self.word(entry, &["send", "omit"]))
                == Some("omit"),
            values: map
                .values
                .and_then(|entry| self.switch(entry))
                .unwrap_or(false),
            combined: map
                .combined
                .and_then(|entry| Some((self.field(entry)?, entry.value.at))),
            revision: map
                .revision
                .and_then(|entry| Some((self.field(entry)?, entry.value.at))),
        }
    }

    pub(super) fn prefix(&mut self, entry: &'t Entry<'t>) -> Option<(String, Place)> {
        let prefix = self.words(entry, "a prefix")?;
        if names::header(prefix).is_none() {
            self.log.error(
                entry.value.at,
                format!("{} is no beginning of a header name", quote(prefix)),
                "use letters, digits and `-`: `X-Shop-`",
            );
            return None;
        }
        if !prefix.ends_with('-') {
            self.log.error(
                entry.value.at,
                format!("the prefix {} does not end with `-`", quote(prefix)),
                format!("write `{prefix}-`: names are put right behind it"),
            );
        }
        if names::is_token(prefix) && prefix.len() > 64 {
            self.log.error(
                entry.value.at,
                "the prefix is longer than 64",
                "take a shorter one",
            );
        }
        Some((prefix.to_owned(), entry.value.at))
    }

    pub(super) fn field(&mut self, entry: &'t Entry<'t>) -> Option<HeaderName> {
        let text = self.words(entry, "the name of a header")?;
        let name = names::header(text);
        if name.is_none() {
            self.log.error(
                entry.value.at,
                format!("{} is no header name", quote(text)),
                "use letters, digits and `-`",
            );
        }
        name
    }

    /// `header:` of a feature.
    pub(super) fn renamed(&mut self, entry: &'t Entry<'t>, travel: &Travel) -> Option<HeaderName> {
        if entry.value.text() == Some("none") {
            return None;
        }
        let name = self.field(entry);
        name.filter(|_| travel.prefix.is_some())
    }
}
