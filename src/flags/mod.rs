//! The flags of `burgee run`, apart from what it does with them.
//! In: arguments and `BURGEE_` variables. Out: valid values.

mod choices;
pub mod kubernetes;
pub mod limits;
pub mod listeners;
pub mod log;
pub mod run;
pub mod values;
