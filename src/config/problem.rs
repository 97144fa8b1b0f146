//! What is wrong with a file, where, and what to write instead.
//! In: what `collector` has found. Out: a line for each.

use std::{fmt, sync::Arc};

/// Whether a problem refuses the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// the file is refused
    Error,
    /// the file is taken, and somebody should look
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// as the caller named the file
    pub file: Arc<str>,
    /// from 1
    pub line: u32,
    /// in characters, from 1
    pub column: u32,
    /// `features.checkout.rollout`; empty for the file as a whole
    pub path: String,
    /// refused, or only noticed
    pub severity: Severity,
    /// what is wrong: lower case, backticks round the user's words
    pub message: String,
    /// what to write instead; empty where the message says it
    pub hint: String,
}

/// One line: ``toggles.yaml:6:14: `features.checkout.rollout`: 110% is not between 0% and 100%; write …``
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

/// Everything that was found; at least one of them is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

/// A line each.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|problem| writeln!(f, "{problem}"))
    }
}

impl std::error::Error for Problems {}
