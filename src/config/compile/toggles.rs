//! Shape to meaning: one pass that proves a file and builds what requests are decided by; a file here for each subject.
//! In: the trees of all files. Out: a [`crate::engine::Snapshot`], or every problem in the log. Validation that yields no type is
//! forgotten, so there is none: what is checked here is what is built here.

mod attributes;
mod buckets;
mod budget;
mod condition;
mod conflicts;
mod declared;
mod feature;
mod generation;
mod graph;
mod headers;
mod impossible;
mod instants;
mod names;
mod operators;
mod other_systems;
mod overrides;
mod payload;
mod reachable;
mod rollout;
mod rules;
mod scalars;
mod serve;
mod sources;
mod values;
mod visitor;
mod warnings;

use super::{
    file,
    problem::{Log, quote},
    tree::{Entry, Kind, Node, Place},
};
use crate::engine::{model::FeatureIndex, units::Second, visitor::VisitorCookie};
use condition::Reach;
use declared::Declared;
use generation::Compiled;
pub(in crate::config) use generation::all;
use graph::Graph;
use headers::Travel;
use other_systems::is_foreign;
use std::collections::HashMap;

/// Features of a file.
const MOST_FEATURES: usize = 1_000;
/// User ids in the segments of a file.
const MOST_IDS: usize = 100_000;

/// Reads variables of the environment.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// What is known of a file while it is compiled.
struct Cx<'t, 'e> {
    log: &'e mut Log,
    env: Environment<'e>,
    now: Second,
    /// the beginning of the file
    top: Place,
    /// whether there are other files
    several: bool,
    namespace: Option<&'t str>,
    file_when: Option<&'t Node<'t>>,
    slots: attributes::Slots,
    segments: HashMap<&'t str, u16>,
    segment_names: Vec<&'t str>,
    features: HashMap<&'t str, FeatureIndex>,
    declared: Vec<Declared<'t>>,
    /// what the condition that is being read refers to
    reach: Reach,
    /// what the override's condition refers to
    forced_reach: Option<Reach>,
    /// whether the feature that is being read draws by its unit
    needs_unit: bool,
    /// regular expressions so far
    patterns: usize,
    /// weighted subjects so far
    places: usize,
}

fn one<'t>(
    root: &'t Node<'t>,
    several: bool,
    env: Environment<'_>,
    now: Second,
    log: &mut Log,
) -> Option<Compiled> {
    if is_foreign(root, log) {
        return None;
    }
    let file = file::File::read(root, log)?;
    let mut cx = Cx {
        log,
        env,
        now,
        top: root.at,
        several,
        namespace: None,
        file_when: file.when.map(|entry| &entry.value),
        slots: attributes::Slots::default(),
        segments: HashMap::new(),
        segment_names: Vec::new(),
        features: HashMap::new(),
        declared: Vec::new(),
        reach: Reach::default(),
        forced_reach: None,
        needs_unit: false,
        patterns: 0,
        places: 0,
    };
    cx.version(&file);
    cx.namespace = file.namespace.and_then(|entry| cx.namespace(entry));
    let paused = file
        .status
        .and_then(|entry| cx.word(entry, &["running", "paused"]))
        == Some("paused");
    let anonymous = cx.attributes(&file);
    let segments = cx.declare(&file);
    let travel = cx.travel(file.headers, root.at);
    Some(cx.rest(&file, paused, anonymous, segments, travel))
}

