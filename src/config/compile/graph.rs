//! Who refers to whom: parents before children, no cycles, not too deep.
//! In: what each feature and segment reaches. Out: the order of evaluation.

use super::compiler::{Compiler, Reach};
use crate::config::{phrases::quote, tree::Position};
use crate::engine::{attributes::AttributeIndex, model::FeatureIndex, source::Source};

/// How deep features may depend on features, and segments may be nested.
const DEEPEST: usize = 64;
/// How many tests a condition may take once its segments are expanded.
const MOST_TESTS: u64 = 100_000;

/// Features first, segments behind them.
pub(super) struct Graph<'a> {
    pub(super) features: &'a [Reach],
    pub(super) segments: &'a [Reach],
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Unseen,
    Open,
    Done,
}

impl Graph<'_> {
    /// What a feature or a segment refers to.
    pub(super) fn reach(&self, node: usize) -> &Reach {
        match node.checked_sub(self.features.len()) {
            None => &self.features[node],
            Some(segment) => &self.segments[segment],
        }
    }

    /// What a node refers to, and where it does.
    fn next(&self, node: usize) -> impl Iterator<Item = (usize, Position)> + '_ {
        let reach = self.reach(node);
        let segments = reach
            .segments
            .iter()
            .map(|(segment, at)| (self.features.len() + usize::from(*segment), *at));
        reach
            .features
            .iter()
            .map(|(feature, at)| (usize::from(*feature), *at))
            .chain(segments)
    }

    /// Every index that is looked at, directly or through segments and features.
    pub(super) fn attributes(&self, from: &Reach) -> Vec<AttributeIndex> {
        let mut seen = vec![false; self.features.len() + self.segments.len()];
        let mut open: Vec<usize> = Vec::new();
        let mut attributes = from.attributes.clone();
        open.extend(
            from.features
                .iter()
                .map(|(feature, _)| usize::from(*feature)),
        );
        open.extend(
            from.segments
                .iter()
                .map(|(segment, _)| self.features.len() + usize::from(*segment)),
        );
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                attributes.extend(&self.reach(node).attributes);
                open.extend(self.next(node).map(|(next, _)| next));
            }
        }
        attributes.sort_unstable();
        attributes.dedup();
        attributes
    }

    /// For each node, such a one that it asks for, directly or through others.
    pub(super) fn askers(&self, is_such: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        let count = self.features.len() + self.segments.len();
        let mut asked_by = vec![Vec::new(); count];
        for node in 0..count {
            self.next(node)
                .for_each(|(next, _)| asked_by[next].push(node));
        }
        let mut found = vec![None; count];
        for such in (0..count).filter(|node| is_such(*node)) {
            let mut open = vec![such];
            while let Some(node) = open.pop() {
                for asker in &asked_by[node] {
                    if found[*asker].is_none() {
                        found[*asker] = Some(such);
                        open.push(*asker);
                    }
                }
            }
        }
        found
    }

    /// The first feature that a condition reaches through segments.
    pub(super) fn asks_for_a_feature(&self, from: &Reach) -> bool {
        let mut seen = vec![false; self.segments.len()];
        let mut open: Vec<&Reach> = vec![from];
        while let Some(reach) = open.pop() {
            if !reach.features.is_empty() {
                return true;
            }
            for (segment, _) in &reach.segments {
                if !std::mem::replace(&mut seen[usize::from(*segment)], true) {
                    open.push(&self.segments[usize::from(*segment)]);
                }
            }
        }
        false
    }
}

