//! One grammar for `when` and `segments`.
//! In: a condition made at load and the attributes of a request. Out: whether it holds; never an error.

use super::{
    attributes::{Found, Values, elements},
    decision::Decision,
    model::{Condition, Toggles},
    operator::Needs,
    units::Second,
};

/// All that a condition may look at.
#[derive(Clone, Copy)]
pub struct Scope<'c, 'a> {
    /// the attributes of this request
    pub values: &'c Values<'a>,
    /// the clock, read once a request
    pub now: Second,
    /// the file
    pub toggles: &'c Toggles,
    /// what has been decided so far, by index of the feature: every parent is in here
    pub decided: &'c [Option<Decision>],
}

impl Condition {
    /// Whether this is a rule without a `when`.
    pub fn is_always(&self) -> bool {
        matches!(self, Condition::All(all) if all.is_empty())
    }

    /// Whether this condition holds.
    pub fn holds(&self, scope: Scope<'_, '_>) -> bool {
        match self {
            Condition::Segment(index) => scope.toggles.segments[usize::from(*index)].holds(scope),
            Condition::All(all) => all.iter().all(|one| one.holds(scope)),
            Condition::Any(any) => any.iter().any(|one| one.holds(scope)),
            Condition::Not(one) => !one.holds(scope),
            Condition::Attribute(index, test) => {
                let unreadable = &scope.values.unreadable;
                let split = &scope.values.attribute(*index).split;
                match (scope.values.get(*index), split) {
                    (Found::Value(bytes, _), None) => test.holds(Some(bytes), unreadable),
                    (Found::Value(bytes, _), Some(by)) => {
                        let elements: Vec<_> = elements(bytes, by).collect();
                        test.holds_for_any(&elements, unreadable)
                    }
                    (Found::List(elements), _) => test.holds_for_any(elements, unreadable),
                    (Found::Object, _) => {
                        unreadable.note(Needs::Value);
                        test.holds(None, unreadable)
                    }
                    (Found::Absent | Found::Conflict, _) => test.holds(None, unreadable),
                }
            }
            Condition::Feature(index, test) => {
                let decision = scope.decided[usize::from(*index)];
                let feature = &scope.toggles.features[usize::from(*index)];
                let variant = decision.map(|decision| feature.variant(decision.variant));
                let name = variant.map(|variant| variant.name.as_bytes());
                test.holds(name, &scope.values.unreadable)
            }
            Condition::Now { from, until } => {
                from.is_none_or(|from| scope.now >= from)
                    && until.is_none_or(|until| scope.now < until)
            }
        }
    }
}
