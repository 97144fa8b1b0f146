//! One file's text, as a tree that borrows from it and remembers where everything stands.
//! In: the text. Out: a [`Node`], or problems of the YAML itself.
//!
//! A tree of our own and not a `serde_yaml::Value`: scalars stay the characters that were written (`007`, `NO`, `1e3`),
//! a duplicate key is seen, every value has a place, and a full 1 MiB file costs 40 bytes a value. What could grow
//! beyond the text (aliases, merge keys), change its meaning (tags) or exhaust the stack (depth) is refused here.

use super::{
    problem::{Log, quote},
    syntax::not_utf8,
    tree::{Entry, Kind, Node, Place},
};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::{borrow::Cow, collections::HashSet, thread};

/// Maps and lists within each other.
pub(super) const DEEPEST: usize = 16;

/// Values of a file: more than a mebibyte of any use has, and what keeps a useless one below 64 MiB of memory.
const MOST_VALUES: u32 = 250_000;

/// After so many values a worker on the same core may go first: requests do not wait for a reload.
const POLITE: u32 = 256;

/// A map or list whose end has not come yet.
struct Open<'t> {
    node: Node<'t>,
    /// the key that waits for its value
    key: Option<(Cow<'t, str>, Place)>,
    /// keys so far, once there are many
    seen: HashSet<Cow<'t, str>>,
}

pub(super) struct Builder<'t, 'l> {
    pub(super) text: &'t str,
    pub(super) log: &'l mut Log,
    pub(super) file: u16,
    next: u32,
    open: Vec<Open<'t>>,
    root: Option<Node<'t>>,
}

/// None where the text cannot be understood any further; the log says why.
pub(super) fn parse<'t>(bytes: &'t [u8], file: u16, log: &mut Log) -> Option<Node<'t>> {
    let start = Place {
        line: 1,
        column: 1,
        id: 0,
        file,
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(broken) => {
            not_utf8(bytes, broken.valid_up_to(), start, log);
            return None;
        }
    };
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: 4 * DEEPEST,
        block_nesting_limit: 4 * DEEPEST,
    };
    let mut builder = Builder {
        text,
        log,
        file,
        next: 0,
        open: Vec::new(),
        root: None,
    };
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                builder.syntax(&error);
                return None;
            }
        };
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                let at = Place {
                    id: 0,
                    ..builder.place(&span)
                };
                builder.log.error(
                    at,
                    "a second document begins here, and a toggles file is one document",
                    "put it into a file of its own: a directory may hold several",
                );
                return builder.root;
            }
        }
        builder.event(event, &span)?;
        if builder.next.is_multiple_of(POLITE) {
            thread::yield_now();
        }
    }
    let root = builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        log.error(
            start,
            "the file is empty",
            "write `version: 1` and `features: {}`",
        );
    }
    root
}

impl<'t> Builder<'t, '_> {
    pub(super) fn place(&self, span: &Span) -> Place {
        Place {
            line: span.start.line() as u32,
            column: span.start.col() as u32 + 1,
            id: self.next,
            file: self.file,
        }
    }

    /// `None` where going on would make no sense.
    pub(super) fn event(&mut self, event: Event<'t>, span: &Span) -> Option<()> {
        let at = self.place(span);
        if self.next == MOST_VALUES {
            self.log.error(
                Place { id: 0, ..at },
                format!("more than {MOST_VALUES} values"),
                "divide the file: a directory may hold several, each with a namespace",
            );
            return None;
        }
        self.properties(&event, at);
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text, style, at, span),
            Event::SequenceStart(..) => self.begin(Kind::List(Vec::new()), at),
            Event::MappingStart(..) => self.begin(Kind::Map(Vec::new()), at),
            Event::SequenceEnd | Event::MappingEnd => {
                let done = self.open.pop()?;
                self.attach(done.node)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let name = span.slice(self.text).unwrap_or("*");
                self.log.error(
                    at,
                    format!("{} is an alias, and aliases are not read", quote(name)),
                    "write the value itself; conditions that are used twice can be a segment",
                );
                self.key_or_value(Cow::Borrowed(name), Kind::Refused, at)
            }
            _ => Some(()),
        }
    }

    pub(super) fn properties(&mut self, event: &Event<'_>, at: Place) {
        if let Some(tag) = event.tag() {
            let tag = quote(&tag.original());
            self.log.error(
                at,
                format!("{tag} is a tag, and tags are not read"),
                "leave it out: text stays text, and payloads follow YAML 1.2",
            );
        }
        if event.is_node() && !event.is_alias() && event.anchor_id().is_some_and(|id| id > 0) {
            self.log.error(
                at,
                "an anchor (`&name`) is for aliases, and aliases are not read",
                "leave it out",
            );
        }
    }

    pub(super) fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        mut at: Place,
        span: &Span,
    ) -> Option<()> {
        if span.start.index() == span.end.index() {
            // a value that is not there: its place is its key's
            if let Some(Open {
                key: Some((_, key_at)),
                ..
            }) = self.open.last()
            {
                at = Place {
                    id: at.id,
                    ..*key_at
                };
            }
        }
        let plain = matches!(style, ScalarStyle::Plain);
        self.key_or_value(text.clone(), Kind::Text(text, plain), at)
    }

    pub(super) fn key_or_value(
        &mut self,
        text: Cow<'t, str>,
        kind: Kind<'t>,
        at: Place,
    ) -> Option<()> {
        match self.open.last_mut() {
            Some(Open {
                node: Node {
                    kind: Kind::Map(_), ..
                },
                key: key @ None,
                ..
            }) => {
                if text == "<<" {
                    self.log.error(
                        at,
                        "`<<` is a merge key, and merge keys are not read",
                        "write the entries themselves",
                    );
                }
                *key = Some((text, at));
                Some(())
            }
            _ => {
                self.next += 1;
                self.attach(Node { at, kind })
            }
        }
    }

    pub(super) fn begin(&mut self, kind: Kind<'t>, at: Place) -> Option<()> {
        if self.open.len() == DEEPEST {
            self.log.error(
                at,
                format!("more than {DEEPEST} maps and lists are nested here"),
                "make it flatter; a segment can name a part of a condition",
            );
            return None;
        }
        if let Some(Open {
            node: Node {
                kind: Kind::Map(_), ..
            },
            key: None,
            ..
        }) = self.open.last()
        {
            let line = self
                .text
                .lines()
                .nth(at.line as usize - 1)
                .unwrap_or_default();
            if line.contains("{{") {
                self.template(at);
            } else {
                self.log.error(
                    at,
                    "a key is a word, not a list or a map",
                    "write `key: value`",
                );
            }
            return None;
        }
        self.next += 1;
        self.open.push(Open {
            node: Node { at, kind },
            key: None,
            seen: HashSet::new(),
        });
        Some(())
    }

    pub(super) fn attach(&mut self, node: Node<'t>) -> Option<()> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => {
                let (key, key_at) = open.key.take()?;
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
                    let key_at = Place {
                        id: first.value.at.id,
                        ..key_at
                    };
                    let line = first.key_at.line;
                    self.log.error(
                        key_at,
                        format!("the key {} is there twice", quote(&key)),
                        format!("keep this one or that of line {line}"),
                    );
                } else if key != "<<" {
                    let key_at = Place {
                        id: node.at.id,
                        ..key_at
                    };
                    entries.push(Entry {
                        key,
                        key_at,
                        value: node,
                    });
                }
            }
            _ => {}
        }
        Some(())
    }
}
