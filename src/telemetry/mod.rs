//! What the process says of itself: log lines and metrics.
//! In: events of the data path. Out: lines on standard error, text on `/metrics`.

mod access;
mod comparable;
pub mod counter;
mod event;
mod exposure;
mod goals;
mod journal;
mod line_writer;
pub mod log;
pub mod metrics;
mod process;
mod scrape;
mod series;
mod totals;

pub use scrape::CONTENT_TYPE;

pub use counter::BOUNDS;
pub use event::{Answered, Exposed};
pub use journal::{Journal, Naming};
pub use metrics::{Metrics, Worker};
pub use totals::Counts;