impl<'t> Cx<'t, '_> {
    pub(super) fn version(&mut self, file: &file::File<'t>) {
        let hint = "write `version: 1`: it names the contract that the file is written for";
        match file.version {
            None => self.log.error(self.top, "`version` is missing", hint),
            Some(entry) if entry.value.text() == Some("1") => {}
            Some(entry) => self.expected(&entry.value, "the version `1`", hint),
        }
    }

    pub(super) fn namespace(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
        let name = self.words(entry, "a name")?;
        if !names::is_name(name) {
            self.log.error(
                entry.value.at,
                format!("{} is no name for a namespace", quote(name)),
                "begin with a letter, then letters, digits, `.`, `_` and `-`; at most 64",
            );
            return None;
        }
        Some(name)
    }

    /// The names of segments and features, so that everything may refer to everything.
    pub(super) fn declare(&mut self, file: &file::File<'t>) -> &'t [Entry<'t>] {
        let segments = file
            .segments
            .and_then(|entry| file::entries(&entry.value, "`segments`", self.log))
            .unwrap_or_default();
        for (index, entry) in segments.iter().enumerate() {
            if !names::is_variant(&entry.key) {
                self.log.error(
                    entry.key_at,
                    format!("{} is no name for a segment", quote(&entry.key)),
                    format!("names {}", names::VARIANT),
                );
            }
            match u16::try_from(index) {
                Ok(index) => {
                    self.segments.insert(&entry.key, index);
                    self.segment_names.push(&entry.key);
                }
                Err(_) => {
                    self.log
                        .error(entry.key_at, "more than 65,536 segments", "name fewer");
                    return &segments[..index];
                }
            }
        }
        let features = match file.features {
            Some(entry) if !entry.value.is_null() => {
                file::entries(&entry.value, "`features`", self.log).unwrap_or_default()
            }
            _ => &[],
        };
        if features.is_empty() && self.log.errors() == 0 {
            let at = file.features.map_or(self.top, |entry| entry.key_at);
            self.log
                .warn(at, "there are no features", "write one: `dark-mode: on`");
        }
        if features.len() > MOST_FEATURES {
            let at = file.features.map_or(self.top, |entry| entry.key_at);
            self.log.error(
                at,
                format!("{} features: more than {MOST_FEATURES}", features.len()),
                "divide them among several files, each with a namespace",
            );
        }
        let mut lower: HashMap<String, &str> = HashMap::new();
        for (index, entry) in features.iter().take(MOST_FEATURES).enumerate() {
            if let Some(other) = lower.insert(entry.key.to_ascii_lowercase(), &entry.key) {
                self.log.error(
                    entry.key_at,
                    format!(
                        "{} and {} differ only in case",
                        quote(&entry.key),
                        quote(other)
                    ),
                    "header names do not know case: rename one",
                );
            }
            self.features.insert(&entry.key, index as FeatureIndex);
            let declared = self.declare_feature(entry);
            self.declared.push(declared);
        }
        segments
    }

    pub(super) fn rest(
        mut self,
        file: &file::File<'t>,
        paused: bool,
        anonymous: Option<VisitorCookie>,
        segments: &'t [Entry<'t>],
        travel: Travel,
    ) -> Compiled {
        let mut ids = 0;
        let (segments, segment_reach): (Vec<_>, Vec<_>) = segments
            .iter()
            .map(|entry| {
                ids += user_ids(&entry.value);
                self.condition(&entry.value)
            })
            .unzip();
        if let (true, Some(entry)) = (ids > MOST_IDS, file.segments) {
            self.log.error(
                entry.key_at,
                format!("{ids} user ids in segments: more than {MOST_IDS}"),
                "let the hop before burgee send an attribute, and ask for that",
            );
        }
        let when = file
            .when
            .map(|entry| (self.condition(&entry.value), entry.key_at));
        let count = self.declared.len();
        let (features, feature_reach): (Vec<_>, Vec<_>) = (0..count)
            .map(|index| self.feature(index as FeatureIndex, &travel))
            .unzip();
        let forced = file.overrides.map(|entry| self.forced(entry));
        let graph = Graph {
            features: &feature_reach,
            segments: &segment_reach,
        };
        let order = self.order(&graph);
        if let Some(((_, reach), at)) = &when
            && graph.asks_for_a_feature(reach)
        {
            self.log.error(
                *at,
                "the condition of the whole file asks for one of its features",
                "ask for attributes here",
            );
        }
        if let Some(Some((_, Some((reach, at))))) = &forced
            && let Err(why) = self.is_protected(&graph.slots(reach))
        {
            self.log.error(
                *at,
                format!("this condition does not protect the override: {why}"),
                "ask for `header.` and `env.` sources alone, or add `key: env.BURGEE_OVERRIDE_KEY`",
            );
        }
        let whole = when.as_ref().map(|((_, reach), _)| reach);
        // where something is wrong, what is unused is only its shadow
        if self.log.errors() == 0 {
            self.unused(
                file,
                feature_reach
                    .iter()
                    .chain(&segment_reach)
                    .chain(whole)
                    .chain(&self.forced_reach.clone()),
            );
        }
        Compiled {
            namespace: self.namespace.map(Into::into),
            namespace_at: file.namespace.map_or(self.top, |entry| entry.value.at),
            paused,
            when: when.and_then(|((when, _), _)| when),
            anonymous,
            forced: forced.flatten().map(|(forced, _)| forced),
            segments,
            segment_names: self
                .segment_names
                .iter()
                .map(|name| Box::from(*name))
                .collect(),
            features: features
                .into_iter()
                .zip(self.declared.iter().map(|declared| declared.header_at))
                .collect(),
            order,
            travel,
            slots: self.slots,
        }
    }

    pub(super) fn unused<'r>(
        &mut self,
        file: &file::File<'t>,
        reaches: impl Iterator<Item = &'r Reach>,
    ) {
        let mut used = vec![false; self.segment_names.len()];
        for (segment, _) in reaches.flat_map(|reach| &reach.segments) {
            used[usize::from(*segment)] = true;
        }
        let entries = file.segments.and_then(|entry| match &entry.value.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        });
        for (entry, _) in entries
            .into_iter()
            .flatten()
            .zip(&used)
            .filter(|(_, used)| !**used)
        {
            self.log.warn(
                entry.key_at,
                format!("nothing asks for the segment {}", quote(&entry.key)),
                "take it out, or use it",
            );
        }
        self.unused_variants();
    }
}

fn user_ids(node: &Node<'_>) -> usize {
    match &node.kind {
        Kind::Map(entries) => entries
            .iter()
            .map(|entry| match &entry.value.kind {
                Kind::List(items) if entry.key == "user" => items.len(),
                Kind::Text(..) if entry.key == "user" => 1,
                _ => user_ids(&entry.value),
            })
            .sum(),
        Kind::List(items) => items.iter().map(user_ids).sum(),
        _ => 0,
    }
}
