//! What the clients say at their end. In: latencies in nanoseconds. Out: a line of JSON.

use std::fs;

#[derive(Default)]
pub struct Report {
    pub latencies: Vec<u64>,
    pub errors: u64,
    /// requests that were sent again, because a connection was closed before its answer began
    pub again: u64,
}

impl Report {
    pub fn add(&mut self, other: Report) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
        self.again += other.again;
    }

    /// Latencies in microseconds; `busy` is how much of a core the clients took.
    pub fn line(&mut self, seconds: f64) -> String {
        self.latencies.sort_unstable();
        let at = |share: f64| {
            let rank = (self.latencies.len() as f64 * share) as usize;
            let nanoseconds = self
                .latencies
                .get(rank.min(self.latencies.len().saturating_sub(1)));
            nanoseconds.copied().unwrap_or(0) as f64 / 1e3
        };
        let (answers, errors, again) = (self.latencies.len(), self.errors, self.again);
        let busy = cpu() / seconds;
        format!(
            "{{\"answers\": {answers}, \"errors\": {errors}, \"again\": {again}, \"seconds\": {seconds:.4}, \"busy\": {busy:.3}, \
             \"p50\": {:.1}, \"p99\": {:.1}, \"p99.9\": {:.1}, \"max\": {:.1}}}",
            at(0.5),
            at(0.99),
            at(0.999),
            at(1.0)
        )
    }
}

/// Seconds on a core since we began.
fn cpu() -> f64 {
    let said = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = said.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}
