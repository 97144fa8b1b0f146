//! Edits of YAML text: block style where the text uses block style, JSON where it uses brackets.
//! In: nodes of the tree, and values. Out: the new text.

use super::tree::{Content, YamlNode};
use serde_json::Value;
use std::{cmp::Reverse, ops::Range};

/// Edits that wait to be applied to a text.
pub(super) struct Edits<'a> {
    text: &'a str,
    /// the bytes to replace, the depth of their node, and the new text
    edits: Vec<(Range<usize>, usize, String)>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Edits {
            text,
            edits: Vec::new(),
        }
    }

    /// The text after all edits. Of two edits at one place the deeper comes first: it belongs to the node that ends there.
    pub(super) fn apply(mut self) -> String {
        self.edits
            .sort_by_key(|(at, depth, _)| (at.start, Reverse(*depth)));
        // an anchored node is edited once, however many aliases point to it
        self.edits.dedup();
        let crlf = self.text.contains("\r\n");
        let mut new = String::with_capacity(self.text.len() + 2048);
        let mut copied = 0;
        for (at, _, written) in &self.edits {
            new.push_str(&self.text[copied..at.start]);
            new.push_str(&if crlf {
                written.replace('\n', "\r\n")
            } else {
                written.clone()
            });
            copied = at.end;
        }
        new + &self.text[copied..]
    }

    /// Replaces a node that has no children by a value.
    pub(super) fn replace(&mut self, node: &YamlNode, value: &Value) {
        if !node.span.is_empty() {
            return self.push(node.span.clone(), node.depth, value.to_string());
        }
        // an empty node stands at the end of its key, before the colon
        let (before, after) = self.text.split_at(node.span.start);
        let colon = match before.ends_with(':') {
            true => 0,
            false => after.find(':').map_or(0, |colon| colon + 1),
        };
        let at = node.span.start + colon;
        self.push(at..at, node.depth, format!(" {value}"));
    }

    /// Replaces a word, and keeps its quotes.
    pub(super) fn rename(&mut self, node: &YamlNode, word: &str) {
        let quote = match self.text.as_bytes().get(node.span.start) {
            Some(b'"') => "\"",
            Some(b'\'') => "'",
            _ => "",
        };
        // the span of a block scalar reaches to the next token
        let written = self.text[node.span.clone()].trim_end().len();
        let at = node.span.start..node.span.start + written;
        self.push(at, node.depth, format!("{quote}{word}{quote}"));
    }

    /// Adds a key at the end of a map. Only a map in brackets may be empty.
    pub(super) fn add_key(&mut self, map: &YamlNode, key: &str, value: &Value) {
        match &map.content {
            Content::Map {
                entries,
                flow: false,
            } => {
                let column = entries.first().map_or(0, |(key, _)| key.column);
                let mut entry = serde_json::Map::new();
                entry.insert(key.into(), value.clone());
                self.lines_after(map, column, &Value::Object(entry));
            }
            _ => {
                let key = Value::from(key);
                self.before_bracket(map, &format!("{key}: {value}"));
            }
        }
    }

    /// Sets a key that is missing or empty.
    pub(super) fn set_key(&mut self, map: &YamlNode, key: &str, value: &Value) {
        match map.get(key) {
            Some(empty) => self.replace(empty, value),
            None => self.add_key(map, key, value),
        }
    }

    /// Adds an item at the end of the list under a key; creates the list if it is missing.
    pub(super) fn append(&mut self, map: &YamlNode, key: &str, item: &Value) {
        match map.entry(key).filter(|(_, list)| !list.is_empty()) {
            None => self.set_key(map, key, &Value::from(vec![item.clone()])),
            Some((_, list)) if list.is_flow() => self.before_bracket(list, &item.to_string()),
            Some((name, list)) => {
                let (_, column) = self.first_dash(name);
                self.lines_after(list, column, &Value::from(vec![item.clone()]));
            }
        }
    }

    /// Adds an item at the start of the list under a key; creates the list if it is missing.
    pub(super) fn prepend(&mut self, map: &YamlNode, key: &str, item: &Value) {
        match map.entry(key).filter(|(_, list)| !list.is_empty()) {
            None => self.set_key(map, key, &Value::from(vec![item.clone()])),
            Some((_, list)) if list.is_flow() => {
                let at = list.span.start + 1;
                self.push(at..at, list.depth, format!("{item}, "));
            }
            Some((name, list)) => {
                let (line, column) = self.first_dash(name);
                let lines = block(&Value::from(vec![item.clone()]), column);
                self.push(line..line, list.depth, lines + "\n");
            }
        }
    }

    /// Where the line below a key starts, and the column of the first dash below it.
    fn first_dash(&self, key: &YamlNode) -> (usize, usize) {
        let end = self.end_of_line(key.span.end) + 1;
        let mut lines = self.text[end..].lines();
        let dash = lines.find(|line| line.trim_start().starts_with('-'));
        let column = dash.map_or(0, |line| line.len() - line.trim_start().len());
        (end, column)
    }

    /// Adds lines after the last line of a block collection.
    fn lines_after(&mut self, node: &YamlNode, column: usize, value: &Value) {
        let last = node.last();
        let lines = block(value, column);
        let end = last.span.end;
        // a block scalar ends where the next token starts: at the start of a line, or after its indentation
        let ends_in_indentation = matches!(last.content, Content::Scalar { block: true, .. });
        let line = self.text[..end]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        if ends_in_indentation && self.text[line..end].trim().is_empty() {
            self.push(line..line, node.depth, lines + "\n");
        } else {
            let at = self.end_of_line(end);
            self.push(at..at, node.depth, format!("\n{lines}"));
        }
    }

    fn before_bracket(&mut self, node: &YamlNode, written: &str) {
        let bracket = node.span.end - 1;
        let before = self.text[..bracket].trim_end();
        let comma = if node.is_empty() || before.ends_with(',') {
            ""
        } else {
            ", "
        };
        self.push(
            before.len()..before.len(),
            node.depth,
            format!("{comma}{written}"),
        );
    }

    fn end_of_line(&self, from: usize) -> usize {
        let rest = &self.text[from..];
        let line = rest.find('\n').unwrap_or(rest.len());
        from + rest[..line].trim_end_matches('\r').len()
    }

    fn push(&mut self, at: Range<usize>, depth: usize, written: String) {
        self.edits.push((at, depth, written));
    }
}

/// A value in block style, without the last newline.
fn block(value: &Value, column: usize) -> String {
    // JSON is YAML; serializing the serde_json value itself would write its numbers as maps (`arbitrary_precision`)
    let value: Result<serde_yaml::Value, _> = serde_yaml::from_str(&value.to_string());
    let text = value.and_then(|value| serde_yaml::to_string(&value));
    let text = text.unwrap_or_default();
    let indent = " ".repeat(column);
    let lines: Vec<_> = text.lines().map(|line| format!("{indent}{line}")).collect();
    lines.join("\n")
}
