//! What is said of a feature, and of names that are gone. Data only: `judge` makes it.
//! In: nothing. Out: the types of a report.

use super::{gathered::Gone, history::Since, search::Mention, seen::Seen, walk::Found};
use crate::engine::{
    Feature,
    describe::{json, standing::Standing},
    instant,
    units::Second,
};
use std::path::{Path, PathBuf};

/// Why a feature may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// its day has passed
    Expired,
    /// everybody has got the same for long, and it is not the default
    Everybody,
    /// everybody has got the default for long
    Nobody,
    /// a draft, paused, archived, stopped, or a share that has stood still for long
    Parked,
    /// no code names it
    Unnamed,
}

/// A line of code.
pub type Place = (PathBuf, Mention);

/// What is said of one feature.
pub struct Row<'a> {
    /// as the files call it
    pub key: &'a str,
    /// where it is
    pub path: &'a Path,
    /// itself
    pub feature: &'a Feature,
    /// where it stands
    pub standing: Standing,
    /// since when
    pub since: Option<Since>,
    /// former names
    pub names: Vec<(String, Second)>,
    /// none where it is to stay, or in use
    pub why: Vec<Why>,
    /// the same in words
    pub words: Vec<String>,
    /// features that ask for it
    pub asked_by: Vec<&'a str>,
    /// where code names it; none where no code was searched
    pub named: Option<Vec<&'a Place>>,
    /// where its key stands in quotes, or a document names it
    pub perhaps: Vec<&'a Place>,
    /// what Prometheus has counted
    pub seen: Option<&'a Seen>,
    /// what it does
    pub sentence: String,
    /// what would be lost
    pub lost: String,
    /// what to do
    pub next: String,
}

/// A name of the past that code still has.
pub struct Leftover<'a> {
    /// the name and its end
    pub gone: &'a Gone,
    /// where code has it
    pub named: Vec<&'a Place>,
    /// what that code gets
    pub lost: String,
    /// what to do
    pub next: String,
}

/// Everything that is said.
pub struct Report<'a> {
    /// today, and the day that counts
    pub now: Second,
    /// what has stood still since then may go
    pub since: Second,
    /// every feature
    pub rows: Vec<Row<'a>>,
    /// names of the past
    pub leftovers: Vec<Leftover<'a>>,
    /// where code puts a header's name together
    pub built: Vec<&'a Place>,
    /// what was searched
    pub found: Option<&'a Found>,
    /// what is not known, and why
    pub notes: Vec<String>,
}

impl Row<'_> {
    /// The header as people write it.
    pub fn header(&self) -> Option<String> {
        json::header(self.feature)
    }
}

/// The day alone.
pub fn day(at: Second) -> String {
    let mut text = instant::show(at);
    text.truncate(text.find('T').unwrap_or(text.len()));
    text
}
