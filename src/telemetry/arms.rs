//! What one worker counts of one variant of one draw. In: a request that was drawn. Out: two adds, and one for a new person.

use super::counter::{Counter, Observation, RequestHistogram};
use crate::engine::compare::{
    GROUPS, Person,
    cells::{OUTCOMES, outcome},
    split::BITS,
    stage::Arm,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// One variant of one draw, for one worker.
#[derive(Clone, Debug)]
pub(super) struct DrawnArm {
    /// since the process began
    pub(super) requests: Arc<RequestHistogram>,
    /// since the feature's text was written
    pub(super) stage: Arc<StageCounters>,
    /// shared by the workers
    pub(super) people: Arc<Bitmap>,
    /// slow is what took longer than so many nanoseconds
    pub(super) slow_above: u64,
}

/// What begins anew with the feature's text. One writer.
#[derive(Debug, Default)]
pub(super) struct StageCounters {
    cells: [[Counter; OUTCOMES]; GROUPS],
    people: Counter,
}

/// Who came already, by hash.
#[derive(Debug)]
pub(super) struct Bitmap([AtomicU64; BITS / 64]);

/// Nobody asks what is slow.
pub(super) const NEVER_SLOW: u64 = u64::MAX;

impl DrawnArm {
    /// One more request of this person. `SLOW` where any feature asks what is slow.
    #[inline]
    pub(super) fn add<const SLOW: bool>(&self, observation: Observation, person: Person) {
        self.requests.add(observation);
        let slow = SLOW && observation.is_slower(self.slow_above);
        let outcome = outcome(observation.is_error(), slow);
        self.stage.cells[person.group()][outcome].add(1);
        if self.people.is_new(person) {
            self.stage.people.add(1);
        }
    }

    /// Whether its feature asks what is slow.
    pub(super) fn asks_slow(&self) -> bool {
        self.slow_above != NEVER_SLOW
    }
}

impl StageCounters {
    /// The same variant of the same draw in all workers.
    pub(super) fn sum(workers: &[Arc<StageCounters>]) -> Arm {
        let mut arm = Arm::default();
        for worker in workers {
            let slots = worker.cells.iter().flatten();
            let sums = arm.cells.0.iter_mut().flatten();
            sums.zip(slots).for_each(|(sum, slot)| *sum += slot.get());
            arm.people += worker.people.get();
        }
        arm
    }
}

impl Default for Bitmap {
    fn default() -> Bitmap {
        Bitmap([const { AtomicU64::new(0) }; BITS / 64])
    }
}

impl Bitmap {
    /// True once a bit: for whoever sets it. A bit that is set costs a load.
    #[inline]
    fn is_new(&self, person: Person) -> bool {
        let bit = usize::from(person.bit());
        let (word, mask) = (&self.0[bit / 64], 1 << (bit % 64));
        word.load(Relaxed) & mask == 0 && word.fetch_or(mask, Relaxed) & mask == 0
    }
}
