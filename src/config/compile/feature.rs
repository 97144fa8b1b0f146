//! One feature: text to meaning.
//! In: an entry of `features`. Out: first its name and variants, so that others may refer to it; then a [`Feature`].

use super::{
    super::{
        file,
        problem::quote,
        source::{Entry, Kind, Node, Place},
    },
    Cx,
    condition::Reach,
    headers::Travel,
    names, payload,
    reachable::implies,
    serve::Written,
};
use crate::engine::{
    Feature, Status, Variant,
    attributes::USER,
    bucket::Seed,
    condition::Condition,
    evaluate::{FeatureIndex, Outcome, Rule, Serve},
    schedule::Rollout,
    units::Share,
    weights::{Line, Weighted},
};
use http::HeaderValue;
use serde_json::Value;

/// Variants of a feature.
const MOST_VARIANTS: usize = 64;
/// Rules of a feature.
const MOST_RULES: usize = 100;
/// Weighted subjects, each counted once for every feature that draws by them.
const MOST_PLACES: usize = 100_000;

/// The rules so far, by number, with their conditions; none for everybody.
type Earlier<'t> = Vec<(usize, Option<&'t Node<'t>>)>;

/// The rule that has decided before a condition is asked. `always` holds wherever the rules are read at all.
fn decided(
    condition: Option<&Node<'_>>,
    earlier: &Earlier<'_>,
    always: &[&Node<'_>],
) -> Option<usize> {
    let given = condition.into_iter().chain(always.iter().copied());
    let holds = |one: &Option<&Node<'_>>| match one {
        None => true,
        Some(one) => given.clone().any(|given| implies(given, one)),
    };
    earlier
        .iter()
        .find(|(_, one)| holds(one))
        .map(|(number, _)| *number)
}

/// What others may know of a feature before it is read in full.
pub(super) struct Declared<'t> {
    pub(super) name: &'t str,
    pub(super) at: Place,
    /// where its header is named
    pub(super) header_at: Place,
    /// the long form, if it is one
    pub(super) long: Option<file::Feature<'t>>,
    entry: &'t Entry<'t>,
    /// declared ones, then `on` and `off`; none where they are broken
    pub(super) variants: Option<Vec<Box<str>>>,
    /// how many of them the file declares
    pub(super) named: usize,
    values: Vec<Option<Value>>,
    places: Vec<Place>,
    /// which are given to somebody
    pub(super) used: Vec<bool>,
    pub(super) archived: bool,
    status: Status,
}

impl<'t> Declared<'t> {
    /// As it stands in the file.
    pub(super) fn node(&self) -> &'t Node<'t> {
        &self.entry.value
    }
}

