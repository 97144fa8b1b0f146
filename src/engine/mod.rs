//! The heart: who is asking, what they get, which headers say so. Pure: no I/O, no clock, no lock, no log.
//! In: a [`Snapshot`] made by `config` and a request. Out: [`Decisions`], and headers that only burgee wrote.

pub mod allocation;
pub mod anonymous;
pub mod attributes;
pub mod bucket;
pub mod client_address;
pub mod compare;
pub mod condition;
pub mod decision;
pub mod describe;
pub mod diff;
pub mod evaluate;
pub mod features;
pub mod forged_fields;
pub mod given;
pub mod guard;
pub mod headers;
pub mod imported;
pub mod instant;
pub mod model;
pub mod navigation;
pub mod normal;
pub mod number;
pub mod operator;
pub mod override_choice;
pub mod overrides;
pub mod remember;
pub mod request;
pub mod schedule;
pub mod set_cookie;
pub mod shortcut;
pub mod signature;
pub mod signed_in;
pub mod source;
pub mod stopped;
pub mod stops;
pub mod token;
pub mod units;
pub mod vary;
pub mod version;
pub mod visitor;
pub mod weights;

pub use decision::{Decision, Decisions, Reason};
pub use model::{Feature, Snapshot, Status, Toggles, Variant};
