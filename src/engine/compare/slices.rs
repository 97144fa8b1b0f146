//! Time in slices: shares and error rates move, and within a slice they hardly do. In: counts at each look. Out: the counts of
//! each slice that may be used. 100 requests lose 1% of what there is to know, and a fast ramp gets slices of one look.

use super::cells::Cells;
use crate::engine::units::{Second, Share};

/// A slice ends at the first look that finds so many requests in it, and at every whole minute.
const FULL: u64 = 100;

/// A share that changes by more than a point between two looks is a step.
const STEP: u32 = Share::WHOLE / 100;

/// The slices of one draw.
#[derive(Clone, Debug)]
pub struct Slices {
    /// the counts when the open slice began, by variant
    begun: Box<[Cells]>,
    minute: i64,
    share: Share,
    /// slices that end before this hold late answers of before a step
    settled: Second,
    /// the share stepped or fell within the open slice
    spoiled: bool,
    settle: i64,
}

impl Slices {
    /// The first begins now, with nothing counted. An answer may come `settle` seconds after its decision.
    pub fn new(variants: usize, share: Share, now: Second, settle: i64) -> Slices {
        Slices {
            begun: vec![Cells::default(); variants].into(),
            minute: minute(now),
            share,
            settled: now,
            spoiled: false,
            settle,
        }
    }

    /// The slice that ends at this look, if one does and may be used. While a share falls none may: a kill must not look like
    /// a crime.
    pub fn look<'a>(
        &mut self,
        now: Second,
        share: Share,
        counted: impl Iterator<Item = &'a Cells> + Clone,
    ) -> Option<Vec<Cells>> {
        let was = std::mem::replace(&mut self.share, share);
        if is_step(was, share) {
            self.settled = Second(now.0.saturating_add(self.settle));
            self.spoiled = true;
        }
        self.spoiled |= share < was;
        let slice = self.since(counted.clone());
        let requests: u64 = slice.iter().map(Cells::requests).sum();
        if requests < FULL && minute(now) == self.minute {
            return None;
        }
        let good = self.is_good(now);
        self.minute = minute(now);
        self.spoiled = false;
        let begun = self.begun.iter_mut().zip(counted);
        begun.for_each(|(begun, now)| *begun = *now);
        (good && requests > 0).then_some(slice)
    }

    /// The slice that is open, if there is anything in it and it may be used as it is.
    pub fn open<'a>(
        &self,
        now: Second,
        counted: impl Iterator<Item = &'a Cells> + Clone,
    ) -> Option<Vec<Cells>> {
        let is_wanted = self.is_good(now) && counted.clone().ne(&*self.begun);
        is_wanted.then(|| self.since(counted))
    }

    /// Whether the share has neither stepped nor fallen since the last look, nor late answers of before a step are coming.
    pub fn is_steady(&self, now: Second, share: Share) -> bool {
        now >= self.settled && share >= self.share && !is_step(self.share, share)
    }

    fn is_good(&self, now: Second) -> bool {
        !self.spoiled && now >= self.settled
    }

    fn since<'a>(&self, counted: impl Iterator<Item = &'a Cells>) -> Vec<Cells> {
        let pairs = counted.zip(&self.begun);
        pairs.map(|(now, begun)| now.since(begun)).collect()
    }
}

fn is_step(was: Share, share: Share) -> bool {
    share.millionths().abs_diff(was.millionths()) > STEP
}

fn minute(now: Second) -> i64 {
    now.0.div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the looks find, written `second share% requests so far`, and the sizes of the slices that they give.
    fn check(looks: &str, expected: &[(i64, u64)]) {
        let mut slices = None::<Slices>;
        let mut found = Vec::new();
        for look in looks.split(", ") {
            let words: Vec<&str> = look.split(' ').collect();
            let now = Second(words[0].parse().unwrap());
            let share = Share::parse(words[1]).unwrap();
            let mut cells = Cells::default();
            cells.0[7][0] = words[2].parse().unwrap();
            let slices = slices.get_or_insert_with(|| Slices::new(1, share, now, 60));
            if let Some(slice) = slices.look(now, share, [cells].iter()) {
                found.push((now.0, slice[0].requests()));
            }
        }
        assert_eq!(found, expected, "{looks}");
    }

    #[test]
    fn a_slice_ends_with_a_hundred_requests_or_the_minute() {
        check(
            "0 10% 0, 2 10% 99, 4 10% 100, 6 10% 300",
            &[(4, 100), (6, 200)],
        );
        check(
            "0 10% 0, 2 10% 9, 58 10% 10, 60 10% 12, 62 10% 20",
            &[(60, 12)],
        );
        check("0 10% 0, 60 10% 0, 120 10% 1", &[(120, 1)]);
    }

    #[test]
    fn what_a_step_or_a_fall_of_the_share_touches_is_thrown_away() {
        // late answers of before the step come for a minute
        check(
            "0 10% 0, 2 50% 200, 61 50% 400, 62 50% 600, 64 50% 800",
            &[(62, 200), (64, 200)],
        );
        // a glide of half a point a look is no step
        check("0 10% 0, 2 10.5% 200, 4 11% 400", &[(2, 200), (4, 200)]);
        // a fall, however slow, as long as it lasts
        check(
            "0 50% 0, 2 49.9% 200, 4 49.8% 400, 6 49.8% 600",
            &[(6, 200)],
        );
        // within a slice that goes on after it
        check(
            "0 50% 0, 2 49.9% 10, 4 49.9% 50, 6 49.9% 250, 8 49.9% 350",
            &[(8, 100)],
        );
    }

    #[test]
    fn an_open_slice_counts_as_far_as_it_is() {
        let share = Share::parse("10%").unwrap();
        let mut slices = Slices::new(1, share, Second(0), 60);
        let mut cells = Cells::default();
        cells.0[0][1] = 5;
        assert_eq!(
            slices.open(Second(1), [cells].iter()).unwrap()[0].requests(),
            5
        );
        assert!(slices.is_steady(Second(2), share));
        assert!(!slices.is_steady(Second(2), Share::NOBODY));
        slices.look(Second(2), Share::EVERYBODY, [cells].iter());
        assert_eq!(slices.open(Second(3), [cells].iter()), None);
        assert!(!slices.is_steady(Second(4), Share::EVERYBODY));
        assert!(slices.is_steady(Second(62), Share::EVERYBODY));
    }
}
