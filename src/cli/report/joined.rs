//! One person by two ids: a visitor who has signed in. In: lines that say so, in any order. Out: people and goals of the visitor are the
//! user's. A visitor is the first user that it met: a browser that several share makes nobody of them the other.

use super::{
    people::{First, People, Visitor, group, key},
    record::Person,
};

impl People {
    pub(super) fn signed_in(&mut self, person: &Person<'_>) {
        let met = Visitor {
            at: person.at,
            user: key(person.user),
            group: group(person.user),
        };
        let known = self.visitors.entry(key(person.visitor)).or_insert(met);
        *known = met.min(*known);
    }

    /// Once all lines have come.
    pub(super) fn join(&mut self) {
        for (id, visitor) in &self.visitors {
            for met in self.features.values_mut() {
                if let Some(first) = met.people.remove(id) {
                    let group = visitor.group;
                    let known = met.meet(visitor.user, First { group, ..first });
                    self.lines.repeated_exposures += u64::from(known);
                }
            }
            for goal in self.goals.values_mut() {
                if let Some(at) = goal.remove(id) {
                    let last = goal.entry(visitor.user).or_insert(i64::MIN);
                    self.lines.repeated_goals += u64::from(*last != i64::MIN);
                    *last = at.max(*last);
                }
            }
        }
    }
}
