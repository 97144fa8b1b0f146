//! One toggles file: its own keys, and everything below them in the order in which they refer to one another.
//! In: its tree. Out: a [`Compiled`], which becomes a [`Toggles`] where nothing is wrong with any file.

use super::{
    compiler::{Attributes, Compiler, Environment, Reach},
    conflicts::FileHeaders,
    graph::Graph,
    headers::HeaderOptions,
    names,
    other_systems::is_of_another_system,
    visitor,
};
use crate::config::{
    collector::Collector,
    file,
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::{
    Feature, Toggles,
    compare::draw::draws,
    model::{Anonymous, Condition, FeatureIndex, OverridePolicy, Step},
    source::Source,
    units::Second,
};
use std::collections::HashMap;

/// How many user ids the segments of a file may name.
const MOST_IDS: usize = 100_000;

/// One file, understood as far as it could be.
pub(super) struct Compiled {
    pub(super) namespace: Option<Box<str>>,
    pub(super) namespace_at: Position,
    pub(super) paused: bool,
    pub(super) when: Option<Condition>,
    pub(super) attributes: Attributes,
    pub(super) anonymous: Option<(Anonymous, Position)>,
    pub(super) overrides: Option<OverridePolicy>,
    /// where they are looked for, as the file says it; known without the key too
    pub(super) override_from: Box<[Source]>,
    /// the cookie that keeps an override, and where the file names it
    pub(super) remembered: Option<(Box<str>, Position)>,
    pub(super) segments: Vec<Option<Condition>>,
    pub(super) segment_names: Vec<Box<str>>,
    pub(super) features: Vec<(Option<Feature>, Position)>,
    pub(super) order: Vec<FeatureIndex>,
    pub(super) headers: HeaderOptions,
}

impl Compiled {
    pub(super) fn sends(&self) -> FileHeaders<'_> {
        let features = self
            .features
            .iter()
            .filter_map(|(feature, at)| Some((feature.as_ref()?, *at)));
        FileHeaders {
            headers: &self.headers,
            features: features.collect(),
            trusted: &self.attributes.trusted,
        }
    }

    pub(super) fn toggles(self, first: &mut usize) -> Option<Toggles> {
        let features = self
            .features
            .into_iter()
            .map(|(feature, _)| feature)
            .collect::<Option<Box<[Feature]>>>()?;
        let compared = features.iter().filter(|feature| !draws(feature).is_empty());
        let mut drawn_by: Vec<_> = compared.map(|feature| feature.unit).collect();
        drawn_by.sort_unstable();
        drawn_by.dedup();
        let step =
            |index: &FeatureIndex| Step::new(*index, &features[usize::from(*index)], self.paused);
        let order = self.order.iter().map(step).collect();
        let begin = *first;
        *first += features.len();
        Some(Toggles {
            namespace: self.namespace,
            first: begin,
            paused: self.paused,
            when: self.when,
            attributes: self.attributes.list.into(),
            anonymous: self.anonymous.map(|(anonymous, _)| anonymous),
            override_policy: self.overrides,
            segments: self.segments.into_iter().collect::<Option<_>>()?,
            segment_names: self.segment_names.into(),
            features,
            order,
            send_off: !self.headers.omit_off,
            drawn_by: drawn_by.into(),
        })
    }
}

/// None where it is no toggles file at all.
pub(super) fn compile<'t>(
    root: &'t Node<'t>,
    several: bool,
    env: Environment<'_>,
    now: Second,
    problems: &mut Collector,
) -> Option<Compiled> {
    if is_of_another_system(root, problems) {
        return None;
    }
    let file = file::File::read(root, problems)?;
    let mut compiler = Compiler {
        problems,
        env,
        now,
        top: root.at,
        several,
        namespace: None,
        file_when: file.when.map(|entry| &entry.value),
        attributes: Attributes::default(),
        segments: HashMap::new(),
        segment_names: Vec::new(),
        features: HashMap::new(),
        declared: Vec::new(),
        reach: Reach::default(),
        override_reach: None,
        override_from: Box::default(),
        remembered: None,
        needs_unit: false,
        drawn: None,
        asked: None,
        patterns: 0,
        places: 0,
    };
    compiler.version(&file);
    compiler.namespace = file.namespace.and_then(|entry| compiler.namespace(entry));
    let paused = file
        .status
        .and_then(|entry| compiler.choice(entry, &["running", "paused"]))
        == Some("paused");
    let visitors = compiler.attributes(&file);
    let segments = compiler.declare(&file);
    let headers = compiler.header_options(file.headers, root.at);
    Some(compiler.finish(&file, paused, visitors, segments, headers))
}

