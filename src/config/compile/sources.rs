//! Where attributes come from: `user`, `anonymous`, `attributes`, and sources that conditions use directly.
//! In: their maps. Out: one slot for each, with the weights of its subjects.

use super::{
    super::{
        file,
        problem::{did_you_mean, nearest, one_of, quote},
        source::{Entry, Kind, Node, Place},
    },
    Cx, names,
};
use crate::engine::{
    anonymous::Anonymous,
    attributes::{Attribute, Slot, USER},
    source::Source,
};
use http::HeaderName;
use std::collections::{HashMap, HashSet};

/// Attributes and sources of one file: each is read at most once a request, so there is a bound.
const MOST: usize = 1_000;

/// What conditions can ask about without declaring it.
const BUILT_IN: [&str; 4] = ["path", "method", "host", "ip"];
/// The beginnings of sources.
const PLACES: [&str; 5] = ["header", "cookie", "query", "jwt", "env"];
/// Words that mean something else in a condition.
const TAKEN: [&str; 9] = [
    "user", "path", "method", "host", "ip", "now", "not", "any", "all",
];

/// Subjects with a weight.
pub(super) type Weights = Vec<(Box<[u8]>, u64)>;

/// The attributes of a file, by slot and by name.
#[derive(Default)]
pub(super) struct Slots {
    pub(super) list: Vec<Attribute>,
    by_name: HashMap<String, Slot>,
    pub(super) weights: HashMap<Slot, Weights>,
    /// every header that is trusted, and where the file says so
    pub(super) headers: Vec<(HeaderName, Place)>,
}

