//! A tree as it grows: what `yaml` builds with.
//! In: keys, values and ends in the order of the text, with their places. Out: a [`Node`], or problems of what was put together.

use super::{
    collector::Collector,
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};
use std::{borrow::Cow, collections::HashSet};

/// How deep maps and lists may be nested.
pub(super) const DEEPEST: usize = 16;

/// How many values a file may have: more than a useful mebibyte has, and few enough to keep a useless one below 64 MiB of memory.
const MOST_VALUES: u32 = 250_000;

/// A map or list whose end has not come yet.
struct Open<'t> {
    at: Position,
    is_map: bool,
    /// where its values begin among those that wait for an end
    first: usize,
    /// the key that waits for its value
    key: Option<(Cow<'t, str>, Position)>,
    /// keys so far, once there are many
    seen: HashSet<Cow<'t, str>>,
    /// what a merge key would bring is not known: nothing is said of this map but that
    is_merged: bool,
}

/// Every method gives `None` where going on would make no sense.
pub(super) struct Builder<'t, 'l> {
    pub(super) problems: &'l mut Collector,
    pub(super) root: Option<Node<'t>>,
    file: u16,
    next: u32,
    deepest: usize,
    open: Vec<Open<'t>>,
    // what waits for an end, all in one place: a map and a list then take just the memory that they need
    items: Vec<Node<'t>>,
    entries: Vec<Entry<'t>>,
}

impl<'t, 'l> Builder<'t, 'l> {
    pub(super) fn new(file: u16, deepest: usize, problems: &'l mut Collector) -> Builder<'t, 'l> {
        Builder {
            problems,
            root: None,
            file,
            next: 0,
            deepest,
            open: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Where the next value may stand.
    pub(super) fn at(&self, line: u32, column: u32) -> Position {
        Position {
            line,
            column,
            id: self.next,
            file: self.file,
        }
    }

    /// Whether a map is open whose last entry is whole.
    pub(super) fn expects_key(&self) -> bool {
        let open = self.open.last();
        open.is_some_and(|open| open.is_map && open.key.is_none())
    }

    pub(super) fn key(&mut self, text: Cow<'t, str>, at: Position) -> Option<()> {
        let open = self.open.last_mut()?;
        if text == "<<" {
            open.is_merged = true;
            self.problems.error(
                at,
                "merge keys (`<<`) are not supported",
                "write out the entries",
            );
        }
        open.key = Some((text, at));
        Some(())
    }

    pub(super) fn add(&mut self, kind: Kind<'t>, at: Position) -> Option<()> {
        self.count(at)?;
        self.attach(Node { at, kind })
    }

    /// A value that is not there: its place is its key's, or else this one.
    pub(super) fn nothing(&mut self, at: Position) -> Option<()> {
        let key = self.open.last().and_then(|open| open.key.as_ref());
        let at = key.map_or(at, |(_, key_at)| Position {
            id: at.id,
            ..*key_at
        });
        self.add(Kind::Text(Cow::Borrowed(""), true), at)
    }

    /// A map, or else a list.
    pub(super) fn begin(&mut self, is_map: bool, at: Position) -> Option<()> {
        if self.open.len() == self.deepest {
            self.problems.error(
                at,
                format!(
                    "maps and lists are nested more than {} deep here",
                    self.deepest
                ),
                "nest less; a segment can name a part of a condition",
            );
            return None;
        }
        self.count(at)?;
        self.open.push(Open {
            at,
            is_map,
            first: match is_map {
                true => self.entries.len(),
                false => self.items.len(),
            },
            key: None,
            seen: HashSet::new(),
            is_merged: false,
        });
        Some(())
    }

    pub(super) fn end(&mut self) -> Option<()> {
        let Open {
            at,
            is_map,
            first,
            is_merged,
            ..
        } = self.open.pop()?;
        let kind = match is_map {
            true => Kind::Map(self.entries.drain(first..).collect()),
            false => Kind::List(self.items.drain(first..).collect()),
        };
        let kind = if is_merged { Kind::Refused } else { kind };
        self.attach(Node { at, kind })
    }

    fn count(&mut self, at: Position) -> Option<()> {
        if self.next == MOST_VALUES {
            self.problems.error(
                Position { id: 0, ..at },
                format!("more than {MOST_VALUES} values"),
                "split the file: a directory can hold several, each with a namespace",
            );
            return None;
        }
        self.next += 1;
        Some(())
    }

    fn attach(&mut self, node: Node<'t>) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        if !open.is_map {
            self.items.push(node);
            return Some(());
        }
        let (key, key_at) = open.key.take()?;
        let key_at = Position {
            id: node.at.id,
            ..key_at
        };
        let entries = &self.entries[open.first..];
        if entries.len() == 16 {
            open.seen
                .extend(entries.iter().map(|entry| entry.key.clone()));
        }
        // a few keys are looked through, many are hashed
        let first = match entries.len() < 16 || !open.seen.insert(key.clone()) {
            true => entries.iter().find(|entry| entry.key == key),
            false => None,
        };
        if let Some(first) = first {
            let key_at = Position {
                id: first.value.at.id,
                ..key_at
            };
            let line = first.key_at.line;
            self.problems.error(
                key_at,
                format!("duplicate key {}", quote(&key)),
                format!("keep this one or the one on line {line}"),
            );
        } else if key != "<<" {
            self.entries.push(Entry {
                key,
                key_at,
                value: node,
            });
        }
        Some(())
    }
}
