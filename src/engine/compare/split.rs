//! Whether the draw arrives as it was drawn (sample ratio). Requests are no trials, because a variant may change how many there
//! are; people at their first request are. In: new people by variant, and drawn shares. Out: whether the split is broken.

use super::bound::BEND;

/// Below this the split is broken: in one of a thousand fair rollouts, at all looks together.
pub const LEVEL: f64 = 0.001;

/// Bits of a bitmap of people.
pub const BITS: usize = 1 << 16;

/// The split of one variant so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    deviation: f64,
    variance: f64,
    expected: f64,
    people: u64,
    /// all of them, this variant's and the others'
    all: u64,
    p: f64,
}

impl Default for Split {
    fn default() -> Split {
        Split {
            deviation: 0.0,
            variance: 0.0,
            expected: 0.0,
            people: 0,
            all: 0,
            p: 1.0,
        }
    }
}

impl Split {
    /// A look: of `all` new people `people` got the variant, where `share` of them should have. How unlikely it all is by now.
    pub fn look(&mut self, share: f64, people: u64, all: u64) -> f64 {
        self.deviation += people as f64 - share * all as f64;
        self.variance += share * (1.0 - share) * all as f64;
        self.expected += share * all as f64;
        self.people += people;
        self.all += all;
        let v = self.variance + BEND;
        let p = (v / BEND).sqrt() * (-self.deviation.powi(2) / (2.0 * v)).exp();
        // the least of all looks is always valid
        self.p = self.p.min(p);
        p.min(1.0)
    }

    /// How many people there should be, and are.
    pub fn people(&self) -> (f64, u64) {
        (self.expected, self.people)
    }

    /// How unlikely the worst look is in a fair split.
    pub fn p(&self) -> f64 {
        self.p
    }

    /// Something decides who arrives: a cache, a redirect, a client.
    pub fn is_broken(&self) -> bool {
        self.p < LEVEL
    }

    /// The share that arrived, and the one that was drawn.
    pub fn shares(&self) -> (f64, f64) {
        let all = self.all.max(1) as f64;
        (self.people as f64 / all, self.expected / all)
    }
}

/// How many people set so many bits of a bitmap: within 2% to 450,000 (linear counting).
pub fn people(set: u64) -> u64 {
    // a full bitmap says no more than this
    let clear = (BITS as f64 - set as f64).max(1.0);
    (-(BITS as f64) * (clear / BITS as f64).ln()).round() as u64
}
