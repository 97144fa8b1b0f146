//! Rollouts that follow the clock, so that every pod switches at the same instant.
//! In: a schedule of the file and one reading of the clock. Out: the share in force.

use super::units::{Second, Share};

/// How far a feature is rolled out, and when.
#[derive(Clone, Debug)]
pub enum Rollout {
    /// `rollout: 25%`, or no `rollout` at all (everybody)
    Fixed(Share),
    /// jumps, in order of time; before the first one nobody
    Steps(Box<[(Second, Share)]>),
    /// `from` until `start`, `to` from `end` on, a straight line between
    Glide {
        /// the share until `start`
        from: Share,
        /// the share from `end` on
        to: Share,
        /// where the line begins
        start: Second,
        /// where it ends; later than `start`
        end: Second,
    },
}

impl Rollout {
    /// The share in force at `now` while a hold lasts: time that goes on may take people away, and adds nobody.
    pub fn held(&self, now: Second, hold: Second) -> Share {
        self.at(now).min(self.at(now.min(hold)))
    }

    /// The share in force at `now`, in integers, truncated to a millionth of a percent.
    pub fn at(&self, now: Second) -> Share {
        match self {
            Rollout::Fixed(share) => *share,
            Rollout::Steps(steps) => {
                let passed = steps.partition_point(|(at, _)| *at <= now);
                passed
                    .checked_sub(1)
                    .map_or(Share::NOBODY, |last| steps[last].1)
            }
            Rollout::Glide {
                from,
                to,
                start,
                end,
            } => {
                if now < *start {
                    return *from;
                }
                if now >= *end {
                    return *to;
                }
                let (a, b) = (i128::from(from.millionths()), i128::from(to.millionths()));
                let (done, whole) = (i128::from(now.0 - start.0), i128::from(end.0 - start.0));
                let share = a + (b - a) * done / whole;
                u32::try_from(share)
                    .ok()
                    .and_then(Share::from_millionths)
                    .unwrap_or(*from)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(text: &str) -> Share {
        Share::parse(text).unwrap()
    }

    #[test]
    fn steps_jump_at_their_second_and_nobody_is_in_before_the_first() {
        let steps = Rollout::Steps(Box::new([
            (Second(100), share("1%")),
            (Second(200), share("100%")),
        ]));
        for (now, expected) in [
            (99, "0%"),
            (100, "1%"),
            (199, "1%"),
            (200, "100%"),
            (i64::MAX, "100%"),
        ] {
            assert_eq!(steps.at(Second(now)), share(expected), "at {now}");
        }
    }

    #[test]
    fn a_glide_is_a_straight_line_truncated_to_a_millionth() {
        let up = Rollout::Glide {
            from: share("0%"),
            to: share("100%"),
            start: Second(0),
            end: Second(3),
        };
        let down = Rollout::Glide {
            from: share("100%"),
            to: share("0%"),
            start: Second(0),
            end: Second(3),
        };
        let part = Rollout::Glide {
            from: share("20%"),
            to: share("80%"),
            start: Second(0),
            end: Second(3),
        };
        for (now, rising, falling, between) in [
            (-1, "0%", "100%", "20%"),
            (0, "0%", "100%", "20%"),
            (1, "33.333333%", "66.666667%", "40%"),
            (2, "66.666666%", "33.333334%", "60%"),
            (3, "100%", "0%", "80%"),
            (4, "100%", "0%", "80%"),
        ] {
            assert_eq!(up.at(Second(now)), share(rising), "up at {now}");
            assert_eq!(down.at(Second(now)), share(falling), "down at {now}");
            assert_eq!(part.at(Second(now)), share(between), "in part at {now}");
        }
    }
}
