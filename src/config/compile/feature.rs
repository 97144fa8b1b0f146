//! One feature: text to meaning.
//! In: an entry of `features`. Out: first its name and variants, so that others may refer to it; then a [`Feature`].

use super::{
    compiler::{Compiler, Reach},
    headers::HeaderOptions,
    names, payload,
    serve::AllocationKeys,
};
use crate::config::{
    file, map,
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};
use crate::{
    background::give_way,
    engine::{
        Feature, Status, Variant,
        attributes::USER,
        bucket::Seed,
        headers::line,
        model::{Allocation, FeatureIndex, Rule, Serve, Spread},
        schedule::Rollout,
        units::Share,
        weights::{Line, Weighted},
    },
};
use http::{HeaderName, HeaderValue};
use serde_json::Value;
/// How many weighted subjects a file may have, each counted once for every feature that draws by them.
const MOST_PLACES: usize = 100_000;

impl<'t> Compiler<'t, '_> {
    /// The feature in full, and what it reaches.
    pub(super) fn feature(
        &mut self,
        index: FeatureIndex,
        headers: &HeaderOptions,
    ) -> (Option<Feature>, Reach) {
        let mut reach = Reach::default();
        self.needs_unit = false;
        self.drawn = None;
        let feature = self.whole_feature(index, headers, &mut reach);
        give_way();
        (feature, reach)
    }

    pub(super) fn whole_feature(
        &mut self,
        index: FeatureIndex,
        headers: &HeaderOptions,
        reach: &mut Reach,
    ) -> Option<Feature> {
        let name = self.declared[usize::from(index)].name;
        let namespaced = self
            .namespace
            .map_or_else(|| name.to_owned(), |space| format!("{space}.{name}"));
        let Some(long) = self.declared[usize::from(index)].long.take() else {
            let fallthrough = self.short(index)?;
            if self.needs_unit {
                reach.attributes.push(USER);
            }
            let header = headers.feature(name);
            let variants = self.made_variants(index, headers, header.as_ref(), None)?;
            return Some(Feature {
                key: self.key(name),
                description: None,
                metadata: serde_json::Map::new(),
                status: Status::Running,
                declared: 0,
                default: 1,
                when: None,
                rules: Box::default(),
                fallthrough: Some(fallthrough),
                unit: USER,
                seed: Seed::bucket(&namespaced),
                spread: spread(self.weighted(
                    USER,
                    &namespaced,
                    self.declared[usize::from(index)].at,
                )),
                salt: namespaced.into(),
                header,
                value_header: None,
                metrics: true,
                owner: None,
                expires: None,
                permanent: false,
                text: self.declared[usize::from(index)].entry.value.hash(),
                guard: None,
                variants,
                name: name.into(),
            });
        };
        let before = self.problems.errors();
        let salt = match long.salt.and_then(|entry| self.salt(entry)) {
            Some(salt) => salt.to_owned(),
            None => namespaced,
        };
        let guard = long.guard.map(|entry| (entry, self.guard(entry)));
        let default = match long.default {
            Some(entry) => self
                .text(entry, "a variant")
                .and_then(|text| self.default_variant(text, entry, index)),
            None => self.variant(index, "off").ok().flatten(),
        };
        let description = long.description.and_then(|entry| match entry.value.text() {
            Some(text) => Some(text.into()),
            None => {
                self.expected(
                    &entry.value,
                    "a text",
                    "leave `description` out where there is nothing to say",
                );
                None
            }
        });
        let metadata = long.metadata.and_then(|entry| {
            map::entries(&entry.value, "`metadata`", self.problems)?;
            match self.payload(&entry.value)? {
                Value::Object(map) => Some(map),
                _ => None,
            }
        });
        let when = long.when.and_then(|entry| {
            let (when, more) = self.condition(&entry.value);
            reach.add(more);
            when
        });
        let always: Vec<&Node<'t>> = [long.when.map(|entry| &entry.value), self.file_when]
            .into_iter()
            .flatten()
            .collect();
        let own = AllocationKeys {
            at: self.declared[usize::from(index)].at,
            rollout: long.rollout,
            serve: long.serve,
            buckets: long.buckets,
            draw: None,
        };
        self.drawn = long.draw.and_then(|entry| self.draws(entry));
        let rules = long.rules.map_or_else(Vec::new, |entry| {
            self.rules(entry, index, &salt, &always, own, reach)
        });
        let has_own = own.rollout.is_some() || own.serve.is_some() || own.buckets.is_some();
        let fallthrough = match has_own {
            true => self.allocation(own, index, &salt, "the feature"),
            false => None,
        };
        if !has_own && long.rules.is_none() {
            self.serves_nothing(index);
        }
        let unit = match long.by {
            Some(entry) => self.by(entry),
            None => Some(USER),
        };
        if self.needs_unit {
            reach.attributes.extend(unit);
        }
        let metrics = long
            .metrics
            .and_then(|entry| self.boolean(entry))
            .unwrap_or(true);
        let (owner, expires, permanent) = self.lifetime(&long);
        let header = match long.header {
            Some(entry) => self.renamed(entry, headers),
            None => headers.feature(name),
        };
        let value_header = match (&header, headers.values) {
            (Some(header), true) => names::header(&format!("{header}-value")),
            _ => None,
        };
        let variants = self.made_variants(index, headers, header.as_ref(), value_header.as_ref());
        let weighted = if self.needs_unit {
            self.weighted(unit?, &salt, own.at)
        } else {
            None
        };
        if let Some(entry) = long.draw {
            let rules = rules.iter().map(|rule| &rule.allocation);
            let mut allocations = rules.chain(&fallthrough);
            let draws = allocations.any(|allocation| self.still_draws(allocation));
            self.beside_draw(entry, long.salt, draws, before);
        }
        let imported = has_draws(&rules, fallthrough.as_ref());
        if let (true, Some(_)) = (imported, &weighted) {
            self.weights_beside_draw(long.draw.map_or(own.at, |entry| entry.key_at));
        }
        if self.problems.errors() > before {
            return None;
        }
        let declared = &self.declared[usize::from(index)];
        let feature = Feature {
            key: self.key(name),
            description,
            metadata: metadata.unwrap_or_default(),
            status: declared.status,
            declared: declared.named,
            default: default?,
            when,
            rules: rules.into(),
            fallthrough,
            unit: unit?,
            seed: Seed::bucket(&salt),
            spread: match imported {
                true => Spread::Draws,
                false => spread(weighted),
            },
            salt: salt.into(),
            header,
            // only what has a payload needs the field
            value_header: value_header.filter(|_| declared.values.iter().any(Option::is_some)),
            metrics,
            owner,
            expires,
            permanent,
            text: declared.entry.value.hash(),
            guard: guard.and_then(|(_, guard)| guard),
            variants: variants?,
            name: name.into(),
        };
        if let Some((entry, Some(guard))) = guard {
            self.can_guard(entry, guard, &feature)?;
        }
        Some(feature)
    }

    /// `{description: WIP}` must not be on for everybody.
    fn serves_nothing(&mut self, index: FeatureIndex) {
        let declared = &self.declared[usize::from(index)];
        let Kind::Map(entries) = &declared.node().kind else {
            return;
        };
        // a key with a typo may have been the `serve`
        let is_known = |entry: &Entry<'_>| file::Feature::KEYS.contains(&&*entry.key);
        if !entries.iter().all(is_known) {
            return;
        }
        let named = declared.variants.iter().flatten().take(declared.named);
        let (message, hint) = match named.into_iter().next() {
            Some(first) => (
                "the feature does not say which variant to serve",
                format!("write `serve: {first}`, or shares of several"),
            ),
            None => (
                "the feature does not say what to serve",
                "write `serve: on`, `rollout: 25%`, `buckets` or `rules`; `serve: off` while there is nothing yet"
                    .to_owned(),
            ),
        };
        self.problems.error(declared.at, message, hint);
    }

    pub(super) fn key(&self, name: &str) -> Box<str> {
        match self.namespace {
            Some(space) if self.several => format!("{space}.{name}").into(),
            _ => name.into(),
        }
    }

    /// `on`, `off` or `25%`.
    pub(super) fn short(&mut self, index: FeatureIndex) -> Option<Allocation> {
        let entry = self.declared[usize::from(index)].entry;
        let rollout = Rollout::Fixed(Share::EVERYBODY);
        let Some(text) = entry.value.text() else {
            let hint = "write `on`, `off`, a percentage such as `25%`, or a map";
            if entry.value.is_null() {
                let message = format!("feature {} has no value", quote(&entry.key));
                self.problems.error(entry.value.at, message, hint);
            } else if !matches!(entry.value.kind, Kind::Map(_)) {
                self.expected(&entry.value, "a feature", hint);
            }
            return None;
        };
        if let Some(on) = names::as_boolean(text) {
            return Some(Allocation {
                rollout,
                serve: Serve::One(u8::from(!on)),
                draws: None,
            });
        }
        if text.ends_with('%') || text.parse::<f64>().is_ok() {
            let share = self.share(&entry.value)?;
            self.needs_unit = true;
            return Some(Allocation {
                rollout: Rollout::Fixed(share),
                serve: Serve::One(0),
                draws: None,
            });
        }
        let hint = match &*text.to_ascii_lowercase() {
            "yes" | "y" => "write `on`",
            "no" | "n" => "write `off`",
            _ => {
                "write `on`, `off`, a percentage such as `25%`, or a map with `variants` and `serve`"
            }
        };
        self.problems.error(
            entry.value.at,
            format!("{} is neither `on`, `off` nor a percentage", quote(text)),
            hint,
        );
        None
    }

    pub(super) fn salt(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
        let salt = self.text(entry, "a salt")?;
        if names::is_salt(salt) {
            return Some(salt);
        }
        self.problems.error(
            entry.value.at,
            format!("{} is not a valid salt", quote(salt)),
            names::SALT,
        );
        None
    }

    pub(super) fn default_variant(
        &mut self,
        text: &str,
        entry: &'t Entry<'t>,
        index: FeatureIndex,
    ) -> Option<u8> {
        match self.variant(index, names::as_variant(text)) {
            Ok(variant) => variant,
            Err(known) => {
                self.no_variant(text, entry.value.at, &known);
                None
            }
        }
    }

    pub(super) fn made_variants(
        &mut self,
        index: FeatureIndex,
        headers: &HeaderOptions,
        header: Option<&HeaderName>,
        value_name: Option<&HeaderName>,
    ) -> Option<Box<[Variant]>> {
        let key = self
            .key(self.declared[usize::from(index)].name)
            .to_ascii_lowercase();
        let declared = &self.declared[usize::from(index)];
        let mut made = Vec::new();
        for (number, name) in declared.variants.as_ref()?.iter().enumerate() {
            let value = declared.values.get(number).cloned().flatten();
            let carried = value.as_ref().filter(|_| value_name.is_some());
            let carried = carried.map(payload::in_header);
            if let Some(long) = carried
                .as_ref()
                .filter(|carried| carried.len() > payload::LONGEST)
            {
                self.problems.error(
                    declared.places[number],
                    format!(
                        "the value of {} takes {} bytes in its header: at most {} are allowed",
                        quote(name),
                        long.len(),
                        payload::LONGEST
                    ),
                    "make it smaller, or send a key and keep the value in the application",
                );
            }
            let named = HeaderValue::from_str(name).ok()?;
            let value_header = match carried {
                Some(carried) => Some(HeaderValue::from_str(&carried).ok()?),
                None => None,
            };
            let mut lines = Vec::new();
            if !(headers.omit_off && &**name == "off") {
                let fields = [(header, Some(&named)), (value_name, value_header.as_ref())];
                for (name, value) in fields {
                    if let (Some(name), Some(value)) = (name, value) {
                        line(&mut lines, name, value);
                    }
                }
            }
            made.push(Variant {
                header: named,
                member: headers.member(&key, name),
                value_header,
                lines: lines.into(),
                value,
                name: name.clone(),
            });
        }
        Some(made.into())
    }

    pub(super) fn weighted(&mut self, unit: u16, salt: &str, at: Position) -> Option<Weighted> {
        let subjects = self.attributes.weights.get(&unit)?;
        if !self.needs_unit {
            return None;
        }
        let before = self.places;
        self.places += subjects.len();
        if self.places > MOST_PLACES {
            if before <= MOST_PLACES {
                self.problems.error(at, format!("more than {MOST_PLACES} weighted subjects in all, each counted once for every feature that uses it"), "list only the heavy ones: the others are spread as usual");
            }
            return None;
        }
        Some(Weighted {
            subjects: subjects.clone().into(),
            rollout: Line::lay(subjects, Seed::bucket(salt)),
            split: Line::lay(subjects, Seed::split_order(salt)),
        })
    }
}

fn spread(weighted: Option<Weighted>) -> Spread {
    weighted.map_or(Spread::Points, Spread::Weights)
}

/// Whether another system's draw decides anywhere.
fn has_draws(rules: &[Rule], fallthrough: Option<&Allocation>) -> bool {
    let mut rules = rules.iter().map(|rule| &rule.allocation);
    rules.any(|allocation| allocation.draws.is_some())
        || fallthrough.is_some_and(|allocation| allocation.draws.is_some())
}
