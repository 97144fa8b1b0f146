//! Toggles files to a snapshot.
//! In: a file, or a directory of `*.yaml` and `*.yml` as one generation. Out: a [`Snapshot`] and warnings, or every problem at once.
//!
//! `read` (disk) -> `yaml` (text to tree) -> `file` (what may be written) -> `compile` (what it means) -> `engine::Snapshot`

mod build;
mod collector;
mod compile;
mod file;
pub mod files;
mod hints;
mod map;
pub mod phrases;
mod problem;
mod read;
pub mod reload;
mod schema;
mod syntax;
mod template;
mod tree;
mod yaml;

use crate::engine::{Snapshot, stops::Stops, units::Second};
use collector::Collector;
pub use compile::{Environment, LONGEST_REASON, is_printable, is_stoppable};
pub(crate) use compile::{is_name, is_variant};
pub use file::{schema, stops_schema};
pub(crate) use phrases::quote;
pub use problem::{Problem, Problems, Severity};
pub use read::{
    Generation, LARGEST, STOPS, Stamp, Text, generation, is_toggles, stamp, stops, stops_beside,
};
use std::{path::Path, sync::Arc};
pub(crate) use tree::{Entry, Kind, Node, Position};

/// What a generation of files says.
#[derive(Debug)]
pub struct Loaded {
    /// ready to be published
    pub snapshot: Snapshot,
    /// what is allowed, and probably not meant
    pub warnings: Vec<Problem>,
    /// what the poller compares: the files as they were when they were read
    pub stamp: Stamp,
}

/// Stands for the variables of a pod where they are not set: each counts as set.
pub fn set_elsewhere(_: &str) -> Option<String> {
    Some("set where it runs".to_owned())
}

/// Reads and compiles a file, or a directory as one generation. `now` is only for warnings.
pub fn load(path: &Path, env: Environment<'_>, now: Second) -> Result<Loaded, Problems> {
    let generation = generation(path)?;
    let (snapshot, warnings) = compile_texts(&generation.texts, env, now)?;
    Ok(Loaded {
        snapshot,
        warnings,
        stamp: generation.stamp,
    })
}

/// The stops that stand beside the toggles, or in the file that is named; none where there is no such file.
pub fn load_stops(toggles: &Path, named: Option<&Path>) -> Result<Stops, Problems> {
    let beside = || stops_beside(toggles);
    match named
        .map(Path::to_owned)
        .or_else(beside)
        .map(|path| stops(&path))
    {
        Some(Ok(Some(text))) => compile_stops(&text),
        Some(Err(problems)) => Err(problems),
        Some(Ok(None)) | None => Ok(Stops::default()),
    }
}

/// The toggles, under the stops that stand beside them.
pub fn load_with_stops(
    path: &Path,
    env: Environment<'_>,
    now: Second,
) -> Result<Snapshot, Problems> {
    let loaded = load(path, env, now)?;
    let stops = load_stops(path, None)?;
    Ok(loaded.snapshot.with_stops(&stops.into()))
}

/// Compiles texts that have been read. Pure.
pub fn compile_texts(
    texts: &[Text],
    env: Environment<'_>,
    now: Second,
) -> Result<(Snapshot, Vec<Problem>), Problems> {
    let names: Vec<Arc<str>> = texts.iter().map(|text| Arc::from(&*text.name)).collect();
    let mut problems = Collector::of(names.clone());
    let roots: Vec<Option<Node<'_>>> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| root(text, index as u16, &mut problems))
        .collect();
    let mut usable = |root: &&Node<'_>, text: &Text| {
        let braces = memchr::memmem::find(&text.bytes, b"{{").is_some();
        !(braces && template::is_template(root, &mut problems))
    };
    let borrowed: Vec<Option<&Node<'_>>> = roots
        .iter()
        .zip(texts)
        .map(|(root, text)| root.as_ref().filter(|root| usable(root, text)))
        .collect();
    let snapshot = compile::snapshot(&borrowed, env, now, &revision(texts), &mut problems);
    let roots: Vec<_> = names.into_iter().zip(roots).collect();
    let problems = problems.tell(&roots);
    roots
        .into_iter()
        .filter_map(|(_, root)| root)
        .for_each(tree::let_go);
    match snapshot {
        Some(snapshot) => Ok((snapshot, problems)),
        None => Err(Problems(problems)),
    }
}

