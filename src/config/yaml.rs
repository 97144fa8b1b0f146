//! Any YAML, by granit-parser's events.
//! In: the text. Out: a tree, or problems of the YAML itself.
//!
//! What could grow beyond the text (aliases, merge keys), change its meaning (tags) or exhaust the stack (depth) is
//! refused here.

use super::{
    build::{Builder, DEEPEST},
    problem::{Log, quote},
    tree::{Kind, Node, Place},
};
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::borrow::Cow;

pub(super) struct Events<'t, 'l> {
    pub(super) text: &'t str,
    pub(super) builder: Builder<'t, 'l>,
}

/// None where the text cannot be understood any further, or is empty; the log says why.
pub(super) fn read<'t>(text: &'t str, file: u16, log: &mut Log) -> Option<Node<'t>> {
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: 4 * DEEPEST,
        block_nesting_limit: 4 * DEEPEST,
    };
    let mut events = Events {
        text,
        builder: Builder::new(file, log),
    };
    let mut documents = 0;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                events.syntax(&error);
                return None;
            }
        };
        if let Event::DocumentStart(..) = event {
            documents += 1;
            if documents > 1 {
                let at = Place {
                    id: 0,
                    ..events.place(&span)
                };
                events.builder.log.error(
                    at,
                    "a second document begins here, and a toggles file is one document",
                    "put it into a file of its own: a directory may hold several",
                );
                return events.builder.root;
            }
        }
        events.event(event, &span)?;
    }
    let root = events.builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        log.error(
            Place::start(file),
            "the file is empty",
            "write `version: 1` and `features: {}`",
        );
    }
    root
}

impl<'t> Events<'t, '_> {
    fn place(&self, span: &Span) -> Place {
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
                self.builder.log.error(
                    at,
                    format!("{} is an alias, and aliases are not read", quote(name)),
                    "write the value itself; conditions that are used twice can be a segment",
                );
                match self.builder.expects_key() {
                    true => self.builder.key(Cow::Borrowed(name), at),
                    false => self.builder.add(Kind::Refused, at),
                }
            }
            _ => Some(()),
        }
    }

    fn properties(&mut self, event: &Event<'_>, at: Place) {
        if let Some(tag) = event.tag() {
            let tag = quote(&tag.original());
            self.builder.log.error(
                at,
                format!("{tag} is a tag, and tags are not read"),
                "leave it out: text stays text, and payloads follow YAML 1.2",
            );
        }
        if event.is_node() && !event.is_alias() && event.anchor_id().is_some_and(|id| id > 0) {
            self.builder.log.error(
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
        at: Place,
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

    fn begin(&mut self, is_map: bool, at: Place) -> Option<()> {
        if !self.builder.expects_key() {
            return self.builder.begin(is_map, at);
        }
        let line = self.text.lines().nth(at.line as usize - 1);
        if line.is_some_and(|line| line.contains("{{")) {
            self.template(at);
        } else {
            self.builder.log.error(
                at,
                "a key is a word, not a list or a map",
                "write `key: value`",
            );
        }
        None
    }
}
