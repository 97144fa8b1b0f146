//! What was decided, and why.
//! In: the evaluation. Out: what headers, metrics and explanations are made of.

use super::{model::Snapshot, overrides, visitor::VisitorId};
use smallvec::SmallVec;

/// Why, in OpenFeature's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// nothing was asked
    Static,
    /// the feature's condition does not hold, or no rule decided
    Default,
    /// a condition decided
    TargetingMatch,
    /// a share decided
    Split,
    /// paused
    Disabled,
    /// a share had to decide, and there is no unit
    Error,
}

impl Reason {
    /// As OpenFeature writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Static => "STATIC",
            Reason::Default => "DEFAULT",
            Reason::TargetingMatch => "TARGETING_MATCH",
            Reason::Split => "SPLIT",
            Reason::Disabled => "DISABLED",
            Reason::Error => "ERROR",
        }
    }
}

/// What one feature answers to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// index into the feature's variants
    pub variant: u8,
    /// why
    pub reason: Reason,
    /// the rule that decided, from 1; 0 for none
    pub rule: u8,
    /// by a valid override
    pub forced: bool,
}

/// The answers to one request. Reused from request to request, so that the hot path does not allocate.
#[derive(Debug, Default)]
pub struct Decisions {
    /// by [`Toggles::first`] + index of the feature; none where a feature gives no answer
    pub answers: Vec<Option<Decision>>,
    /// for each file, where the user came from
    pub people: SmallVec<[Person; 1]>,
    /// for each file, what became of an override
    pub overrides: SmallVec<[Option<overrides::Outcome>; 1]>,
    /// the new id of a stranger, and which files' cookies carry it
    pub visitor: Option<(VisitorId, SmallVec<[u16; 1]>)>,
    /// how many fields were dropped because only burgee may send them
    pub forged: usize,
    /// our fields as lines of a head, after [`Snapshot::write_lines`]
    pub lines: Vec<u8>,
    /// whether `users` is filled: only where somebody asked for ids in a log
    pub remember_users: bool,
    /// for each file, who asks
    pub users: SmallVec<[Option<Box<[u8]>>; 1]>,
}

/// Who asks, without the id itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// nobody said
    Unknown,
    /// a header said two things
    Conflict,
    /// by the source at this index of the user's sources; one past the last is a new visitor
    Source(u16),
    /// by the `targetingKey` of an evaluation context
    Context,
}

impl Decisions {
    /// Makes room for the answers of this snapshot.
    pub fn reset(&mut self, snapshot: &Snapshot) {
        self.answers.clear();
        self.answers.resize(
            snapshot
                .files
                .last()
                .map_or(0, |file| file.first + file.features.len()),
            None,
        );
        self.people.clear();
        self.overrides.clear();
        self.visitor = None;
        self.forged = 0;
        self.lines.clear();
        self.users.clear();
    }
}
