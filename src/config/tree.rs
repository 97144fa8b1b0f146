//! A file as a tree that borrows from its text and remembers where everything stands.
//! In: what `source` reads. Out: values, with their places and paths.

use super::phrases::quote;
use crate::background::give_way;
use std::{borrow::Cow, fmt::Write as _};
use xxhash_rust::xxh3::Xxh3Default;

/// Where something stands, and which node it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// nodes are numbered in the order of the text
    pub(crate) id: u32,
    /// index of the file
    pub(crate) file: u16,
}

impl Position {
    /// Of the file as a whole.
    pub(crate) fn start(file: u16) -> Position {
        Position {
            line: 1,
            column: 1,
            id: 0,
            file,
        }
    }
}

/// A value of the file.
#[derive(Debug, PartialEq)]
pub(crate) struct Node<'t> {
    pub(crate) at: Position,
    pub(crate) kind: Kind<'t>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Kind<'t> {
    /// the characters as written, and whether they stood without quotes
    Text(Cow<'t, str>, bool),
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
    /// something that has been refused already
    Refused,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Entry<'t> {
    pub(crate) key: Cow<'t, str>,
    pub(crate) key_at: Position,
    pub(crate) value: Node<'t>,
}

impl<'t> Node<'t> {
    /// What stands below a key of a map.
    pub(crate) fn below(&self, key: &str) -> Option<&Node<'t>> {
        let Kind::Map(entries) = &self.kind else {
            return None;
        };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.value)
    }

    /// The characters of a scalar; none for null, which only stands without quotes.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Text(text, true) if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused)
    }

    /// What this is, for a sentence.
    pub(crate) fn what(&self) -> String {
        match &self.kind {
            Kind::Text(..) if self.is_null() => "nothing".to_owned(),
            Kind::Text(text, _) => quote(text),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Refused => "something refused".to_owned(),
        }
    }

    /// The path from here to the node with this number, `features.checkout.rules[2].when`.
    pub(crate) fn path(&self, id: u32) -> String {
        let (mut node, mut path) = (self, String::new());
        while node.at.id != id {
            // children are numbered in order: it is in the last one that does not begin behind it
            match &node.kind {
                Kind::List(items) => {
                    let behind = items.partition_point(|item| item.at.id <= id);
                    let Some(index) = behind.checked_sub(1) else {
                        break;
                    };
                    let _ = write!(path, "[{}]", index + 1);
                    node = &items[index];
                }
                Kind::Map(entries) => {
                    let behind = entries.partition_point(|entry| entry.value.at.id <= id);
                    let Some(index) = behind.checked_sub(1) else {
                        break;
                    };
                    let key = quote(&entries[index].key);
                    let dot = if path.is_empty() { "" } else { "." };
                    let _ = write!(path, "{dot}{}", key.trim_matches('`'));
                    node = &entries[index].value;
                }
                _ => break,
            }
        }
        path
    }

    /// How many values this is made of: they are numbered in the order of the text.
    pub(super) fn size(&self) -> usize {
        let mut last = self;
        while let Some(child) = match &last.kind {
            Kind::List(items) => items.last(),
            Kind::Map(entries) => entries.last().map(|entry| &entry.value),
            _ => None,
        } {
            last = child;
        }
        (last.at.id - self.at.id) as usize + 1
    }

    /// Of the characters, not of places: white space and comments do not count.
    pub(super) fn hash(&self) -> u32 {
        let mut hash = Xxh3Default::new();
        self.hash_into(&mut hash);
        hash.digest() as u32
    }

    fn hash_into(&self, to: &mut Xxh3Default) {
        let mut text = |kind: u8, text: &str| {
            to.update(&[kind]);
            to.update(&(text.len() as u64).to_le_bytes());
            to.update(text.as_bytes());
        };
        match &self.kind {
            Kind::Text(characters, plain) => text(u8::from(*plain), characters),
            Kind::List(items) => {
                to.update(&[2]);
                to.update(&(items.len() as u64).to_le_bytes());
                items.iter().for_each(|item| item.hash_into(to));
            }
            Kind::Map(entries) => {
                to.update(&[3]);
                to.update(&(entries.len() as u64).to_le_bytes());
                for entry in entries {
                    to.update(&(entry.key.len() as u64).to_le_bytes());
                    to.update(entry.key.as_bytes());
                    entry.value.hash_into(to);
                }
            }
            Kind::Refused => to.update(&[4]),
        }
    }

    /// Equal in meaning: the order of keys does not matter, places do not either.
    pub(super) fn same(&self, other: &Node<'_>) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Text(a, _), Kind::Text(b, _)) => a == b && self.is_null() == other.is_null(),
            (Kind::List(a), Kind::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
            }
            (Kind::Map(a), Kind::Map(b)) => {
                a.len() == b.len()
                    && a.iter()
                        .all(|a| b.iter().any(|b| a.key == b.key && a.value.same(&b.value)))
            }
            _ => false,
        }
    }
}

/// Frees a file's tree bit by bit: a full one takes milliseconds.
pub(super) fn let_go(node: Node<'_>) {
    match node.kind {
        Kind::Text(..) | Kind::Refused => return,
        Kind::List(items) => items.into_iter().for_each(let_go),
        Kind::Map(entries) => entries.into_iter().for_each(|entry| let_go(entry.value)),
    }
    give_way();
}
