//! People who can be compared with each other: drawn by one rule, with nearly the same shares, whenever that was. A rollout that grows
//! would else compare early people, who had more time, with late ones. In: people in the order of time. Out: counts by arm and group.

use super::{arms::Arms, draw::Draw, people::First};
use crate::engine::compare::{GROUPS, sums::Counts};
use std::collections::{BTreeMap, HashMap};

/// One rule's people who were drawn with nearly the same shares: these alone can be compared.
pub(super) struct Stratum {
    /// by arm
    pub(super) arms: Vec<ArmCounts>,
}

#[derive(Clone, Default)]
pub(super) struct ArmCounts {
    pub(super) people: [u64; GROUPS],
    pub(super) in_two_arms: u64,
    /// by goal
    reached: Vec<[u64; GROUPS]>,
}

/// By goal and person, when it was reached last.
type Goals = BTreeMap<Box<str>, HashMap<u64, i64>>;

/// `people` in the order of time: the first draw of its kind begins a stratum.
pub(super) fn strata(
    people: &[(&u64, &First)],
    draws: &[Draw],
    arms: &Arms,
    goals: &Goals,
) -> Vec<Stratum> {
    let empty = ArmCounts {
        reached: vec![[0; GROUPS]; goals.len()],
        ..ArmCounts::default()
    };
    let mut strata: Vec<Stratum> = Vec::new();
    let mut begun: Vec<&Draw> = Vec::new();
    let mut of_draw: Vec<Option<usize>> = vec![None; draws.len()];
    for (key, first) in people {
        let number = first.draw as usize;
        let index = of_draw[number].unwrap_or_else(|| {
            let like = |begin: &&Draw| draws[number].is_like(begin);
            begun.iter().position(like).unwrap_or(begun.len())
        });
        of_draw[number] = Some(index);
        if index == begun.len() {
            begun.push(&draws[number]);
            let arms = vec![empty.clone(); arms.names.len()];
            strata.push(Stratum { arms });
        }
        let arm = &mut strata[index].arms[arms.of(first)];
        if first.in_two_arms {
            arm.in_two_arms += 1;
            continue;
        }
        let group = usize::from(first.group);
        arm.people[group] += 1;
        for (count, reached) in arm.reached.iter_mut().zip(goals.values()) {
            let last = reached.get(*key);
            count[group] += u64::from(last.is_some_and(|last| *last >= first.at));
        }
    }
    strata
}

impl Stratum {
    pub(super) fn counts(&self, arm: usize, goal: usize) -> Counts {
        Counts {
            requests: self.arms[arm].people,
            bad: self.arms[arm].reached[goal],
        }
    }

    /// The part of an arm that is counted nowhere, because it met another variant later.
    pub(super) fn gone(&self, arm: usize) -> f64 {
        let arm = &self.arms[arm];
        let people: u64 = arm.people.iter().sum();
        arm.in_two_arms as f64 / (people + arm.in_two_arms).max(1) as f64
    }
}
