//! Scalars: a text, one of a few words, a boolean.
//! In: an entry. Out: what it says, or a problem that says what was expected.

use super::{compiler::Compiler, names};
use crate::config::{
    phrases::{did_you_mean, one_of, quote},
    tree::{Entry, Node},
};

impl<'t> Compiler<'t, '_> {
    /// The text of a scalar that may not be empty.
    pub(super) fn text(&mut self, entry: &'t Entry<'t>, what: &str) -> Option<&'t str> {
        match entry.value.text() {
            Some(text) if !text.is_empty() => Some(text),
            _ => {
                self.expected(&entry.value, what, "");
                None
            }
        }
    }

    /// One word out of a few.
    pub(super) fn choice(&mut self, entry: &'t Entry<'t>, known: &[&str]) -> Option<&'t str> {
        let text = self.text(entry, &one_of(known.iter().copied()))?;
        if known.contains(&text) {
            return Some(text);
        }
        self.problems.error(
            entry.value.at,
            format!(
                "{} is not one of {}",
                quote(text),
                one_of(known.iter().copied())
            ),
            did_you_mean(text, known.iter().copied()),
        );
        None
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, entry: &'t Entry<'t>) -> Option<bool> {
        let text = self.text(entry, "`true` or `false`")?;
        let boolean = names::as_boolean(text);
        if boolean.is_none() {
            self.problems.error(
                entry.value.at,
                format!("{} is neither `true` nor `false`", quote(text)),
                "write `true` or `false`",
            );
        }
        boolean
    }

    /// A problem: something else was expected here.
    pub(super) fn expected(&mut self, node: &Node<'_>, what: &str, hint: &str) {
        if !node.is_refused() {
            let found = if node.text() == Some("") {
                "an empty text".to_owned()
            } else {
                node.what()
            };
            self.problems
                .error(node.at, format!("expected {what}, found {found}"), hint);
        }
    }
}
