//! The plain part of YAML, line by line: block maps and lists, scalars and flow collections of one line.
//! In: a builder and its text. Out: the tree that the event pass would build, or `None` where the text is anything else.
//!
//! Nothing is refused here: a file that is not plain, or in which anything is wrong, is read again by granit-parser.
//! It exists for the time of a reload: `burgee check` of a full file (1 MiB, 1,000 features of 10 rules) takes 192 million
//! instructions, and 602 million with a tab in a comment, by events alone (callgrind). Debug builds and the fuzz target
//! read both ways and compare.

use super::{
    build::Builder,
    tree::{Kind, Place},
};
use std::borrow::Cow;

/// Longer keys are not for people, and YAML has a limit of its own.
const LONGEST_KEY: usize = 256;
/// Of a line in which columns have to be counted: a long one with many values would be counted many times.
const LONGEST_COUNTED: usize = 1_024;

/// A block map or list whose end has not come yet.
struct Level {
    indent: usize,
    is_map: bool,
}

struct Lines<'t, 'l, 'b> {
    builder: &'b mut Builder<'t, 'l>,
    levels: Vec<Level>,
    /// the last key has no value yet
    waits: bool,
    line: &'t str,
    is_ascii: bool,
    number: u32,
}

/// Builds the tree, if the text is plain and nothing is wrong with it.
pub(super) fn read<'t>(text: &'t str, builder: &mut Builder<'t, '_>) -> Option<()> {
    if !text.chars().all(is_plain) {
        return None;
    }
    let mut lines = Lines {
        builder,
        levels: Vec::new(),
        waits: false,
        line: "",
        is_ascii: true,
        number: 0,
    };
    for (index, line) in text.split('\n').enumerate() {
        (lines.line, lines.is_ascii) = (line, line.is_ascii());
        lines.number = index as u32 + 1;
        if !lines.is_ascii && line.len() > LONGEST_COUNTED {
            return None;
        }
        let indent = lines.blanks(0);
        if !matches!(lines.byte(indent), None | Some(b'#')) {
            lines.content(indent)?;
        }
    }
    lines.finish()
}

