//! What conditions and shares may ask about: `user`, `attributes`, and sources that are used directly.
//! In: their maps. Out: an index for each, with the weights of its subjects.

use super::sources::PLACES;
use super::{
    compiler::Compiler,
    names,
    near_misses::{self, Known},
    visitor::{self, VISITOR},
};
use crate::config::{
    file, map,
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::{
    attributes::{Attribute, AttributeIndex, USER},
    normal::Normal,
};

/// How many attributes and sources a file may have: a request reads each at most once.
const MOST: usize = 1_000;
/// What conditions can ask about without declaring it.
const BUILT_IN: [&str; 4] = ["path", "method", "host", "ip"];
/// Words that mean something else in a condition.
const TAKEN: [&str; 9] = [
    "user", "path", "method", "host", "ip", "now", "not", "any", "all",
];

impl<'t> Compiler<'t, '_> {
    /// `user`, `anonymous` and `attributes`.
    pub(super) fn attributes(&mut self, file: &file::File<'t>) -> Option<visitor::Declared<'t>> {
        let user = match file.user {
            Some(entry) => self.attribute("user", entry),
            None => ["header.x-user-id", "cookie.user_id"].iter().try_fold(
                Attribute::new("user", Box::default()),
                |mut user, source| {
                    let more = self.source(source, self.top)?;
                    user.sources = user.sources.iter().cloned().chain([more]).collect();
                    Some(user)
                },
            ),
        };
        let broken = || Attribute::new("user", Box::default());
        self.attributes.list.push(user.unwrap_or_else(broken));
        self.attributes.by_name.insert("user".to_owned(), USER);
        let visitors = file
            .anonymous
            .and_then(|entry| self.visitors(entry, file.attributes));
        let declared = file
            .attributes
            .and_then(|entry| map::entries(&entry.value, "`attributes`", self.problems));
        for entry in declared.unwrap_or_default() {
            self.declare_attribute(entry);
        }
        visitors
    }

    pub(super) fn declare_attribute(&mut self, entry: &'t Entry<'t>) {
        let name = &*entry.key;
        let place = name.split_once('.').map_or(name, |(place, _)| place);
        if TAKEN.contains(&name)
            || name == "feature"
            || name.contains('.') && (PLACES.contains(&place) || place == "feature")
        {
            return self.problems.error(
                entry.key_at,
                format!("{} has a meaning of its own in conditions", quote(name)),
                "choose another name",
            );
        }
        if name == VISITOR && self.attributes.by_name.contains_key(VISITOR) {
            return self.problems.error(
                entry.key_at,
                "`visitor` is the id of a visitor here, by `for: everybody` of `anonymous`",
                "choose another name",
            );
        }
        if !names::is_name(name) {
            return self.problems.error(
                entry.key_at,
                format!("{} is not a valid attribute name", quote(name)),
                names::FEATURE,
            );
        }
        // a broken attribute keeps its name, so that what asks for it is not told too
        let attribute = self
            .attribute(name, entry)
            .unwrap_or_else(|| Attribute::new(name, Box::default()));
        self.add(attribute, entry.key_at);
    }

    pub(super) fn add(&mut self, attribute: Attribute, at: Position) -> AttributeIndex {
        let index = self.attributes.list.len();
        if index == MOST {
            self.problems.error(
                at,
                format!("more than {MOST} attributes and sources"),
                "ask for fewer",
            );
        }
        let index = index.min(MOST) as AttributeIndex;
        self.attributes
            .by_name
            .insert(attribute.name.to_string(), index);
        if usize::from(index) == self.attributes.list.len() {
            self.attributes.list.push(attribute);
        }
        index
    }

    /// A source, a list of them, or the map form.
    pub(super) fn attribute(&mut self, name: &str, entry: &'t Entry<'t>) -> Option<Attribute> {
        let index = self.attributes.list.len() as AttributeIndex;
        let Kind::Map(_) = entry.value.kind else {
            let sources = self.sources(entry)?;
            return Some(Attribute::new(name, sources));
        };
        let map = file::Attribute::read(&entry.value, self.problems)?;
        let Some(from) = map.from else {
            self.problems.error(
                entry.key_at,
                "`from` is missing",
                "write where it comes from: `from: header.x-company`",
            );
            return None;
        };
        let sources = self.sources(from);
        let split = map
            .split
            .and_then(|entry| self.text(entry, "the text between the elements, such as `\",\"`"));
        let normal = Normal {
            percent: map
                .decode
                .and_then(|entry| self.choice(entry, &["percent"]))
                .is_some(),
            lower: map
                .lower
                .and_then(|entry| self.boolean(entry))
                .unwrap_or(false),
        };
        if let (Some(entry), "user") = (map.split, name) {
            self.problems.error(
                entry.key_at,
                "the user is one id and cannot be split",
                "leave `split` out",
            );
        }
        if let Some(weights) = map.weights {
            if map.split.is_some() {
                self.problems.error(
                    weights.key_at,
                    "`weights` and `split` do not go together",
                    "a weighted subject is one id: leave one of them out",
                );
            }
            if let Some(weights) = self.weights(weights, normal.lower) {
                self.attributes.weights.insert(index, weights);
            }
        }
        Some(Attribute {
            split: split.map(Into::into),
            normal,
            ..Attribute::new(name, sources?)
        })
    }

    /// The index of an attribute, a built-in or a source used directly, as conditions and `by` name it.
    pub(super) fn attribute_index(&mut self, name: &str, at: Position) -> Option<AttributeIndex> {
        if let Some(index) = self.attributes.by_name.get(name) {
            return Some(*index);
        }
        let place = name.split_once('.').map(|(place, _)| place);
        if BUILT_IN.contains(&name) || place.is_some_and(|place| PLACES.contains(&place)) {
            let source = self.source(name, at)?;
            return Some(self.add(Attribute::new(name, Box::new([source])), at));
        }
        let hint = if self.problems.is_tired() {
            String::new()
        } else {
            self.no_attribute(name)
        };
        self.problems
            .error(at, format!("{} is not an attribute", quote(name)), hint);
        None
    }

    fn no_attribute(&self, name: &str) -> String {
        if file::Operators::KEYS.contains(&name) {
            return format!("write the operator below an attribute: `path: {{{name}: …}}`");
        }
        if let Some(hint) = self.no_visitor(name) {
            return hint.to_owned();
        }
        self.with_known(|known| near_misses::for_attribute(name, known))
    }

    /// What hints may name.
    pub(super) fn with_known<T>(&self, use_it: impl Fn(&Known<'_>) -> T) -> T {
        let declared = self.attributes.list.iter().map(|one| &*one.name);
        let attributes: Vec<&str> = declared.chain(BUILT_IN).chain(["now"]).collect();
        let features: Vec<&str> = self.declared.iter().map(|one| one.name).collect();
        use_it(&Known {
            segments: &self.segment_names,
            features: &features,
            attributes: &attributes,
        })
    }

    /// `by`: a plain attribute or a source.
    pub(super) fn by(&mut self, entry: &'t Entry<'t>) -> Option<AttributeIndex> {
        if let Kind::List(items) = &entry.value.kind {
            let sources: Vec<&str> = items.iter().filter_map(Node::text).collect();
            let is_source = |text: &&str| text.contains('.') || BUILT_IN.contains(text);
            let sources = match sources.iter().all(is_source) {
                true => quote(&sources.join(", ")),
                false => "header.x-org, cookie.uid".to_owned(),
            };
            self.problems.error(
                entry.value.at,
                "a share is drawn by one attribute, not by a list",
                format!(
                    "the first source that is present is an attribute of its own: `by: unit` and `attributes: {{unit: [{}]}}`",
                    sources.trim_matches('`')
                ),
            );
            return None;
        }
        let name = self.text(entry, "the name of an attribute")?;
        if name == "now" || name.starts_with("feature.") {
            self.problems.error(
                entry.value.at,
                format!("a rollout cannot be drawn by {}", quote(name)),
                "name an attribute or a source that identifies a user",
            );
            return None;
        }
        let index = self.attribute_index(name, entry.value.at)?;
        if self.attributes.list[usize::from(index)].split.is_some() {
            self.problems.error(
                entry.value.at,
                format!(
                    "{} is split into many values, and a rollout is drawn by one",
                    quote(name)
                ),
                "name an attribute without `split`",
            );
        }
        Some(index)
    }
}
