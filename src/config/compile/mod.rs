//! Shape to meaning: one pass that proves a file and builds what requests are decided by; a file here for each subject.
//! In: the trees of all files. Out: a [`crate::engine::Snapshot`], or every problem of them. Validation that yields no type is
//! forgotten, so there is none: what is checked here is what is built here.

mod attributes;
mod buckets;
mod budget;
mod compiler;
mod condition;
mod conflicts;
mod consent;
mod cookie;
mod declared;
mod draw;
mod feature;
mod gate;
mod generation;
mod graph;
mod guard;
mod headers;
mod impossible;
mod instants;
mod lifetime;
mod login;
mod names;
mod near_misses;
mod operators;
mod other_systems;
mod overrides;
mod payload;
mod reachable;
mod remember;
mod rollout;
mod rules;
mod scalars;
mod serve;
mod sources;
mod stops;
mod toggles;
mod values;
mod variants;
mod visitor;
mod warnings;
mod weights;

pub use compiler::Environment;
pub(in crate::config) use generation::snapshot;
pub(crate) use names::{is_name, is_variant};
pub use stops::{LONGEST as LONGEST_REASON, is_printable, is_stoppable};
pub(in crate::config) use stops::{stops, unknown as unknown_stops};