impl<'t> Cx<'t, '_> {
    /// The name, the status and the variants.
    pub(super) fn declare_feature(&mut self, entry: &'t Entry<'t>) -> Declared<'t> {
        let name = &*entry.key;
        if !names::is_feature(name) {
            let plain: String = name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            let hint = match plain.trim_matches('-') {
                better if names::is_feature(better) => {
                    format!("write {}, for example", quote(better))
                }
                _ => format!("names {}", names::FEATURE),
            };
            self.log.error(
                entry.key_at,
                format!("{} is no name for a feature", quote(name)),
                hint,
            );
        }
        let long = match &entry.value.kind {
            Kind::Map(_) => file::Feature::read(&entry.value, self.log),
            _ => None,
        };
        let mut declared = Declared {
            name,
            at: entry.key_at,
            header_at: entry.key_at,
            long: None,
            entry,
            variants: Some(Vec::new()),
            named: 0,
            values: Vec::new(),
            places: Vec::new(),
            used: Vec::new(),
            archived: false,
            status: Status::Running,
        };
        if let Some(long) = &long {
            let known = ["draft", "running", "paused", "archived"];
            declared.status = match long.status.and_then(|entry| self.word(entry, &known)) {
                Some("draft") => Status::Draft,
                Some("paused") => Status::Paused,
                Some("archived") => Status::Archived,
                _ => Status::Running,
            };
            declared.archived = declared.status == Status::Archived;
            if let Some(entry) = long.variants {
                self.variants(entry, &mut declared);
            }
            if let Some(entry) = long.header {
                declared.header_at = entry.value.at;
            }
        }
        declared.long = long;
        if let Some(variants) = &mut declared.variants {
            for implied in ["on", "off"] {
                if !variants.iter().any(|name| **name == *implied) {
                    variants.push(implied.into());
                    declared.values.push(None);
                }
            }
            declared.used = vec![false; variants.len()];
        }
        declared
    }

    fn variants(&mut self, entry: &'t Entry<'t>, declared: &mut Declared<'t>) {
        let before = self.log.errors();
        let mut names: Vec<Box<str>> = Vec::new();
        let listed: Vec<(&'t str, Place, Option<&'t Node<'t>>)> = match &entry.value.kind {
            Kind::List(items) => items
                .iter()
                .filter_map(|item| {
                    if item.text().is_none() {
                        self.expected(item, "the name of a variant", "write names, `[control, treatment]`; values stand in a map, `{control: 1}`");
                    }
                    Some((item.text()?, item.at, None))
                })
                .collect(),
            Kind::Map(entries) => entries.iter().map(|entry| (&*entry.key, entry.key_at, Some(&entry.value))).collect(),
            _ => {
                self.expected(&entry.value, "a list of variants", "write `[control, treatment]`");
                Vec::new()
            }
        };
        if listed.is_empty() && self.log.errors() == before {
            self.log.error(
                entry.key_at,
                "`variants` is empty",
                "name some, or leave it out: `on` and `off` always exist",
            );
        }
        if listed.len() > MOST_VARIANTS {
            self.log.error(
                entry.key_at,
                format!("{} variants: more than {MOST_VARIANTS}", listed.len()),
                "make it several features",
            );
        }
        for (written, at, value) in listed.into_iter().take(MOST_VARIANTS) {
            let name = names::as_variant(written);
            if !names::is_variant(name) {
                self.log.error(
                    at,
                    format!("{} is no name for a variant", quote(name)),
                    format!("names {}", names::VARIANT),
                );
            }
            if names.iter().any(|other| **other == *name) {
                self.log.error(
                    at,
                    format!("the variant {} is there twice", quote(name)),
                    "keep one of them",
                );
            }
            let value = value.and_then(|value| {
                if value.is_null() {
                    self.log.error(
                        value.at,
                        format!("the variant {} has no value", quote(name)),
                        "give every variant a value, or write a list of names",
                    );
                    return None;
                }
                self.payload(value).map(|json| (json, value.at))
            });
            if let (Some((one, at)), Some(first)) =
                (&value, declared.values.iter().flatten().next())
                && payload::kind(one) != payload::kind(first)
            {
                self.log.error(
                    *at,
                    format!(
                        "this value is {}, and the first one is {}",
                        payload::kind(one),
                        payload::kind(first)
                    ),
                    "values of one feature have one type",
                );
            }
            names.push(name.into());
            declared.places.push(at);
            declared.values.push(value.map(|(value, _)| value));
        }
        declared.named = names.len();
        declared.variants = (self.log.errors() == before).then_some(names);
    }

    /// The feature in full, and what it reaches.
    pub(super) fn feature(
        &mut self,
        index: FeatureIndex,
        travel: &Travel,
    ) -> (Option<Feature>, Reach) {
        let mut reach = Reach::default();
        self.needs_unit = false;
        let feature = self.whole_feature(index, travel, &mut reach);
        (feature, reach)
    }

    fn whole_feature(
        &mut self,
        index: FeatureIndex,
        travel: &Travel,
        reach: &mut Reach,
    ) -> Option<Feature> {
        let name = self.declared[usize::from(index)].name;
        let namespaced = self
            .namespace
            .map_or_else(|| name.to_owned(), |space| format!("{space}.{name}"));
        let Some(long) = self.declared[usize::from(index)].long.take() else {
            let last = self.short(index)?;
            if self.needs_unit {
                reach.slots.push(USER);
            }
            let variants = self.made_variants(index, travel, false)?;
            return Some(Feature {
                key: self.key(name),
                description: None,
                metadata: serde_json::Map::new(),
                status: Status::Running,
                declared: 0,
                default: 1,
                when: None,
                rules: Box::default(),
                last: Some(last),
                unit: USER,
                seed: Seed::bucket(&namespaced),
                weighted: self.weighted(USER, &namespaced, self.declared[usize::from(index)].at),
                salt: namespaced.into(),
                header: travel.feature(name),
                value_header: None,
                metrics: true,
                variants,
                name: name.into(),
            });
        };
        let before = self.log.errors();
        let salt = match long.salt.and_then(|entry| self.salt(entry)) {
            Some(salt) => salt.to_owned(),
            None => namespaced,
        };
        let default = match long.default {
            Some(entry) => self
                .words(entry, "a variant")
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
            file::entries(&entry.value, "`metadata`", self.log)?;
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
        let own = Written {
            at: self.declared[usize::from(index)].at,
            rollout: long.rollout,
            serve: long.serve,
            buckets: long.buckets,
        };
        let rules = long.rules.map_or_else(Vec::new, |entry| {
            self.rules(entry, index, &salt, &always, own, reach)
        });
        let has_own = own.rollout.is_some() || own.serve.is_some() || own.buckets.is_some();
        let last = if has_own || long.rules.is_none() {
            self.outcome(own, index, &salt, "it")
        } else {
            None
        };
        let unit = match long.by {
            Some(entry) => self.by(entry),
            None => Some(USER),
        };
        if self.needs_unit {
            reach.slots.extend(unit);
        }
        let metrics = long
            .metrics
            .and_then(|entry| self.switch(entry))
            .unwrap_or(true);
        let header = match long.header {
            Some(entry) => self.renamed(entry, travel),
            None => travel.feature(name),
        };
        let value_header = match (&header, travel.values) {
            (Some(header), true) => names::header(&format!("{header}-value")),
            _ => None,
        };
        let variants = self.made_variants(index, travel, value_header.is_some());
        let weighted = if self.needs_unit {
            self.weighted(unit?, &salt, own.at)
        } else {
            None
        };
        if self.log.errors() > before {
            return None;
        }
        let declared = &self.declared[usize::from(index)];
        Some(Feature {
            key: self.key(name),
            description,
            metadata: metadata.unwrap_or_default(),
            status: declared.status,
            declared: declared.named,
            default: default?,
            when,
            rules: rules.into(),
            last,
            unit: unit?,
            seed: Seed::bucket(&salt),
            weighted,
            salt: salt.into(),
            header,
            // only what has a payload needs the field
            value_header: value_header.filter(|_| declared.values.iter().any(Option::is_some)),
            metrics,
            variants: variants?,
            name: name.into(),
        })
    }

    fn key(&self, name: &str) -> Box<str> {
        match self.namespace {
            Some(space) if self.several => format!("{space}.{name}").into(),
            _ => name.into(),
        }
    }

    /// `on`, `off` or `25%`.
    fn short(&mut self, index: FeatureIndex) -> Option<Outcome> {
        let entry = self.declared[usize::from(index)].entry;
        let rollout = Rollout::Fixed(Share::EVERYBODY);
        let Some(text) = entry.value.text() else {
            if !matches!(entry.value.kind, Kind::Map(_)) {
                self.expected(
                    &entry.value,
                    "a feature",
                    "write `on`, `off`, a percentage such as `25%`, or a map",
                );
            }
            return None;
        };
        if let Some(on) = names::as_switch(text) {
            return Some(Outcome {
                rollout,
                serve: Serve::One(u8::from(!on)),
            });
        }
        if text.ends_with('%') || text.parse::<f64>().is_ok() {
            let share = self.share(&entry.value)?;
            self.needs_unit = true;
            return Some(Outcome {
                rollout: Rollout::Fixed(share),
                serve: Serve::One(0),
            });
        }
        let hint = match &*text.to_ascii_lowercase() {
            "yes" | "y" => "write `on`: words are only themselves here",
            "no" | "n" => "write `off`: words are only themselves here",
            _ => {
                "write `on`, `off`, a percentage such as `25%`, or a map with `variants` and `serve`"
            }
        };
        self.log.error(
            entry.value.at,
            format!("{} is neither on nor off", quote(text)),
            hint,
        );
        None
    }

    fn salt(&mut self, entry: &'t Entry<'t>) -> Option<&'t str> {
        let salt = self.words(entry, "a salt")?;
        if names::is_salt(salt) {
            return Some(salt);
        }
        self.log.error(
            entry.value.at,
            format!("{} is no salt", quote(salt)),
            names::SALT,
        );
        None
    }

    fn default_variant(
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

    fn rules(
        &mut self,
        entry: &'t Entry<'t>,
        index: FeatureIndex,
        salt: &str,
        always: &[&'t Node<'t>],
        own: Written<'t>,
        reach: &mut Reach,
    ) -> Vec<Rule> {
        let Kind::List(items) = &entry.value.kind else {
            self.expected(
                &entry.value,
                "a list of rules",
                "begin each rule with `-`: `- {when: staff, serve: on}`",
            );
            return Vec::new();
        };
        if items.len() > MOST_RULES {
            self.log.error(
                entry.key_at,
                format!("{} rules: more than {MOST_RULES}", items.len()),
                "a segment can name what several rules ask",
            );
        }
        let mut earlier: Earlier<'t> = Vec::new();
        let mut rules = Vec::new();
        for (number, item) in items.iter().enumerate().take(MOST_RULES) {
            let before = self.log.errors();
            let Some(rule) = file::Rule::read(item, self.log) else {
                continue;
            };
            let condition = rule.when.map(|entry| &entry.value);
            // a key with a typo may have been the `when`
            if self.log.errors() == before {
                self.reachable(item.at, condition, &earlier, always);
                earlier.push((number + 1, condition));
            }
            let name = rule.name.and_then(|entry| self.words(entry, "a name"));
            let when = match condition {
                None => Some(Condition::All(Box::default())),
                Some(node) => {
                    let (when, more) = self.condition(node);
                    reach.add(more);
                    when
                }
            };
            let written = Written {
                at: item.at,
                rollout: rule.rollout,
                serve: rule.serve,
                buckets: rule.buckets,
            };
            let outcome = self.outcome(written, index, salt, "this rule");
            if let (Some(when), Some(outcome)) = (when, outcome) {
                rules.push(Rule {
                    name: name.map(Into::into),
                    when,
                    outcome,
                });
            }
        }
        if let Some(entry) = own.serve.or(own.buckets).or(own.rollout)
            && let Some(number) = decided(None, &earlier, always)
        {
            self.log.error(
                entry.key_at,
                format!("nobody gets here: rule {number} holds for everybody"),
                "take one of the two out",
            );
        }
        self.overlaps(items);
        rules
    }

    fn reachable(
        &mut self,
        at: Place,
        condition: Option<&Node<'_>>,
        earlier: &Earlier<'_>,
        always: &[&Node<'_>],
    ) {
        if let Some(number) = decided(condition, earlier, always) {
            self.log.error(
                at,
                format!("this rule can never be reached: rule {number} holds whenever it does"),
                "the first rule that holds decides: put the narrower one first, or take one out",
            );
        }
    }

    fn made_variants(
        &mut self,
        index: FeatureIndex,
        travel: &Travel,
        values: bool,
    ) -> Option<Box<[Variant]>> {
        let key = self
            .key(self.declared[usize::from(index)].name)
            .to_ascii_lowercase();
        let declared = &self.declared[usize::from(index)];
        let mut made = Vec::new();
        for (number, name) in declared.variants.as_ref()?.iter().enumerate() {
            let value = declared.values.get(number).cloned().flatten();
            let carried = value.as_ref().filter(|_| values).map(payload::in_header);
            if let Some(long) = carried
                .as_ref()
                .filter(|carried| carried.len() > payload::LONGEST)
            {
                self.log.error(
                    declared.places[number],
                    format!(
                        "the value of {} takes {} bytes in its header: more than {}",
                        quote(name),
                        long.len(),
                        payload::LONGEST
                    ),
                    "make it smaller, or send a key and keep the value in the application",
                );
            }
            made.push(Variant {
                header: HeaderValue::from_str(name).ok()?,
                member: travel.member(&key, name),
                value_header: match carried {
                    Some(carried) => Some(HeaderValue::from_str(&carried).ok()?),
                    None => None,
                },
                value,
                name: name.clone(),
            });
        }
        Some(made.into())
    }

    fn weighted(&mut self, unit: u16, salt: &str, at: Place) -> Option<Weighted> {
        let subjects = self.slots.weights.get(&unit)?;
        if !self.needs_unit {
            return None;
        }
        let before = self.places;
        self.places += subjects.len();
        if self.places > MOST_PLACES {
            if before <= MOST_PLACES {
                self.log.error(at, format!("weighted subjects are listed for more than {MOST_PLACES} in all, each counted once for every feature that draws by them"), "list only the heavy ones: the others hash as usual");
            }
            return None;
        }
        Some(Weighted {
            subjects: subjects.clone().into(),
            rollout: Line::lay(subjects, Seed::bucket(salt)),
            split: Line::lay(subjects, Seed::split_order(salt)),
        })
    }

    /// Warnings for variants that nobody gets.
    pub(super) fn unused_variants(&mut self) {
        for declared in &self.declared {
            let Some(variants) = &declared.variants else {
                continue;
            };
            for (number, name) in variants.iter().enumerate().take(declared.named) {
                if !declared.used[number] && !declared.archived {
                    self.log.warn(
                        declared.places[number],
                        format!("nobody gets the variant {}", quote(name)),
                        "serve it, or take it out",
                    );
                }
            }
        }
    }
}
