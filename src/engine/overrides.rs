//! Overrides for QA: a dictionary (RFC 9651) in a header, the query or a cookie, allowed by a condition or a signature.
//! In: the request and the file's policy. Out: which features get which variant, or why the override is refused.

use super::{
    given::Given,
    model::{FeatureIndex, OverridePolicy, Toggles},
    request::Input,
    source::{Source, percent_decoded},
    units::Second,
};
use sfv::{BareItem, Dictionary, FieldType as _, Item, Key, ListEntry, Parser};
use std::borrow::Cow;

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
}

impl OverrideResult {
    /// In the order of their numbers.
    pub const ALL: [OverrideResult; 7] = {
        use OverrideResult::*;
        [
            Applied,
            NotRemembered,
            NotAllowed,
            Malformed,
            Unsigned,
            Expired,
            BadSignature,
        ]
    };

    /// Whether the request gets the variants that the override names.
    pub const fn has_effect(self) -> bool {
        matches!(
            self,
            OverrideResult::Applied | OverrideResult::NotRemembered
        )
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
        }
    }
}

/// Longer overrides are not read.
const LONGEST: usize = 8 * 1024;

/// Which feature gets which variant.
pub type Overrides = Vec<(FeatureIndex, u8)>;

/// What a request brings, read or not.
#[derive(Debug)]
pub struct FoundOverride<'a> {
    /// as it was written; a header that came twice is refused here
    pub text: Result<Cow<'a, [u8]>, OverrideResult>,
    /// where; none where a context has it, which is no request
    pub source: Option<&'a Source>,
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

    /// The first source that has one.
    pub fn find<'a>(&'a self, input: Input<'a>) -> Option<FoundOverride<'a>> {
        let http = match input {
            Input::Http(http) => http,
            Input::Context(context) => {
                let text = context.override_value.as_deref()?;
                let (text, source) = (Ok(text.as_bytes().into()), None);
                return Some(FoundOverride { text, source });
            }
        };
        self.from.iter().find_map(|source| {
            let text = match source.read(http, None) {
                Err(_) => Err(OverrideResult::Malformed),
                // a cookie has no commas, blanks and quotes (RFC 6265, 4.1.1)
                Ok(Some(Given::Text(text))) => Ok(match source {
                    Source::Cookie(_) => percent_decoded(&text).into_owned().into(),
                    _ => text,
                }),
                Ok(_) => return None,
            };
            let source = Some(source);
            Some(FoundOverride { text, source })
        })
    }

    /// What it says. The caller has seen that `when` holds, so that only those who may cost a signature check.
    pub fn read(
        &self,
        text: &[u8],
        namespace: Option<&str>,
        now: Second,
    ) -> Result<ValidOverride, OverrideResult> {
        if text.len() > LONGEST {
            return Err(OverrideResult::Malformed);
        }
        let mut dictionary: Dictionary = Parser::new(text)
            .parse()
            .map_err(|_| OverrideResult::Malformed)?;
        let Some(key) = &self.key else {
            let signed = None;
            return Ok(ValidOverride { dictionary, signed });
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
        let mut overrides = Overrides::new();
        let members = self.dictionary.iter();
        // `exp` is no feature where it is signed
        for (name, entry) in
            members.filter(|(name, _)| self.signed.is_none() || name.as_str() != "exp")
        {
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
            key_env: None,
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
