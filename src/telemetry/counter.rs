//! WorkerCounters that one thread writes and any thread reads, without contention and without a lock.
//! In: one event. Out: a sum that a scrape may read at any time.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// A counter with one writer. Two writers would lose counts, never more than that.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A load and a store, not a locked add: there is one writer.
    #[inline]
    pub fn add(&self, more: u64) {
        self.0
            .store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    /// As of now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// 1xx to 5xx, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusClass(u8);

/// The classes as labels.
pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

impl StatusClass {
    /// A status beyond 599 is the application's mistake: 5xx.
    pub fn of(status: u16) -> StatusClass {
        StatusClass((status / 100).clamp(1, 5) as u8 - 1)
    }
}

/// Upper bounds of the buckets of a duration, in nanoseconds; the last one has none.
pub const BOUNDS: [u64; 14] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// How a request ended, with its bucket found once for all the histograms that it goes into.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    class: StatusClass,
    bucket: u8,
    nanoseconds: u64,
}

/// The places of an observation in every histogram, found once: that they exist is known where they are used.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    bucket: usize,
    sum: usize,
    nanoseconds: u64,
}

impl Observation {
    /// Of a status and a duration.
    pub fn new(status: u16, took: Duration) -> Observation {
        let nanoseconds = took.as_nanos() as u64;
        Observation {
            class: StatusClass::of(status),
            bucket: BOUNDS.partition_point(|bound| *bound < nanoseconds) as u8,
            nanoseconds,
        }
    }

    /// A status of 500 or above.
    #[inline]
    pub fn is_error(self) -> bool {
        usize::from(self.class.0) == CLASSES.len() - 1
    }

    /// Where it goes.
    #[inline]
    pub fn place(self) -> Place {
        let class = usize::from(self.class.0) * COLUMNS;
        Place {
            bucket: (class + usize::from(self.bucket)).min(SLOTS - 1),
            sum: (class + SUM).min(SLOTS - 1),
            nanoseconds: self.nanoseconds,
        }
    }

    /// It took longer than so many nanoseconds.
    #[inline]
    pub fn is_slower(self, than: u64) -> bool {
        self.nanoseconds > than
    }
}

/// Of a class: its buckets, then the sum of its durations.
const COLUMNS: usize = SUM + 1;
const SUM: usize = BOUNDS.len() + 1;
const SLOTS: usize = CLASSES.len() * COLUMNS;

/// Requests and their durations by status class.
#[derive(Debug)]
pub struct RequestHistogram([Counter; SLOTS]);

impl Default for RequestHistogram {
    fn default() -> RequestHistogram {
        RequestHistogram(std::array::from_fn(|_| Counter::default()))
    }
}

impl RequestHistogram {
    /// One more.
    #[inline]
    pub fn add(&self, place: Place) {
        self.0[place.bucket].add(1);
        self.0[place.sum].add(place.nanoseconds);
    }

    /// The same counters of all workers together: for each class the buckets and the sum in nanoseconds.
    pub fn sum<'a>(
        workers: impl Iterator<Item = &'a RequestHistogram>,
    ) -> [([u64; BOUNDS.len() + 1], u64); CLASSES.len()] {
        let mut sums = <[([u64; BOUNDS.len() + 1], u64); CLASSES.len()]>::default();
        for histograms in workers {
            for (sum, slots) in sums.iter_mut().zip(histograms.0.chunks_exact(COLUMNS)) {
                for (bucket, slot) in sum.0.iter_mut().zip(slots) {
                    *bucket += slot.get();
                }
                sum.1 += slots[SUM].get();
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_where_its_status_and_its_duration_belong() {
        for (status, took, class, bucket) in [
            (200, Duration::ZERO, 1, 0),
            (200, Duration::from_micros(500), 1, 0),
            (204, Duration::from_nanos(500_001), 1, 1),
            (101, Duration::from_millis(1), 0, 1),
            (404, Duration::from_secs(10), 3, 13),
            (502, Duration::from_secs(11), 4, 14),
            (999, Duration::from_secs(1), 4, 10),
        ] {
            let histograms = RequestHistogram::default();
            histograms.add(Observation::new(status, took).place());
            let sums =
                RequestHistogram::sum([&histograms, &RequestHistogram::default()].into_iter());
            assert_eq!(sums[class].0[bucket], 1, "{status} after {took:?}");
            assert_eq!(sums[class].1, took.as_nanos() as u64);
        }
    }
}
