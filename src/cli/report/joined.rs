//! One person by two ids: a visitor who has signed in. In: lines that say so, in any order. Out: people and goals of the visitor are the
//! user's. A browser that several users share is a person of its own, and so is a visitor whose id is a user's: a client can name that.

use super::{
    people::{First, People, Visitor, group, key},
    record::Person,
};

impl People {
    pub(super) fn signed_in(&mut self, person: &Person<'_>) {
        let met = Visitor {
            user: key(person.user),
            group: group(person.user),
            is_shared: false,
        };
        self.users.insert(met.user);
        let known = self.visitors.entry(key(person.visitor)).or_insert(met);
        known.is_shared |= known.user != met.user;
    }

    /// Once all lines have come.
    pub(super) fn join(&mut self) {
        // no visitor is a user too, so that the order in which they are joined is of no importance
        let alone = self
            .visitors
            .iter()
            .filter(|(id, visitor)| !visitor.is_shared && !self.users.contains(id));
        for (id, visitor) in alone {
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
