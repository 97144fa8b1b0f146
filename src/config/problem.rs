//! What is wrong with a file, where, and what to write instead.
//! In: places and sentences, as they are found. Out: problems in the order of the text, each told once.

use super::tree::{Node, Place};
use std::{fmt, sync::Arc};

/// Whether a problem keeps the file out of force.
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

/// Beyond this many, problems are counted and not told: 100,000 unknown keys help nobody.
const TOLD: usize = 1_000;

/// Collects what is found while files are read. Paths are looked up at the end, from the places.
#[derive(Debug, Default)]
pub(super) struct Log {
    found: Vec<(Place, Severity, String, String)>,
    untold: usize,
    errors: usize,
}

impl Log {
    pub(super) fn error(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.errors += 1;
        self.add(at, Severity::Error, message.into(), hint.into());
    }

    pub(super) fn warn(&mut self, at: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.add(at, Severity::Warning, message.into(), hint.into());
    }

    fn add(&mut self, at: Place, severity: Severity, message: String, hint: String) {
        if self.found.len() < TOLD {
            self.found.push((at, severity, message, hint));
        } else {
            self.untold += 1;
        }
    }

    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Suggestions cost time on large files; after many problems nobody reads them.
    pub(super) fn is_tired(&self) -> bool {
        self.found.len() > 100
    }

    /// In the order of the files and of the text. `files` are the names and the trees that the places are of.
    pub(super) fn tell(mut self, files: &[(Arc<str>, Option<Node<'_>>)]) -> Vec<Problem> {
        self.found
            .sort_by_key(|(at, ..)| (at.file, at.line, at.column));
        let mut told: Vec<Problem> = self
            .found
            .into_iter()
            .map(|(at, severity, message, hint)| {
                let (file, root) = &files[usize::from(at.file)];
                Problem {
                    file: file.clone(),
                    line: at.line,
                    column: at.column,
                    path: root
                        .as_ref()
                        .map_or_else(String::new, |root| root.path(at.id)),
                    severity,
                    message,
                    hint,
                }
            })
            .collect();
        told.dedup();
        if let (Some(last), 1..) = (told.last().cloned(), self.untold) {
            told.push(Problem {
                path: String::new(),
                severity: Severity::Error,
                message: format!("and {} more problems that are not shown", self.untold),
                hint: "mend those above and check again".to_owned(),
                ..last
            });
        }
        told
    }
}

/// The user's words in backticks: one line, and not too long.
pub(super) fn quote(words: &str) -> String {
    let mut quoted = String::from("`");
    for (count, character) in words.chars().enumerate() {
        if count == 60 {
            quoted.push('…');
            break;
        }
        match character {
            control if control.is_control() => quoted.extend(control.escape_default()),
            plain => quoted.push(plain),
        }
    }
    quoted.push('`');
    quoted
}

/// The name among `known` that was probably meant.
pub fn nearest<'k>(words: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if words.len() > 64 {
        return None;
    }
    let lower = words.to_ascii_lowercase();
    known
        .into_iter()
        .take(2_000)
        .filter(|name| name.len().abs_diff(words.len()) <= 3)
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase());
            (distance, name)
        })
        .filter(|(distance, name)| *distance <= 1 + name.len() / 5 && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `a`, `b` or `c`, in backticks.
pub(super) fn one_of<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let names: Vec<String> = names.into_iter().map(quote).collect();
    match names.as_slice() {
        [] => String::from("nothing"),
        [one] => one.clone(),
        many if many.len() > 16 => format!("{}, …", many[..16].join(", ")),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// `did you mean …?`, else which names there are.
pub(super) fn did_you_mean<'k>(
    words: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> String {
    match nearest(words, known.clone()) {
        Some(name) => format!("did you mean {}?", quote(name)),
        None => format!("write {}", one_of(known)),
    }
}
