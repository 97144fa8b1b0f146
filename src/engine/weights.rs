//! Subjects with a weight: whole companies, laid end to end in an order of their own per feature.
//! In: the listed subjects and a feature's salt, at load. Out: where each of them stands on the line from 0 to 1.

use super::{bucket::Seed, units::Share};
use std::collections::HashMap;

/// Where a weighted subject stands: the middle of its piece, `twice_middle / (2 * total)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightedPosition {
    twice_middle: u128,
    total: u128,
}

impl WeightedPosition {
    /// Whether the first `share` of the line includes this position, exactly.
    pub fn is_in(self, share: Share) -> bool {
        self.before(u64::from(share.millionths()))
    }

    /// The bucket, 0 to 9,999, as `rollout: 25%` is `buckets: 0-2499`.
    pub fn bucket(self) -> u16 {
        (self.twice_middle * 10_000 / (2 * self.total)) as u16
    }

    /// Whether this position lies before `millionths` of the line.
    pub fn before(self, millionths: u64) -> bool {
        // both sides stay below 2^128: the sum of all weights is a u64
        self.twice_middle * u128::from(Share::WHOLE) < u128::from(millionths) * 2 * self.total
    }
}

/// The positions of all listed subjects on one line.
#[derive(Clone, Debug, Default)]
pub struct Line(HashMap<Box<[u8]>, WeightedPosition>);

impl Line {
    /// Orders the subjects by their points (ties by id, bytewise) and lays them end to end.
    /// The caller has proved that the weights are positive and that their sum is a `u64`.
    pub fn lay(subjects: &[(Box<[u8]>, u64)], seed: Seed) -> Line {
        let mut order: Vec<_> = subjects
            .iter()
            .map(|(id, weight)| (seed.point(id), id, *weight))
            .collect();
        order.sort();
        let total = order.iter().map(|(_, _, weight)| u128::from(*weight)).sum();
        let mut before = 0;
        let mut positions = HashMap::with_capacity(order.len());
        for (_, id, weight) in order {
            let weight = u128::from(weight);
            positions.insert(
                id.clone(),
                WeightedPosition {
                    twice_middle: 2 * before + weight,
                    total,
                },
            );
            before += weight;
        }
        Line(positions)
    }

    /// `None` for a subject that is not listed: it hashes as usual.
    pub fn position(&self, unit: &[u8]) -> Option<WeightedPosition> {
        self.0.get(unit).copied()
    }
}

/// The two lines of a feature whose unit has weights, and who stands on them.
#[derive(Clone, Debug)]
pub struct Weighted {
    /// the listed subjects and their weights
    pub subjects: Box<[(Box<[u8]>, u64)]>,
    /// ordered by point("bucket"): rollouts and buckets
    pub rollout: Line,
    /// ordered by point("split"): splits
    pub split: Line,
}

impl Weighted {
    /// Lays both lines of a feature with this salt.
    pub fn lay(subjects: &[(Box<[u8]>, u64)], salt: &str) -> Weighted {
        Weighted {
            subjects: subjects.into(),
            rollout: Line::lay(subjects, Seed::bucket(salt)),
            split: Line::lay(subjects, Seed::split_order(salt)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In iff pos < P: a company whose middle is the target itself is outside.
    #[test]
    fn a_middle_on_the_target_is_outside() {
        let one: [(Box<[u8]>, u64); 1] = [(Box::from(*b"acme"), 7)];
        let middle = Line::lay(&one, Seed::bucket("salt"))
            .position(b"acme")
            .unwrap();
        for (millionths, inside) in [(49_999_999, false), (50_000_000, false), (50_000_001, true)] {
            let share = Share::from_millionths(millionths).unwrap();
            assert_eq!(middle.is_in(share), inside, "{share}");
        }
        assert_eq!(middle.bucket(), 5_000);
    }

    /// By the points of this feature, so that no company is always among the first.
    #[test]
    fn companies_lie_in_the_order_of_their_points() {
        let companies: Vec<(Box<[u8]>, u64)> = (0..50)
            .map(|i| (format!("c{i}").into_bytes().into(), 1 + i % 7))
            .collect();
        let laid = Weighted::lay(&companies, "salt");
        for (line, seed) in [
            (&laid.rollout, Seed::bucket("salt")),
            (&laid.split, Seed::split_order("salt")),
        ] {
            let mut order: Vec<_> = companies.iter().map(|(id, _)| id).collect();
            order.sort_by_key(|id| seed.point(id));
            let positions = order
                .iter()
                .map(|id| line.position(id).unwrap().twice_middle);
            assert!(positions.is_sorted(), "{order:?}");
        }
    }

    #[test]
    fn the_weight_that_is_in_stays_within_half_a_subject_of_the_target() {
        let subjects: Vec<_> = (0..100u64)
            .map(|i| (format!("s{i}").into_bytes().into(), 1 + i % 10))
            .collect();
        let total: u64 = subjects.iter().map(|(_, weight)| weight).sum();
        for salt in 0..200 {
            let line = Line::lay(&subjects, Seed::bucket(&format!("salt-{salt}")));
            for percent in [0, 1, 10, 33, 50, 99, 100] {
                let share = Share::from_millionths(percent * 1_000_000).unwrap();
                let inside = |id: &[u8]| line.position(id).unwrap().is_in(share);
                let weight: u64 = subjects
                    .iter()
                    .filter(|(id, _)| inside(id))
                    .map(|(_, weight)| weight)
                    .sum();
                let off = (weight as f64 - total as f64 * f64::from(percent) / 100.0).abs();
                assert!(off <= 5.0, "{salt} at {percent}%: {weight} of {total}");
            }
        }
    }
}
