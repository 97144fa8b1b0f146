//! What `burgee run` may be told, apart from what it does with it.
//! In: arguments and `BURGEE_` variables. Out: values that are proved.

pub mod run;
pub mod values;
