//! Who met what first, and who reached which goal last: all that is kept of a log, 25 bytes for each, and 34 for a visitor who
//! signed in, whatever the order of its lines.
//! In: records. Out: people by feature and by goal, and what became of every line.

use super::{
    draw::Draw,
    record::{Exposure, Goal, NotOurs, Record},
};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

/// Names of each kind that a log may have; more of them are no names.
const MOST_NAMES: usize = 1000;

/// What became of the lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// all
    pub read: u64,
    /// somebody met a variant that a draw gave
    pub exposures: u64,
    /// of them, what was known: the same person met the feature before, or a line came twice
    pub repeated_exposures: u64,
    /// somebody reached a goal
    pub goals: u64,
    /// of them, what was known
    pub repeated_goals: u64,
    /// a visitor and a user are one person
    pub joined: u64,
    /// a variant that no draw gave, or of a feature that is not counted
    pub not_drawn: u64,
    /// nobody is named
    pub without_user: u64,
    /// before `--since`, after `--until`, or not of `--feature` or `--goal`
    pub left_out: u64,
    /// cut off, or not what was promised
    pub broken: u64,
    /// another log's
    pub other: u64,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// all, where there is none
    pub features: Vec<String>,
    /// all, where there is none
    pub goals: Vec<String>,
    /// microseconds since 1970
    pub since: Option<i64>,
    /// the first microsecond that is left out
    pub until: Option<i64>,
}

/// What is kept of a log.
#[derive(Debug, Default)]
pub struct People {
    wanted: Wanted,
    /// what became of its lines
    pub lines: Lines,
    pub(super) features: BTreeMap<Box<str>, Met>,
    /// by goal and person, when it was reached last
    pub(super) goals: BTreeMap<Box<str>, HashMap<u64, i64>>,
    /// by visitor, who that is
    pub(super) visitors: HashMap<u64, Visitor>,
    /// whom visitors signed in as
    pub(super) users: HashSet<u64>,
}

/// Who met one feature.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) variants: Vec<Box<str>>,
    /// as written
    pub(super) draws: Vec<Box<str>>,
    /// the same, read
    pub(super) read: Vec<Draw>,
    numbers: HashMap<Box<str>, u32>,
    pub(super) people: HashMap<u64, First>,
}

/// Where somebody met a feature first.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub(super) at: i64,
    /// index of what drew
    pub(super) draw: u32,
    /// index of the variant
    pub(super) variant: u16,
    pub(super) group: u8,
    /// another variant, too, at some time
    pub(super) in_two_arms: bool,
}

/// Who a visitor is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    /// one of those who signed in
    pub(super) user: u64,
    pub(super) group: u8,
    /// another user signed in too
    pub(super) is_shared: bool,
}

impl People {
    /// Nobody yet.
    pub fn new(wanted: Wanted) -> People {
        People {
            wanted,
            ..People::default()
        }
    }

    /// One more line; none for one that is too long.
    pub fn take(&mut self, line: Option<&[u8]>) {
        self.lines.read += 1;
        match line {
            None => self.lines.broken += 1,
            Some(line) => super::record::records(line, |record| self.record(record)),
        }
    }

    fn record(&mut self, record: Result<Record<'_>, NotOurs>) {
        let known = match record {
            Err(NotOurs::Other) => Err(&mut self.lines.other),
            Err(NotOurs::Broken) => Err(&mut self.lines.broken),
            Ok(Record::Exposure(exposure)) => self.exposure(&exposure),
            Ok(Record::Goal(goal)) => self.reached(&goal),
            Ok(Record::Person(person)) => {
                self.lines.joined += 1;
                self.signed_in(&person);
                Ok(())
            }
        };
        if let Err(count) = known {
            *count += 1;
        }
    }