/// Compiles a stops file that has been read. Pure.
pub fn compile_stops(text: &Text) -> Result<Stops, Problems> {
    let mut problems = Collector::default();
    let root = root(text, 0, &mut problems);
    let root = root.filter(|root| !template::is_template(root, &mut problems));
    let hash = xxhash_rust::xxh3::xxh3_64(&text.bytes);
    let compiled = root
        .as_ref()
        .and_then(|root| compile::stops(root, &format!("{hash:016x}"), &mut problems));
    let compiled = compiled.filter(|_| problems.errors() == 0);
    let problems = problems.tell(&[(Arc::from(&*text.name), root)]);
    compiled.ok_or(Problems(problems))
}

/// Warnings of a stops file: features that the toggles do not have.
pub fn unknown_stops(name: &str, snapshot: &Snapshot) -> Vec<Problem> {
    let mut problems = Collector::default();
    compile::unknown_stops(snapshot.unknown_stops(), &mut problems);
    problems.tell(&[(Arc::from(name), None)])
}

/// How large a file of another system may be, in bytes.
pub(crate) const LARGEST_FOREIGN: usize = 2 << 20;
/// What is said of one that is larger.
pub(crate) const TOO_LARGE: &str = "the file is larger than 2 MiB: export fewer flags at a time";
/// How deep it may be nested: a tree of conditions takes two levels for each operator.
const DEEPEST_FOREIGN: usize = 64;

/// The tree of a text that is no toggles file, JSON or YAML.
pub(crate) fn foreign(text: &Text) -> Result<Node<'_>, Problems> {
    let mut problems = Collector::default();
    let root = match text.bytes.len() > LARGEST_FOREIGN {
        true => {
            problems.error(Position::start(0), TOO_LARGE, "");
            None
        }
        false => yaml::parse_to(DEEPEST_FOREIGN, &text.bytes, 0, &mut problems),
    };
    match (root, problems.errors()) {
        (Some(root), 0) => Ok(root),
        (root, _) => {
            let mut told = problems.tell(&[(Arc::from(&*text.name), root)]);
            // the hints are for toggles files
            told.iter_mut().for_each(|problem| problem.hint.clear());
            Err(Problems(told))
        }
    }
}

fn root<'t>(text: &'t Text, file: u16, problems: &mut Collector) -> Option<Node<'t>> {
    if text.bytes.len() > LARGEST {
        problems.error(
            Position::start(file),
            "the file is larger than 1 MiB",
            "split it: a directory can hold several files, each with a namespace",
        );
        return None;
    }
    let found = problems.errors();
    let root = yaml::parse(&text.bytes, file, problems);
    // what nginx reads is neither a list nor a map here
    let is_plain = root.as_ref().is_none_or(|root| root.text().is_some());
    let nginx = || memchr::memmem::find(&text.bytes, b"split_clients ");
    if let Some(at) = is_plain.then(nginx).flatten() {
        let line = memchr::memchr_iter(b'\n', &text.bytes[..at]).count() as u32 + 1;
        let at = Position {
            line,
            ..Position::start(file)
        };
        problems.forget(found);
        problems.error(
            at,
            "this is a configuration of nginx",
            "`burgee import nginx FILE` makes a toggles file of its `split_clients`, in which nobody moves",
        );
        return None;
    }
    root
}

/// Equal in all pods with the same files: the bytes, and where there are several the names.
pub fn revision(texts: &[Text]) -> String {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for text in texts {
        if texts.len() > 1 {
            let name = text.name.rsplit('/').next().unwrap_or_default();
            hash.update(&(name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
        }
        hash.update(&(text.bytes.len() as u64).to_le_bytes());
        hash.update(&text.bytes);
    }
    format!("{:016x}", hash.digest())
}
