//! One file's text, as a tree that borrows from it and remembers where everything stands.
//! In: the text. Out: a [`Node`], or problems of the YAML itself.
//!
//! A tree of our own and not a `serde_yaml::Value`: scalars stay the characters that were written (`007`, `NO`, `1e3`),
//! a duplicate key is seen, every value has a place, and a full 1 MiB file costs 40 bytes a value. What could grow
//! beyond the text (aliases, merge keys), change its meaning (tags) or exhaust the stack (depth) is refused here.

use super::problem::{Log, quote};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span};
use std::{borrow::Cow, collections::HashSet, fmt::Write as _};

/// Maps and lists within each other.
pub(super) const DEEPEST: usize = 16;

/// Values of a file: more than a mebibyte of any use has, and what keeps a useless one below 64 MiB of memory.
const MOST_VALUES: u32 = 250_000;

/// Where something stands, and which node it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
    /// nodes are numbered in the order of the text
    pub(super) id: u32,
    /// index of the file
    pub(super) file: u16,
}

/// A value of the file.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) at: Place,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug)]
pub(super) enum Kind<'t> {
    /// the characters as written, and whether they stood without quotes
    Text(Cow<'t, str>, bool),
    List(Vec<Node<'t>>),
    Map(Vec<Entry<'t>>),
    /// something that has been refused already
    Refused,
}

#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    pub(super) key_at: Place,
    pub(super) value: Node<'t>,
}

impl<'t> Node<'t> {
    /// The characters of a scalar; none for null, which only stands without quotes.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Text(text, true) if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused)
    }

    /// What this is, for a sentence.
    pub(super) fn what(&self) -> String {
        match &self.kind {
            Kind::Text(..) if self.is_null() => "nothing".to_owned(),
            Kind::Text(text, _) => quote(text),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::Refused => "something refused".to_owned(),
        }
    }

    /// The path from here to the node with this number, `features.checkout.rules[2].when`.
    pub(super) fn path(&self, id: u32) -> String {
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

    /// How many values this is made of.
    pub(super) fn size(&self) -> usize {
        1 + match &self.kind {
            Kind::List(items) => items.iter().map(Node::size).sum::<usize>(),
            Kind::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
            _ => 0,
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

/// A map or list whose end has not come yet.
struct Open<'t> {
    node: Node<'t>,
    /// the key that waits for its value
    key: Option<(Cow<'t, str>, Place)>,
    /// keys so far, once there are many
    seen: HashSet<Cow<'t, str>>,
}

struct Builder<'t, 'l> {
    text: &'t str,
    log: &'l mut Log,
    file: u16,
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
    }
    let root = builder.root?;
    if root.is_null() {
        log.error(
            start,
            "the file is empty",
            "write `version: 1` and `features: {}`",
        );
        return None;
    }
    Some(root)
}

/// Whether `{{ … }}` stands where text is used by burgee; descriptions and payloads may hold anything.
pub(super) fn is_template(node: &Node<'_>, log: &mut Log) -> bool {
    match &node.kind {
        Kind::Text(text, _) if text.contains("{{") => {
            log.error(
                node.at,
                format!("{} is left over from a template", quote(text)),
                "render the file first (`helm template`, `--set-file`); burgee reads plain YAML",
            );
            true
        }
        Kind::List(items) => items.iter().filter(|item| is_template(item, log)).count() > 0,
        Kind::Map(entries) => {
            let free = ["description", "metadata", "variants", "matches"];
            let read = entries.iter().filter(|entry| !free.contains(&&*entry.key));
            read.filter(|entry| is_template(&entry.value, log)).count() > 0
        }
        _ => false,
    }
}

fn not_utf8(bytes: &[u8], valid: usize, start: Place, log: &mut Log) {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return log.error(start, "the file is UTF-16", "save it as UTF-8");
    }
    let before = &bytes[..valid];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let at = Place {
        line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u32,
        column: 1 + String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count() as u32,
        ..start
    };
    log.error(
        at,
        format!("the byte 0x{:02x} is not UTF-8", bytes[valid]),
        "save the file as UTF-8",
    );
}

impl<'t> Builder<'t, '_> {
    fn place(&self, span: &Span) -> Place {
        Place {
            line: span.start.line() as u32,
            column: span.start.col() as u32 + 1,
            id: self.next,
            file: self.file,
        }
    }

    /// `None` where going on would make no sense.
    fn event(&mut self, event: Event<'t>, span: &Span) -> Option<()> {
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

    fn properties(&mut self, event: &Event<'_>, at: Place) {
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

    fn scalar(
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

    fn key_or_value(&mut self, text: Cow<'t, str>, kind: Kind<'t>, at: Place) -> Option<()> {
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

    fn begin(&mut self, kind: Kind<'t>, at: Place) -> Option<()> {
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

    fn template(&mut self, at: Place) {
        self.log.error(
            at,
            "`{{` is left over from a template",
            "render the file first (`helm template`, `--set-file`); burgee reads plain YAML",
        );
    }

    fn attach(&mut self, node: Node<'t>) -> Option<()> {
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

    /// A sentence for what the parser cannot read. It stops at the first such place.
    fn syntax(&mut self, error: &ScanError) {
        let mark = error.marker();
        let at = Place {
            line: mark.line() as u32,
            column: mark.col() as u32 + 1,
            id: 0,
            file: self.file,
        };
        let line = self
            .text
            .lines()
            .nth(mark.line().saturating_sub(1))
            .unwrap_or_default();
        if line.contains("{{") {
            return self.template(at);
        }
        if let Some((line, column)) = self.tab(mark.line(), error.kind()) {
            let at = Place { line, column, ..at };
            return self.log.error(
                at,
                "a tab is used as indentation",
                "YAML is indented with spaces: replace the tab",
            );
        }
        let (message, hint) = match error.kind() {
            ErrorKind::RecursionLimitExceeded => (
                format!("more than {DEEPEST} maps and lists are nested here"),
                "make it flatter; a segment can name a part of a condition",
            ),
            ErrorKind::DirectiveDisallowed => (
                "a `%` directive is not read".to_owned(),
                "leave the line out",
            ),
            ErrorKind::UndeclaredTagHandle => (
                "a tag is not read".to_owned(),
                "leave it out: text stays text",
            ),
            ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => (
                "a quoted text has no end".to_owned(),
                "close it with the quote that it began with",
            ),
            ErrorKind::UnclosedFlowCollection { .. }
            | ErrorKind::UnexpectedEofFlowSequence
            | ErrorKind::UnexpectedEofFlowMapping => (
                "a `{` or `[` is never closed".to_owned(),
                "close it with `}` or `]`",
            ),
            ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => (
                "a comma or the closing bracket is missing before this".to_owned(),
                "write `{a: 1, b: 2}` and `[a, b]`; text with `,`, `[` or `{` in it takes quotes",
            ),
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => (
                format!("`{open}` is closed by `{close}`"),
                "close it with `}` or `]`, as it began",
            ),
            ErrorKind::InvalidIndentation
            | ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry => (
                "this line is indented differently from those around it".to_owned(),
                "put it below the key that it belongs to",
            ),
            ErrorKind::SimpleKeyExpected => (
                "this is neither `key: value` nor part of the line above".to_owned(),
                "write `key: value`, with a blank behind the colon",
            ),
            kind => (
                format!("this is not YAML: {kind}"),
                "mind the indentation, the colons and the quotes",
            ),
        };
        self.log.error(at, message, hint);
    }

    /// The tab that the parser stumbled over: on this line, or indenting it or the one before.
    fn tab(&self, line: usize, kind: &ErrorKind) -> Option<(u32, u32)> {
        let named = matches!(
            kind,
            ErrorKind::TabNotAllowed
                | ErrorKind::TabInBlockIndentation
                | ErrorKind::TabInIndentation
                | ErrorKind::TabAtBlockScalarStart
                | ErrorKind::InvalidBlockEntryWhitespace
        );
        [line, line.wrapping_sub(1), line + 1]
            .into_iter()
            .find_map(|number| {
                let text = self.text.lines().nth(number.checked_sub(1)?)?;
                let column = match text.find(|c: char| c != ' ') {
                    Some(at) if text[at..].starts_with('\t') => at,
                    _ if named && number == line => text.find('\t')?,
                    _ => return None,
                };
                Some((number as u32, column as u32 + 1))
            })
    }
}
