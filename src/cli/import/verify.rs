//! `burgee import --verify`: what the toggles file gives people, beside what the old system gave them.
//! In: a toggles file, users, recorded answers. Out: how many are the same, and those that are not; exits 1 if there is one.

use crate::cli::{ids, output};
use crate::{
    config::{self, Text},
    engine::{Decisions, Feature, Snapshot, request::Input},
    exit,
    server::clock::wall_clock,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::ExitCode,
};

/// How many differences are shown.
const SHOWN: u64 = 20;
/// A longer line is none.
const MAX_LINE: u64 = 64 * 1024;

/// What was recorded of one user: which feature, which variant, as a value of JSON.
type Recorded = HashMap<String, Vec<(u16, Value)>>;

/// What was counted.
#[derive(Default)]
struct Counts {
    same: u64,
    differ: u64,
    /// recorded flags that the file does not have
    unknown: BTreeMap<String, u64>,
}

/// `renamed` is what the import called otherwise.
pub(super) fn compare(
    text: &Text,
    renamed: &[(String, String)],
    users: &Path,
    expect: &Path,
) -> ExitCode {
    let compiled = config::compile_texts(
        std::slice::from_ref(text),
        &config::set_elsewhere,
        wall_clock(),
    );
    let snapshot = match compiled {
        Ok((snapshot, _)) => snapshot,
        Err(problems) => return output::bad_toggles(&problems),
    };
    match counted(&snapshot, renamed, users, expect) {
        Ok(counts) => said(&counts),
        Err(error) => output::fail(&error),
    }
}

fn counted(
    snapshot: &Snapshot,
    renamed: &[(String, String)],
    users: &Path,
    expect: &Path,
) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut recorded = recorded(snapshot, renamed, expect, &mut counts)?;
    let (mut decisions, now) = (Decisions::default(), wall_clock());
    ids::each(users, false, |said| {
        let Some(answers) = said.user.as_ref().and_then(|user| recorded.remove(user)) else {
            return Ok(());
        };
        snapshot.decide(Input::Context(said), now, None, &mut decisions);
        let user = said.user.as_deref().unwrap_or_default();
        for (index, answer) in answers {
            let index = usize::from(index);
            let Some((_, _, feature)) = snapshot.features().nth(index) else {
                continue;
            };
            let got = decisions.by_feature[index].map(|decision| decision.variant);
            if got.is_some_and(|got| is_same(feature, got, &answer, renamed)) {
                counts.same += 1;
                continue;
            }
            counts.differ += 1;
            if counts.differ <= SHOWN {
                let got = got.map_or("nothing", |got| &feature.variant(got).name);
                let line = format!("{user}: {} was {answer}, and is {got}", feature.key);
                output::say(&crate::cli::fleet::words::printable(&line));
            }
        }
        Ok(())
    })?;
    let missing: usize = recorded.values().map(Vec::len).sum();
    if missing > 0 {
        counts
            .unknown
            .insert("(users who are not in the list)".to_owned(), missing as u64);
    }
    Ok(counts)
}

fn recorded(
    snapshot: &Snapshot,
    renamed: &[(String, String)],
    expect: &Path,
    counts: &mut Counts,
) -> io::Result<Recorded> {
    let path = expect.display();
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{path}: {error}"));
    let mut lines = BufReader::new(File::open(expect).map_err(named)?);
    let by_name: HashMap<&str, u16> = snapshot
        .features()
        .flat_map(|(index, _, feature)| {
            [
                (&*feature.name, index as u16),
                (&*feature.key, index as u16),
            ]
        })
        .collect();
    let ours: HashMap<&str, &str> = renamed.iter().map(|(old, new)| (&**old, &**new)).collect();
    let (mut recorded, mut line) = (Recorded::new(), Vec::new());
    for number in 1_u64.. {
        line.clear();
        let read = (&mut lines)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .map_err(named)?;
        if read == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let bad = |why: &str| {
            io::Error::other(format!(
                "{path}:{number}: {why}; write {{\"user\": \"mia\", \"flag\": \"checkout\", \"variant\": \"on\"}}"
            ))
        };
        let row: Value =
            serde_json::from_slice(&line).map_err(|error| bad(&format!("not JSON: {error}")))?;
        let (Some(user), Some(flag), Some(variant)) = (
            row["user"].as_str(),
            row["flag"].as_str(),
            row.get("variant"),
        ) else {
            return Err(bad("it has no `user`, `flag` and `variant`"));
        };
        match by_name.get(ours.get(flag).copied().unwrap_or(flag)) {
            Some(index) => recorded
                .entry(user.to_owned())
                .or_default()
                .push((*index, variant.clone())),
            None => *counts.unknown.entry(flag.to_owned()).or_default() += 1,
        }
    }
    Ok(recorded)
}

/// By name, by the name that it had, or by value.
fn is_same(feature: &Feature, got: u8, answer: &Value, renamed: &[(String, String)]) -> bool {
    let variant = feature.variant(got);
    let name = &*variant.name;
    match answer {
        answer if variant.value.as_ref() == Some(answer) => true,
        Value::Bool(is) => name == if *is { "on" } else { "off" },
        Value::Null => got == feature.default,
        Value::String(text) => {
            let key = format!("{}: {text}", feature.name);
            let known = renamed.iter().find(|(old, _)| *old == key);
            let ours = known.map_or(&**text, |(_, new)| new);
            let ours = match ours {
                "true" => "on",
                "false" => "off",
                ours => ours,
            };
            name == ours
        }
        other => *name == *other.to_string(),
    }
}

fn said(counts: &Counts) -> ExitCode {
    let (same, all) = (counts.same, counts.same + counts.differ);
    output::say(&format!("{same} of {all} answers are the same"));
    if counts.differ > SHOWN {
        output::say(&format!("{} more differ", counts.differ - SHOWN));
    }
    for (flag, count) in &counts.unknown {
        let line = format!("not compared: {count} answers of {flag}");
        let _ = writeln!(
            io::stderr(),
            "{}",
            crate::cli::fleet::words::printable(&line)
        );
    }
    match counts.differ > 0 || all == 0 || !counts.unknown.is_empty() {
        true => exit::PROBLEMS.into(),
        false => ExitCode::SUCCESS,
    }
}
