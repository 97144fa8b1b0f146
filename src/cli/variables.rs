//! `BURGEE_` variables that nothing reads: a typo in one of them is as silent as it is costly.
//! In: the environment, the flags, the names that a toggles file reads. Out: a sentence for each other name; never a value.

use super::output;
use crate::config::phrases;
use clap::Command;
use std::{cell::RefCell, collections::BTreeSet};

/// The variables that no flag reads, and those of them that a toggles file asks for.
#[derive(Debug)]
pub struct Variables {
    unread: Vec<(String, String)>,
    asked: RefCell<BTreeSet<String>>,
}

impl Variables {
    /// Those of this process. The flags are made only where there is something to look up.
    pub fn of(command: impl FnOnce() -> Command) -> Variables {
        let set = set();
        let unread = match set.is_empty() {
            true => Vec::new(),
            false => unread(set, &command()),
        };
        Variables {
            unread,
            asked: RefCell::default(),
        }
    }

    /// The file reads this one.
    pub fn note(&self, name: &str) {
        self.asked.borrow_mut().insert(name.to_owned());
    }

    /// Says on standard error which of them nothing reads.
    pub fn warn(&self) {
        let asked = self.asked.borrow();
        let unread = self.unread.iter().filter(|(name, _)| !asked.contains(name));
        for (_, sentence) in unread {
            output::fail(&format!("warning: {sentence}"));
        }
    }

    /// Each with what is to be said of it.
    pub fn unread(&self) -> &[(String, String)] {
        &self.unread
    }
}

fn unread(set: Vec<String>, command: &Command) -> Vec<(String, String)> {
    let flags = command.get_subcommands().flat_map(Command::get_arguments);
    let known: BTreeSet<&str> = flags.filter_map(|flag| flag.get_env()?.to_str()).collect();
    let unread = set.into_iter().filter(|name| !known.contains(&**name));
    let sentence = |name: String| {
        let meant = phrases::nearest(&name, known.iter().copied())
            .map_or(String::new(), |known| format!("; did you mean {known}?"));
        let sentence = format!("{name} is set, and nothing reads it{meant}");
        (name, sentence)
    };
    unread.map(sentence).collect()
}

/// The names that are ours by their beginning, without those that Kubernetes sets for a Service called burgee.
fn set() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_of_a_service = |name: &String| name.contains("_SERVICE_") || name.contains("_PORT");
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("BURGEE_") && !is_of_a_service(name))
        .collect();
    names.sort();
    names
}
