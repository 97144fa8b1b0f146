//! What `burgee run` may be told, apart from what it does with it.
//! In: arguments and `BURGEE_` variables. Out: values that are proved.

mod choices;
pub mod limits;
pub mod listeners;
pub mod log;
pub mod run;
pub mod values;
