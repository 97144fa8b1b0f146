//! What login changes where visitors keep an id: what depends on the user.
//! In: the features of a file, and who asks for whom. Out: those whose answers may change; a warning where that is not what
//! `by: visitor` promises.

use super::{compiler::Compiler, graph::Graph};
use crate::config::phrases::quote;
use crate::engine::{
    Feature,
    attributes::{AttributeIndex, USER},
    compare::draw,
    model::FeatureIndex,
};

impl Compiler<'_, '_> {
    pub(super) fn changed_by_login(
        &mut self,
        features: &[Option<Feature>],
        graph: &Graph<'_>,
        visitor: AttributeIndex,
    ) -> Box<[FeatureIndex]> {
        let is_drawn_by = |node: usize, unit: AttributeIndex| {
            let feature = features.get(node).and_then(Option::as_ref);
            feature.is_some_and(|one| one.unit == unit && !draw::declared(one).is_empty())
        };
        let asks_user = |node: usize| graph.reach(node).attributes.contains(&USER);
        let (by_user, depends) = (
            graph.askers(|node| is_drawn_by(node, USER)),
            graph.askers(asks_user),
        );
        let mut changed = Vec::new();
        for index in 0..features.len() {
            let is_by_visitor = is_drawn_by(index, visitor);
            let is_archived = self.declared[index].archived;
            if let (true, Some(asked)) = (is_by_visitor && !is_archived, by_user[index]) {
                let (declared, asked) = (&self.declared[index], self.declared[asked].name);
                self.problems.warn(
                    declared.at,
                    format!(
                        "{} is drawn by visitor and changes at login all the same: it asks for {}, which is drawn by user",
                        quote(declared.name),
                        quote(asked)
                    ),
                    format!("write `by: visitor` in {} too", quote(asked)),
                );
            }
            let is_drawn = is_by_visitor || is_drawn_by(index, USER);
            let is_counted = features[index].as_ref().is_some_and(|one| one.metrics);
            if is_drawn && is_counted && (asks_user(index) || depends[index].is_some()) {
                changed.push(index as FeatureIndex);
            }
        }
        changed.into()
    }
}
