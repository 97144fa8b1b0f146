//! Stops: which features somebody has stopped, or holds where they are. They stand apart from the toggles.
//! In: the stops file, read by `config`. Out: data; what a stop does to a decision is `stopped`.

use super::{instant, units::Second};

/// All stops in force. Immutable; replaced whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stops {
    /// a hash of the file, 16 hexadecimal digits, equal in all pods with the same stops; `none` without a file
    pub revision: Box<str>,
    /// in bytewise order of the names, each once
    pub list: Box<[Stop]>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// as the file writes it: a feature, `namespace.feature`, or [`EVERY`]
    pub name: Box<str>,
    /// what it does
    pub kind: StopKind,
    /// when somebody stopped it, where the file says so; for a hold, the instant at which its clock stands still
    pub at: Option<Second>,
    /// the reason that was given
    pub why: Option<Box<str>>,
    /// who stopped it: a claim
    pub by: Option<Box<str>>,
    /// where it stands in the file
    pub line: u32,
}

/// A feature that the guard of this process has stopped. No file says so: it ends with the process, or with the feature's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    /// the feature
    pub key: Box<str>,
    /// a hash of its text
    pub text: u32,
    /// since when, and what was certain
    pub sentence: Box<str>,
}

/// Stands for every feature.
pub const EVERY: &str = "*";

/// What a stop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// everybody gets the default
    Stop,
    /// rollouts that follow the clock stand still
    Hold,
}

impl Default for Stops {
    fn default() -> Stops {
        Stops {
            revision: "none".into(),
            list: Box::default(),
        }
    }
}

impl Stops {
    /// What stops or holds a feature of these names. A stop beats a hold.
    pub fn of(&self, names: &[&str]) -> Option<&Stop> {
        let named = |stop: &&Stop| &*stop.name == EVERY || names.contains(&&*stop.name);
        let is_stop = |stop: &&Stop| stop.kind == StopKind::Stop;
        let mut stops = self.list.iter().filter(named);
        let first = stops.next()?;
        Some(match is_stop(&first) {
            true => first,
            false => stops.find(is_stop).unwrap_or(first),
        })
    }
}

impl Stop {
    /// `stopped since 2026-11-28T22:00:00Z by mia: 5xx in treatment`
    pub fn sentence(&self) -> String {
        let mut text = match (self.kind, self.at) {
            (StopKind::Stop, None) => "stopped".to_owned(),
            (StopKind::Stop, Some(at)) => format!("stopped since {}", instant::show(at)),
            (StopKind::Hold, at) => {
                format!("held as of {}", at.map(instant::show).unwrap_or_default())
            }
        };
        for (word, said) in [(" by ", &self.by), (": ", &self.why)] {
            if let Some(said) = said {
                text.extend([word, said]);
            }
        }
        text
    }
}
