//! Overrides for QA: a dictionary (RFC 9651) in a header or the query, gated by a condition or a signature.
//! In: the request and the key. Out: which variants are forced, or why nothing is; the key is shown nowhere.

use super::{
    model::{FeatureIndex, Override, Toggles},
    request::Asked,
    units::Second,
};
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use std::borrow::Cow;

/// What became of an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// it forced what it names
    Applied,
    /// `when` does not hold
    NotAllowed,
    /// not a dictionary of tokens and strings, too long, or a header that came twice
    Malformed,
    /// `exp` or `sig` is missing
    Unsigned,
    /// `exp` has passed
    Expired,
    /// the signature is not that of this dictionary
    BadSignature,
}

impl Outcome {
    /// The label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Applied => "applied",
            Outcome::NotAllowed => "not_allowed",
            Outcome::Malformed => "malformed",
            Outcome::Unsigned => "unsigned",
            Outcome::Expired => "expired",
            Outcome::BadSignature => "bad_signature",
        }
    }
}

/// Longer overrides are not read.
const LONGEST: usize = 8 * 1024;

/// Which variant is forced on which feature.
pub type Forced = Vec<(FeatureIndex, u8)>;

impl Override {
    /// The text of an override, where the request brings one.
    pub fn claim<'a>(&'a self, asked: Asked<'a>) -> Option<Result<Cow<'a, [u8]>, Outcome>> {
        let Asked::Http(http) = asked else {
            return None;
        };
        let mut found = self.from.iter().map(|source| source.read(http, None));
        found.find_map(|found| found.map_err(|_| Outcome::Malformed).transpose())
    }

    /// What it forces. The caller has seen that `when` holds, so that only those who may cost a signature check.
    pub fn read(&self, text: &[u8], toggles: &Toggles, now: Second) -> Result<Forced, Outcome> {
        let dictionary = self.dictionary(text, toggles.namespace.as_deref(), now)?;
        Ok(named(&dictionary, toggles))
    }

    fn dictionary(
        &self,
        text: &[u8],
        namespace: Option<&str>,
        now: Second,
    ) -> Result<Dictionary, Outcome> {
        if text.len() > LONGEST {
            return Err(Outcome::Malformed);
        }
        let mut dictionary: Dictionary =
            Parser::new(text).parse().map_err(|_| Outcome::Malformed)?;
        let Some(key) = &self.key else {
            return Ok(dictionary);
        };
        let signature = dictionary.shift_remove("sig").ok_or(Outcome::Unsigned)?;
        let ListEntry::Item(signature) = signature else {
            return Err(Outcome::Malformed);
        };
        let BareItem::ByteSequence(signature) = signature.bare_item else {
            return Err(Outcome::Malformed);
        };
        let expiry = match dictionary.get("exp") {
            Some(ListEntry::Item(item)) => item
                .bare_item
                .as_integer()
                .map(i64::from)
                .ok_or(Outcome::Malformed)?,
            Some(_) => return Err(Outcome::Malformed),
            None => return Err(Outcome::Unsigned),
        };
        match key.verify(namespace, &dictionary, &signature) {
            None => return Err(Outcome::Malformed),
            Some(false) => return Err(Outcome::BadSignature),
            Some(true) => {}
        }
        if now.0 >= expiry {
            return Err(Outcome::Expired);
        }
        dictionary.shift_remove("exp");
        Ok(dictionary)
    }
}

/// The members that name a feature of this file and one of its variants; the others belong to somebody else.
fn named(dictionary: &Dictionary, toggles: &Toggles) -> Forced {
    let mut forced = Forced::new();
    for (name, entry) in dictionary {
        let ListEntry::Item(item) = entry else {
            continue;
        };
        let variant = match &item.bare_item {
            BareItem::Token(token) => token.as_str(),
            BareItem::String(text) => text.as_str(),
            BareItem::Boolean(true) => "on",
            BareItem::Boolean(false) => "off",
            _ => continue,
        };
        let feature = toggles.features.iter().position(|feature| {
            feature.name.eq_ignore_ascii_case(name.as_str())
                || feature.key.eq_ignore_ascii_case(name.as_str())
        });
        let Some(feature) = feature else { continue };
        let variants = &toggles.features[feature].variants;
        if let Some(variant) = variants.iter().position(|known| &*known.name == variant) {
            forced.push((feature as FeatureIndex, variant as u8));
        }
    }
    forced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_of_up_to_8_kib_is_read() {
        let overriding = Override {
            from: Box::default(),
            when: None,
            key: None,
        };
        for (length, read) in [(2_000, true), (8_192, true), (8_193, false), (9_000, false)] {
            let text = format!("a=\"{}\"", "x".repeat(length - 4));
            assert_eq!(text.len(), length);
            let found = overriding.dictionary(text.as_bytes(), None, Second(0));
            assert_eq!(found.is_ok(), read, "{length} bytes");
        }
    }
}
