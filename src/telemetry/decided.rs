//! What was decided for a request, feature by feature, as the lines of the exposure log tell it. In: a snapshot, decisions that
//! remember their users. Out: features with their variant, whom they are for, and the draw that gave it.

use crate::engine::{
    Decision, Decisions, Feature, Reason, Snapshot, Toggles,
    attributes::USER,
    compare::draw::{self, Draw},
};

/// A feature of an event, with its decision.
pub(super) struct Decided<'a> {
    pub(super) toggles: &'a Toggles,
    pub(super) feature: &'a Feature,
    pub(super) decision: Decision,
    /// who it was decided for
    pub(super) unit: Option<&'a [u8]>,
}

/// All that was decided, with the indexes of the decisions.
pub(super) fn decided<'a>(
    snapshot: &'a Snapshot,
    decisions: &'a Decisions,
) -> impl Iterator<Item = (usize, Decided<'a>)> {
    let mut units = 0;
    let files = snapshot.files.iter().enumerate();
    files.flat_map(move |(file, toggles)| {
        let first = units;
        units += toggles.drawn_by.len();
        let user = decisions.users.get(file).and_then(Option::as_deref);
        let features = toggles.features.iter().enumerate();
        features.filter_map(move |(index, feature)| {
            let index = toggles.first + index;
            let decision = decisions.by_feature.get(index).copied().flatten()?;
            let unit = toggles.drawn_by.iter().position(|one| *one == feature.unit);
            let unit = match unit {
                Some(unit) if feature.unit != USER => decisions.units.get(first + unit)?.as_deref(),
                _ => user,
            };
            let decided = Decided {
                toggles,
                feature,
                decision,
                unit,
            };
            Some((index, decided))
        })
    })
}

impl Decided<'_> {
    pub(super) fn variant(&self) -> &str {
        &self.feature.variant(self.decision.variant).name
    }

    /// What gave the variant, where that was a draw.
    pub(super) fn draw(&self) -> Option<Draw> {
        let (rule, variant) = (self.decision.rule, self.decision.variant);
        if self.decision.reason != Reason::Split || self.decision.overridden {
            return None;
        }
        draw::of(self.feature, rule).filter(|draw| draw.variants.contains(&variant))
    }
}
