//! The rules of a feature, read top to bottom.
//! In: a list of maps. Out: the rules; one that can never be reached is a problem.

use super::compiler::Compiler;
use super::{compiler::Reach, reachable::implies, serve::AllocationKeys};
use crate::config::{
    file,
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::model::{Condition, FeatureIndex, Rule};

/// How many rules a feature may have.
pub(super) const MOST_RULES: usize = 100;

/// The rules so far, by number, with their conditions; none for everybody.
pub(super) type Earlier<'t> = Vec<(usize, Option<&'t Node<'t>>)>;

impl<'t> Compiler<'t, '_> {
    pub(super) fn rules(
        &mut self,
        entry: &'t Entry<'t>,
        index: FeatureIndex,
        salt: &str,
        always: &[&'t Node<'t>],
        own: AllocationKeys<'t>,
        reach: &mut Reach,
    ) -> Vec<Rule> {
        let Kind::List(items) = &entry.value.kind else {
            self.expected(
                &entry.value,
                "a list of rules",
                "begin each rule with `-`: `- {when: staff, serve: on}`",
            );
            return Vec::new();
        };
        if items.len() > MOST_RULES {
            self.problems.error(
                entry.key_at,
                format!("{} rules: at most {MOST_RULES} are allowed", items.len()),
                "let a segment name what several rules share",
            );
        }
        let mut earlier: Earlier<'t> = Vec::new();
        let mut rules = Vec::new();
        for (number, item) in items.iter().enumerate().take(MOST_RULES) {
            let before = self.problems.errors();
            let Some(rule) = file::Rule::read(item, self.problems) else {
                continue;
            };
            let condition = rule.when.map(|entry| &entry.value);
            // a key with a typo may have been the `when`
            if self.problems.errors() == before {
                self.reachable(item.at, condition, &earlier, always);
                earlier.push((number + 1, condition));
            }
            let name = rule.name.and_then(|entry| self.text(entry, "a name"));
            let when = match condition {
                None => Some(Condition::All(Box::default())),
                Some(node) => {
                    let (when, more) = self.condition(node);
                    reach.add(more);
                    when
                }
            };
            let written = AllocationKeys {
                at: item.at,
                rollout: rule.rollout,
                serve: rule.serve,
                buckets: rule.buckets,
                draw: rule.draw,
            };
            let allocation = self.allocation(written, index, salt, "this rule");
            if let (Some(when), Some(allocation)) = (when, allocation) {
                rules.push(Rule {
                    name: name.map(Into::into),
                    when,
                    allocation,
                });
            }
        }
        if let Some(entry) = own.serve.or(own.buckets).or(own.rollout)
            && let Some(number) = decided(None, &earlier, always)
        {
            self.problems.error(
                entry.key_at,
                format!("this is never reached: rule {number} holds for everybody"),
                "remove one of the two",
            );
        }
        self.overlaps(items);
        rules
    }

    pub(super) fn reachable(
        &mut self,
        at: Position,
        condition: Option<&Node<'_>>,
        earlier: &Earlier<'_>,
        always: &[&Node<'_>],
    ) {
        if let Some(number) = decided(condition, earlier, always) {
            self.problems.error(
                at,
                format!("this rule can never be reached: rule {number} holds whenever it does"),
                "the first rule that holds decides: put the narrower one first, or remove one",
            );
        }
    }
}

/// The rule that has decided before a condition is asked. `always` holds wherever the rules are read at all.
pub(super) fn decided(
    condition: Option<&Node<'_>>,
    earlier: &Earlier<'_>,
    always: &[&Node<'_>],
) -> Option<usize> {
    let given = condition.into_iter().chain(always.iter().copied());
    let holds = |one: &Option<&Node<'_>>| match one {
        None => true,
        Some(one) => given.clone().any(|given| implies(given, one)),
    };
    earlier
        .iter()
        .find(|(_, one)| holds(one))
        .map(|(number, _)| *number)
}
