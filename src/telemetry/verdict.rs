//! A verdict of the guard in this process: which variant does harm, and the numbers that made it certain.
//! In: what `verdicts` finds at a look. Out: a log line's fields, a sentence, and what stops the feature.

use crate::engine::{
    compare::{guard::Harm, words::Measure},
    guard::GuardAction,
    instant,
    stops::Trip,
    units::Second,
};

/// It is certain that a variant does harm.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// the feature
    pub feature: Box<str>,
    /// a hash of its text
    pub text: u32,
    /// what its file wants of it
    pub action: GuardAction,
    /// the rule whose draw did most harm: its name, else its number; `-` for the feature's own
    pub rule: Box<str>,
    /// the variant that does harm
    pub variant: Box<str>,
    /// what ends badly
    pub measure: Measure,
    /// by how much it may be worse
    pub margin: f64,
    /// the numbers
    pub harm: Harm,
    /// since the feature's text was written, of the variant and of its control: requests, and bad ones among them
    pub counted: [(u64, u64); 2],
    /// when it became certain
    pub at: Second,
    /// in words
    pub sentence: String,
}

impl Verdict {
    /// What stops the feature in this process, where its file wants that.
    pub fn trip(&self) -> Option<Trip> {
        let at = instant::show(self.at);
        (self.action == GuardAction::Stop).then(|| Trip {
            key: self.feature.clone(),
            text: self.text,
            sentence: format!(
                "stopped by the guard of this pod at {at}: {}",
                self.sentence
            )
            .into(),
        })
    }
}
