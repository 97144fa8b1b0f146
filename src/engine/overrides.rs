//! Overrides for QA: a dictionary (RFC 9651), allowed by a condition or a signature.
//! In: its text and the file's policy. Out: which features get which variant, or why the override is refused.

use super::{
    model::{Feature, FeatureIndex, OverridePolicy, Toggles},
    source::Source,
    units::Second,
};
use sfv::{BareItem, Dictionary, FieldType as _, Item, Key, ListEntry, Parser};

/// What became of an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverrideResult {
    /// the features that it names have its variants
    Applied,
    /// the same, for this one request: it cannot be kept in the cookie of `remember`
    NotRemembered,
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
    /// it is valid, and forces nothing here: the file has no such feature or variant, or the feature is paused or stopped
    NoEffect,
    /// a signed value that forces nothing, where a browser is to forget what it remembers
    Cleared,
    /// in the cookie of `remember`, and it ends later than anything that is kept there
    TooLong,
    /// the variable that `key` names is not set
    NoKey,
}

impl OverrideResult {
    /// In the order of their numbers.
    pub const ALL: [OverrideResult; 11] = {
        use OverrideResult::*;
        [
            Applied,
            NotRemembered,
            NotAllowed,
            Malformed,
            Unsigned,
            Expired,
            BadSignature,
            NoEffect,
            Cleared,
            TooLong,
            NoKey,
        ]
    };

    /// Whether the request gets the variants that the override names.
    pub const fn has_effect(self) -> bool {
        matches!(
            self,
            OverrideResult::Applied | OverrideResult::NotRemembered
        )
    }

    /// Whether it was allowed and, with a key, signed: with an effect or without.
    pub const fn is_verified(self) -> bool {
        self.has_effect() || matches!(self, OverrideResult::NoEffect | OverrideResult::Cleared)
    }

    /// The label of a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            OverrideResult::Applied => "applied",
            OverrideResult::NotRemembered => "not_remembered",
            OverrideResult::NotAllowed => "not_allowed",
            OverrideResult::Malformed => "malformed",
            OverrideResult::Unsigned => "unsigned",
            OverrideResult::Expired => "expired",
            OverrideResult::BadSignature => "bad_signature",
            OverrideResult::NoEffect => "no_effect",
            OverrideResult::Cleared => "cleared",
            OverrideResult::TooLong => "too_long",
            OverrideResult::NoKey => "no_key",
        }
    }
}

/// In bytes; longer overrides are not read.
pub(super) const LONGEST_TEXT: usize = 8 * 1024;

/// Which feature gets which variant.
pub type Overrides = Vec<(FeatureIndex, u8)>;

/// What an override says of one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// the variant at this index
    Variant(FeatureIndex, u8),
    /// the feature has no such variant
    NoVariant(FeatureIndex),
    /// the file has no such feature
    NoFeature,
}

/// An override that may decide: nobody has altered it, and it has not ended.
#[derive(Debug)]
pub struct ValidOverride {
    /// with `exp`, where it is signed, and without `sig`
    dictionary: Dictionary,
    signed: Option<Signed>,
}

#[derive(Debug)]
struct Signed {
    until: Second,
    signature: Vec<u8>,
}

impl OverridePolicy {
    /// The query parameter that a link carries one in: the first that is read.
    pub fn query(&self) -> Option<&str> {
        self.from.iter().find_map(|source| match source {
            Source::Query(name) => Some(&**name),
            _ => None,
        })
    }

    /// What it says. The caller has seen that `when` holds, so that only those who may cost a signature check.
    pub fn read(
        &self,
        text: &[u8],
        namespace: Option<&str>,
        now: Second,
    ) -> Result<ValidOverride, OverrideResult> {
        if text.len() > LONGEST_TEXT {
            return Err(OverrideResult::Malformed);
        }
        let mut dictionary: Dictionary = Parser::new(text)
            .parse()
            .map_err(|_| OverrideResult::Malformed)?;
        let Some(key) = &self.key else {
            let signed = None;
            return Ok(ValidOverride { dictionary, signed });
        };
        let key = key.secret.as_ref().ok_or(OverrideResult::NoKey)?;
        let signature = dictionary
            .shift_remove("sig")
            .ok_or(OverrideResult::Unsigned)?;
        let ListEntry::Item(signature) = signature else {
            return Err(OverrideResult::Malformed);
        };
        let BareItem::ByteSequence(signature) = signature.bare_item else {
            return Err(OverrideResult::Malformed);
        };
        let until = match dictionary.get("exp") {
            Some(ListEntry::Item(item)) => item
                .bare_item
                .as_integer()
                .map(|until| Second(until.into()))
                .ok_or(OverrideResult::Malformed)?,
            Some(_) => return Err(OverrideResult::Malformed),
            None => return Err(OverrideResult::Unsigned),
        };
        match key.verify(namespace, &dictionary, &signature) {
            None => return Err(OverrideResult::Malformed),
            Some(false) => return Err(OverrideResult::BadSignature),
            Some(true) => {}
        }
        if now >= until {
            return Err(OverrideResult::Expired);
        }
        let signed = Some(Signed { until, signature });
        Ok(ValidOverride { dictionary, signed })
    }
}

