//! Since when features stand where they stand, and what they were called before.
//! In: the toggles today, and their versions, the newest first. Out: for each feature an instant; names that are gone.

use super::git::{self, Version};
use crate::{
    config,
    engine::{
        Feature, Snapshot, Toggles,
        describe::{
            canonical,
            standing::{self, Standing},
        },
        diff,
        units::Second,
    },
};
use std::{collections::BTreeMap, path::Path};

/// Since when, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// not later than this
    pub at: Second,
    /// whether it may have been earlier: the history does not go back so far
    pub at_least: bool,
}

/// The past of one feature.
#[derive(Debug)]
pub struct Past {
    /// it stands so since; none where nobody knows
    pub stands: Option<Since>,
    /// nothing that decides it has changed since
    pub unchanged: Option<Since>,
    /// in the files since
    pub came: Option<Since>,
    /// former names, the latest first, each with the day of its end
    pub names: Vec<(String, Second)>,
}

/// The past of a path.
#[derive(Debug)]
pub struct History {
    /// by key
    pub features: BTreeMap<String, Past>,
    /// names of features that were taken out, with the day
    pub removed: BTreeMap<String, Second>,
    /// why it is not known, or not all of it
    pub trouble: Option<String>,
}

/// Reads it.
pub fn of(path: &Path, snapshot: &Snapshot, now: Second) -> History {
    let mut tracks: Vec<_> = snapshot
        .features()
        .map(|(_, toggles, feature)| Track::new(toggles, feature, now))
        .collect();
    let mut reader = Reader {
        younger: None,
        until: now,
        removed: BTreeMap::new(),
    };
    let log = git::log(path);
    let read = match &log {
        Err(why) => Err(why.clone()),
        Ok(log) => log
            .each(|version| reader.take(version, snapshot, &mut tracks))
            .map_err(|error| error.to_string()),
    };
    let is_known = read.is_ok();
    let is_whole = is_known && log.is_ok_and(|log| log.is_whole);
    let trouble = match (read, is_whole) {
        (Err(why), _) => Some(why),
        (Ok(()), false) => Some(
            "git has only the latest commits here, or there are more than 500 edits".to_owned(),
        ),
        (Ok(()), true) => None,
    };
    let past = |track: Track| track.past(is_known, is_whole, reader.until, snapshot, now);
    History {
        features: tracks.into_iter().map(past).collect(),
        removed: reader.removed,
        trouble,
    }
}

/// What is being followed into the past.
struct Track {
    key: String,
    /// what the version that was read last calls it; none before it came
    called: Option<String>,
    names: Vec<(String, Second)>,
    stands: Standing,
    text: String,
    /// found, and no version before matters
    stood: Option<Second>,
    unchanged: Option<Second>,
    came: Option<Second>,
}

impl Track {
    fn new(toggles: &Toggles, feature: &Feature, now: Second) -> Track {
        Track {
            key: feature.key.to_string(),
            called: Some(feature.key.to_string()),
            names: Vec::new(),
            stands: standing::of(toggles, feature, now),
            text: canonical::but_for_salt(feature, toggles),
            stood: None,
            unchanged: None,
            came: None,
        }
    }

    /// One version further back: it was in force until then.
    fn step(&mut self, older: &Snapshot, at: Second, until: Second) {
        let Some(called) = &self.called else {
            return;
        };
        let Some((toggles, feature)) = find(older, called) else {
            self.called = None;
            self.came = Some(until);
            self.stood.get_or_insert(until);
            self.unchanged.get_or_insert(until);
            return;
        };
        if canonical::but_for_salt(feature, toggles) != self.text {
            self.unchanged.get_or_insert(until);
        }
        if self.stood.is_some() {
            return;
        }
        let last = Second(until.0 - 1).max(at);
        if standing::of(toggles, feature, last) != self.stands {
            self.stood = Some(until);
        } else if let Some(date) = standing::since(toggles, feature, last).filter(|date| *date > at)
        {
            self.stood = Some(date);
        }
    }

    fn past(
        self,
        is_known: bool,
        is_whole: bool,
        oldest: Second,
        snapshot: &Snapshot,
        now: Second,
    ) -> (String, Past) {
        let since = |found: Option<Second>| match (found, is_known) {
            (Some(at), _) => Some(Since {
                at,
                at_least: false,
            }),
            (None, true) => Some(Since {
                at: oldest,
                at_least: !is_whole,
            }),
            (None, false) => None,
        };
        // a date of the file says it without any history
        let by_date = || {
            let (toggles, feature) = find(snapshot, &self.key)?;
            let at = standing::since(toggles, feature, now)?;
            Some(Since {
                at,
                at_least: false,
            })
        };
        let past = Past {
            stands: since(self.stood).or_else(by_date),
            unchanged: since(self.unchanged),
            came: since(self.came),
            names: self.names,
        };
        (self.key, past)
    }
}

/// The version that was read last.
struct Reader {
    /// none before the first: the toggles of today
    younger: Option<Snapshot>,
    until: Second,
    removed: BTreeMap<String, Second>,
}

impl Reader {
    fn take(&mut self, version: Version, today: &Snapshot, tracks: &mut [Track]) {
        // clocks of committers differ: an older version was not in force later than a younger one
        let at = version.at.min(self.until);
        // what pods would have refused changed nothing: the last good file stayed in force
        let compiled = config::compile_texts(&version.texts, &config::set_elsewhere, at);
        let Ok((older, _)) = compiled else {
            return;
        };
        let until = self.until;
        let younger = self.younger.as_ref().unwrap_or(today);
        let renames = diff::renames(&older, younger);
        follow(
            &renames,
            [&older, younger],
            until,
            &mut self.removed,
            tracks,
        );
        for track in tracks {
            track.step(&older, at, until);
        }
        self.until = at;
        self.younger = Some(older);
    }
}

/// Features under their former names, and names that end here.
fn follow(
    renames: &[(&str, &str)],
    [older, younger]: [&Snapshot; 2],
    until: Second,
    removed: &mut BTreeMap<String, Second>,
    tracks: &mut [Track],
) {
    for (from, to) in renames {
        let is_it = |track: &&mut Track| track.called.as_deref() == Some(to);
        if let Some(track) = tracks.iter_mut().find(is_it) {
            track.called = Some((*from).to_owned());
            track.names.push(((*from).to_owned(), until));
        }
    }
    for (_, _, feature) in older.features() {
        let is_renamed = renames.iter().any(|(from, _)| **from == *feature.key);
        if !is_renamed && find(younger, &feature.key).is_none() {
            removed.entry(feature.key.to_string()).or_insert(until);
        }
    }
}

/// By key; a file keeps its features while another one comes beside it.
fn find<'a>(snapshot: &'a Snapshot, key: &str) -> Option<(&'a Toggles, &'a Feature)> {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let all = || {
        snapshot
            .features()
            .map(|(_, toggles, feature)| (toggles, feature))
    };
    let same = all().find(|(_, feature)| &*feature.key == key);
    let bare = |(_, feature): &(&Toggles, &Feature)| {
        let is_bare = !feature.key.contains('.') || !key.contains('.');
        is_bare && name(&feature.key) == name(key)
    };
    same.or_else(|| all().find(bare))
}
