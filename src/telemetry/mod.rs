//! What the process says of itself: log lines and metrics.
//! In: events of the data path. Out: lines on standard error, text on `/metrics`.

mod access;
mod compared;
pub mod count;
mod counts;
mod event;
mod exposure;
mod goals;
mod journal;
mod lines;
pub mod log;
pub mod metrics;
mod process;
mod scrape;
mod series;

pub use scrape::CONTENT_TYPE;

pub use count::BOUNDS;
pub use counts::Counts;
pub use event::{Answered, Exposed};
pub use journal::{Journal, Naming};
pub use metrics::{Metrics, Worker};
