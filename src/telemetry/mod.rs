//! What the process says of itself: log lines and metrics.
//! In: events of the data path. Out: lines on standard error, text on `/metrics`.

pub mod count;
pub mod log;
pub mod metrics;
mod process;
mod scrape;

pub use scrape::CONTENT_TYPE;

pub use metrics::{Metrics, Worker};
