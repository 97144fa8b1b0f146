//! What `burgee diff` reports of one feature.
//! In: a change, its flows, its counts. Out: a row of the report.

use super::{count::FeatureCount, part::Part};
use crate::engine::{
    compare::draw,
    diff::{Change, ChangeKind},
};

/// What the edit changes in one feature.
pub struct Row<'a> {
    /// what happened to it
    pub change: Change<'a>,
    /// the share of users that switches variant
    pub moved: Part,
    /// from, to, share: those that switch
    pub flows: Vec<(String, String, Part)>,
    /// the counts, if users were counted
    pub counted: Option<FeatureCount>,
    /// `--accept` names it
    pub accepted: bool,
}

/// How to print it.
#[derive(Clone, Copy)]
pub struct How {
    /// as JSON
    pub json: bool,
    /// as Markdown
    pub markdown: bool,
    /// the number of made-up ids, if those were counted
    pub sample: Option<u64>,
}

impl Row<'_> {
    /// Whether there is anything to report.
    pub fn is_changed(&self) -> bool {
        self.change.kind != ChangeKind::Same
    }

    /// What becomes of its guard, which nobody's variant depends on.
    pub fn guard(&self) -> Option<String> {
        let sides = self.change.sides;
        let [before, after] = sides.map(|side| side.and_then(|(_, feature)| feature.guard));
        let (_, feature) = sides[1]?;
        if before == after {
            return None;
        }
        let control = &feature.variant(draw::control(feature)).name;
        Some(match (before, after) {
            (_, None) => "no longer guarded".to_owned(),
            (None, Some(guard)) => format!("guarded from now on: {}", guard.sentence(control)),
            (Some(_), Some(guard)) => format!("guarded otherwise: {}", guard.sentence(control)),
        })
    }
}
