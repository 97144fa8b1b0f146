//! YAML with places: enough to find a node, and to know where its text is.
//! In: text. Out: a tree for each document, or the first mistake with its place.

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use std::{collections::HashMap, ops::Range, rc::Rc};

/// A node, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// in the text; of a block collection only the start is of use
    pub(super) span: Range<usize>,
    pub(super) line: usize,
    pub(super) column: usize,
    /// how deep it stands
    pub(super) depth: usize,
    alias: bool,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar {
        value: String,
        block: bool,
    },
    Map {
        entries: Vec<(Rc<Node>, Rc<Node>)>,
        flow: bool,
    },
    List {
        items: Vec<Rc<Node>>,
        flow: bool,
    },
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value of a key, if there is something in it.
    pub(super) fn filled(&self, key: &str) -> Option<&Node> {
        self.get(key).filter(|node| !node.is_empty())
    }

    /// What the list under a key holds.
    pub(super) fn list(&self, key: &str) -> &[Rc<Node>] {
        match self.get(key).map(|node| &node.kind) {
            Some(Kind::List { items, .. }) => items,
            _ => &[],
        }
    }

    /// A key and its value.
    pub(super) fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        let Kind::Map { entries, .. } = &self.kind else {
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

    /// Its own text.
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Nothing is written: no value, `null`, `~`, `{}` or `[]`.
    pub(super) fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Scalar { value, .. } => matches!(value.as_str(), "" | "~" | "null"),
            Kind::Map { entries, .. } => entries.is_empty(),
            Kind::List { items, .. } => items.is_empty(),
        }
    }

    /// Written `*name`: what it holds stands elsewhere.
    pub(super) fn is_alias(&self) -> bool {
        self.alias
    }

    /// Written with brackets.
    pub(super) fn is_flow(&self) -> bool {
        matches!(
            self.kind,
            Kind::Map { flow: true, .. } | Kind::List { flow: true, .. }
        )
    }

    /// The last node whose text ends where this one's does.
    pub(super) fn last(&self) -> &Node {
        let below = match &self.kind {
            _ if self.alias || self.is_flow() => None,
            Kind::Scalar { .. } => None,
            Kind::Map { entries, .. } => entries.last().map(|(_, value)| value),
            Kind::List { items, .. } => items.last(),
        };
        below.map_or(self, |node| node.last())
    }
}

/// Reads every document.
pub(super) fn parse(text: &str) -> Result<Vec<Rc<Node>>, String> {
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
    anchors: HashMap<usize, Rc<Node>>,
}

impl<'a, T: granit_parser::BorrowedInput<'a>> Reader<'a, T> {
    /// The next event; comments are none.
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, String> {
        let next = self.events.next_event().transpose();
        next.map_err(|error| format!("not YAML: {error}"))
    }

    fn following(&mut self) -> Result<(Event<'a>, Span), String> {
        self.next()?
            .ok_or_else(|| "not YAML: it ends too early".into())
    }

    fn node(&mut self, event: Event<'a>, start: Span, depth: usize) -> Result<Rc<Node>, String> {
        let mut end = start;
        let mut alias = false;
        let (kind, anchor) = match event {
            Event::Scalar(value, style, anchor, _) => {
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let value = value.into_owned();
                (Kind::Scalar { value, block }, anchor)
            }
            Event::Alias(id) => {
                alias = true;
                let target = self.anchors.get(&id);
                let target = target.ok_or("not YAML: an alias inside its own anchor")?;
                (target.kind.clone(), 0)
            }
            Event::SequenceStart(style, anchor, _) => {
                let mut items = Vec::new();
                end = loop {
                    match self.following()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                };
                let flow = style == StructureStyle::Flow;
                (Kind::List { items, flow }, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                let mut entries = Vec::new();
                end = loop {
                    match self.following()? {
                        (Event::MappingEnd, end) => break end,
                        (event, span) => {
                            let key = self.node(event, span, depth + 1)?;
                            let (event, span) = self.following()?;
                            entries.push((key, self.node(event, span, depth + 1)?));
                        }
                    }
                };
                let flow = style == StructureStyle::Flow;
                (Kind::Map { entries, flow }, anchor)
            }
            event => return Err(format!("not YAML: {event:?} is not expected")),
        };
        let place = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or_default();
        let node = Rc::new(Node {
            kind,
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
