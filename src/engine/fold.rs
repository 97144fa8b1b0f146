//! Which request fields only burgee may send, in whatever spelling: CGI, WSGI, Rack and PHP read `_` and `-` alike.
//! In: the names that the loaded files can send or trust. Out: request fields without any look-alike.

use http::{HeaderMap, HeaderName};
use smallvec::SmallVec;
use std::collections::HashSet;

/// The prefix that is guarded when no file was ever loaded.
pub const DEFAULT_PREFIX: &str = "X-Feature-";

/// Framing and hop-by-hop names: their look-alikes never pass.
const FRAMING: [&str; 4] = ["transfer-encoding", "content-length", "connection", "host"];

/// How a byte of a field name is read by the laxest application: lower case, and `-` for whatever is no letter or digit.
#[inline]
const fn fold_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

/// A field name as the laxest application reads it.
pub fn fold(name: &str) -> String {
    name.bytes()
        .map(|byte| char::from(fold_byte(byte)))
        .collect()
}

/// The names that are ours or trusted.
#[derive(Debug)]
pub struct Guard {
    /// folded prefixes: whatever begins with one is ours
    prefixes: Vec<Box<[u8]>>,
    /// folded names outside the prefixes that are ours
    ours: HashSet<Box<[u8]>>,
    /// names that are trusted in this spelling and in no other: identity, attributes, framing
    trusted: Vec<HeaderName>,
    /// first bytes, folded, of everything above
    first: [bool; 256],
}

impl Default for Guard {
    fn default() -> Self {
        Guard::new([DEFAULT_PREFIX], [], [])
    }
}

impl Guard {
    /// `prefixes` and `ours` in any spelling; `trusted` are the fields that sources read.
    pub fn new<'a>(
        prefixes: impl IntoIterator<Item = &'a str>,
        ours: impl IntoIterator<Item = &'a str>,
        trusted: impl IntoIterator<Item = &'a HeaderName>,
    ) -> Guard {
        let bytes = |name: &str| fold(name).into_bytes().into_boxed_slice();
        let mut prefixes: Vec<_> = prefixes.into_iter().map(bytes).collect();
        prefixes.sort();
        prefixes.dedup();
        let ours: HashSet<_> = ours.into_iter().map(bytes).collect();
        let mut trusted: Vec<HeaderName> = trusted.into_iter().cloned().collect();
        trusted.extend(FRAMING.map(HeaderName::from_static));
        trusted.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        trusted.dedup();
        let mut first = [false; 256];
        let names = prefixes.iter().chain(&ours).map(|name| &**name);
        for name in names.chain(trusted.iter().map(|name| name.as_str().as_bytes())) {
            let start = fold_byte(name.first().copied().unwrap_or(b'-'));
            (0..=255u8)
                .filter(|byte| fold_byte(*byte) == start)
                .for_each(|byte| first[usize::from(byte)] = true);
        }
        Guard {
            prefixes,
            ours,
            trusted,
            first,
        }
    }

    /// Whether only burgee may send a field of this name.
    pub fn is_forged(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let Some(start) = name.first() else {
            return false;
        };
        if !self.first[usize::from(*start)] {
            return false;
        }
        self.prefixes
            .iter()
            .any(|prefix| folds_onto(name.get(..prefix.len()).unwrap_or_default(), prefix))
            || self.is_ours(name)
            || self.trusted.iter().any(|trusted| {
                let trusted = trusted.as_str().as_bytes();
                name != trusted
                    && name.len() == trusted.len()
                    && name
                        .iter()
                        .zip(trusted)
                        .all(|(a, b)| fold_byte(*a) == fold_byte(*b))
            })
    }

    /// Whether a `Connection` field may not nominate this one away: what we read for identity and attributes.
    pub fn is_trusted(&self, name: &HeaderName) -> bool {
        self.trusted.contains(name)
    }

    fn is_ours(&self, name: &[u8]) -> bool {
        if self.ours.is_empty() {
            return false;
        }
        let folded: SmallVec<[u8; 64]> = name.iter().map(|byte| fold_byte(*byte)).collect();
        self.ours.contains(&folded[..])
    }

    /// Drops every field that only burgee may send, known feature or not; says how many.
    pub fn strip(&self, headers: &mut HeaderMap) -> usize {
        let mut forged: SmallVec<[HeaderName; 4]> = SmallVec::new();
        for name in headers.keys() {
            if self.is_forged(name.as_str()) {
                forged.push(name.clone());
            }
        }
        for name in &forged {
            headers.remove(name);
        }
        forged.len()
    }
}

#[inline]
fn folds_onto(name: &[u8], folded: &[u8]) -> bool {
    name.len() == folded.len()
        && name
            .iter()
            .zip(folded)
            .all(|(byte, folded)| fold_byte(*byte) == *folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_ours_is_forged_and_nothing_else() {
        let user = HeaderName::from_static("x-user-id");
        let guard = Guard::new(["X-Feature-"], ["Beta_Search", "X-Features"], [&user]);
        for forged in [
            "x-feature-briefcase",
            "x_feature_briefcase",
            "x.feature.unknown",
            "x-feature-",
            "beta-search",
            "beta_search",
            "x_features",
            "x_user_id",
            "x.user.id",
            "transfer_encoding",
            "content_length",
        ] {
            assert!(guard.is_forged(forged), "{forged}");
        }
        for passes in [
            "x-user-id",
            "x-featur",
            "x-feature",
            "beta-search2",
            "x-features-2",
            "content-length",
            "accept",
        ] {
            assert!(!guard.is_forged(passes), "{passes}");
        }
    }
}
