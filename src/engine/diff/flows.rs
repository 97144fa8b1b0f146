//! Who switches variant by an edit, without sampling: the joint distribution of the old and the new variant of one unit.
//! In: what users get before and after, at one instant. Out: the share of users for each pair of variants.

use super::imported;
use crate::engine::{
    model::{Allocation, Feature, Serve},
    units::{Second, Share},
};
use std::collections::BTreeMap;

/// The share of users (0 to 1) for each (from, to); from and to may be the same.
pub type Flows<'a> = BTreeMap<(&'a str, &'a str), f64>;

/// Shares of variants by name: one variant, or the arms of a split.
type Shares<'a> = Vec<(&'a str, f64)>;

/// A line from 0 to 1 on which point("bucket") falls: pieces that end somewhere, and who gets what there.
pub struct Line<'a> {
    pieces: Vec<(f64, Shares<'a>)>,
}

/// The flows between two lots. `aligned` says that both are drawn alike: else users are assigned anew.
pub fn flows<'a>(from: &Line<'a>, to: &Line<'a>, aligned: bool) -> Flows<'a> {
    let mut flows = Flows::new();
    if !aligned {
        independent(&from.total(), &to.total(), 1.0, &mut flows);
        return flows;
    }
    let mut start = 0.0;
    let mut ends: Vec<f64> = from
        .pieces
        .iter()
        .chain(&to.pieces)
        .map(|(end, _)| *end)
        .collect();
    ends.sort_by(f64::total_cmp);
    for end in ends {
        if end > start {
            same_points(from.at(start), to.at(start), end - start, &mut flows);
            start = end;
        }
    }
    flows
}

/// The share of users that switch variant.
pub fn switched(flows: &Flows<'_>) -> f64 {
    flows
        .iter()
        .filter(|((from, to), _)| from != to)
        .map(|(_, share)| share)
        .sum()
}

impl<'a> Line<'a> {
    /// Everybody gets the same.
    pub fn everybody(name: &'a str) -> Line<'a> {
        let pieces = vec![(1.0, vec![(name, 1.0)])];
        Line { pieces }
    }

    /// What this allocation of a feature gives at an instant.
    pub fn of(feature: &'a Feature, allocation: &Allocation, now: Second) -> Line<'a> {
        let name = |variant: u8| &*feature.variant(variant).name;
        let default = || vec![(name(feature.default), 1.0)];
        let whole = f64::from(Share::WHOLE);
        let mut pieces = Vec::new();
        match &allocation.serve {
            Serve::One(variant) => pieces.push((
                f64::from(allocation.rollout.at(now).millionths()) / whole,
                vec![(name(*variant), 1.0)],
            )),
            Serve::Split(arms) => {
                let shares = arms
                    .iter()
                    .map(|arm| (name(arm.variant), f64::from(arm.share.millionths()) / whole))
                    .collect();
                pieces.push((
                    f64::from(allocation.rollout.at(now).millionths()) / whole,
                    shares,
                ));
            }
            Serve::Arms(_) | Serve::Ranges(_) => {
                pieces = imported::pieces(feature, allocation, now);
            }
            Serve::Buckets(ranges) => {
                let mut ranges = ranges.to_vec();
                ranges.sort_unstable();
                for (first, last, variant) in ranges {
                    pieces.push((f64::from(first) / 10_000.0, default()));
                    pieces.push((
                        (f64::from(last) + 1.0) / 10_000.0,
                        vec![(name(variant), 1.0)],
                    ));
                }
            }
        }
        pieces.push((1.0, default()));
        Line { pieces }
    }

    fn at(&self, place: f64) -> &Shares<'a> {
        let found = self
            .pieces
            .iter()
            .find(|(end, _)| place < *end)
            .or(self.pieces.last());
        // a line always has its last piece
        found.map_or(const { &Vec::new() }, |(_, shares)| shares)
    }

    fn total(&self) -> Shares<'a> {
        let (mut start, mut total) = (0.0, BTreeMap::new());
        for (end, shares) in &self.pieces {
            for (name, share) in shares {
                *total.entry(*name).or_insert(0.0) += share * f64::max(end - start, 0.0);
            }
            start = f64::max(start, *end);
        }
        total.into_iter().collect()
    }
}

/// Two assignments that are independent of each other.
fn independent<'a>(from: &Shares<'a>, to: &Shares<'a>, length: f64, flows: &mut Flows<'a>) {
    for (old, p) in from {
        for (new, q) in to {
            *flows.entry((old, new)).or_insert(0.0) += p * q * length;
        }
    }
}

