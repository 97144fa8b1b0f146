//! Overrides for QA: a dictionary (RFC 9651) in a header or the query, allowed by a condition or a signature.
//! In: the request and the file's policy. Out: which features get which variant, or why the override is refused.

use super::{
    given::Given,
    model::{FeatureIndex, OverridePolicy, Toggles},
    request::Input,
    units::Second,
};
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use std::borrow::Cow;

/// What became of an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverrideResult {
    /// the features that it names have its variants
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

impl OverrideResult {
    /// The label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            OverrideResult::Applied => "applied",
            OverrideResult::NotAllowed => "not_allowed",
            OverrideResult::Malformed => "malformed",
            OverrideResult::Unsigned => "unsigned",
            OverrideResult::Expired => "expired",
            OverrideResult::BadSignature => "bad_signature",
        }
    }
}

/// Longer overrides are not read.
const LONGEST: usize = 8 * 1024;

/// Which feature gets which variant.
pub type Overrides = Vec<(FeatureIndex, u8)>;

impl OverridePolicy {
    /// The text of an override, where the request brings one.
    pub fn text<'a>(&'a self, input: Input<'a>) -> Option<Result<Cow<'a, [u8]>, OverrideResult>> {
        let Input::Http(http) = input else {
            return None;
        };
        let mut found = self.from.iter().map(|source| source.read(http, None));
        let text = |given| match given {
            Given::Text(text) => Some(text),
            Given::List(_) | Given::Object => None,
        };
        found.find_map(|found| {
            let found = found.map(|given| given.and_then(text));
            found.map_err(|_| OverrideResult::Malformed).transpose()
        })
    }

    /// What it overrides. The caller has seen that `when` holds, so that only those who may cost a signature check.
    pub fn read(
        &self,
        text: &[u8],
        toggles: &Toggles,
        now: Second,
    ) -> Result<Overrides, OverrideResult> {
        let dictionary = self.dictionary(text, toggles.namespace.as_deref(), now)?;
        Ok(overrides(&dictionary, toggles))
    }

    fn dictionary(
        &self,
        text: &[u8],
        namespace: Option<&str>,
        now: Second,
    ) -> Result<Dictionary, OverrideResult> {
        if text.len() > LONGEST {
            return Err(OverrideResult::Malformed);
        }
        let mut dictionary: Dictionary = Parser::new(text)
            .parse()
            .map_err(|_| OverrideResult::Malformed)?;
        let Some(key) = &self.key else {
            return Ok(dictionary);
        };
        let signature = dictionary
            .shift_remove("sig")
            .ok_or(OverrideResult::Unsigned)?;
        let ListEntry::Item(signature) = signature else {
            return Err(OverrideResult::Malformed);
        };
        let BareItem::ByteSequence(signature) = signature.bare_item else {
            return Err(OverrideResult::Malformed);
        };
        let expiry = match dictionary.get("exp") {
            Some(ListEntry::Item(item)) => item
                .bare_item
                .as_integer()
                .map(i64::from)
                .ok_or(OverrideResult::Malformed)?,
            Some(_) => return Err(OverrideResult::Malformed),
            None => return Err(OverrideResult::Unsigned),
        };
        match key.verify(namespace, &dictionary, &signature) {
            None => return Err(OverrideResult::Malformed),
            Some(false) => return Err(OverrideResult::BadSignature),
            Some(true) => {}
        }
        if now.0 >= expiry {
            return Err(OverrideResult::Expired);
        }
        dictionary.shift_remove("exp");
        Ok(dictionary)
    }
}

/// The members that name a feature of this file and one of its variants; the others belong to somebody else.
fn overrides(dictionary: &Dictionary, toggles: &Toggles) -> Overrides {
    let mut overrides = Overrides::new();
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
            overrides.push((feature as FeatureIndex, variant as u8));
        }
    }
    overrides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_of_up_to_8_kib_is_read() {
        let policy = OverridePolicy {
            from: Box::default(),
            when: None,
            key: None,
        };
        for (length, read) in [(2_000, true), (8_192, true), (8_193, false), (9_000, false)] {
            let text = format!("a=\"{}\"", "x".repeat(length - 4));
            assert_eq!(text.len(), length);
            let found = policy.dictionary(text.as_bytes(), None, Second(0));
            assert_eq!(found.is_ok(), read, "{length} bytes");
        }
    }
}
