//! The user's kubectl, which has the rights: started without a shell, never asked for more than one thing.
//! In: arguments and what goes to standard input. Out: what it printed, or why it failed and what to do.

use super::words::printable;
use serde_json::Value;
use std::{
    fmt,
    io::{self, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which kubectl, and where it is to look.
#[derive(Clone, Debug)]
pub(super) struct Kubectl {
    /// its path, or a name on PATH
    pub program: PathBuf,
    /// `--namespace=…`, `--context=…`
    pub common: Vec<String>,
}

/// What kubectl could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// what kind
    pub kind: Kind,
    /// a sentence for people, and what to do
    pub sentence: String,
    /// what it printed on standard output before it failed
    pub printed: String,
}

/// Kinds of trouble that are answered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// a right is missing
    Forbidden,
    /// there is no such object
    NotFound,
    /// somebody else wrote first
    Conflict,
    /// what `exec` ran in the pod ended with another code than 0
    Ended,
    /// anything else
    Other,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Kubectl {
    /// Runs it, and gives what it printed.
    pub(super) fn run(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<Vec<u8>, Trouble> {
        self.run_within(PATIENCE, arguments, input)
    }

    /// As [`Kubectl::run`], for as long as this.
    pub(super) fn run_within(
        &self,
        patience: Duration,
        arguments: &[&str],
        input: Option<&[u8]>,
    ) -> Result<Vec<u8>, Trouble> {
        // what `exec` runs stands behind `--`, and stays last
        let place = arguments.iter().position(|argument| *argument == "--");
        let (flags, last) = arguments.split_at(place.unwrap_or(arguments.len()));
        let mut command = Command::new(&self.program);
        command
            .args(flags)
            .args(&self.common)
            .arg(format!("--request-timeout={}s", patience.as_secs()))
            .args(last);
        command.stdin(match input {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.not_started(&error))?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            // it may have ended already, and says why on standard error
            let _ = stdin.write_all(input);
        }
        let output = child.wait_with_output();
        let output = output.map_err(|error| self.not_started(&error))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(Trouble {
                printed: String::from_utf8_lossy(&output.stdout).into_owned(),
                ..failed(&String::from_utf8_lossy(&output.stderr))
            }),
        }
    }

    /// As [`Kubectl::run`], for what prints JSON.
    pub(super) fn json(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        let printed = self.run(arguments, None)?;
        serde_json::from_slice(&printed).map_err(|error| Trouble {
            kind: Kind::Other,
            sentence: format!("kubectl printed something else than JSON: {error}"),
            printed: String::new(),
        })
    }

    fn not_started(&self, error: &io::Error) -> Trouble {
        let program = self.program.display();
        let sentence = match error.kind() {
            io::ErrorKind::NotFound => format!(
                "`{program}` is not found: install kubectl, name it with --kubectl PATH, or use --dir where the files are on this machine"
            ),
            _ => format!("`{program}` could not be run: {error}"),
        };
        Trouble {
            kind: Kind::Other,
            sentence,
            printed: String::new(),
        }
    }
}

/// What kubectl says, and what to do about it.
fn failed(said: &str) -> Trouble {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let (kind, advice) = if has(&["(Forbidden)", "is forbidden", "Unauthorized"]) {
        let advice = "; ask for that right: the guide lists what each command needs";
        (Kind::Forbidden, advice)
    } else if has(&["(NotFound)"]) {
        (Kind::NotFound, "")
    } else if has(&["command terminated with exit code"]) {
        (Kind::Ended, "")
    } else if has(&[
        "(Conflict)",
        "(AlreadyExists)",
        "has been modified",
        "conflict",
    ]) {
        let advice =
            "; somebody else wrote it just now: look at `burgee status`, then run this again";
        (Kind::Conflict, advice)
    } else if has(&[
        "refused",
        "no such host",
        "i/o timeout",
        "Unable to connect",
        "deadline exceeded",
    ]) {
        let advice =
            "; without the API server, a node's files can still be written: `burgee stop --dir`";
        (Kind::Other, advice)
    } else {
        (Kind::Other, "")
    };
    let said = said.trim();
    let said = if said.is_empty() {
        "it said nothing"
    } else {
        said
    };
    Trouble {
        kind,
        sentence: format!("kubectl failed: {}{advice}", printable(said)),
        printed: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_says_is_passed_on_with_what_to_do() {
        for (said, kind, expected) in [
            (
                "Error from server (Forbidden): pods is forbidden: User \"mia\" cannot list",
                Kind::Forbidden,
                "ask for that right",
            ),
            (
                "Error from server (NotFound): configmaps \"x\" not found",
                Kind::NotFound,
                "not found",
            ),
            (
                "Error from server (Conflict): the object has been modified",
                Kind::Conflict,
                "run this again",
            ),
            (
                "Error from server (AlreadyExists): configmaps \"x\" already exists",
                Kind::Conflict,
                "run this again",
            ),
            (
                "The connection to the server 10.0.0.1:6443 was refused",
                Kind::Other,
                "--dir",
            ),
            (
                "command terminated with exit code 1",
                Kind::Ended,
                "exit code 1",
            ),
            ("", Kind::Other, "it said nothing"),
        ] {
            let trouble = failed(said);
            assert_eq!(trouble.kind, kind, "{said}");
            assert!(trouble.sentence.contains(expected), "{}", trouble.sentence);
        }
        assert!(!failed("\u{1b}[2Jx\nok").sentence.contains(['\u{1b}', '\n']));
    }
}
