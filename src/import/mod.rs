//! Files of other systems to a toggles file, so that nobody moves: an importer a file.
//! In: a system and the text of its file. Out: a toggles file, and a report of what was carried, approximated and refused.
//!
//! An importer reads its system's format, turns its conditions into ours, and settles its arithmetic once (`lower`): what is left
//! are shares under a `draw`. What it cannot say exactly it refuses, with the place and the reason.

mod dates;
mod desk;
mod experimentor;
mod experiments;
mod fastapi;
mod flagd;
mod flipt;
mod goff;
mod launchdarkly;
mod lower;
mod microsoft;
mod nginx;
mod options;
mod out;
mod posthog;
mod read;
mod report;
mod tokens;
mod unleash;
mod write;

use crate::config::{self, Kind, Node, Position, Problem, Problems, Severity, Text};
use desk::Desk;
pub(crate) use options::{Flagd, Flipt, Options, System};
use out::OutFile;
use report::Report;

/// What came of it.
#[derive(Debug)]
pub(crate) struct Imported {
    /// the toggles file
    pub(crate) text: String,
    /// what became of each flag
    pub(crate) report: Report,
}

/// Reads the files of one system. An error is one of a file as a whole: no JSON, no YAML, too large.
pub(crate) fn import(
    system: System,
    texts: &[Text],
    options: &Options,
) -> Result<Imported, Problems> {
    let (mut report, mut out) = (Report::default(), OutFile::default());
    for text in texts {
        if text.bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(broken(
                text,
                Position::start(0),
                "the file is empty".to_owned(),
            ));
        }
        match system {
            System::Nginx => plain(text, options, &mut report, &mut out)?,
            _ => tree(system, text, options, &mut report, &mut out)?,
        }
    }
    if out.features.is_empty() && report.told.is_empty() {
        let what = match system {
            System::Nginx => "there is no `split_clients` in it",
            _ => "there are no flags in it",
        };
        return Err(broken(&texts[0], Position::start(0), what.to_owned()));
    }
    report.to_settle.sort();
    report.to_settle.dedup();
    let mut head = vec![format!(
        "Imported from {}: {}.",
        system.name(),
        report.summary()
    )];
    let has_values = |one: &out::OutFeature| one.variants.iter().any(|(_, value)| value.is_some());
    if out.features.iter().any(has_values) {
        head.push(
            "Values are answered by OFREP; `headers: {values: true}` sends them, too.".to_owned(),
        );
    }
    Ok(Imported {
        text: write::text(&out, &head),
        report,
    })
}

fn tree(
    system: System,
    text: &Text,
    options: &Options,
    report: &mut Report,
    out: &mut OutFile,
) -> Result<(), Problems> {
    let root = config::foreign(text)?;
    let mut desk = Desk::new(&text.name, &root, options, report, out);
    match system {
        System::Flagd => flagd::import(&mut desk),
        System::Unleash => unleash::import(&mut desk),
        System::LaunchDarkly => launchdarkly::import(&mut desk),
        System::Fastapi => fastapi::import(&mut desk),
        System::Experiments => experiments::import(&mut desk),
        System::Experimentor => experimentor::import(&mut desk),
        System::Goff => goff::import(&mut desk),
        System::Flipt => flipt::import(&mut desk),
        System::PostHog => posthog::import(&mut desk),
        System::Microsoft => microsoft::import(&mut desk),
        System::Nginx => {}
    }
    other_letters(&mut desk, system);
    Ok(())
}

/// Where a vendor's own libraries disagree on ids that are not ASCII.
fn other_letters(desk: &mut Desk<'_, '_>, system: System) {
    let who = match system {
        System::Flagd => "flagd's npm library",
        System::Unleash => "Unleash's Node SDK",
        _ => return,
    };
    if desk.out.features.iter().any(out::OutFeature::is_drawn) {
        desk.whole();
        desk.note(
            desk.root,
            format!("{who} hashes ids that are not ASCII in a way of its own"),
            "here they fall where the server puts them: other people, if that library decides for you",
        );
    }
}

/// A file that is neither JSON nor YAML.
fn plain(
    text: &Text,
    options: &Options,
    report: &mut Report,
    out: &mut OutFile,
) -> Result<(), Problems> {
    let start = Position::start(0);
    if text.bytes.len() > config::LARGEST_FOREIGN {
        return Err(broken(text, start, config::TOO_LARGE.to_owned()));
    }
    let Ok(content) = std::str::from_utf8(&text.bytes) else {
        return Err(broken(text, start, "the file is not UTF-8".to_owned()));
    };
    let root = Node {
        at: start,
        kind: Kind::Refused,
    };
    let mut desk = Desk::new(&text.name, &root, options, report, out);
    nginx::import(&mut desk, content).map_err(|(at, what)| broken(text, at, what))
}

fn broken(text: &Text, at: Position, message: String) -> Problems {
    Problems(vec![Problem {
        file: text.name.as_str().into(),
        line: at.line,
        column: at.column,
        path: String::new(),
        severity: Severity::Error,
        message,
        hint: String::new(),
    }])
}