impl<'t> Compiler<'t, '_> {
    pub(super) fn version(&mut self, file: &file::File<'t>) {
        let hint = "write `version: 1`: it names the contract that the file is written for";
        match file.version {
            None => self.problems.error(self.top, "`version` is missing", hint),
            Some(entry) if entry.value.text() == Some("1") => {}
            Some(entry) => self.expected(&entry.value, "the version `1`", hint),
        }
    }

    pub(super) fn namespace(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
        let name = self.text(entry, "a name")?;
        if !names::is_name(name) {
            self.problems.error(
                entry.value.at,
                format!("{} is not a valid namespace", quote(name)),
                "begin with a letter, then letters, digits, `.`, `_` and `-`; at most 64",
            );
            return None;
        }
        Some(name)
    }

    pub(super) fn finish(
        mut self,
        file: &file::File<'t>,
        paused: bool,
        visitors: Option<visitor::Declared<'t>>,
        segments: &'t [Entry<'t>],
        headers: HeaderOptions,
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
            self.problems.error(
                entry.key_at,
                format!("{ids} user ids in segments: at most {MOST_IDS} are allowed"),
                "have the proxy in front of burgee send an attribute, and test that",
            );
        }
        let when = file
            .when
            .map(|entry| (self.condition(&entry.value), entry.key_at));
        let count = self.declared.len();
        let (features, feature_reach): (Vec<_>, Vec<_>) = (0..count)
            .map(|index| self.feature(index as FeatureIndex, &headers))
            .unzip();
        let overrides = file.overrides.map(|entry| self.overrides(entry));
        let graph = Graph {
            features: &feature_reach,
            segments: &segment_reach,
        };
        let order = self.order(&graph);
        if let Some(((_, reach), at)) = &when
            && graph.asks_for_a_feature(reach)
        {
            self.problems.error(
                *at,
                "the `when` of the file depends on one of its features",
                "use attributes here",
            );
        }
        if let Some(Some((_, Some((reach, at))))) = &overrides
            && let Err(why) = self.is_protected(&graph.attributes(reach))
        {
            self.problems.error(
                *at,
                format!("this condition does not protect the override: {why}"),
                "use only `header.` and `env.` sources, or add `key: env.BURGEE_OVERRIDE_KEY`",
            );
        }
        let anonymous = visitors.map(|visitors| self.anonymous(visitors, &segments));
        let consent = anonymous.as_ref().map(|(_, reach)| reach.clone());
        let anonymous_at = file.anonymous.map_or(self.top, |entry| entry.key_at);
        let mut anonymous = anonymous.map(|(anonymous, _)| (anonymous, anonymous_at));
        if let Some((anonymous, _)) = &mut anonymous
            && let Some(visitor) = anonymous.visitor
        {
            anonymous.changed_by_login = self.changed_by_login(&features, &graph, visitor);
        }
        let whole = when.as_ref().map(|((_, reach), _)| reach);
        // where something is wrong, what is unused is only its shadow
        if self.problems.errors() == 0 {
            self.unused(
                file,
                feature_reach
                    .iter()
                    .chain(&segment_reach)
                    .chain(whole)
                    .chain(&self.override_reach.clone())
                    .chain(&consent),
            );
        }
        Compiled {
            namespace: self.namespace.map(Into::into),
            namespace_at: file.namespace.map_or(self.top, |entry| entry.value.at),
            paused,
            when: when.and_then(|((when, _), _)| when),
            anonymous,
            overrides: overrides.flatten().map(|(policy, _)| policy),
            override_from: self.override_from,
            remembered: self.remembered,
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
            headers,
            attributes: self.attributes,
        }
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