/// Neither a tab nor anything else that YAML gives a meaning, or forbids.
fn is_plain(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

impl Lines<'_, '_, '_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.line.as_bytes().get(at).copied()
    }

    /// Behind the blanks that begin here.
    fn blanks(&self, at: usize) -> usize {
        let blanks = self.line.as_bytes()[at..].iter();
        at + blanks.take_while(|byte| **byte == b' ').count()
    }

    /// Columns count characters.
    fn place(&self, at: usize) -> Place {
        let before = match self.is_ascii {
            true => at,
            false => self.line[..at].chars().count(),
        };
        self.builder.at(self.number, before as u32 + 1)
    }

    fn content(&mut self, indent: usize) -> Option<()> {
        let is_item = self.line[indent..].starts_with("- ");
        self.settle(indent, is_item)?;
        if !is_item {
            return self.entry(indent);
        }
        let at = self.blanks(indent + 1);
        if key(self.line, at, false).is_some() {
            self.open(true, at, at)?;
            return self.entry(at);
        }
        self.value(at)
    }

    /// Ends what this line's indentation ends, and begins what it begins.
    fn settle(&mut self, indent: usize, is_item: bool) -> Option<()> {
        let Some(top) = self.levels.last() else {
            return (indent == 0 && !is_item).then(|| self.open(true, 0, 0))?;
        };
        if self.waits {
            self.waits = false;
            if indent > top.indent {
                return self.open(!is_item, indent, indent);
            }
            // a list may stand right below its key; the event pass says that it begins with its first value
            if is_item && indent == top.indent {
                return self.open(false, indent, self.blanks(indent + 1));
            }
            self.builder.nothing(self.place(0))?;
        }
        loop {
            let top = self.levels.last()?;
            if (top.indent, top.is_map) == (indent, !is_item) {
                return Some(());
            }
            let ends = top.indent > indent || (top.indent == indent && !top.is_map);
            if !ends {
                return None;
            }
            self.close()?;
        }
    }

    fn open(&mut self, is_map: bool, indent: usize, at: usize) -> Option<()> {
        self.levels.push(Level { indent, is_map });
        self.builder.begin(is_map, self.place(at))
    }

    fn close(&mut self) -> Option<()> {
        self.levels.pop();
        self.builder.end()
    }

    fn finish(mut self) -> Option<()> {
        if self.waits {
            self.builder.nothing(self.place(0))?;
        }
        while !self.levels.is_empty() {
            self.close()?;
        }
        Some(())
    }

    /// `key: value`, or `key:` with its value on the lines below.
    fn entry(&mut self, at: usize) -> Option<()> {
        let at = self.key(at, false)?;
        if matches!(self.byte(at), None | Some(b'#')) {
            self.waits = true;
            return Some(());
        }
        self.value(at)
    }

    /// A value, and nothing behind it on its line but a comment.
    fn value(&mut self, at: usize) -> Option<()> {
        let end = self.node(at, false)?;
        let rest = self.blanks(end);
        match self.byte(rest) {
            None => Some(()),
            Some(b'#') => (self.byte(rest - 1)? == b' ').then_some(()),
            Some(_) => None,
        }
    }

    /// A value; where it ends.
    fn node(&mut self, at: usize, in_flow: bool) -> Option<usize> {
        let place = self.place(at);
        match self.byte(at)? {
            b'{' => {
                self.builder.begin(true, place)?;
                self.members(at + 1, b'}')
            }
            b'[' => {
                self.builder.begin(false, place)?;
                self.members(at + 1, b']')
            }
            _ => {
                let (text, plain, end) = word(self.line, at, in_flow)?;
                let text = Cow::Borrowed(text);
                self.builder.add(Kind::Text(text, plain), place)?;
                Some(end)
            }
        }
    }

    /// What stands between brackets; behind the closing one.
    fn members(&mut self, at: usize, close: u8) -> Option<usize> {
        let mut at = self.blanks(at);
        if self.byte(at)? != close {
            loop {
                if close == b'}' {
                    at = self.key(at, true)?;
                }
                at = self.node(at, true)?;
                at = self.blanks(at);
                match self.byte(at)? {
                    b',' => at = self.blanks(at + 1),
                    end if end == close => break,
                    _ => return None,
                }
            }
        }
        self.builder.end()?;
        Some(at + 1)
    }

    /// A key and its colon; where its value may begin.
    fn key(&mut self, at: usize, in_flow: bool) -> Option<usize> {
        let (key, end) = key(self.line, at, in_flow)?;
        let place = self.place(at);
        self.builder.key(Cow::Borrowed(key), place)?;
        Some(self.blanks(end))
    }
}

/// A key, and where its colon ends: a blank is there, or the line ends.
fn key(line: &str, at: usize, in_flow: bool) -> Option<(&str, usize)> {
    let (key, plain, end) = word(line, at, in_flow)?;
    let is_key = line.as_bytes().get(end) == Some(&b':')
        && matches!(line.as_bytes().get(end + 1), None | Some(b' '))
        && end - at == key.len() + if plain { 0 } else { 2 }
        && key.len() <= LONGEST_KEY;
    is_key.then_some((key, end + 1))
}

/// A scalar without escapes: its text, whether it stands without quotes, and where it ends.
fn word(line: &str, at: usize, in_flow: bool) -> Option<(&str, bool, usize)> {
    let rest = &line.as_bytes()[at..];
    match rest.first()? {
        quote @ (b'"' | b'\'') => {
            let length = memchr::memchr2(*quote, b'\\', &rest[1..])?;
            let is_whole = rest[length + 1] == *quote && rest.get(length + 2) != Some(quote);
            is_whole.then(|| (&line[at + 1..at + 1 + length], false, at + length + 2))
        }
        b'a'..=b'z'
        | b'A'..=b'Z'
        | b'0'..=b'9'
        | b'_'
        | b'/'
        | b'^'
        | b'$'
        | b'('
        | b'+'
        | 0x80.. => {
            let length = plain(rest, in_flow)?;
            Some((
                line[at..at + length].trim_end_matches(' '),
                true,
                at + length,
            ))
        }
        _ => None,
    }
}

/// Up to what ends a scalar without quotes.
fn plain(rest: &[u8], in_flow: bool) -> Option<usize> {
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            b':' => match rest.get(index + 1) {
                None | Some(b' ') => return Some(index),
                Some(b',' | b'[' | b']' | b'{' | b'}') if in_flow => return None,
                Some(_) => {}
            },
            b'#' if rest[index - 1] == b' ' => return Some(index),
            b',' | b']' | b'}' if in_flow => return Some(index),
            b'[' | b'{' if in_flow => return None,
            _ => {}
        }
    }
    Some(rest.len())
}
