//! The files of a running process, and what was last read of them.
//! In: paths. Out: toggles and stops, each compiled where its bytes have changed; a file that is gone is a change.

use super::{
    Problem, Problems, Stamp, compile_stops, compile_texts, generation,
    read::{delivered, is_empty, stamp_of_stops, stops, stops_beside, unread},
    revision, stamp,
};
use crate::engine::{Snapshot, stops::Stops, units::Second};
use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The files, and what was last read of them.
#[derive(Debug)]
pub struct Files {
    toggles: Watched,
    /// the variables that the toggles read
    asked: BTreeSet<String>,
    /// none beside a pipe
    stops: Option<Watched>,
}

/// What a look at the toggles gave: a snapshot and its warnings, or every problem.
pub type Read = Result<(Snapshot, Vec<Problem>), Problems>;

/// What a look gave; none where the bytes are as they were.
#[derive(Debug, Default)]
pub struct Look {
    /// the toggles
    pub toggles: Option<Read>,
    /// the stops
    pub stops: Option<Result<Stops, Problems>>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    stamp: Stamp,
    /// a hash of the bytes, or why there are none
    content: Option<String>,
}

impl Watched {
    fn new(path: PathBuf) -> Watched {
        Watched {
            path,
            stamp: Stamp::default(),
            content: None,
        }
    }

    /// Whether this differs from what was read before.
    fn is_new(&mut self, stamp: Stamp, content: String) -> bool {
        self.stamp = stamp;
        let is_new = self.content.as_ref() != Some(&content);
        self.content = Some(content);
        is_new
    }
}

impl Files {
    /// Nothing is read yet. The stops stand beside the toggles, unless they are named.
    pub fn new(toggles: PathBuf, stops: Option<PathBuf>) -> Files {
        let stops = stops.or_else(|| stops_beside(&toggles));
        Files {
            toggles: Watched::new(toggles),
            asked: BTreeSet::new(),
            stops: stops.map(Watched::new),
        }
    }

    /// Reads the files now, and compiles what has changed.
    pub fn look(&mut self, now: Second) -> Look {
        Look {
            toggles: self.look_at_toggles(now),
            stops: self.look_at_stops(),
        }
    }

    /// As [`Files::look`], where a file seems to have changed.
    pub fn poll(&mut self, now: Second) -> Look {
        let toggles = stamp(&self.toggles.path) != self.toggles.stamp;
        let changed = |stops: &Watched| stamp_of_stops(&stops.path) != stops.stamp;
        let stops = self.stops.as_ref().is_some_and(changed);
        Look {
            toggles: toggles.then(|| self.look_at_toggles(now)).flatten(),
            stops: stops.then(|| self.look_at_stops()).flatten(),
        }
    }

    fn look_at_toggles(&mut self, now: Second) -> Option<Read> {
        let (stamp, content, texts) = match generation(&self.toggles.path) {
            Ok(generation) => (
                generation.stamp,
                format!("{} {:?}", revision(&generation.texts), generation.unread),
                Ok((generation.texts, generation.unread)),
            ),
            // a missing file is told of once, like any other mistake
            Err(problems) => {
                let stamp = stamp(&self.toggles.path);
                (stamp, problems.to_string(), Err(problems))
            }
        };
        if !self.toggles.is_new(stamp, content) {
            return None;
        }
        let asked = RefCell::default();
        let environment = |name: &str| {
            BTreeSet::insert(&mut asked.borrow_mut(), name.to_owned());
            std::env::var(name).ok()
        };
        let read = texts.and_then(|(texts, others)| {
            let (snapshot, mut warnings) = compile_texts(&texts, &environment, now)?;
            warnings.extend(unread(&others));
            Ok((snapshot, warnings))
        });
        self.asked = asked.into_inner();
        Some(read)
    }

    fn look_at_stops(&mut self) -> Option<Result<Stops, Problems>> {
        let watched = self.stops.as_mut()?;
        let stamp = stamp_of_stops(&watched.path);
        let (content, read) = match stops(&watched.path) {
            Ok(None) => ("none".to_owned(), Ok(Stops::default())),
            Ok(Some(text)) => (revision(std::slice::from_ref(&text)), compile_stops(&text)),
            Err(problems) => (problems.to_string(), Err(problems)),
        };
        watched.is_new(stamp, content).then_some(read)
    }

    /// Whether there is a directory and nothing in it yet: a ConfigMap that nobody has made.
    pub fn none_yet(&self) -> bool {
        is_empty(&self.toggles.path)
    }

    /// When the kubelet brought the volume as it is now; none where this is no such volume.
    pub fn delivered(&self) -> Option<Second> {
        delivered(&self.toggles.path)
    }

    /// The variables that the toggles read.
    pub fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    /// Where the stops are read, for messages; empty where there is no such place.
    pub fn stops_name(&self) -> String {
        let stops = self.stops.as_ref();
        stops.map_or_else(String::new, |stops| stops.path.display().to_string())
    }

    /// Whether this is a subPath mount of Kubernetes, which never sees an update: a file that is a mount of its own.
    pub fn never_change(&self) -> bool {
        let path = &self.toggles.path;
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let is_mount = |file: &Path| {
            let mut points = mounts.lines().filter_map(|mount| mount.split(' ').nth(4));
            // blanks stand as \040 there
            points.any(|point| Path::new(&point.replace("\\040", " ")) == file)
        };
        if !path.is_dir() {
            return fs::canonicalize(path).is_ok_and(|file| is_mount(&file));
        }
        let files = fs::read_dir(path).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::canonicalize(file.path()).ok())
            .any(|file| file.is_file() && is_mount(&file))
    }
}
