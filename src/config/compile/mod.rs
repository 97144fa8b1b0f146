//! Shape to meaning: one pass that proves a file and builds what requests are decided by.
//! In: the trees of all files. Out: a [`Snapshot`], or every problem in the log. Validation that yields no type is
//! forgotten, so there is none: what is checked here is what is built here.

mod condition;
mod feature;
mod forced;
mod graph;
mod headers;
mod names;
mod operators;
mod payload;
mod reachable;
mod serve;
mod sources;
mod warnings;

use super::{
    file,
    problem::{Log, quote},
    source::{Entry, Kind, Node, Place},
};
use crate::engine::{
    Feature, Snapshot, Toggles, anonymous::Anonymous, evaluate::FeatureIndex, fold::Guard,
    forced::Override, units::Second,
};
use condition::Reach;
use feature::Declared;
use graph::Graph;
use headers::Travel;
use http::{HeaderName, HeaderValue};
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
    slots: sources::Slots,
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

/// One file, understood as far as it could be.
struct Compiled {
    namespace: Option<Box<str>>,
    namespace_at: Place,
    paused: bool,
    when: Option<crate::engine::condition::Condition>,
    slots: sources::Slots,
    anonymous: Option<Anonymous>,
    forced: Option<Override>,
    segments: Vec<Option<crate::engine::condition::Condition>>,
    segment_names: Vec<Box<str>>,
    features: Vec<(Option<Feature>, Place)>,
    order: Vec<FeatureIndex>,
    travel: Travel,
}

