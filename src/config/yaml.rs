//! One file's text, as a tree that borrows from it and remembers where everything stands.
//! In: the bytes. Out: a [`Node`], or problems of the YAML itself.
//!
//! A tree of our own and not a `serde_yaml::Value`: scalars stay the characters that were written (`007`, `NO`, `1e3`),
//! a duplicate key is seen, every value has a place, and a full 1 MiB file costs 40 bytes a value.
//! What could grow beyond the text (aliases, merge keys), change its meaning (tags) or exhaust the stack (depth) is
//! refused here.

use super::{
    build::{Builder, DEEPEST},
    collector::Collector,
    phrases::quote,
    syntax,
    template::left_over,
    tree::{Kind, Node, Position},
};
use crate::background::give_way;
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::borrow::Cow;

/// Some ten microseconds of the parser's work. To look at the clock for each event would be felt.
const EVENTS_AT_A_TIME: usize = 32;

struct Reading<'t, 'l> {
    text: &'t str,
    builder: Builder<'t, 'l>,
}

/// None where the text cannot be understood any further, or is empty; `problems` say why.
pub(super) fn parse<'t>(bytes: &'t [u8], file: u16, problems: &mut Collector) -> Option<Node<'t>> {
    parse_to(DEEPEST, bytes, file, problems)
}

/// The same, nested so deep at most.
pub(super) fn parse_to<'t>(
    deepest: usize,
    bytes: &'t [u8],
    file: u16,
    problems: &mut Collector,
) -> Option<Node<'t>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(broken) => {
            syntax::not_utf8(bytes, broken.valid_up_to(), Position::start(file), problems);
            return None;
        }
    };
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: 4 * deepest,
        block_nesting_limit: 4 * deepest,
    };
    let mut reading = Reading {
        text,
        builder: Builder::new(file, deepest, problems),
    };
    let mut documents = 0;
    for (number, next) in Parser::new_from_str_with_options(text, options).enumerate() {
        if number.is_multiple_of(EVENTS_AT_A_TIME) {
            give_way();
        }
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                syntax::not_yaml(text, &error, Position::start(file), problems);
                return None;
            }
        };
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                let at = Position {
                    id: 0,
                    ..reading.place(&span)
                };
                reading.builder.problems.error(
                    at,
                    "a second YAML document begins here, and a file holds only one",
                    "put it into a file of its own: a directory can hold several",
                );
                return reading.builder.root;
            }
        }
        reading.event(event, &span)?;
    }
    let root = reading.builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        problems.error(
            Position::start(file),
            "the file is empty",
            "write `version: 1` and `features: {}`",
        );
    }
    root
}

