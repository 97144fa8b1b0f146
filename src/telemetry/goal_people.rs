//! Who reached which goal, of one variant of one draw, since the feature's text was written. In: a goal of a person whom a draw
//! gave the variant. Out: people by goal and group, each once, as far as the bitmap of the goal tells them apart.

use super::{bitmap::Bitmap, goals::NAMES};
use crate::engine::compare::{GROUPS, Person};
use std::{
    array,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// By the number of the goal. Most features never see one, and take two words for it.
type ByGoal<T> = OnceLock<Box<[OnceLock<Box<T>>; NAMES + 1]>>;

/// Who reached which goal, of all variants of one draw: 8 KiB a goal that is ever reached.
#[derive(Debug, Default)]
pub(super) struct DrawGoals(ByGoal<Bitmap>);

/// How many of one variant reached which goal.
#[derive(Debug)]
pub(super) struct ArmGoals {
    draw: Arc<DrawGoals>,
    people: ByGoal<[AtomicU64; GROUPS]>,
}

impl ArmGoals {
    pub(super) fn of(draw: &Arc<DrawGoals>) -> ArmGoals {
        ArmGoals {
            draw: draw.clone(),
            people: OnceLock::new(),
        }
    }

    /// One more goal of this person.
    pub(super) fn add(&self, goal: usize, person: Person) {
        let bitmaps = self.draw.0.get_or_init(none);
        let all = self.people.get_or_init(none);
        let (Some(bitmap), Some(people)) = (bitmaps.get(goal), all.get(goal)) else {
            return;
        };
        if bitmap.get_or_init(Box::default).is_new(person) {
            let zeros = || Box::new(array::from_fn(|_| AtomicU64::default()));
            people.get_or_init(zeros)[person.group()].fetch_add(1, Relaxed);
        }
    }

    /// By group, where anybody of this variant reached it.
    pub(super) fn people(&self, goal: usize) -> Option<[u64; GROUPS]> {
        let people = self.people.get()?.get(goal)?.get()?;
        Some(array::from_fn(|group| people[group].load(Relaxed)))
    }
}

fn none<T>() -> Box<[OnceLock<Box<T>>; NAMES + 1]> {
    Box::new(array::from_fn(|_| OnceLock::new()))
}
