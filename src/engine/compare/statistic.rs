//! The statistic: by how much the tested arm is worse, and how much of that is chance.
//! In: sums. Out: an amount, its weight, its variance between groups of users, degrees of freedom.

use super::{
    GROUPS, LEAST_GROUPS,
    sums::{CONTROL, Sums, TESTED},
};

/// How much more an arm of few people may vary than they showed: with one third seen and two thirds predicted, the sum stays
/// sub-Gaussian whatever the distribution (Delyon 2009; Bercu and Touati 2008).
const PREDICTED: f64 = 2.0 / 3.0;

/// What the sums of two arms say. There is none where an arm has people in fewer than [`LEAST_GROUPS`] groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistic {
    /// weighted bad answers by which the tested arm is worse, or has become worse
    pub amount: f64,
    /// amount by weight is the Mantel-Haenszel difference of shares
    pub weight: f64,
    /// of the amount
    pub variance: f64,
    /// Student's degrees of freedom: effective groups of the poorer arm
    pub freedom: f64,
    /// the difference of the time itself, where `amount` is a rise
    pub level: f64,
    /// groups in which the tested arm did worse than both together; or of the control, where it has fewer
    pub worse: usize,
    /// groups in which the control did worse
    pub better: usize,
}

impl Statistic {
    /// Of this time.
    pub fn of(sums: &Sums) -> Option<Statistic> {
        let seen = enough(sums)?;
        let (amount, weight) = (sums.amount, sums.weight);
        let residuals = residuals(sums, amount / weight);
        Some(statistic(sums, seen, amount, &residuals, 0.0, sums.f))
    }

    /// Of this time against the time before: what fails always, in this arm's people or in that one's, cancels.
    pub fn rise(sums: &Sums, before: &Sums) -> Option<Statistic> {
        let seen = enough(sums)?;
        enough(before)?;
        let (weight, weight_before) = (sums.weight, before.weight);
        if weight_before <= weight {
            return None;
        }
        let (ratio, was) = (weight / weight_before, before.amount / weight_before);
        let mut residuals = residuals(sums, sums.amount / weight);
        let old = self::residuals(before, was);
        let flat = residuals.iter_mut().flatten();
        flat.zip(old.iter().flatten())
            .for_each(|(now, old)| *now -= ratio * old);
        // whoever changed arms meanwhile is in one group, but in two cells
        let [control, tested] = &residuals;
        let joint = control.iter().zip(tested).map(|(x, y)| (x + y).powi(2));
        let joint = joint.sum();
        let amount = sums.amount - was * weight;
        let least = sums.f * (1.0 + ratio);
        Some(statistic(sums, seen, amount, &residuals, joint, least))
    }
}

/// In how many groups each arm has people, if in enough of them.
fn enough(sums: &Sums) -> Option<[usize; 2]> {
    let seen = sums
        .q
        .map(|groups| groups.iter().filter(|weight| **weight > 0.0).count());
    (seen[CONTROL].min(seen[TESTED]) >= LEAST_GROUPS).then_some(seen)
}

/// What each group adds to the amount, as if it had been left out of the estimate (the jackknife's leverage): a group that
/// carries the whole difference makes the variance as large as its square.
fn residuals(sums: &Sums, difference: f64) -> [[f64; GROUPS]; 2] {
    std::array::from_fn(|arm| {
        let whole: f64 = sums.q[arm].iter().sum();
        std::array::from_fn(|group| {
            let (p, q) = (sums.p[arm][group], sums.q[arm][group]);
            (p - difference * q) / (1.0 - q / whole)
        })
    })
}

fn statistic(
    sums: &Sums,
    seen: [usize; 2],
    amount: f64,
    residuals: &[[f64; GROUPS]; 2],
    joint: f64,
    least: f64,
) -> Statistic {
    let [control, tested] = sums.q.map(|groups| groups.iter().sum::<f64>());
    let by_arm = residuals.map(|groups| groups.iter().map(|u| u * u).sum::<f64>());
    let shown = (by_arm[CONTROL] + by_arm[TESTED]).max(joint);
    // each arm's variance, as the other arm's people would have it
    let predicted = by_arm[CONTROL] * tested / control + by_arm[TESTED] * control / tested;
    let variance = shown + PREDICTED * (predicted - shown).max(0.0);
    let effective = sums.q.map(|groups| {
        let whole: f64 = groups.iter().sum();
        whole * whole / groups.iter().map(|q| q * q).sum::<f64>()
    });
    let weight = control + tested;
    let worse = sums.p[TESTED].iter().filter(|p| **p > 0.0).count();
    let better = sums.p[CONTROL].iter().filter(|p| **p < 0.0).count();
    Statistic {
        amount,
        weight,
        variance: variance.max(least),
        freedom: 2.0 * (effective[CONTROL].min(effective[TESTED]) - 1.0),
        level: sums.amount / weight,
        worse: worse.min(seen[CONTROL]),
        better: better.min(seen[TESTED]),
    }
}