impl ValidOverride {
    /// When a signed one ends.
    pub fn until(&self) -> Option<Second> {
        self.signed.as_ref().map(|signed| signed.until)
    }

    /// Whether it is signed, and ends at most so many seconds from now.
    pub fn ends_within(&self, seconds: u64, now: Second) -> bool {
        let latest = now.0.saturating_add_unsigned(seconds);
        self.until().is_some_and(|until| until.0 <= latest)
    }

    /// Whether it is signed and forces nothing: what was remembered is to be forgotten.
    pub fn is_empty(&self) -> bool {
        self.signed.is_some() && self.dictionary.len() == 1
    }

    /// Written anew from what was verified, with its signature: no byte of it is the client's choice.
    pub fn canonical(&self) -> Option<String> {
        let signature = self.signed.as_ref()?.signature.clone();
        let mut dictionary = self.dictionary.clone();
        let item = Item::new(BareItem::ByteSequence(signature));
        dictionary.insert(Key::from_string("sig".into()).ok()?, ListEntry::Item(item));
        dictionary.serialize()
    }

    /// What it forces: the members that name a feature of this file and one of its variants; the others belong to somebody
    /// else.
    pub fn variants(&self, toggles: &Toggles) -> Overrides {
        let known = self.named(toggles).filter_map(|(.., named)| match named {
            Named::Variant(feature, variant) => Some((feature, variant)),
            _ => None,
        });
        known.collect()
    }

    /// Each name and variant that it has, and what they are in this file.
    pub fn named<'s>(
        &'s self,
        toggles: &'s Toggles,
    ) -> impl Iterator<Item = (&'s str, &'s str, Named)> {
        // `exp` is no feature where it is signed
        let is_feature = |name: &Key| self.signed.is_none() || name.as_str() != "exp";
        let members = self
            .dictionary
            .iter()
            .filter(move |(name, _)| is_feature(name));
        members.filter_map(|(name, entry)| {
            let ListEntry::Item(item) = entry else {
                return None;
            };
            let variant = match &item.bare_item {
                BareItem::Token(token) => token.as_str(),
                BareItem::String(text) => text.as_str(),
                BareItem::Boolean(true) => "on",
                BareItem::Boolean(false) => "off",
                _ => return None,
            };
            Some((
                name.as_str(),
                variant,
                find(toggles, name.as_str(), variant),
            ))
        })
    }
}

impl Feature {
    /// Whether an override that says `name` means it.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.key.eq_ignore_ascii_case(name)
    }
}

fn find(toggles: &Toggles, name: &str, variant: &str) -> Named {
    let mut features = toggles.features.iter();
    let Some(feature) = features.position(|feature| feature.is_named(name)) else {
        return Named::NoFeature;
    };
    let mut variants = toggles.features[feature].variants.iter();
    match variants.position(|known| &*known.name == variant) {
        Some(variant) => Named::Variant(feature as FeatureIndex, variant as u8),
        None => Named::NoVariant(feature as FeatureIndex),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_is_counted_under_its_own_name() {
        for (number, result) in OverrideResult::ALL.into_iter().enumerate() {
            assert_eq!(result as usize, number, "{result:?}");
        }
    }

    #[test]
    fn an_override_of_up_to_8_kib_is_read() {
        let policy = OverridePolicy {
            from: Box::default(),
            when: None,
            key: None,
            remember: None,
        };
        for (length, read) in [(2_000, true), (8_192, true), (8_193, false), (9_000, false)] {
            let text = format!("a=\"{}\"", "x".repeat(length - 4));
            assert_eq!(text.len(), length);
            let found = policy.read(text.as_bytes(), None, Second(0));
            assert_eq!(found.is_ok(), read, "{length} bytes");
        }
    }
}
