//! Instants: a date, or RFC 3339 with a zone.
//! In: text. Out: a [`Second`], or what to write instead.

use super::compiler::Compiler;
use crate::config::{
    phrases::quote,
    tree::{Node, Position},
};
use crate::engine::{
    instant::{self, InstantError},
    units::Second,
};

impl<'t> Compiler<'t, '_> {
    /// An instant: a date, or RFC 3339 with a zone.
    pub(super) fn instant(&mut self, node: &Node<'_>) -> Option<Second> {
        let Some(text) = node.text() else {
            self.expected(
                node,
                "a date",
                "write `2026-03-01` or `2026-03-01T09:00:00Z`",
            );
            return None;
        };
        self.instant_text(text, node.at)
    }

    pub(super) fn instant_text(&mut self, text: &str, at: Position) -> Option<Second> {
        let (message, hint) = match instant::parse(text) {
            Ok(second) => return Some(second),
            Err(InstantError::NoZone) => (
                "has no time zone",
                format!("add `Z` for UTC or an offset: `{}`", zoned(text)),
            ),
            Err(InstantError::TooFine) => (
                "has a fraction of a second",
                "write whole seconds".to_owned(),
            ),
            Err(InstantError::LeapSecond) => (
                "is a leap second, which clocks here do not have",
                "write the second before it, `…:59Z`, or the next midnight".to_owned(),
            ),
            Err(InstantError::OutOfRange) => (
                "is outside the years 0001 to 9999",
                "write a year in between".to_owned(),
            ),
            Err(InstantError::NotAnInstant) => (
                "is not a date",
                "write `2026-03-01` (00:00 UTC) or `2026-03-01T09:00:00+01:00`".to_owned(),
            ),
        };
        self.problems
            .error(at, format!("{} {message}", quote(text)), hint);
        None
    }
}

pub(super) fn zoned(text: &str) -> String {
    let text = text.replace(' ', "T");
    let seconds = if text.matches(':').count() == 1 {
        ":00"
    } else {
        ""
    };
    format!("{}{seconds}Z", quote(&text).trim_matches('`'))
}
