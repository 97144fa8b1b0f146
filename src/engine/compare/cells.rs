//! What is counted of one variant of one draw. In: requests by group and outcome. Out: counts by measure.

use super::{GROUPS, sums::Counts, words::Measure};

/// Outcomes of a request: bad or not, and slow or not.
pub const OUTCOMES: usize = 4;

/// The outcome of a request.
#[inline]
pub fn outcome(bad: bool, slow: bool) -> usize {
    usize::from(bad) + 2 * usize::from(slow)
}

/// Requests by group and outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells(pub [[u64; OUTCOMES]; GROUPS]);

impl Cells {
    /// All of them.
    pub fn requests(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// What came since `earlier`.
    pub fn since(&self, earlier: &Cells) -> Cells {
        let mut cells = *self;
        let pairs = cells.0.iter_mut().flatten().zip(earlier.0.iter().flatten());
        pairs.for_each(|(now, earlier)| *now = now.saturating_sub(*earlier));
        cells
    }

    /// Requests and bad ones, by this measure.
    pub fn counts(&self, measure: Measure) -> Counts {
        let mut counts = Counts::default();
        for (group, cell) in self.0.iter().enumerate() {
            counts.requests[group] = cell.iter().sum();
            counts.bad[group] = match measure {
                Measure::Errors => cell[outcome(true, false)] + cell[outcome(true, true)],
                Measure::Slow => cell[outcome(false, true)] + cell[outcome(true, true)],
            };
        }
        counts
    }
}
