//! What one worker counts of one variant of one draw. In: a request that was drawn. Out: two adds, and one for a new person.

use super::{
    bitmap::Bitmap,
    counter::{Counter, Observation, Place, RequestHistogram},
    goal_people::ArmGoals,
    variant::VariantCounters,
};
use crate::engine::{
    Reason,
    compare::{
        GROUPS, Person,
        cells::{OUTCOMES, outcome},
        stage::Arm,
    },
};
use std::sync::Arc;

/// One variant of one draw, for one worker. Four pointers: found by a shift.
#[derive(Clone, Debug)]
pub(super) struct DrawnArm {
    /// of the variant, whatever gave it
    pub(super) variant: Arc<VariantCounters>,
    /// since the process began
    pub(super) requests: Arc<RequestHistogram>,
    /// since the feature's text was written
    pub(super) stage: Arc<StageCounters>,
    /// shared by the workers
    pub(super) people: Arc<Bitmap>,
}

/// What begins anew with the feature's text. One writer.
#[derive(Debug)]
pub(super) struct StageCounters {
    /// by group, then by outcome
    cells: [Counter; GROUPS * OUTCOMES],
    /// by group
    people: [Counter; GROUPS],
    /// slow is what took longer than so many nanoseconds
    slow_above: u64,
    /// shared by the workers: goals are rare
    pub(super) goals: Arc<ArmGoals>,
}

/// Nobody asks what is slow.
pub(super) const NEVER_SLOW: u64 = u64::MAX;

/// How a request ended, as every arm counts it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    observation: Observation,
    place: Place,
    is_error: bool,
}

impl From<Observation> for Outcome {
    fn from(observation: Observation) -> Outcome {
        Outcome {
            observation,
            place: observation.place(),
            is_error: observation.is_error(),
        }
    }
}

impl DrawnArm {
    /// One more request of this person. `SLOW` where any feature asks what is slow.
    #[inline]
    pub(super) fn add<const SLOW: bool>(&self, how: Outcome, person: Person) {
        self.variant.evaluations[Reason::Split as usize].add(1);
        self.requests.add(how.place);
        let slow = SLOW && how.observation.is_slower(self.stage.slow_above);
        let group = person.group() * OUTCOMES;
        self.stage.cells[group + outcome(how.is_error, slow)].add(1);
        if self.people.is_new(person) {
            self.stage.people[person.group()].add(1);
        }
    }

    /// Whether its feature asks what is slow.
    pub(super) fn asks_slow(&self) -> bool {
        self.stage.slow_above != NEVER_SLOW
    }
}

impl StageCounters {
    /// None yet. Slow is what takes longer than so many nanoseconds.
    pub(super) fn new(slow_above: u64, goals: Arc<ArmGoals>) -> StageCounters {
        StageCounters {
            cells: std::array::from_fn(|_| Counter::default()),
            people: std::array::from_fn(|_| Counter::default()),
            slow_above,
            goals,
        }
    }

    /// The same variant of the same draw in all workers.
    pub(super) fn sum(workers: &[Arc<StageCounters>]) -> Arm {
        let mut arm = Arm::default();
        for worker in workers {
            let sums = arm.cells.0.iter_mut().flatten();
            sums.zip(&worker.cells)
                .for_each(|(sum, slot)| *sum += slot.get());
            let people = arm.by_group.iter_mut().zip(&worker.people);
            people.for_each(|(sum, slot)| *sum += slot.get());
        }
        arm.people = arm.by_group.iter().sum();
        arm
    }
}
