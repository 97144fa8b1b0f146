//! Names of goals as numbers. In: what an application calls a goal. Out: a small number, and the names for a scrape.
//! Bounded, because a label must be: an application that puts a session id into the name gets 31 names and `other`.

use arc_swap::ArcSwap;

/// Names that have a number of their own; what comes after them, or is no name, is [`OTHER`].
pub(super) const NAMES: usize = 31;

/// The number of every other goal.
pub(super) const OTHER: usize = NAMES;

/// The names so far, in the order of their numbers. They are never forgotten, so that a counter keeps its meaning.
#[derive(Debug, Default)]
pub(super) struct Goals(ArcSwap<Vec<Box<str>>>);

impl Goals {
    /// The number of this name; the first of each name takes the next free one.
    pub(super) fn number(&self, name: &str) -> usize {
        if !is_name(name) {
            return OTHER;
        }
        let find = |names: &Vec<Box<str>>| names.iter().position(|known| **known == *name);
        let names = self.0.load();
        if let Some(number) = find(&names) {
            return number;
        }
        if names.len() >= NAMES {
            return OTHER;
        }
        self.0.rcu(|names| {
            let mut names = Vec::clone(names);
            if find(&names).is_none() && names.len() < NAMES {
                names.push(name.into());
            }
            names
        });
        find(&self.0.load()).unwrap_or(OTHER)
    }

    /// The label of every number.
    pub(super) fn names(&self) -> Vec<Box<str>> {
        let mut names = Vec::clone(&self.0.load());
        names.resize(NAMES, Box::default());
        names.push("other".into());
        names
    }
}

/// As a variant is named.
pub(super) fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_cannot_grow_the_metrics_without_end() {
        let goals = Goals::default();
        for number in 0..1000 {
            let given = goals.number(&format!("session-{number}"));
            assert_eq!(given, number.min(OTHER));
        }
        assert_eq!(goals.number("session-7"), 7);
        let names = goals.names();
        assert_eq!(
            (names.len(), &*names[7], &*names[OTHER]),
            (NAMES + 1, "session-7", "other")
        );
    }

    #[test]
    fn what_is_no_name_is_other() {
        let long = "x".repeat(65);
        for name in ["", "-x", "a b", "käse", "a\"b", &long] {
            assert_eq!(Goals::default().number(name), OTHER, "{name}");
        }
        assert_eq!(Goals::default().number("purchase"), 0);
    }
}