impl<'t> Cx<'t, '_> {
    /// `user`, `anonymous` and `attributes`.
    pub(super) fn attributes(&mut self, file: &file::File<'t>) -> Option<Anonymous> {
        let user = match file.user {
            Some(entry) => self.attribute("user", entry),
            None => ["header.x-user-id", "cookie.user_id"].iter().try_fold(
                Attribute {
                    name: "user".into(),
                    sources: Box::default(),
                    split: None,
                },
                |mut user, source| {
                    let more = self.source(source, self.top)?;
                    user.sources = user.sources.iter().cloned().chain([more]).collect();
                    Some(user)
                },
            ),
        };
        let broken = Attribute {
            name: "user".into(),
            sources: Box::default(),
            split: None,
        };
        self.slots.list.push(user.unwrap_or(broken));
        self.slots.by_name.insert("user".to_owned(), USER);
        let anonymous = file.anonymous.and_then(|entry| self.anonymous(entry));
        let declared = file
            .attributes
            .and_then(|entry| file::entries(&entry.value, "`attributes`", self.log));
        for entry in declared.unwrap_or_default() {
            self.declare_attribute(entry);
        }
        anonymous
    }

    fn declare_attribute(&mut self, entry: &'t Entry<'t>) {
        let name = &*entry.key;
        let place = name.split_once('.').map_or(name, |(place, _)| place);
        if TAKEN.contains(&name)
            || name == "feature"
            || name.contains('.') && (PLACES.contains(&place) || place == "feature")
        {
            return self.log.error(
                entry.key_at,
                format!("{} already means something in conditions", quote(name)),
                "take another name",
            );
        }
        if !names::is_name(name) {
            return self.log.error(
                entry.key_at,
                format!("{} is no name for an attribute", quote(name)),
                names::FEATURE,
            );
        }
        // a broken attribute keeps its name, so that what asks for it is not told too
        let attribute = self.attribute(name, entry).unwrap_or_else(|| Attribute {
            name: name.into(),
            sources: Box::default(),
            split: None,
        });
        self.add(attribute, entry.key_at);
    }

    fn add(&mut self, attribute: Attribute, at: Place) -> Slot {
        let slot = self.slots.list.len();
        if slot == MOST {
            self.log.error(
                at,
                format!("more than {MOST} attributes and sources"),
                "ask for fewer",
            );
        }
        let slot = slot.min(MOST) as Slot;
        self.slots.by_name.insert(attribute.name.to_string(), slot);
        if usize::from(slot) == self.slots.list.len() {
            self.slots.list.push(attribute);
        }
        slot
    }

    /// A source, a list of them, or the map form.
    fn attribute(&mut self, name: &str, entry: &'t Entry<'t>) -> Option<Attribute> {
        let slot = self.slots.list.len() as Slot;
        let Kind::Map(_) = entry.value.kind else {
            let sources = self.sources(entry)?;
            return Some(Attribute {
                name: name.into(),
                sources,
                split: None,
            });
        };
        let map = file::Attribute::read(&entry.value, self.log)?;
        let Some(from) = map.from else {
            self.log.error(
                entry.key_at,
                "`from` is missing",
                "write where it comes from: `from: header.x-company`",
            );
            return None;
        };
        let sources = self.sources(from);
        let split = map
            .split
            .and_then(|entry| self.words(entry, "the text between the elements, such as `\",\"`"));
        if let (Some(entry), "user") = (map.split, name) {
            self.log.error(
                entry.key_at,
                "the user is one id and cannot be split",
                "leave `split` out",
            );
        }
        if let Some(weights) = map.weights {
            if map.split.is_some() {
                self.log.error(
                    weights.key_at,
                    "`weights` and `split` do not go together",
                    "a weighted subject is one id: leave one of them out",
                );
            }
            if let Some(weights) = self.weights(weights) {
                self.slots.weights.insert(slot, weights);
            }
        }
        Some(Attribute {
            name: name.into(),
            sources: sources?,
            split: split.map(Into::into),
        })
    }

    fn weights(&mut self, entry: &'t Entry<'t>) -> Option<Weights> {
        let listed = file::entries(&entry.value, "`weights`", self.log)?;
        if listed.is_empty() {
            self.log.error(
                entry.key_at,
                "`weights` is empty",
                "write `acme: 400`, or leave it out",
            );
        }
        let mut weights = Weights::new();
        let mut total = 0u64;
        for subject in listed {
            if subject.key.trim().is_empty() {
                self.log
                    .error(subject.key_at, "a subject without an id", "write its id");
            }
            let weight = subject
                .value
                .text()
                .and_then(|text| text.parse::<u64>().ok())
                .filter(|weight| *weight > 0);
            let Some(weight) = weight else {
                if !subject.value.is_refused() {
                    self.log.error(
                        subject.value.at,
                        format!("{} is no weight", subject.value.what()),
                        "weights are whole numbers from 1",
                    );
                }
                continue;
            };
            match total.checked_add(weight) {
                Some(sum) => total = sum,
                None => self.log.error(
                    subject.value.at,
                    "the weights add up to more than 18446744073709551615",
                    "make them smaller",
                ),
            }
            weights.push((subject.key.as_bytes().into(), weight));
        }
        Some(weights)
    }

    /// One source, or a list of which the first that is present wins.
    pub(super) fn sources(&mut self, entry: &'t Entry<'t>) -> Option<Box<[Source]>> {
        let items = match &entry.value.kind {
            Kind::List(items) => &items[..],
            _ => std::slice::from_ref(&entry.value),
        };
        if items.is_empty() {
            self.log.error(
                entry.key_at,
                format!("{} is an empty list", quote(&entry.key)),
                "write a source, such as `header.x-user-id`",
            );
        }
        let mut seen = HashSet::new();
        let mut sources = Vec::new();
        for item in items {
            let Some(text) = item.text() else {
                self.expected(item, "a source", "write one such as `header.x-user-id`");
                continue;
            };
            if !seen.insert(text.to_ascii_lowercase()) {
                self.log.error(
                    item.at,
                    format!("{} is there twice", quote(text)),
                    "once is enough",
                );
            }
            sources.extend(self.source(text, item.at));
        }
        (sources.len() == items.len() && !items.is_empty()).then(|| sources.into())
    }

    /// `header.X`, `cookie.X`, `query.X`, `jwt.CLAIM`, `env.VAR`, `path`, `method`, `host` or `ip`.
    pub(super) fn source(&mut self, text: &str, at: Place) -> Option<Source> {
        let (place, name) = text.split_once('.').unwrap_or((text, ""));
        match (place, name) {
            ("path", "") => return Some(Source::Path),
            ("method", "") => return Some(Source::Method),
            ("host", "") => return Some(Source::Host),
            ("ip", "") => return Some(Source::Ip),
            _ => {}
        }
        if !PLACES.contains(&place) || name.is_empty() {
            let hint = match (place, text) {
                (place, _) if PLACES.contains(&place) => format!("write a name behind it: `{place}.name`"),
                (_, "user" | "now") | ("feature", _) => "a source is a place of the request".to_owned(),
                _ if self.slots.by_name.contains_key(text) => "write its sources: an attribute is no source of another".to_owned(),
                (place, text) if text.contains('.') && nearest(place, PLACES).is_some() => {
                    format!("did you mean `{}.{name}`?", nearest(place, PLACES).unwrap_or_default())
                }
                _ => match names::is_token(text) && text.contains('-') {
                    true => format!("did you mean `header.{}`?", text.to_ascii_lowercase()),
                    false => "sources are `header.NAME`, `cookie.NAME`, `query.NAME`, `jwt.CLAIM`, `env.VAR`, `path`, `method`, `host` and `ip`".to_owned(),
                },
            };
            self.log
                .error(at, format!("{} is no source", quote(text)), hint);
            return None;
        }
        let source = match place {
            "header" => match names::header(name) {
                Some(header) => {
                    self.slots.headers.push((header.clone(), at));
                    Source::Header(header)
                }
                None => return self.no_source(name, "header name", "letters, digits and `-`", at),
            },
            "cookie" if names::is_token(name) => Source::Cookie(name.into()),
            "cookie" => {
                return self.no_source(name, "cookie name", "letters, digits, `-` and `_`", at);
            }
            "query" => Source::Query(name.into()),
            "jwt" => Source::Jwt(name.into()),
            _ if name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                Source::Env(name.into(), (self.env)(name).map(Into::into))
            }
            _ => return self.no_source(name, "variable", "letters, digits and `_`", at),
        };
        Some(source)
    }

    fn no_source(&mut self, name: &str, what: &str, of: &str, at: Place) -> Option<Source> {
        self.log.error(
            at,
            format!("{} is no {what}", quote(name)),
            format!("use {of}"),
        );
        None
    }

    fn anonymous(&mut self, entry: &'t Entry<'t>) -> Option<Anonymous> {
        let map = file::Anonymous::read(&entry.value, self.log)?;
        let max_age = match map.max_age {
            Some(entry) => self.duration(entry),
            None => {
                self.log.error(
                    entry.key_at,
                    "`max-age` is missing",
                    "write how long the browser keeps the cookie: `max-age: 365d`",
                );
                None
            }
        };
        let Some(cookie_entry) = map.cookie else {
            self.log.error(
                entry.key_at,
                "`cookie` is missing",
                "name the cookie that keeps the id: `cookie: visitor`",
            );
            return None;
        };
        let cookie = self.words(cookie_entry, "the name of a cookie")?;
        if !names::is_token(cookie) {
            self.log.error(
                cookie_entry.value.at,
                format!("{} is no cookie name", quote(cookie)),
                "use letters, digits, `-` and `_`",
            );
            return None;
        }
        let user = &mut self.slots.list[usize::from(USER)];
        if user
            .sources
            .iter()
            .any(|source| matches!(source, Source::Cookie(name) if **name == *cookie))
        {
            self.log.error(
                cookie_entry.value.at,
                format!("`cookie.{cookie}` is among the sources of `user` already"),
                "leave it out there: `anonymous` is the last source by itself",
            );
        }
        let visitor = Source::Visitor(cookie.into());
        user.sources = user.sources.iter().cloned().chain([visitor]).collect();
        Some(Anonymous {
            cookie: cookie.into(),
            max_age: max_age?,
        })
    }

    fn duration(&mut self, entry: &'t Entry<'t>) -> Option<u64> {
        let text = self.words(entry, "a duration, such as `365d`")?;
        let (number, unit) =
            text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => 0,
        };
        let duration = number
            .parse::<u32>()
            .ok()
            .filter(|_| !number.starts_with('+'))
            .map(|number| u64::from(number) * seconds);
        if duration.is_none_or(|duration| duration == 0) {
            self.log.error(
                entry.value.at,
                format!("{} is no duration", quote(text)),
                "write a number and `s`, `m`, `h` or `d`: `365d`",
            );
            return None;
        }
        duration
    }

    /// The slot of an attribute, a built-in or a source used directly, as conditions and `by` name it.
    pub(super) fn slot(&mut self, name: &str, at: Place) -> Option<Slot> {
        if let Some(slot) = self.slots.by_name.get(name) {
            return Some(*slot);
        }
        let place = name.split_once('.').map(|(place, _)| place);
        if BUILT_IN.contains(&name) || place.is_some_and(|place| PLACES.contains(&place)) {
            let source = self.source(name, at)?;
            let attribute = Attribute {
                name: name.into(),
                sources: Box::new([source]),
                split: None,
            };
            return Some(self.add(attribute, at));
        }
        let hint = if self.log.is_tired() {
            String::new()
        } else {
            self.no_attribute(name)
        };
        self.log
            .error(at, format!("{} is no attribute", quote(name)), hint);
        None
    }

    fn no_attribute(&self, name: &str) -> String {
        if file::Operators::KEYS.contains(&name) {
            return format!("an operator stands below an attribute: `path: {{{name}: …}}`");
        }
        if self.segments.contains_key(name) {
            return format!(
                "a segment stands alone or in a list: `when: {name}`, `all: [{name}, …]`"
            );
        }
        if self.features.contains_key(name) {
            return format!("a feature is asked as `feature.{name}`");
        }
        let declared = self.slots.list.iter().map(|attribute| &*attribute.name);
        let known: Vec<&str> = declared.chain(BUILT_IN).chain(["now"]).collect();
        match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean {}?", quote(near)),
            None => format!(
                "declare it: `attributes: {{{}: header.x-{}}}`",
                quote(name).trim_matches('`'),
                quote(name).trim_matches('`')
            ),
        }
    }

    /// `by`: a plain attribute or a source.
    pub(super) fn by(&mut self, entry: &'t Entry<'t>) -> Option<Slot> {
        let name = self.words(entry, "the name of an attribute")?;
        if name == "now" || name.starts_with("feature.") {
            self.log.error(
                entry.value.at,
                format!("shares cannot be drawn by {}", quote(name)),
                "name an attribute or a source that identifies somebody",
            );
            return None;
        }
        let slot = self.slot(name, entry.value.at)?;
        if self.slots.list[usize::from(slot)].split.is_some() {
            self.log.error(
                entry.value.at,
                format!(
                    "{} is split into many, and shares are drawn by one",
                    quote(name)
                ),
                "name an attribute without `split`",
            );
        }
        Some(slot)
    }

    /// The text of a scalar that may not be empty.
    pub(super) fn words(&mut self, entry: &'t Entry<'t>, what: &str) -> Option<&'t str> {
        match entry.value.text() {
            Some(text) if !text.is_empty() => Some(text),
            _ => {
                self.expected(&entry.value, what, "");
                None
            }
        }
    }

    /// One word out of a few.
    pub(super) fn word(&mut self, entry: &'t Entry<'t>, known: &[&str]) -> Option<&'t str> {
        let text = self.words(entry, &one_of(known.iter().copied()))?;
        if known.contains(&text) {
            return Some(text);
        }
        self.log.error(
            entry.value.at,
            format!(
                "{} is none of {}",
                quote(text),
                one_of(known.iter().copied())
            ),
            did_you_mean(text, known.iter().copied()),
        );
        None
    }

    /// `true` or `false`.
    pub(super) fn switch(&mut self, entry: &'t Entry<'t>) -> Option<bool> {
        let text = self.words(entry, "`true` or `false`")?;
        let switch = names::as_switch(text);
        if switch.is_none() {
            self.log.error(
                entry.value.at,
                format!("{} is neither `true` nor `false`", quote(text)),
                "write `true` or `false`",
            );
        }
        switch
    }

    /// A problem: something else was expected here.
    pub(super) fn expected(&mut self, node: &Node<'_>, what: &str, hint: &str) {
        if !node.is_refused() {
            let found = if node.text() == Some("") {
                "an empty text".to_owned()
            } else {
                node.what()
            };
            self.log.error(
                node.at,
                format!("{found} stands where {what} is expected"),
                hint,
            );
        }
    }
}
