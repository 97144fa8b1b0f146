//! What the process says of itself: log lines and metrics.
//! In: events of the data path. Out: lines on standard error, text on `/metrics`.

mod access;
mod arms;
mod bitmap;
mod comparison;
pub mod counter;
mod decided;
mod event;
mod exposure;
mod goal_lines;
mod goal_people;
mod goals;
mod groups;
mod line_writer;
pub mod log;
mod log_fields;
pub mod metrics;
mod openmetrics;
mod process;
mod recorder;
mod request_logs;
mod scrape;
mod series;
mod stages;
mod totals;
mod trace_context;
mod variant;
mod verdict;
mod verdicts;

pub use scrape::CONTENT_TYPE;

pub use comparison::{ArmReport, DrawReport, FeatureComparison, GoalReport, NotCompared};
pub use counter::BOUNDS;
pub use event::{ExposureEvent, RequestEvent, RequestLine};
pub use log_fields::{UserNames, UserNaming};
pub use metrics::Metrics;
pub use recorder::Recorder;
pub use request_logs::{ExposuresTo, RequestLogs};
pub use totals::VariantTotals;
pub use verdict::Verdict;
