//! The share of bad answers of one arm by itself. In: its counts. Out: the share, and the interval that holds it at every look.

use super::{GROUPS, LEAST_GROUPS, bound::bound, sums::Counts, words::Interval};

/// With an error of `one_sided` at either end; none where there are people in too few groups. The variance is taken between
/// groups, each as if it had been left out, as for a difference.
pub fn share(counts: &Counts, one_sided: f64) -> Option<Interval> {
    let groups = counts.requests.iter().filter(|n| **n > 0).count();
    if groups < LEAST_GROUPS {
        return None;
    }
    let requests = counts.requests.iter().sum::<u64>() as f64;
    let value = counts.bad.iter().sum::<u64>() as f64 / requests;
    let (mut variance, mut squares) = (0.0, 0.0);
    for group in 0..GROUPS {
        let (n, e) = (counts.requests[group] as f64, counts.bad[group] as f64);
        let leverage = n / requests;
        variance += ((e - value * n) / (1.0 - leverage)).powi(2);
        squares += leverage * leverage;
    }
    let variance = variance.max(value * (1.0 - value) * requests);
    let half = bound(variance, 1.0 / squares - 1.0, one_sided) / requests;
    Some(Interval {
        value,
        low: (value - half).max(0.0),
        high: (value + half).min(1.0),
    })
}
