//! What a feature gives, before and after, under what is assumed of a request.
//! In: the two sides of a feature, answers to questions, variants of parents. Out: flows, or what must be known first.

use super::{
    logic::{Logic, Questions},
    lots::{self, Lot, Lots, NO_ANSWER, Sides},
};
use crate::engine::{
    describe::canonical,
    model::{Feature, Status, Toggles},
    operator::{Test, Unreadable},
    units::Second,
};
use std::{collections::HashMap, rc::Rc};

/// What must be known before the flows are.
pub enum Need<'a> {
    /// the answer to a question
    Answer(usize),
    /// what another feature gives, before and after
    Parent(&'a str),
}

/// The conditions of one feature, in their order.
struct Plan<'a> {
    file: Option<Logic<'a>>,
    when: Option<Logic<'a>>,
    rules: Vec<Logic<'a>>,
}

/// What is assumed of a request, at one instant.
pub struct Assumed<'a> {
    now: Second,
    /// what the conditions ask
    pub questions: Questions,
    /// by the number of the question
    pub answers: Vec<Option<bool>>,
    /// other features and what they give, before and after
    pub parents: Vec<(&'a str, [&'a str; 2])>,
    plans: HashMap<(usize, &'a str), Rc<Plan<'a>>>,
}

impl<'a> Assumed<'a> {
    /// Nothing is assumed yet.
    pub fn nothing(now: Second) -> Assumed<'a> {
        Assumed {
            now,
            questions: Questions::default(),
            answers: Vec::new(),
            parents: Vec::new(),
            plans: HashMap::new(),
        }
    }

    /// What users get on either side.
    pub fn lots(&mut self, sides: Sides<'a>) -> Result<Lots<'a>, Need<'a>> {
        let unit = |(toggles, feature)| canonical::unit(feature, toggles);
        let same_unit = match sides {
            [Some(old), Some(new)] => unit(old) == unit(new),
            _ => true,
        };
        let salts = sides.map(|side| side.map(|(_, feature)| &feature.salt));
        let is_aligned = same_unit && salts[0] == salts[1];
        Ok(Lots {
            old: self.lot(sides, 0, same_unit)?,
            new: self.lot(sides, 1, same_unit)?,
            is_aligned,
        })
    }

    /// Steps 4a to 4e of `evaluate`, as far as the assumptions go.
    fn lot(&mut self, sides: Sides<'a>, side: usize, same_unit: bool) -> Result<Lot<'a>, Need<'a>> {
        let nothing = match (sides[side], sides[1 - side]) {
            (Some(_), Some(_)) => NO_ANSWER,
            (Some((_, only)), None) | (None, Some((_, only))) => lots::baseline(only),
            (None, None) => NO_ANSWER,
        };
        let Some((toggles, feature)) = sides[side] else {
            return Ok(Lot::Everybody(nothing));
        };
        let plan = self.plan(side, toggles, feature);
        if let Some(when) = &plan.file
            && !self.holds(when, side)?
        {
            return Ok(Lot::Everybody(nothing));
        }
        let default = Lot::Everybody(&feature.variant(feature.default).name);
        match feature.status {
            Status::Archived | Status::Draft => return Ok(Lot::Everybody(nothing)),
            _ if toggles.paused || feature.status == Status::Paused => return Ok(default),
            _ => {}
        }
        if let Some(when) = &plan.when
            && !self.holds(when, side)?
        {
            return Ok(default);
        }
        let mut allocation = feature.fallthrough.as_ref();
        for (logic, rule) in plan.rules.iter().zip(&feature.rules) {
            if self.holds(logic, side)? {
                allocation = Some(&rule.allocation);
                break;
            }
        }
        let Some(allocation) = allocation else {
            return Ok(default);
        };
        // with another unit some users may have none any more
        if !same_unit {
            let present = &Test::Present(true);
            let has_unit = self.questions.ask(feature.unit, present, toggles);
            self.answers.resize(self.questions.count(), None);
            if !self.holds(&has_unit, side)? {
                return Ok(Lot::without_unit(feature, allocation, self.now));
            }
        }
        Ok(Lot::Drawn(feature, allocation))
    }

    fn plan(&mut self, side: usize, toggles: &'a Toggles, feature: &'a Feature) -> Rc<Plan<'a>> {
        let questions = &mut self.questions;
        let plan = self.plans.entry((side, &*feature.name)).or_insert_with(|| {
            let mut logic = |condition| questions.logic(condition, toggles);
            Rc::new(Plan {
                file: toggles.when.as_ref().map(&mut logic),
                when: feature.when.as_ref().map(&mut logic),
                rules: feature.rules.iter().map(|rule| logic(&rule.when)).collect(),
            })
        });
        self.answers.resize(self.questions.count(), None);
        plan.clone()
    }

    /// Whether a condition holds, or what must be known first.
    fn holds(&self, logic: &Logic<'a>, side: usize) -> Result<bool, Need<'a>> {
        match logic {
            Logic::All(all) => self.each(all, side, false),
            Logic::Any(any) => self.each(any, side, true),
            Logic::Not(one) => self.holds(one, side).map(|holds| !holds),
            Logic::Question(number) => self.answers[*number].ok_or(Need::Answer(*number)),
            Logic::Now(from, until) => Ok(from.is_none_or(|from| self.now >= from)
                && until.is_none_or(|until| self.now < until)),
            Logic::Parent(name, test) => {
                let given = self.parents.iter().find(|(parent, _)| parent == name);
                let variant = given.ok_or(Need::Parent(name))?.1[side];
                let variant = (variant != NO_ANSWER).then_some(variant.as_bytes());
                Ok(test.holds(variant, &Unreadable::default()))
            }
        }
    }

    /// `ends` is the answer of one that decides for all of them.
    fn each(&self, logic: &[Logic<'a>], side: usize, ends: bool) -> Result<bool, Need<'a>> {
        let mut needed = Ok(!ends);
        for one in logic {
            match self.holds(one, side) {
                Ok(holds) if holds == ends => return Ok(ends),
                Err(need) if needed.is_ok() => needed = Err(need),
                _ => {}
            }
        }
        needed
    }
}
