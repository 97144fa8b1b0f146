//! Instants: a date, or RFC 3339 with a zone.
//! In: text. Out: a [`Second`], or what to write instead.

use super::compiler::Compiler;
use crate::config::{
    collector::Collector,
    phrases::quote,
    tree::{Node, Position},
};
use crate::engine::{
    instant::{self, InstantError},
    units::Second,
};

impl Compiler<'_, '_> {
    /// An instant: a date, or RFC 3339 with a zone.
    pub(super) fn instant(&mut self, node: &Node<'_>) -> Option<Second> {
        instant(node, self.problems)
    }

    pub(super) fn instant_text(&mut self, text: &str, at: Position) -> Option<Second> {
        read(text, at, self.problems)
    }
}

/// An instant: a date, or RFC 3339 with a zone.
pub(super) fn instant(node: &Node<'_>, problems: &mut Collector) -> Option<Second> {
    match node.text() {
        Some(text) => read(text, node.at, problems),
        None => {
            if !node.is_refused() {
                let message = format!("expected a date, found {}", node.what());
                problems.error(
                    node.at,
                    message,
                    "write `2026-03-01` or `2026-03-01T09:00:00Z`",
                );
            }
            None
        }
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

fn read(text: &str, at: Position, problems: &mut Collector) -> Option<Second> {
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
    problems.error(at, format!("{} {message}", quote(text)), hint);
    None
}