impl Compiler<'_, '_> {
    /// Features, parents before children.
    pub(super) fn order(&mut self, graph: &Graph<'_>) -> Vec<FeatureIndex> {
        let count = graph.features.len() + graph.segments.len();
        let (mut visits, mut order) = (
            vec![Visit::Unseen; count],
            Vec::with_capacity(graph.features.len()),
        );
        // how deep features stand in features, segments in segments, and how many tests they take
        let (mut depths, mut nested, mut tests) =
            (vec![0usize; count], vec![0usize; count], vec![0u64; count]);
        for root in 0..count {
            let mut path: Vec<(usize, Vec<(usize, Position)>)> = Vec::new();
            if visits[root] == Visit::Unseen {
                visits[root] = Visit::Open;
                path.push((root, graph.next(root).collect()));
            }
            while let Some((node, rest)) = path.last_mut() {
                let node = *node;
                if let Some((next, at)) = rest.pop() {
                    match visits[next] {
                        Visit::Unseen => {
                            visits[next] = Visit::Open;
                            path.push((next, graph.next(next).collect()));
                        }
                        Visit::Open => self.cycle(graph, &path, next, at),
                        Visit::Done => {}
                    }
                    continue;
                }
                visits[node] = Visit::Done;
                let is_feature = node < graph.features.len();
                tests[node] = graph.reach(node).tests;
                let mut last = None;
                for (next, at) in graph.next(node) {
                    let next_is_feature = next < graph.features.len();
                    depths[node] = depths[node].max(depths[next] + usize::from(next_is_feature));
                    if !next_is_feature {
                        nested[node] = nested[node].max(nested[next] + 1);
                        tests[node] = tests[node].saturating_add(tests[next]);
                    }
                    last = Some(at);
                }
                if let Some(at) = last {
                    self.too_deep(at, depths[node], nested[node], tests[node]);
                }
                if depths[node] > DEEPEST || nested[node] > DEEPEST || tests[node] > MOST_TESTS {
                    // told once, not again by everything above
                    (depths[node], nested[node], tests[node]) = (0, 0, 0);
                }
                if is_feature {
                    order.push(node as FeatureIndex);
                }
                path.pop();
            }
        }
        order
    }

    fn too_deep(&mut self, at: Position, depth: usize, nested: usize, tests: u64) {
        if depth > DEEPEST {
            self.problems.error(
                at,
                format!("features depend on one another more than {DEEPEST} deep here"),
                "depend on a feature nearer to the root",
            );
        }
        if nested > DEEPEST {
            self.problems.error(
                at,
                format!("segments are nested more than {DEEPEST} deep here"),
                "use the inner ones directly",
            );
        }
        if tests > MOST_TESTS {
            self.problems.error(
                at,
                format!("this takes more than {MOST_TESTS} tests once all segments are expanded"),
                "use fewer segments inside segments",
            );
        }
    }

    fn cycle(
        &mut self,
        graph: &Graph<'_>,
        path: &[(usize, Vec<(usize, Position)>)],
        to: usize,
        at: Position,
    ) {
        let name = |node: usize| match node.checked_sub(graph.features.len()) {
            None => self.declared[node].name.to_owned(),
            Some(segment) => self.segment_names[segment].to_owned(),
        };
        let begin = path
            .iter()
            .position(|(node, _)| *node == to)
            .unwrap_or_default();
        let mut names: Vec<String> = path[begin..].iter().map(|(node, _)| name(*node)).collect();
        names.push(name(to));
        if names.len() > 8 {
            names.splice(4..names.len() - 3, ["…".to_owned()]);
        }
        let shown: Vec<String> = names.iter().map(|name| quote(name)).collect();
        self.problems.error(
            at,
            format!("circular dependency: {}", shown.join(" -> ")),
            "remove one of these conditions",
        );
    }

    /// Whether a condition looks only at what the hop before us or the environment says.
    pub(super) fn is_protected(&self, attributes: &[AttributeIndex]) -> Result<(), String> {
        if attributes.is_empty() {
            return Err("it does not depend on the request".to_owned());
        }
        for index in attributes {
            let attribute = &self.attributes.list[usize::from(*index)];
            let open = attribute
                .sources
                .iter()
                .find(|source| !matches!(source, Source::Header(_) | Source::Env(..)));
            if let Some(source) = open {
                let name = &attribute.name;
                let source = source.to_string();
                let through = if **name == *source {
                    "it depends on ".to_owned()
                } else {
                    format!("{} is read from ", quote(name))
                };
                return Err(format!(
                    "{through}{}, which the client controls",
                    quote(&source)
                ));
            }
        }
        Ok(())
    }
}
