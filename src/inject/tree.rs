//! YAML as a tree that knows where each node stands in the text.
//! In: text. Out: a tree for each document, or the first syntax error with its place.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use std::{collections::HashMap, ops::Range, rc::Rc};

/// A node and its place in the text.
#[derive(Clone, Debug)]
pub(super) struct YamlNode {
    pub(super) content: Content,
    /// bytes of the text; of a block collection only the start is useful
    pub(super) span: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    /// how many collections it stands in
    pub(super) depth: usize,
    alias: bool,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar {
        value: String,
        block: bool,
    },
    Map {
        entries: Vec<(Rc<YamlNode>, Rc<YamlNode>)>,
        flow: bool,
    },
    List {
        items: Vec<Rc<YamlNode>>,
        flow: bool,
    },
}

impl YamlNode {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&YamlNode> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value of a key, unless it is empty.
    pub(super) fn filled(&self, key: &str) -> Option<&YamlNode> {
        self.get(key).filter(|node| !node.is_empty())
    }

    /// The items of the list under a key; none if there is no list.
    pub(super) fn list(&self, key: &str) -> &[Rc<YamlNode>] {
        match self.get(key).map(|node| &node.content) {
            Some(Content::List { items, .. }) => items,
            _ => &[],
        }
    }

    /// A key and its value.
    pub(super) fn entry(&self, key: &str) -> Option<(&YamlNode, &YamlNode)> {
        let Content::Map { entries, .. } = &self.content else {
            return None;
        };
        let mut entries = entries.iter();
        let found = entries.find(|(name, _)| name.scalar() == Some(key));
        found.map(|(name, value)| (&**name, &**value))
    }

    /// The text of a key's value.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.scalar()
    }

    /// The text of a scalar.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// No value, `null`, `~`, `{}` or `[]`.
    pub(super) fn is_empty(&self) -> bool {
        match &self.content {
            Content::Scalar { value, .. } => matches!(value.as_str(), "" | "~" | "null"),
            Content::Map { entries, .. } => entries.is_empty(),
            Content::List { items, .. } => items.is_empty(),
        }
    }

    /// Written as `*name`: its content stands elsewhere.
    pub(super) fn is_alias(&self) -> bool {
        self.alias
    }

    /// Written in brackets.
    pub(super) fn is_flow(&self) -> bool {
        matches!(
            self.content,
            Content::Map { flow: true, .. } | Content::List { flow: true, .. }
        )
    }

    /// The last node inside this one: its text ends where this one's ends.
    pub(super) fn last(&self) -> &YamlNode {
        let below = match &self.content {
            _ if self.alias || self.is_flow() => None,
            Content::Scalar { .. } => None,
            Content::Map { entries, .. } => entries.last().map(|(_, value)| value),
            Content::List { items, .. } => items.last(),
        };
        below.map_or(self, |node| node.last())
    }
}

/// Reads every document.
pub(super) fn parse(text: &str) -> Result<Vec<Rc<YamlNode>>, String> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            event => documents.push(reader.node(event, span, 0)?),
        }
    }
    Ok(documents)
}

struct Reader<'a, T: granit_parser::BorrowedInput<'a>> {
    events: Parser<'a, T>,
    anchors: HashMap<usize, Rc<YamlNode>>,
}

impl<'a, T: granit_parser::BorrowedInput<'a>> Reader<'a, T> {
    /// The next event; a comment is not one.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, String> {
        let next = self.events.next_event().transpose();
        next.map_err(|error| format!("not YAML: {error}"))
    }

    fn expect_next(&mut self) -> Result<(Event<'a>, Span), String> {
        self.next()?
            .ok_or_else(|| "not YAML: unexpected end of the document".into())
    }

    fn node(
        &mut self,
        event: Event<'a>,
        start: Span,
        depth: usize,
    ) -> Result<Rc<YamlNode>, String> {
        let mut end = start;
        let mut alias = false;
        let (content, anchor) = match event {
            Event::Scalar(value, style, anchor, _) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let value = value.into_owned();
                (Content::Scalar { value, block }, anchor)
            }
            Event::Alias(id) => {
                alias = true;
                let target = self.anchors.get(&id);
                let target = target.ok_or("not YAML: an alias inside its own anchor")?;
                (target.content.clone(), 0)
            }
            Event::SequenceStart(style, anchor, _) => {
                let mut items = Vec::new();
                end = loop {
                    match self.expect_next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                };
                let flow = style == StructureStyle::Flow;
                (Content::List { items, flow }, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                let mut entries = Vec::new();
                end = loop {
                    match self.expect_next()? {
                        (Event::MappingEnd, end) => break end,
                        (event, span) => {
                            let key = self.node(event, span, depth + 1)?;
                            let (event, span) = self.expect_next()?;
                            entries.push((key, self.node(event, span, depth + 1)?));
                        }
                    }
                };
                let flow = style == StructureStyle::Flow;
                (Content::Map { entries, flow }, anchor)
            }
            event => return Err(format!("not YAML: unexpected {event:?}")),
        };
        let place = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or_default();
        let node = Rc::new(YamlNode {
            content,
            span: place(start.start)..place(end.end),
            line: start.start.line(),
            column: start.start.col(),
            depth,
            alias,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(node)
    }
}
