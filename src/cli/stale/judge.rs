//! Judges each feature: why it may go, what would be lost, and what to do next.
//! In: everything that is known. Out: a report of rows.

use super::{
    advice, asked,
    gathered::{Gathered, Gone, One},
    history::Past,
    row::{Leftover, Place, Report, Row, Why, day},
    search::Kind,
    walk::Found,
};
use crate::engine::{
    Status,
    describe::{
        sentence,
        standing::{self, Standing},
    },
};
use std::path::Path;

/// Documents name features and do not read them.
const PROSE: [&str; 6] = ["md", "markdown", "mdx", "rst", "adoc", "txt"];

/// The report.
pub fn report<'a>(gathered: &'a Gathered<'a>) -> Report<'a> {
    let numbered = gathered.features.iter().enumerate();
    let rows: Vec<_> = numbered
        .map(|(index, one)| row(gathered, index, one))
        .collect();
    let first = gathered.features.len();
    let leftovers = gathered
        .gone
        .iter()
        .enumerate()
        .filter_map(|(index, gone)| {
            let (named, _) = places(gathered.found.as_ref()?, first + index);
            (!named.is_empty()).then(|| leftover(gone, named))
        });
    let built = gathered.found.iter().flat_map(|found| &found.mentions);
    let built: Vec<_> = built
        .filter(|(path, one)| one.kind == Kind::Built && !is_prose(path))
        .collect();
    Report {
        now: gathered.now,
        since: gathered.since,
        leftovers: leftovers.collect(),
        notes: notes(gathered, &built),
        built,
        found: gathered.found.as_ref(),
        rows,
    }
}

fn notes(gathered: &Gathered<'_>, built: &[&Place]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut paths: Vec<_> = gathered
        .features
        .iter()
        .map(|one| (one.source, one.path))
        .collect();
    paths.dedup();
    for (source, path) in paths {
        if let Some(trouble) = &gathered.histories[source].trouble {
            notes.push(format!(
                "The history of {} is not known, or not all of it: {trouble}.",
                path.display()
            ));
        }
    }
    if gathered.found.is_none() {
        notes.push("No code was searched: name folders with --code.".to_owned());
    }
    if let Some((path, one)) = built.first() {
        let more = match built.len() {
            1 => String::new(),
            many => format!(" and {} more", many - 1),
        };
        notes.push(format!("Code puts names of headers together ({}:{}{more}): a feature may be read there without being named.", path.display(), one.line));
    }
    if let Some(found) = &gathered.found {
        if let Some(first) = found.unread.first() {
            notes.push(format!(
                "{} files or folders could not be read: {first}.",
                found.unread.len()
            ));
        }
        if found.more > 0 {
            notes.push(format!("{} more mentions are not listed.", found.more));
        }
    }
    notes
}

fn is_prose(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default();
    PROSE.iter().any(|prose| ending.eq_ignore_ascii_case(prose))
}

/// Where code names a target, and where perhaps.
fn places(found: &Found, target: usize) -> (Vec<&Place>, Vec<&Place>) {
    let of = found
        .mentions
        .iter()
        .filter(|(_, one)| one.target == Some(target));
    of.partition(|(path, one)| one.kind != Kind::Perhaps && !is_prose(path))
}

fn row<'a>(gathered: &'a Gathered<'a>, index: usize, one: &'a One<'a>) -> Row<'a> {
    let One {
        feature, toggles, ..
    } = *one;
    let past = gathered.histories[one.source].features.get(&*feature.key);
    let (named, perhaps) = match &gathered.found {
        Some(found) => {
            let (named, perhaps) = places(found, index);
            (Some(named), perhaps)
        }
        None => (None, Vec::new()),
    };
    let mut row = Row {
        key: &feature.key,
        path: one.path,
        feature,
        standing: standing::of(toggles, feature, gathered.now),
        since: past.and_then(|past| past.stands),
        names: past.map(|past| past.names.clone()).unwrap_or_default(),
        why: Vec::new(),
        words: Vec::new(),
        asked_by: asked::by(toggles, feature),
        named,
        perhaps,
        seen: gathered
            .seen
            .as_ref()
            .and_then(|seen| seen.get(&*feature.key)),
        sentence: sentence::feature(feature, toggles),
        lost: String::new(),
        next: String::new(),
    };
    if matches!(row.standing, Standing::Share | Standing::Targeted) {
        // shares move by the text of the file, and by its dates
        row.since = past.and_then(|past| past.unchanged);
    }
    row.judge(gathered, one, past);
    row
}

