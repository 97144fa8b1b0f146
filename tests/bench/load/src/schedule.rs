//! When requests are due. In: nanoseconds since the beginning. Out: the next one's intended time, from which its latency counts.

use std::collections::VecDeque;

pub enum Schedule {
    /// as soon as a connection is free
    Closed { until: u64, left: u64 },
    /// at random intervals, however long the answers take
    Open {
        until: u64,
        next: u64,
        gap: Gap,
        due: VecDeque<u64>,
    },
}

impl Schedule {
    pub fn new(seconds: f64, requests: u64, rate: Option<f64>) -> Schedule {
        let until = (seconds * 1e9) as u64;
        match rate {
            None => Schedule::Closed {
                until,
                left: requests,
            },
            Some(rate) => Schedule::Open {
                until,
                next: 0,
                gap: Gap {
                    mean: 1e9 / rate,
                    state: 88_172_645_463_325_252,
                },
                due: VecDeque::new(),
            },
        }
    }

    /// The intended time of a request that is due.
    pub fn take(&mut self, now: u64) -> Option<u64> {
        match self {
            Schedule::Closed { until, left } => {
                let is_due = now < *until && *left > 0;
                *left -= u64::from(is_due);
                is_due.then_some(now)
            }
            Schedule::Open {
                until,
                next,
                gap,
                due,
            } => {
                while *next <= now && *next < *until {
                    due.push_back(*next);
                    *next += gap.draw();
                }
                due.pop_front()
            }
        }
    }

    /// Whether no request will be due any more.
    pub fn is_over(&self, now: u64) -> bool {
        match self {
            Schedule::Closed { until, left } => now >= *until || *left == 0,
            Schedule::Open {
                until, next, due, ..
            } => next >= until && due.is_empty(),
        }
    }

    /// How long to wait for answers before the next is due.
    pub fn pause(&self, now: u64) -> u64 {
        match self {
            Schedule::Open { until, next, .. } if next < until => next.saturating_sub(now),
            _ => 100_000_000,
        }
    }
}

/// Exponential intervals: arrivals that know nothing of each other. The same ones every time.
pub struct Gap {
    mean: f64,
    state: u64,
}

impl Gap {
    fn draw(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let share = ((self.state >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        (-share.ln() * self.mean) as u64 + 1
    }
}