/// Two splits with the same points: a race of the arms, run with two sets of rates (Moulton & Jiang, arXiv 1809.04052, and its off-diagonal).
///
/// Arm k arrives after E_k, exponential with rate 1, and scores E_k / share. With i the first under p and j the first
/// under q, t = E_j / E_i lies between p_j/p_i and q_j/q_i, and every other arm k is later than both:
/// E_k / E_i >= max(p_k/p_i, t q_k/q_j). So P(i, j) is the integral of 1 / (1 + t + sum_k max(...))^2 over t, piece by
/// piece, for the sum is a broken line in t. For i = j it is 1 / sum_k max(p_k/p_i, q_k/q_i).
fn same_points<'a>(from: &Shares<'a>, to: &Shares<'a>, length: f64, flows: &mut Flows<'a>) {
    if from.len() == 1 || to.len() == 1 {
        return independent(from, to, length, flows);
    }
    let mut arms: BTreeMap<&'a str, (f64, f64)> = BTreeMap::new();
    from.iter()
        .for_each(|(name, p)| arms.entry(name).or_default().0 = *p);
    to.iter()
        .for_each(|(name, q)| arms.entry(name).or_default().1 = *q);
    for (i, (p_i, q_i)) in arms.iter().filter(|(_, (p, _))| *p > 0.0) {
        for (j, (p_j, q_j)) in arms.iter().filter(|(_, (_, q))| *q > 0.0) {
            let share = if i == j {
                1.0 / arms
                    .values()
                    .map(|(p, q)| f64::max(p / p_i, q / q_i))
                    .sum::<f64>()
            } else {
                let others = arms.iter().filter(|(k, _)| *k != i && *k != j);
                let lines: Vec<(f64, f64)> = others.map(|(_, (p, q))| (p / p_i, q / q_j)).collect();
                let to = if *q_i > 0.0 { q_j / q_i } else { f64::INFINITY };
                integral(p_j / p_i, to, &lines)
            };
            if share > 0.0 {
                *flows.entry((i, j)).or_insert(0.0) += share * length;
            }
        }
    }
}

/// The integral of 1 / (1 + t + sum max(a, b t))^2 from `start` to `end`.
fn integral(start: f64, end: f64, lines: &[(f64, f64)]) -> f64 {
    let mut cuts: Vec<f64> = lines
        .iter()
        .map(|(a, b)| a / b)
        .filter(|cut| *cut > start && *cut < end)
        .collect();
    cuts.sort_by(f64::total_cmp);
    cuts.push(end);
    let (mut start, mut sum) = (start, 0.0);
    for cut in cuts {
        if cut <= start {
            continue;
        }
        let middle = if cut.is_finite() {
            (start + cut) / 2.0
        } else {
            start + 1.0
        };
        let (mut constant, mut slope) = (1.0, 1.0);
        for (a, b) in lines {
            if b * middle > *a {
                slope += b
            } else {
                constant += a
            }
        }
        let at = |t: f64| {
            if t.is_finite() {
                1.0 / (constant + slope * t)
            } else {
                0.0
            }
        };
        sum += (at(start) - at(cut)) / slope;
        start = cut;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::bucket::{Arm, Seed, split};

    fn shares(percent: &[u32]) -> Shares<'static> {
        const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
        let arms = NAMES
            .into_iter()
            .zip(percent)
            .filter(|(_, percent)| **percent > 0);
        arms.map(|(name, percent)| (name, f64::from(*percent) / 100.0))
            .collect()
    }

    fn arms(shares: &Shares<'_>) -> Vec<Arm> {
        let arm = |(name, share): &(&str, f64)| Arm {
            variant: name.as_bytes()[0],
            share: Share::from_millionths((share * 1e8).round() as u32).unwrap(),
            seed: Seed::split(name, "salt"),
        };
        shares.iter().map(arm).collect()
    }

    /// Every cell of the closed form against 200,000 people, and the marginals exactly.
    #[test]
    fn the_closed_form_is_what_happens_to_people() {
        for (p, q, expected) in [
            (&[50, 50][..], &[60, 40][..], 0.1),
            (&[33, 33, 34], &[40, 30, 30], 0.0727),
            (&[50, 25, 25], &[40, 25, 35], 0.123),
            (&[25, 25, 25, 25], &[15, 25, 25, 35], 0.145),
            (&[80, 10, 10], &[60, 20, 20], 0.2),
            (&[50, 50], &[40, 40, 20], 0.2),
            (&[34, 33, 33], &[0, 50, 50], 0.34),
            (&[70, 10, 15, 5], &[5, 60, 5, 10, 20], f64::NAN),
        ] {
            let (from, to) = (shares(p), shares(q));
            let mut flows = Flows::new();
            same_points(&from, &to, 1.0, &mut flows);
            if !expected.is_nan() {
                assert!(
                    (switched(&flows) - expected).abs() < 0.0006,
                    "{p:?} to {q:?}: {}",
                    switched(&flows)
                );
            }
            for (name, p) in &from {
                let row: f64 = flows
                    .iter()
                    .filter(|((from, _), _)| from == name)
                    .map(|(_, share)| share)
                    .sum();
                assert!((row - p).abs() < 1e-12, "{p} of {name}: {row}");
            }
            let (old, new, mut counted) = (arms(&from), arms(&to), BTreeMap::new());
            let people = 200_000;
            for person in 0..people {
                let id = format!("user-{person}");
                *counted
                    .entry((split(&old, id.as_bytes()), split(&new, id.as_bytes())))
                    .or_insert(0) += 1;
            }
            for ((from, to), share) in &flows {
                let count = counted
                    .get(&(from.as_bytes()[0], to.as_bytes()[0]))
                    .copied()
                    .unwrap_or(0);
                let (mean, deviation) = (
                    share * f64::from(people),
                    (share * f64::from(people)).sqrt(),
                );
                assert!(
                    (f64::from(count) - mean).abs() < 5.0 * deviation + 1.0,
                    "{from} to {to}: {count}, not {mean}"
                );
            }
        }
    }
}