impl Row<'_> {
    fn judge(&mut self, gathered: &Gathered<'_>, one: &One<'_>, past: Option<&Past>) {
        let feature = self.feature;
        if !feature.permanent {
            if feature.is_expired(gathered.now) {
                let day = feature
                    .expires
                    .as_ref()
                    .map(|end| &*end.day)
                    .unwrap_or_default();
                self.because(Why::Expired, format!("expired {day}"));
            }
            self.stands_still(gathered, one);
        }
        let nobody_names = self.named.as_ref().is_some_and(Vec::is_empty);
        // a helper of other features is read by them
        let is_helper = feature.header.is_none() && !self.asked_by.is_empty();
        if nobody_names && !is_helper && feature.status != Status::Archived {
            let words = match (&*self.perhaps, feature.permanent) {
                ([], true) => "permanent, and named nowhere".to_owned(),
                ([], false) => "named nowhere".to_owned(),
                (_, _) => "named nowhere for certain".to_owned(),
            };
            self.because(Why::Unnamed, words);
        }
        let is_new = past
            .and_then(|past| past.came)
            .is_some_and(|came| !came.at_least && came.at > gathered.since);
        self.lost = advice::lost(self);
        self.next = advice::next(self, is_new);
    }

    fn because(&mut self, why: Why, words: String) {
        self.why.push(why);
        self.words.push(words);
    }

    /// Whether nothing has moved since the day that counts.
    fn stands_still(&mut self, gathered: &Gathered<'_>, one: &One<'_>) {
        let stop = one.snapshot.stop_of(one.toggles, one.feature);
        if let Some(stop) = stop.filter(|stop| stop.at.is_none_or(|at| at <= gathered.since)) {
            return self.because(Why::Parked, stop.sentence());
        }
        let is_long = self.since.is_some_and(|since| since.at <= gathered.since);
        let since = match self.since {
            Some(since) if since.at_least => format!(" at least since {}", day(since.at)),
            Some(since) => format!(" since {}", day(since.at)),
            None => ", nobody knows since when".to_owned(),
        };
        match &self.standing {
            Standing::Everybody(variant) if is_long || self.since.is_none() => {
                let default = &one.feature.variant(one.feature.default).name;
                match variant == default {
                    true => self.because(
                        Why::Nobody,
                        format!("at 0%: everybody gets the default, `{variant}`,{since}"),
                    ),
                    false => self.because(
                        Why::Everybody,
                        format!("at 100%: everybody gets `{variant}`{since}"),
                    ),
                }
            }
            Standing::Parked(parked) if is_long || self.since.is_none() => {
                self.because(Why::Parked, format!("{}{since}", parked.as_str()));
            }
            Standing::Share
                if is_long && !standing::changes_later(one.toggles, one.feature, gathered.now) =>
            {
                self.because(Why::Parked, format!("a share that has not moved{since}"));
            }
            _ => {}
        }
    }
}

fn leftover<'a>(gone: &'a Gone, named: Vec<&'a Place>) -> Leftover<'a> {
    let (lost, next) = match &gone.now {
        Some(now) => (
            format!(
                "it was renamed `{now}` on {}: whoever asks for the old name gets nothing, and falls back to its own default",
                day(gone.at)
            ),
            format!("write the new name in these places: `{now}`"),
        ),
        None => (
            format!(
                "it was taken out on {}: this code gets nothing, and falls back to its own default",
                day(gone.at)
            ),
            "take the code out in these places".to_owned(),
        ),
    };
    Leftover {
        gone,
        named,
        lost,
        next,
    }
}
