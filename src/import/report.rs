//! What became of each flag: carried, approximated, to be looked at, refused; each with its place and its reason.
//! In: what importers tell. Out: text for a terminal, Markdown, or JSON.

use crate::config::is_printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How long a text of a file is told.
const LONGEST: usize = 300;

/// A text of a file as a terminal may have it: without what moves its cursor, hides or turns letters, and not without end.
pub(crate) fn clean(text: &str) -> String {
    let plain = |sign: char| match is_printable(sign.encode_utf8(&mut [0; 4])) {
        true => sign,
        false => '\u{fffd}',
    };
    let mut clean: String = text.chars().take(LONGEST).map(plain).collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push('…');
    }
    clean
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Carried,
    /// so many of 100,000 ids get something else
    Approximated(u32),
    /// nothing moves, and somebody should look
    Note,
    Refused,
}

/// One line of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) fate: Fate,
    /// as the other system calls it; empty for the file as a whole
    pub(crate) flag: String,
    /// `flags.json:6:5`
    pub(crate) place: String,
    /// `flags.checkout.targeting`
    pub(crate) path: String,
    pub(crate) what: String,
    /// what to do
    pub(crate) hint: String,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// so many as somebody can read
    pub(crate) told: Vec<Told>,
    pub(crate) carried: usize,
    pub(crate) approximated: usize,
    pub(crate) noted: usize,
    pub(crate) refused: usize,
    /// names that burgee does not allow, and what they are called now
    pub(crate) renamed: Vec<(String, String)>,
    /// attributes whose source is a proposal
    pub(crate) to_settle: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn is_refused(&self) -> bool {
        self.refused > 0
    }

    /// One more of this fate.
    pub(crate) fn count(&mut self, fate: Fate) {
        let count = match fate {
            Fate::Carried => &mut self.carried,
            Fate::Approximated(_) => &mut self.approximated,
            Fate::Note => &mut self.noted,
            Fate::Refused => &mut self.refused,
        };
        *count += 1;
    }

    /// `3 carried, 1 approximated, 2 to look at, 1 refused`
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} carried, {} approximated, {} to look at, {} refused",
            self.carried, self.approximated, self.noted, self.refused
        )
    }

    /// For a terminal: a line each, refusals first.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut told: Vec<&Told> = self.told.iter().collect();
        told.sort_by_key(|one| match one.fate {
            Fate::Refused => 0,
            Fate::Approximated(_) => 1,
            Fate::Note => 2,
            Fate::Carried => 3,
        });
        for one in told {
            let path = match one.path.is_empty() {
                true => String::new(),
                false => format!("`{}`: ", one.path),
            };
            let _ = writeln!(
                out,
                "{}: {}: {path}{}",
                one.place,
                one.word(),
                one.sentence()
            );
        }
        for (old, new) in &self.renamed {
            let _ = writeln!(
                out,
                "renamed: {} is {new} here; the text that is hashed keeps the old name",
                clean(old)
            );
        }
        for (name, source) in &self.to_settle {
            let _ = writeln!(out, "to settle: {name} is proposed to come from {source}");
        }
        let _ = writeln!(out, "{}", self.summary());
        out
    }

    pub(crate) fn markdown(&self, system: &str) -> String {
        let mut out = format!(
            "# Import from {system}\n\n{}.\n\n| flag | | where | what |\n|---|---|---|---|\n",
            self.summary()
        );
        let cell = |text: &str| clean(text).replace('|', "\\|");
        for one in &self.told {
            let place = match one.path.is_empty() {
                true => one.place.clone(),
                false => format!("{} `{}`", one.place, one.path),
            };
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                cell(&one.flag),
                one.word(),
                cell(&place),
                cell(&one.sentence())
            );
        }
        for (title, pairs) in [
            ("Renamed", &self.renamed),
            ("Attributes to settle", &self.to_settle),
        ] {
            if !pairs.is_empty() {
                let _ = write!(out, "\n## {title}\n\n");
            }
            for (one, other) in pairs {
                let _ = writeln!(out, "- `{}`: `{}`", cell(one), cell(other));
            }
        }
        out
    }

    pub(crate) fn json(&self, system: &str) -> Value {
        let told = self.told.iter().map(|one| {
            let mut row = json!({"fate": one.word(), "flag": one.flag, "place": one.place, "path": one.path, "what": one.what, "hint": one.hint});
            if let Fate::Approximated(of) = one.fate {
                row["differ_of_100000"] = json!(of);
            }
            row
        });
        let pairs = |pairs: &[(String, String)]| -> Value {
            let pairs = pairs
                .iter()
                .map(|(one, other)| (one.clone(), Value::from(other.clone())));
            Value::Object(pairs.collect())
        };
        json!({
            "system": system,
            "refused": self.is_refused(),
            "flags": told.collect::<Vec<_>>(),
            "renamed": pairs(&self.renamed),
            "to_settle": pairs(&self.to_settle),
        })
    }
}

impl Told {
    fn word(&self) -> &'static str {
        match self.fate {
            Fate::Carried => "carried",
            Fate::Approximated(_) => "approximated",
            Fate::Note => "look",
            Fate::Refused => "refused",
        }
    }

    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.what.clone();
        if let Fate::Approximated(of) = self.fate {
            let _ = write!(sentence, ": {of} of 100,000 ids get something else");
        }
        if !self.hint.is_empty() {
            let _ = write!(sentence, "; {}", self.hint);
        }
        sentence
    }
}
