//! The greatest share of users that an edit moves, whoever comes: among all answers that a request can give to the conditions.
//! In: the two sides of a feature and one instant. Out: the exact flows where no condition plays a part, and that share.

use super::{
    assumed::{Assumed, Need},
    flows::Flows,
    lots::Sides,
};
use crate::engine::{model::Feature, units::Second};

/// How many combinations are looked at, and how much each assumes at most. A feature that needs more counts as one that
/// moves everybody.
const MOST_COMBINATIONS: u32 = 20_000;
const MOST_ASSUMPTIONS: usize = 1_000;

/// One change, and what is assumed of a request.
pub struct Concern<'a> {
    sides: Sides<'a>,
    now: Second,
    assumed: Assumed<'a>,
    /// parents whose own flows are looked for
    open: Vec<&'a str>,
    combinations: u32,
}

impl<'a> Concern<'a> {
    /// Nothing is assumed yet.
    pub fn new(sides: Sides<'a>, now: Second) -> Concern<'a> {
        Concern {
            sides,
            now,
            assumed: Assumed::nothing(now),
            open: Vec::new(),
            combinations: 0,
        }
    }

    /// The flows, where they are the same whoever comes.
    pub fn exact(&mut self) -> Option<Flows<'a>> {
        let mut features = self.sides.iter().flatten().map(|(_, feature)| feature);
        match features.any(|feature| feature.weighted().is_some()) {
            true => None,
            false => Some(self.assumed.lots(self.sides).ok()?.flows(self.now)),
        }
    }

    /// The greatest share that moves, under what is assumed.
    pub fn greatest(&mut self) -> f64 {
        self.combinations += 1;
        let answers = self.assumed.answers.iter().flatten().count();
        let assumptions = answers + self.assumed.parents.len();
        if self.combinations > MOST_COMBINATIONS || assumptions > MOST_ASSUMPTIONS {
            return 1.0;
        }
        // whatever was looked for, this call assumes more than the last one
        let open = std::mem::take(&mut self.open);
        let greatest = match self.assumed.lots(self.sides) {
            Ok(lots) => lots.greatest(self.now),
            Err(need) => self.assume(need),
        };
        self.open = open;
        greatest
    }

    fn assume(&mut self, need: Need<'a>) -> f64 {
        match need {
            Need::Answer(number) => {
                let mut greatest = 0.0;
                for answer in [true, false] {
                    self.assumed.answers[number] = Some(answer);
                    let can_be = self.assumed.questions.can_be(number, &self.assumed.answers);
                    if greatest < 1.0 && can_be {
                        greatest = f64::max(greatest, self.greatest());
                    }
                }
                self.assumed.answers[number] = None;
                greatest
            }
            // an edit that turns a dependency round
            Need::Parent(name) if self.open.contains(&name) => 1.0,
            Need::Parent(name) => {
                self.open.push(name);
                let greatest = self.with_parent(name);
                self.open.pop();
                greatest
            }
        }
    }

    /// Users whose parent keeps its variant are a group, as those whom a condition reaches; those whose parent moves
    /// count by their number.
    fn with_parent(&mut self, name: &'a str) -> f64 {
        let parents = self.sides.map(|side| {
            let (toggles, _) = side?;
            let named = |feature: &&Feature| &*feature.name == name;
            Some((toggles, toggles.features.iter().find(named)?))
        });
        let flows = match self.assumed.lots(parents) {
            Ok(lots) => lots.flows(self.now),
            Err(need) => return self.assume(need),
        };
        let salt = |side: &Option<(_, &'a Feature)>| side.map(|(_, feature)| &feature.salt);
        let mut salts = self.sides.iter().map(salt).zip(parents.iter().map(salt));
        let is_drawn_alike = salts.any(|(own, parents)| own.is_some() && own == parents);
        let is_one_sided = parents.iter().any(Option::is_none);
        let (mut all, mut group) = (0.0, 0.0);
        for ((from, to), share) in flows.into_iter().filter(|(_, share)| *share > 0.0) {
            self.assumed.parents.push((name, [from, to]));
            let moved = self.greatest();
            self.assumed.parents.pop();
            all += share * moved;
            if from == to || is_one_sided || is_drawn_alike {
                group = f64::max(group, moved);
            }
        }
        f64::max(all, group)
    }
}
