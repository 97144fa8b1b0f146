//! Everything that is known, brought together before anything is judged.
//! In: the toggles and the flags. Out: pasts, mentions and counts beside the features that they are about.

use super::{
    history::{self, History},
    search::Searcher,
    seen::{self, AllSeen},
    spellings::{self, Target},
    walk::{self, Found},
};
use crate::{
    cli::output,
    engine::{Feature, Snapshot, Toggles, forged_fields::fold, units::Second},
    http::client::Url,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

/// One path of toggles.
pub struct Source<'a> {
    /// as the user gave it
    pub path: &'a Path,
    /// what it says, under its stops
    pub snapshot: Snapshot,
}

/// A feature of today.
pub struct One<'a> {
    /// where it is
    pub path: &'a Path,
    /// what is in force
    pub snapshot: &'a Snapshot,
    /// its file
    pub toggles: &'a Toggles,
    /// itself
    pub feature: &'a Feature,
    /// which history is its
    pub source: usize,
}

/// A name that no file has any more.
pub struct Gone {
    /// as code would write it
    pub name: String,
    /// what it is called today; none where it was taken out
    pub now: Option<String>,
    /// since when
    pub at: Second,
    /// where it was
    pub path: PathBuf,
}

/// All of it.
pub struct Gathered<'a> {
    /// today
    pub now: Second,
    /// what has stood still since then may go
    pub since: Second,
    /// features of today; the first targets of the search
    pub features: Vec<One<'a>>,
    /// names of the past; the targets after them
    pub gone: Vec<Gone>,
    /// a history for each source
    pub histories: Vec<History>,
    /// what code says; none where nobody named any
    pub found: Option<Found>,
    /// what Prometheus says; none where nobody named one
    pub seen: Option<AllSeen>,
}

impl<'a> Gathered<'a> {
    /// Reads everything, or says what it cannot read.
    pub fn of(
        sources: &'a [Source<'a>],
        code: &[PathBuf],
        prometheus: Option<&Url>,
        now: Second,
        since: Second,
    ) -> io::Result<Gathered<'a>> {
        let histories: Vec<_> = sources
            .iter()
            .map(|source| history::of(source.path, &source.snapshot, now))
            .collect();
        let features: Vec<_> = sources.iter().enumerate().flat_map(ones).collect();
        let gone = gone(sources, &histories);
        let found = match code.is_empty() {
            true => None,
            false => Some(search(sources, &features, &gone, code)?),
        };
        let seen = prometheus.map(|url| output::waited(seen::ask(url, now, since)));
        let seen = seen.transpose()?;
        Ok(Gathered {
            now,
            since,
            features,
            gone,
            histories,
            found,
            seen,
        })
    }
}

fn ones<'a>((source, from): (usize, &'a Source<'a>)) -> impl Iterator<Item = One<'a>> {
    from.snapshot
        .features()
        .map(move |(_, toggles, feature)| One {
            path: from.path,
            snapshot: &from.snapshot,
            toggles,
            feature,
            source,
        })
}

/// Former names, but for those that a feature of today has.
fn gone(sources: &[Source<'_>], histories: &[History]) -> Vec<Gone> {
    let today: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| {
            source
                .snapshot
                .features()
                .map(|(_, _, feature)| &*feature.key)
        })
        .collect();
    let mut gone = BTreeMap::new();
    for (source, history) in sources.iter().zip(histories) {
        let renamed = history.features.iter().flat_map(|(key, past)| {
            past.names
                .iter()
                .map(move |(name, at)| (name, Some(key.clone()), *at))
        });
        let removed = history.removed.iter().map(|(name, at)| (name, None, *at));
        for (name, now, at) in removed
            .chain(renamed)
            .filter(|(name, ..)| !today.contains(&***name))
        {
            let path = source.path.to_owned();
            gone.insert(
                name.clone(),
                Gone {
                    name: name.clone(),
                    now,
                    at,
                    path,
                },
            );
        }
    }
    gone.into_values().collect()
}

fn search(
    sources: &[Source<'_>],
    features: &[One<'_>],
    gone: &[Gone],
    code: &[PathBuf],
) -> io::Result<Found> {
    let prefixes = sources
        .iter()
        .flat_map(|source| spellings::prefixes(&source.snapshot))
        .collect();
    let mut targets: Vec<_> = features
        .iter()
        .map(|one| Target::of(one.toggles.namespace.as_deref(), one.feature))
        .collect();
    targets.extend(gone.iter().map(|one| former(one, &prefixes)));
    let searcher = Searcher::new(&targets, &prefixes);
    walk::search(code, &toggles(sources), &searcher)
}

/// The headers that it would have today.
fn former(gone: &Gone, prefixes: &BTreeSet<String>) -> Target {
    let name = gone.name.rsplit('.').next().unwrap_or_default();
    let header = |prefix: &String| format!("{prefix}{}", fold(name));
    Target {
        keys: BTreeSet::from([gone.name.clone(), name.to_owned()])
            .into_iter()
            .collect(),
        headers: prefixes.iter().map(header).collect(),
    }
}

/// The toggles themselves: that they name their features says nothing.
fn toggles(sources: &[Source<'_>]) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for source in sources {
        let inside = std::fs::read_dir(source.path)
            .into_iter()
            .flatten()
            .flatten();
        let inside = inside.map(|entry| entry.path());
        let beside = source.path.with_file_name(crate::config::STOPS);
        let all = inside.chain([source.path.to_owned(), beside]);
        files.extend(all.filter_map(|path| path.canonicalize().ok()));
    }
    files
}
