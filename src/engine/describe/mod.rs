//! What people and clients read of a decision: sentences, reasons, JSON. Nothing here decides.
//! In: a snapshot and decisions. Out: text and JSON.

pub mod canonical;
pub mod explain;
pub mod identity;
pub mod json;
pub mod overridden;
pub mod phrase;
pub mod reason;
pub mod sentence;
pub mod standing;
