//! All that is kept of the past: sums by arm and group. They add up over slices, rules and time.
//! In: requests and bad answers of one stratum. Out: sums, which later ones are added to or earlier ones taken from.

use super::GROUPS;

/// The control's index among two arms.
pub const CONTROL: usize = 0;
/// The index of the variant that is compared with it.
pub const TESTED: usize = 1;

/// Requests of one arm and how many of them ended badly, by group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// all
    pub requests: [u64; GROUPS],
    /// of them, bad ones
    pub bad: [u64; GROUPS],
}

/// Sums over strata, by arm and group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// bad answers beyond what both arms have in common
    pub p: [[f64; GROUPS]; 2],
    /// weights
    pub q: [[f64; GROUPS]; 2],
    /// the binomial variance of the amount: the least that it can be
    pub f: f64,
    /// the total of `p`: by how much the tested arm is worse, in weighted bad answers
    pub amount: f64,
    /// the total of `q`: what the amount is divided by to make a difference of shares
    pub weight: f64,
}

impl Sums {
    /// Of one stratum. Without requests in both arms it says nothing.
    pub fn of(control: &Counts, tested: &Counts) -> Sums {
        let mut sums = Sums::default();
        let arms = [control, tested];
        let requests = arms.map(|arm| arm.requests.iter().sum::<u64>() as f64);
        let bad = arms.map(|arm| arm.bad.iter().sum::<u64>() as f64);
        if requests.contains(&0.0) {
            return sums;
        }
        let all = requests[CONTROL] + requests[TESTED];
        let rate = (bad[CONTROL] + bad[TESTED]) / all;
        for (arm, sign) in [(CONTROL, -1.0), (TESTED, 1.0)] {
            let other = requests[1 - arm] / all;
            for group in 0..GROUPS {
                let (n, e) = (
                    arms[arm].requests[group] as f64,
                    arms[arm].bad[group] as f64,
                );
                sums.p[arm][group] = sign * other * (e - rate * n);
                sums.q[arm][group] = other * other * n;
            }
        }
        sums.amount = total(&sums.p);
        sums.weight = total(&sums.q);
        sums.f = rate * (1.0 - rate) * requests[CONTROL] * requests[TESTED] / all;
        sums
    }

    /// These and `factor` times the others.
    fn plus(&mut self, other: &Sums, factor: f64) {
        for (mine, others) in [(&mut self.p, &other.p), (&mut self.q, &other.q)] {
            let mine = mine.iter_mut().flatten();
            mine.zip(others.iter().flatten())
                .for_each(|(mine, other)| *mine += factor * other);
        }
        self.f += factor * other.f;
        self.amount += factor * other.amount;
        self.weight += factor * other.weight;
    }

    /// These and the others.
    pub fn add(&mut self, other: &Sums) {
        self.plus(other, 1.0);
    }

    /// What has come since `earlier`, a copy of these sums at that time.
    pub fn since(&self, earlier: &Sums) -> Sums {
        let mut sums = self.clone();
        sums.plus(earlier, -1.0);
        sums
    }
}

fn total(arms: &[[f64; GROUPS]; 2]) -> f64 {
    arms.iter().map(|groups| groups.iter().sum::<f64>()).sum()
}
