//! Decisions and users as fields of log lines, in the words of OpenTelemetry's semantic conventions for feature flags.
//! In: a decision, a user id. Out: fields that a terminal cannot obey; of the user what the flags allow, by default nothing.

use crate::engine::{Decision, Feature, Reason};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::fmt;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// JSON without what a terminal might obey: beyond ASCII JSON may hold control characters (ECMA-48's 8-bit ones), and
/// marks that turn the direction of text.
pub(super) fn escaped(json: &str) -> String {
    let harmful = |char: &char| {
        char.is_control()
            || matches!(char, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let escape = |char: char| match harmful(&char) {
        // all of them are in the basic plane
        true => format!("\\u{:04x}", u32::from(char)),
        false => char.to_string(),
    };
    json.chars().map(escape).collect()
}

/// A decision in the words of OpenTelemetry's semantic conventions for feature flags.
pub(super) fn fields(feature: &Feature, decision: Decision) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut field = |name: &str, value: &str| fields.insert(name.into(), value.into());
    field("feature_flag.key", &feature.key);
    field(
        "feature_flag.result.variant",
        &feature.variant(decision.variant).name,
    );
    field("feature_flag.result.reason", reason(decision.reason));
    fields
}

/// The conventions write reasons in lower case.
const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Static => "static",
        Reason::Default => "default",
        Reason::TargetingMatch => "targeting_match",
        Reason::Split => "split",
        Reason::Disabled => "disabled",
        Reason::Error => "error",
    }
}

/// As the other log lines write it.
pub(super) fn show(instant: OffsetDateTime) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    // every instant of this clock can be written so
    instant.format(FORMAT).unwrap_or_default()
}

/// How a user is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserNaming {
    /// not at all
    #[default]
    None,
    /// by a hash that the same id always gives: a pseudonym, which whoever knows the ids can look up
    Hash,
    /// by the id
    Plain,
}

/// How users are named in logs, and by which key they are hashed.
#[derive(Clone, Default)]
pub struct UserNames {
    naming: UserNaming,
    key: Option<Hmac<Sha256>>,
}

impl fmt::Debug for UserNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserNames({:?}, key not shown)", self.naming)
    }
}

impl UserNames {
    /// With a key, whoever does not have it cannot look an id up in a list of guesses.
    pub fn new(naming: UserNaming, key: Option<&[u8]>) -> UserNames {
        let key = key.and_then(|key| Hmac::new_from_slice(key).ok());
        UserNames { naming, key }
    }

    /// Whether anybody is named.
    pub(super) fn name_anybody(&self) -> bool {
        self.naming != UserNaming::None
    }

    /// What is written for this user.
    pub(super) fn name(&self, user: &[u8]) -> Option<String> {
        let hash: [u8; 32] = match (self.naming, &self.key) {
            (UserNaming::None, _) => return None,
            (UserNaming::Plain, _) => return Some(String::from_utf8_lossy(user).into_owned()),
            (UserNaming::Hash, None) => Sha256::digest(user).into(),
            (UserNaming::Hash, Some(key)) => key
                .clone()
                .chain_update(user)
                .finalize()
                .into_bytes()
                .into(),
        };
        Some(hash[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_only_as_it_was_asked_for() {
        let key = Some(&b"a key that two services share"[..]);
        for (naming, key, user, expected) in [
            (UserNaming::None, None, &b"mia"[..], None),
            // printf mia | sha256sum
            (UserNaming::Hash, None, b"mia", Some("a6ae07ad556c5f93")),
            // printf mia | openssl dgst -sha256 -hmac 'a key that two services share'
            (UserNaming::Hash, key, b"mia", Some("d2cca8cac0094c8a")),
            (UserNaming::Plain, None, b"mia", Some("mia")),
            (UserNaming::Plain, None, b"m\xffa", Some("m\u{fffd}a")),
        ] {
            let names = UserNames::new(naming, key);
            assert_eq!(names.name(user).as_deref(), expected, "{names:?} {user:?}");
        }
    }
}
