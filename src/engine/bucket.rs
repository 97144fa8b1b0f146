//! The bucketing contract `burgee/1`: who is in a rollout, who gets which variant.
//! In: the seeds of a feature (made at load) and the unit's bytes. Out: a point, a bucket, an arm.
//! A change here is `version: 2` of the file format, never a patch release.

use super::units::Share;
use smallvec::SmallVec;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The seed of one purpose of one feature: `XXH3_64("<purpose>:<salt>")`, made once at load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed that rollouts and buckets use.
    pub fn bucket(salt: &str) -> Seed {
        Seed::of(&["bucket", salt])
    }

    /// The seed of one variant of a split.
    pub fn split(variant: &str, salt: &str) -> Seed {
        Seed::of(&["split", variant, salt])
    }

    /// The seed that orders weighted subjects for a split.
    pub fn split_order(salt: &str) -> Seed {
        Seed::of(&["split", salt])
    }

    /// The seed that groups users for the comparison of variants, `XXH3_64("group")`: the same for all features, and no draw's.
    pub const GROUP: Seed = Seed(10_465_956_636_278_587_356);

    fn of(parts: &[&str]) -> Seed {
        let mut text = SmallVec::<[u8; 256]>::new();
        for part in parts {
            if !text.is_empty() {
                text.push(b':');
            }
            text.extend_from_slice(part.as_bytes());
        }
        Seed(xxh3_64(&text))
    }

    /// Where this unit stands, from 0 to 2^64 - 1.
    #[inline]
    pub fn point(self, unit: &[u8]) -> Point {
        Point(xxh3_64_with_seed(unit, self.0))
    }
}

/// A place on the line from 0 to 2^64 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point(pub u64);

impl Point {
    /// The bucket, 0 to 9,999.
    #[inline]
    pub fn bucket(self) -> u16 {
        ((u128::from(self.0) * 10_000) >> 64) as u16
    }

    /// Whether a rollout of `share` includes this point.
    #[inline]
    pub fn is_in(self, share: Share) -> bool {
        u128::from(self.0) * u128::from(Share::WHOLE) < u128::from(share.millionths()) << 64
    }

    /// The first point that a rollout of `share` leaves out; none where it leaves out nobody.
    pub fn first_outside(share: Share) -> Option<Point> {
        let end = (u128::from(share.millionths()) << 64).div_ceil(u128::from(Share::WHOLE));
        u64::try_from(end).ok().map(Point)
    }

    /// The score of an arm: exponential with rate `share`; the least score wins.
    #[inline]
    pub fn score(self, share: Share) -> f64 {
        let uniform = ((self.0 >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64);
        -libm::log(uniform) / f64::from(share.millionths())
    }
}

/// One arm of a split: a variant, its share and its own seed.
#[derive(Clone, Debug)]
pub struct Arm {
    /// index into the feature's variants
    pub variant: u8,
    /// more than nobody
    pub share: Share,
    /// `split:<variant>`
    pub seed: Seed,
}

/// The variant whose arm wins for this unit. `arms` stand in bytewise order of the variants' names, so that
/// the first of equal scores is the tie's winner.
#[inline]
pub fn split(arms: &[Arm], unit: &[u8]) -> u8 {
    let mut best = (f64::INFINITY, 0);
    for arm in arms {
        let score = arm.seed.point(unit).score(arm.share);
        if score < best.0 {
            best = (score, arm.variant);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few of the golden vectors; `tests/data/vectors/bucketing.yaml` has them all.
    #[test]
    fn points_and_buckets_are_those_of_the_contract() {
        for (salt, unit, point, bucket) in [
            ("briefcase", "1", 10_963_874_906_604_286_755, 5943),
            (
                "pulp_fiction.briefcase",
                "quentin",
                14_180_487_387_068_097_643,
                7687,
            ),
            ("beta_search", "日本", 12_504_660_393_015_952_633, 6778),
        ] {
            let found = Seed::bucket(salt).point(unit.as_bytes());
            assert_eq!((found.0, found.bucket()), (point, bucket), "{salt} {unit}");
        }
    }

    #[test]
    fn the_seed_of_groups_is_the_hash_of_its_purpose() {
        assert_eq!(Seed::GROUP, Seed::of(&["group"]));
    }

    #[test]
    fn nobody_is_in_0_percent_and_everybody_in_100() {
        for point in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX].map(Point) {
            assert!(!point.is_in(Share::NOBODY), "{point:?}");
            assert!(point.is_in(Share::EVERYBODY), "{point:?}");
            assert_eq!(Point::first_outside(Share::EVERYBODY), None);
        }
    }

    /// Finer than a bucket: a rollout ends at its very point.
    #[test]
    fn a_rollout_ends_at_its_very_point() {
        for millionths in [1, 999, 33_333_333, 50_000_000, 99_999_999] {
            let share = Share::from_millionths(millionths).unwrap();
            let first_outside = (u128::from(millionths) << 64).div_ceil(100_000_000) as u64;
            assert_eq!(Point::first_outside(share), Some(Point(first_outside)));
            assert!(Point(first_outside - 1).is_in(share), "{share}");
            assert!(!Point(first_outside).is_in(share), "{share}");
        }
    }

    /// `-ln((floor(x / 2^11) + 0.5) * 2^-53) / w` in doubles; the last point rounds to 1, and its logarithm is 0.
    #[test]
    fn scores_are_those_of_the_contract() {
        for (point, millionths, score) in [
            (0, 100_000_000, 3.742_994_775_023_705e-7),
            (0, 25_000_000, 1.497_197_910_009_482e-6),
            (1 << 11, 100_000_000, 3.633_133_546_156_894e-7),
            (1 << 63, 100_000_000, 6.931_471_805_599_453e-9),
            (u64::MAX, 1, 0.0),
        ] {
            let found = Point(point).score(Share::from_millionths(millionths).unwrap());
            let off = (found - score).abs();
            assert!(
                off <= score * 1e-15,
                "{point} at {millionths}: {found:e}, not {score:e}"
            );
        }
    }

    #[test]
    fn the_first_of_equal_scores_wins() {
        let arm = |variant| Arm {
            variant,
            share: Share::EVERYBODY,
            seed: Seed::split("same", "salt"),
        };
        assert_eq!(split(&[arm(3), arm(1)], b"anybody"), 3);
    }
}