    /// What else is to be counted, where it says nothing of anybody.
    fn exposure(&mut self, exposure: &Exposure<'_>) -> Result<(), &mut u64> {
        let Some(draw) = exposure.draw else {
            return Err(&mut self.lines.not_drawn);
        };
        let Some(user) = exposure.user else {
            return Err(&mut self.lines.without_user);
        };
        if !self
            .wanted
            .is_in(exposure.at, &self.wanted.features, exposure.feature)
        {
            return Err(&mut self.lines.left_out);
        }
        if !self.features.contains_key(exposure.feature) {
            if self.features.len() == MOST_NAMES {
                return Err(&mut self.lines.broken);
            }
            self.features
                .insert(exposure.feature.into(), Met::default());
        }
        let met = self.features.get_mut(exposure.feature);
        let known = met.and_then(|met| met.add(exposure.at, user, exposure.variant, draw));
        match known {
            None => Err(&mut self.lines.broken),
            Some(known) => {
                self.lines.exposures += 1;
                self.lines.repeated_exposures += u64::from(known);
                Ok(())
            }
        }
    }

    fn reached(&mut self, goal: &Goal<'_>) -> Result<(), &mut u64> {
        let Some(user) = goal.user else {
            return Err(&mut self.lines.without_user);
        };
        if !self.wanted.is_in(goal.at, &self.wanted.goals, goal.goal) {
            return Err(&mut self.lines.left_out);
        }
        if !self.goals.contains_key(goal.goal) {
            if self.goals.len() == MOST_NAMES {
                return Err(&mut self.lines.broken);
            }
            self.goals.insert(goal.goal.into(), HashMap::new());
        }
        self.lines.goals += 1;
        if let Some(reached) = self.goals.get_mut(goal.goal) {
            let last = reached.entry(key(user)).or_insert(i64::MIN);
            self.lines.repeated_goals += u64::from(*last != i64::MIN);
            *last = goal.at.max(*last);
        }
        Ok(())
    }
}

impl Wanted {
    fn is_in(&self, at: i64, names: &[String], name: &str) -> bool {
        self.since.is_none_or(|since| at >= since)
            && self.until.is_none_or(|until| at < until)
            && (names.is_empty() || names.iter().any(|wanted| wanted == name))
    }
}

impl Met {
    /// Whether this person was there; none where the draw cannot be read.
    fn add(&mut self, at: i64, user: &str, variant: &str, draw: &str) -> Option<bool> {
        let draw = self.draw(draw)?;
        let variant = self.variant(variant)?;
        let met = First {
            at,
            draw,
            variant,
            group: group(user),
            in_two_arms: false,
        };
        Some(self.meet(key(user), met))
    }

    /// Whether this person was there.
    pub(super) fn meet(&mut self, key: u64, met: First) -> bool {
        let Some(known) = self.people.get(&key).copied() else {
            self.people.insert(key, met);
            return false;
        };
        let first = match self.order(&known) <= self.order(&met) {
            true => known,
            false => met,
        };
        let in_two_arms = known.in_two_arms || met.in_two_arms || known.variant != met.variant;
        let first = First {
            in_two_arms,
            ..first
        };
        self.people.insert(key, first);
        true
    }

    /// What is first, whatever came first: of two at the same time the one whose names come first.
    pub(super) fn order(&self, first: &First) -> (i64, &str, &str) {
        let variant = &self.variants[usize::from(first.variant)];
        (first.at, &self.draws[first.draw as usize], variant)
    }

    fn draw(&mut self, text: &str) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        let draw = Draw::read(text)?;
        let number = u32::try_from(self.draws.len()).ok()?;
        self.draws.push(text.into());
        self.read.push(draw);
        self.numbers.insert(text.into(), number);
        Some(number)
    }

    fn variant(&mut self, name: &str) -> Option<u16> {
        let known = self.variants.iter().position(|known| **known == *name);
        if known.is_none() {
            if self.variants.len() == MOST_NAMES {
                return None;
            }
            self.variants.push(name.into());
        }
        u16::try_from(known.unwrap_or(self.variants.len() - 1)).ok()
    }
}

/// Who somebody is: one in 30 million logs of a million people takes two for one.
pub(super) fn key(user: &str) -> u64 {
    xxh3_64(user.as_bytes())
}

/// One of 32 parts of all people, as an interval is taken between them: five bits that anybody can compute.
pub(super) fn group(user: &str) -> u8 {
    Sha256::digest(user)[0] >> 3
}