impl<'t> Reading<'t, '_> {
    fn place(&self, span: &Span) -> Position {
        let (line, column) = (span.start.line() as u32, span.start.col() as u32 + 1);
        self.builder.at(line, column)
    }

    fn event(&mut self, event: Event<'t>, span: &Span) -> Option<()> {
        let at = self.place(span);
        self.properties(&event, at);
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text, style, at, span),
            Event::SequenceStart(..) => self.begin(false, at),
            Event::MappingStart(..) => self.begin(true, at),
            Event::SequenceEnd | Event::MappingEnd => self.builder.end(),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let name = span.slice(self.text).unwrap_or("*");
                self.builder.problems.error(
                    at,
                    format!("{} is an alias, and aliases are not supported", quote(name)),
                    "write out the value; a condition that is used twice can be a segment",
                );
                match self.builder.expects_key() {
                    true => self.builder.key(Cow::Borrowed(name), at),
                    false => self.builder.add(Kind::Refused, at),
                }
            }
            _ => Some(()),
        }
    }

    fn properties(&mut self, event: &Event<'_>, at: Position) {
        let tag = event.tag().map(|tag| tag.original());
        // tools write it in front of instants, which are read as instants anyway
        if let Some(tag) = tag.filter(|tag| *tag != "!!timestamp") {
            // `!staff` is a tag in front of nothing
            let is_denial = matches!(event, Event::Scalar(text, ..) if text.is_empty());
            let hint = match tag.strip_prefix('!') {
                Some(name) if is_denial => {
                    format!(
                        "for its opposite write `{{not: {}}}`",
                        quote(name).trim_matches('`')
                    )
                }
                _ => "leave it out: text stays text, and payloads follow YAML 1.2".to_owned(),
            };
            let message = format!("{} is a tag, and tags are not supported", quote(&tag));
            self.builder.problems.error(at, message, hint);
        }
        if event.is_node() && !event.is_alias() && event.anchor_id().is_some_and(|id| id > 0) {
            self.builder
                .problems
                .error(at, "anchors (`&name`) are not supported", "leave it out");
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        at: Position,
        span: &Span,
    ) -> Option<()> {
        let plain = matches!(style, ScalarStyle::Plain);
        if self.builder.expects_key() {
            self.builder.key(text, at)
        } else if span.start.index() == span.end.index() {
            self.builder.nothing(at)
        } else {
            self.builder.add(Kind::Text(text, plain), at)
        }
    }

    fn begin(&mut self, is_map: bool, at: Position) -> Option<()> {
        if !self.builder.expects_key() {
            return self.builder.begin(is_map, at);
        }
        let line = self.text.lines().nth(at.line as usize - 1);
        if line.is_some_and(|line| line.contains("{{")) {
            left_over("`{{`", at, self.builder.problems);
        } else {
            self.builder.problems.error(
                at,
                "a key must be text, not a list or a map",
                "write `key: value`",
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: [&str; 40] = [
        "a",
        "b1",
        "key",
        "a: ",
        "b: ",
        "c:",
        "a:b",
        ":",
        ": ",
        "- ",
        "-",
        "- a",
        "- a: ",
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        "'",
        "\"",
        "'a: b'",
        "\"[x]\"",
        "''",
        "''''",
        "\\",
        "#",
        " #",
        " # note",
        "|",
        ">",
        "~",
        "?",
        "? ",
        "&a ",
        "*a",
        "ä",
        "25%",
        "{a: 1, b: [x, 'y']}",
        "...",
    ];

    /// Whether these words stand in the text where the tree says, or a quote before them does.
    fn is_there(text: &str, at: Position, words: &str) -> bool {
        let line = text.split('\n').nth(at.line as usize - 1);
        let rest: String = line
            .unwrap_or_default()
            .chars()
            .skip(at.column as usize - 1)
            .collect();
        // a text may go on in the next line, with other blanks
        let first = words.split([' ', '\n']).next().unwrap_or_default();
        rest.starts_with(first) || rest.starts_with(['"', '\''])
    }

    fn all_is_there(text: &str, node: &Node<'_>) -> bool {
        match &node.kind {
            Kind::Text(words, _) => is_there(text, node.at, words),
            Kind::List(items) => items.iter().all(|item| all_is_there(text, item)),
            Kind::Map(entries) => entries.iter().all(|entry| {
                // the key of `? ` is nothing, which the parser calls `~`
                let key = entry.key == "~" || is_there(text, entry.key_at, &entry.key);
                key && all_is_there(text, &entry.value)
            }),
            Kind::Refused => true,
        }
    }

    /// Lines put together at random: what is read stands where the tree says, and what is not read is told.
    #[test]
    fn every_value_stands_where_the_tree_says() {
        let mut random = 1_u64;
        let mut below = |most: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as usize % most
        };
        let mut read = 0;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..1 + below(6) {
                text.push_str(&" ".repeat([0, 0, 0, 2, 2, 2, 4, 1][below(8)]));
                // most lines begin as lines do
                text.push_str(["a: ", "k:", "- ", "b: ", ""][below(5)]);
                (0..[0, 1, 1, 1, 2, 3][below(6)])
                    .for_each(|_| text.push_str(PIECES[below(PIECES.len())]));
                text.push('\n');
            }
            let mut problems = Collector::default();
            match parse(text.as_bytes(), 0, &mut problems) {
                Some(root) => {
                    assert!(all_is_there(&text, &root), "{text:?} {root:?}");
                    read += 1;
                }
                None => assert!(problems.errors() > 0, "{text:?}"),
            }
        }
        assert!(read > 3_000, "{read}");
    }
}
