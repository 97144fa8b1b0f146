//! Problems as they are found while files are read.
//! In: places and sentences. Out: problems in the order of the text, each told once.

use super::{
    phrases::quote,
    problem::{Problem, Severity},
    tree::{Node, Position},
};
use std::sync::Arc;

/// Beyond this many, problems are counted and not told: 100,000 unknown keys help nobody.
const TOLD: usize = 1_000;

/// Collects what is found while files are read. Paths are looked up at the end, from the places.
#[derive(Debug, Default)]
pub(super) struct Collector {
    /// of the files, for what concerns two of them
    names: Vec<Arc<str>>,
    found: Vec<(Position, Severity, String, String)>,
    untold: usize,
    errors: usize,
}

impl Collector {
    /// For files of these names.
    pub(super) fn of(names: Vec<Arc<str>>) -> Collector {
        Collector {
            names,
            ..Collector::default()
        }
    }

    /// The file of this place, as problems name it.
    pub(super) fn file(&self, at: Position) -> String {
        let name = self.names.get(usize::from(at.file));
        name.map_or("another file".to_owned(), |name| quote(name))
    }

    /// Nothing in the file of `here`; ` of` and its name where the other place is in another file.
    pub(super) fn of_file(&self, other: Position, here: Position) -> String {
        match other.file == here.file {
            true => String::new(),
            false => format!(" of {}", self.file(other)),
        }
    }

    pub(super) fn error(
        &mut self,
        at: Position,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.errors += 1;
        self.add(at, Severity::Error, message.into(), hint.into());
    }

    pub(super) fn warn(
        &mut self,
        at: Position,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(at, Severity::Warning, message.into(), hint.into());
    }

    fn add(&mut self, at: Position, severity: Severity, message: String, hint: String) {
        if self.found.len() < TOLD {
            self.found.push((at, severity, message, hint));
        } else {
            self.untold += 1;
        }
    }

    /// Forgets the errors beyond so many: what they were found in is something else.
    pub(super) fn forget(&mut self, errors: usize) {
        let beyond = self.errors.saturating_sub(errors);
        self.found.truncate(self.found.len().saturating_sub(beyond));
        self.errors = errors;
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
                hint: "fix those above and check again".to_owned(),
                ..last
            });
        }
        told
    }
}
