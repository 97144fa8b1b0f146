//! How variants differ in what they break, and when that is certain. Pure: counters and the clock in, differences and words out.
//! In: by draw, variant and group of users, requests and bad answers. Out: what may be said of them, at any look.
//!
//! What counts is what a *draw* gave: two arms of one draw differ in their variant and in nothing else. Users, not requests,
//! are drawn, so the variance is taken between [`GROUPS`] groups of users. Time is cut into slices, because shares and error
//! rates move meanwhile; a rule's draws in one slice are a stratum, and strata add up. The boundary holds at every look.

pub mod bound;
pub mod cells;
pub mod draw;
pub mod guard;
pub mod sequences;
pub mod share;
pub mod slices;
pub mod split;
pub mod stage;
pub mod statistic;
pub mod sums;
pub mod words;

use super::bucket::Seed;

/// Groups of users. 16 need 10 to 60% more time, 64 save 5 to 10% and double what is kept.
pub const GROUPS: usize = 32;

/// In fewer groups there are too few people to tell.
pub const LEAST_GROUPS: usize = 8;

/// Who somebody is in the comparison: a group, and a bit of the bitmap of people. No draw depends on it. The default stands for
/// nobody, whom no draw decides about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person(u64);

impl Person {
    /// By the unit that is drawn.
    #[inline]
    pub fn of(unit: &[u8]) -> Person {
        Person(Seed::GROUP.point(unit).0)
    }

    /// 0 to 31.
    #[inline]
    pub fn group(self) -> usize {
        (self.0 >> 59) as usize
    }

    /// 0 to 65,535.
    #[inline]
    pub fn bit(self) -> u16 {
        self.0 as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

    #[test]
    fn a_group_is_the_first_five_bits_of_a_hash_that_no_draw_uses() {
        for unit in [
            "",
            "1",
            "mia",
            "quentin",
            "日本",
            "a-rather-long-identifier-of-somebody",
        ] {
            let hash = xxh3_64_with_seed(unit.as_bytes(), xxh3_64(b"group"));
            let person = Person::of(unit.as_bytes());
            let expected = ((hash >> 59) as usize, (hash & 0xffff) as u16);
            assert_eq!((person.group(), person.bit()), expected, "{unit}");
        }
    }
}