/// All files of one generation. None where the log has an error.
pub(super) fn all(
    roots: &[Option<&Node<'_>>],
    env: Environment<'_>,
    now: Second,
    revision: &str,
    log: &mut Log,
) -> Option<Snapshot> {
    let several = roots.len() > 1;
    let compiled: Vec<Option<Compiled>> = roots
        .iter()
        .map(|root| root.and_then(|root| one(root, several, env, now, log)))
        .collect();
    let known: Vec<&Compiled> = compiled.iter().flatten().collect();
    namespaces(&known, several, log);
    one_name(&known, |travel| travel.combined.as_ref(), "combined", log);
    one_name(&known, |travel| travel.revision.as_ref(), "revision", log);
    let sends: Vec<headers::Sends<'_>> = known.iter().map(|file| file.sends()).collect();
    headers::check(&sends, log);
    if log.errors() > 0 {
        return None;
    }
    let trusted = known
        .iter()
        .flat_map(|file| &file.slots.headers)
        .map(|(name, _)| name);
    let mut prefixes: Vec<&str> = known
        .iter()
        .filter_map(|file| file.travel.prefix.as_ref())
        .map(|(prefix, _)| &**prefix)
        .collect();
    if prefixes.is_empty() {
        // files that send nothing leave the default prefix to nobody
        prefixes.push(crate::engine::fold::DEFAULT_PREFIX);
    }
    let combined = known
        .iter()
        .find_map(|file| file.travel.combined.clone())
        .map(|(name, _)| name);
    let revision_name = known
        .iter()
        .find_map(|file| file.travel.revision.clone())
        .map(|(name, _)| name);
    let named = known
        .iter()
        .flat_map(|file| &file.features)
        .filter_map(|(feature, _)| feature.as_ref());
    let sent = named
        .flat_map(|feature| [&feature.header, &feature.value_header])
        .flatten()
        .chain(&combined)
        .chain(&revision_name);
    let guard = Guard::new(prefixes, sent.map(HeaderName::as_str), trusted);
    let revision_header = match revision_name {
        Some(name) => Some((name, HeaderValue::from_str(revision).ok()?)),
        None => None,
    };
    let mut first = 0;
    let files: Option<Box<[Toggles]>> = compiled
        .into_iter()
        .map(|file| file?.toggles(&mut first))
        .collect();
    Some(Snapshot {
        revision: revision.into(),
        files: files?,
        guard,
        combined,
        revision_header,
    })
}

/// With more than one file each has a namespace of its own.
fn namespaces(files: &[&Compiled], several: bool, log: &mut Log) {
    let mut taken: HashMap<String, Place> = HashMap::new();
    for file in files.iter().filter(|_| several) {
        match &file.namespace {
            None => log.error(
                file.namespace_at,
                "`namespace` is missing, and there are other files",
                "write `namespace: shop`: it sets the features of this file apart",
            ),
            Some(name) => {
                let other = taken.insert(name.to_ascii_lowercase(), file.namespace_at);
                for at in other
                    .into_iter()
                    .flat_map(|other| [other, file.namespace_at])
                {
                    log.error(
                        at,
                        format!("another file has the namespace {} too", quote(name)),
                        "every file takes its own",
                    );
                }
            }
        }
    }
}

/// There is one combined header, and one with the revision, for all files.
fn one_name(
    files: &[&Compiled],
    of: impl Fn(&Travel) -> Option<&(HeaderName, Place)>,
    what: &str,
    log: &mut Log,
) {
    let mut all = files.iter().filter_map(|file| of(&file.travel));
    let Some((first, _)) = all.next() else { return };
    for (name, at) in all {
        if name != first {
            log.error(
                *at,
                format!(
                    "another file calls the {what} header {}",
                    quote(first.as_str())
                ),
                "there is one for all files: name it alike, or in one file only",
            );
        }
    }
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
        slots: sources::Slots::default(),
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
    fn version(&mut self, file: &file::File<'t>) {
        let hint = "write `version: 1`: it names the contract that the file is written for";
        match file.version {
            None => self.log.error(self.top, "`version` is missing", hint),
            Some(entry) if entry.value.text() == Some("1") => {}
            Some(entry) => self.expected(&entry.value, "the version `1`", hint),
        }
    }

    fn namespace(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
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
    fn declare(&mut self, file: &file::File<'t>) -> &'t [Entry<'t>] {
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

    fn rest(
        mut self,
        file: &file::File<'t>,
        paused: bool,
        anonymous: Option<Anonymous>,
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

    fn unused<'r>(&mut self, file: &file::File<'t>, reaches: impl Iterator<Item = &'r Reach>) {
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

impl Compiled {
    fn sends(&self) -> headers::Sends<'_> {
        let features = self
            .features
            .iter()
            .filter_map(|(feature, at)| Some((feature.as_ref()?, *at)));
        headers::Sends {
            travel: &self.travel,
            features: features.collect(),
            trusted: &self.slots.headers,
        }
    }

    fn toggles(self, first: &mut usize) -> Option<Toggles> {
        let features = self
            .features
            .into_iter()
            .map(|(feature, _)| feature)
            .collect::<Option<Box<[Feature]>>>()?;
        let begin = *first;
        *first += features.len();
        Some(Toggles {
            namespace: self.namespace,
            first: begin,
            paused: self.paused,
            when: self.when,
            attributes: self.slots.list.into(),
            anonymous: self.anonymous,
            forced: self.forced,
            segments: self.segments.into_iter().collect::<Option<_>>()?,
            segment_names: self.segment_names.into(),
            features,
            order: self.order.into(),
            send_off: !self.travel.omit_off,
        })
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

/// A file of another system, or one that is wrapped: told once, not key by key.
fn is_foreign(root: &Node<'_>, log: &mut Log) -> bool {
    let Kind::Map(entries) = &root.kind else {
        return false;
    };
    let has = |key: &str| entries.iter().find(|entry| entry.key == key);
    let version = has("version").is_some();
    let (entry, message, hint) = if let Some(entry) = has("apiVersion").or(has("kind")) {
        let map = has("kind").is_some_and(|kind| kind.value.text() == Some("ConfigMap"));
        match map {
            true => (
                entry,
                "this is a ConfigMap, not the toggles file in it".to_owned(),
                "check what stands under `data`, without the indentation; Kubernetes mounts that as the file",
            ),
            false => (
                entry,
                "this is a Kubernetes manifest, not a toggles file".to_owned(),
                "a toggles file begins with `version: 1`",
            ),
        }
    } else if let Some(entry) = has("contexts") {
        (
            entry,
            "`contexts` is how Experimentor writes it".to_owned(),
            "make each context a file: `version: 1`, `namespace: <context>`, and its features below `features:`",
        )
    } else if let Some(entry) = has("flags").or(has("flagValues")) {
        (
            entry,
            format!("{} is how other flag systems write it", quote(&entry.key)),
            "write `version: 1` and `features:`; a flag that is on is `name: on`, a percentage `name: 25%`",
        )
    } else if let Some(entry) = has("experiments")
        .or(has("toggles"))
        .or(has("feature_flags"))
        .filter(|_| !version)
    {
        (
            entry,
            format!("{} is how other systems write it", quote(&entry.key)),
            "write `version: 1` and put the features below `features:`",
        )
    } else {
        return false;
    };
    log.error(entry.key_at, message, hint);
    true
}
