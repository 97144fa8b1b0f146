//! Decisions and users as fields of log lines, in the words of OpenTelemetry's semantic conventions for feature flags.
//! In: a decision, a user id. Out: fields that a terminal cannot obey; of the user what the flags allow, by default nothing.

use crate::engine::{Decision, Feature, Reason};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

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

impl UserNaming {
    /// What is written for this user.
    pub(super) fn name(self, user: &[u8]) -> Option<String> {
        match self {
            UserNaming::None => None,
            UserNaming::Hash => {
                let digest = Sha256::digest(user);
                Some(
                    digest[..8]
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect(),
                )
            }
            UserNaming::Plain => Some(String::from_utf8_lossy(user).into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_only_as_it_was_asked_for() {
        for (naming, user, expected) in [
            (UserNaming::None, &b"mia"[..], None),
            // sha256("mia")
            (UserNaming::Hash, b"mia", Some("a6ae07ad556c5f93")),
            (UserNaming::Plain, b"mia", Some("mia")),
            (UserNaming::Plain, b"m\xffa", Some("m\u{fffd}a")),
        ] {
            assert_eq!(
                naming.name(user).as_deref(),
                expected,
                "{naming:?} {user:?}"
            );
        }
    }
}
