//! Which request fields only burgee may send, in whatever spelling: CGI, WSGI, Rack and PHP read `_` and `-` alike.
//! In: the names that the loaded files can send or trust. Out: request fields without any look-alike.

use http::{HeaderMap, HeaderName};

/// The prefix that is ours when no file was ever loaded.
pub const DEFAULT_PREFIX: &str = "X-Feature-";

/// Framing and hop-by-hop names: their look-alikes never pass.
const FRAMING: [&str; 4] = ["transfer-encoding", "content-length", "connection", "host"];

/// How a byte of a field name is read by the laxest application: lower case, and `-` for whatever is no letter or digit.
const FOLDED: [u8; 256] = {
    let mut folded = [b'-'; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            folded[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

#[inline]
fn fold_byte(byte: u8) -> u8 {
    FOLDED[usize::from(byte)]
}

/// A field name as the laxest application reads it.
pub fn fold(name: &str) -> String {
    name.bytes()
        .map(|byte| char::from(fold_byte(byte)))
        .collect()
}

/// The names that no client may send: ours in any spelling, and those that we trust in any spelling but their own.
#[derive(Debug)]
pub struct ForgedFields {
    /// names that are trusted in this spelling and in no other: identity, attributes, framing
    trusted: Vec<HeaderName>,
    /// what begins alike: most fields begin like nothing here, and are let go at their first byte
    groups: Vec<Group>,
    /// by first byte, folded or not: the group; 0 for none
    first: [u8; 256],
}

/// Folded names with the same first byte.
#[derive(Debug, Default)]
struct Group {
    /// whatever begins with one is ours
    prefixes: Vec<Box<[u8]>>,
    /// which lengths the names below have, a bit each; the last for all that are longer
    lengths: u64,
    /// whole names, the shortest first, and the one spelling that is trusted, if there is one
    names: Vec<(Box<[u8]>, Option<HeaderName>)>,
}

impl Default for ForgedFields {
    fn default() -> Self {
        ForgedFields::new([DEFAULT_PREFIX], [], [])
    }
}

impl ForgedFields {
    /// `prefixes` and `ours` in any spelling; `trusted` are the fields that sources read.
    pub fn new<'a>(
        prefixes: impl IntoIterator<Item = &'a str>,
        ours: impl IntoIterator<Item = &'a str>,
        trusted: impl IntoIterator<Item = &'a HeaderName>,
    ) -> ForgedFields {
        let mut trusted: Vec<HeaderName> = trusted.into_iter().cloned().collect();
        trusted.extend(FRAMING.map(HeaderName::from_static));
        trusted.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        trusted.dedup();
        let mut all = ForgedFields {
            trusted,
            groups: vec![Group::default()],
            first: [0; 256],
        };
        for prefix in prefixes {
            let prefix = fold(prefix).into_bytes();
            all.group(&prefix).prefixes.push(prefix.into());
        }
        for name in ours {
            let name = fold(name).into_bytes();
            let group = all.group(&name);
            // what begins with a prefix is ours already
            if !group.prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                group.names.push((name.into(), None));
            }
        }
        for spelling in all.trusted.clone() {
            let name = fold(spelling.as_str()).into_bytes();
            all.group(&name).names.push((name.into(), Some(spelling)));
        }
        for group in &mut all.groups {
            group.prefixes.sort();
            group.prefixes.dedup();
            group.names.sort_by_key(|(name, _)| name.len());
            group.lengths = group
                .names
                .iter()
                .fold(0, |lengths, (name, _)| lengths | length_bit(name));
        }
        all
    }

    /// The group of a folded name.
    fn group(&mut self, folded: &[u8]) -> &mut Group {
        let start = folded.first().copied().unwrap_or(b'-');
        let mut place = usize::from(self.first[usize::from(start)]);
        if place == 0 {
            // at most 37 of them: letters, digits, and everything else
            place = self.groups.len();
            self.groups.push(Group::default());
            (0..=255)
                .filter(|byte| fold_byte(*byte) == start)
                .for_each(|byte| self.first[usize::from(byte)] = place as u8);
        }
        &mut self.groups[place]
    }

    /// Whether only burgee may send a field of this name.
    pub fn is_forged(&self, name: &str) -> bool {
        let name = name.as_bytes();
        let start = name.first().map_or(0, |byte| usize::from(*byte));
        match self.first[start] {
            0 => false,
            group => self.groups[usize::from(group)].is_forged(name),
        }
    }

    /// Whether a `Connection` field may not nominate this one away: what we read for identity and attributes.
    pub fn is_trusted(&self, name: &HeaderName) -> bool {
        self.trusted.contains(name)
    }

    /// Drops every field that only burgee may send, known feature or not; says how many.
    pub fn strip(&self, headers: &mut HeaderMap) -> usize {
        if !headers.keys().any(|name| self.is_forged(name.as_str())) {
            return 0;
        }
        let forged = headers.keys().filter(|name| self.is_forged(name.as_str()));
        let forged: Vec<HeaderName> = forged.cloned().collect();
        for name in &forged {
            headers.remove(name);
        }
        forged.len()
    }
}

impl Group {
    fn is_forged(&self, name: &[u8]) -> bool {
        let begins =
            |prefix: &[u8]| name.len() >= prefix.len() && folds_onto(&name[..prefix.len()], prefix);
        if self.prefixes.iter().any(|prefix| begins(prefix)) {
            return true;
        }
        if self.lengths & length_bit(name) == 0 {
            return false;
        }
        let from = self
            .names
            .partition_point(|(other, _)| other.len() < name.len());
        self.names[from..]
            .iter()
            .take_while(|(other, _)| other.len() == name.len())
            .any(|(other, spelling)| {
                let is_trusted = |spelling: &HeaderName| spelling.as_str().as_bytes() == name;
                folds_onto(name, other) && !spelling.as_ref().is_some_and(is_trusted)
            })
    }
}

#[inline]
fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
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
        let fields = ForgedFields::new(["X-Feature-"], ["Beta_Search", "X-Features"], [&user]);
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
            assert!(fields.is_forged(forged), "{forged}");
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
            assert!(!fields.is_forged(passes), "{passes}");
        }
    }

    #[test]
    fn what_is_read_for_trust_or_framing_is_trusted_in_its_own_spelling() {
        let user = HeaderName::from_static("x-user-id");
        let fields = ForgedFields::new(["X-Feature-"], ["Beta"], [&user]);
        for (name, trusted) in [
            ("x-user-id", true),
            ("content-length", true),
            ("host", true),
            ("x_user_id", false),
            ("beta", false),
            ("accept", false),
        ] {
            let name = HeaderName::from_static(name);
            assert_eq!(fields.is_trusted(&name), trusted, "{name}");
        }
    }
}
