//! Finds features in the text of one file: one pass for all of them, then a look at what stands around each.
//! In: spellings, and bytes. Out: mentions, each with its line.

use super::{
    context::is_flag_call,
    spellings::{self, Form, Target},
};
use spellings::Spelling;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

/// What makes a line name a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// its header, in some spelling
    Header,
    /// its key, in a call or a map of flags
    Key,
    /// its key in quotes: it may mean something else
    Perhaps,
    /// the beginning of every header: which feature it reads shows while it runs
    Built,
}

/// A feature is named here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// none of [`Kind::Built`]
    pub target: Option<usize>,
    /// what makes it one
    pub kind: Kind,
    /// from 1
    pub line: usize,
    /// as it is written
    pub text: String,
}

/// Finds them.
pub struct Searcher {
    /// by their first two bytes, the longest first; the first group is empty
    groups: Vec<Vec<Spelling>>,
    /// by two bytes in lower case: the group that begins so
    starts: Box<[u16; PAIRS]>,
    /// keys as files write them
    keys: HashMap<Vec<u8>, usize>,
}

const PAIRS: usize = 1 << 16;

/// What a key stands behind: a group without texts.
const KEY: u16 = u16::MAX;

/// After so many, the rest of a file is not looked at.
pub const MOST_A_FILE: usize = 50_000;

/// Names of constants and properties that hold the name of a header, or what came in it.
const ENDINGS: [&str; 7] = [
    "header", "name", "key", "value", "enabled", "flag", "variant",
];

/// What stands before a key in a path of OFREP.
const PATH: &[u8] = b"evaluate/flags/";

impl Searcher {
    /// For these.
    pub fn new(targets: &[Target], prefixes: &BTreeSet<String>) -> Searcher {
        let mut searcher = Searcher {
            groups: vec![Vec::new()],
            starts: Box::new([0; PAIRS]),
            keys: HashMap::new(),
        };
        for spelling in spellings::headers(targets, prefixes) {
            let Some(pair) = pair(spelling.text.as_bytes(), 0) else {
                continue;
            };
            if searcher.starts[pair] == 0 {
                searcher.starts[pair] = searcher.groups.len() as u16;
                searcher.groups.push(Vec::new());
            }
            searcher.groups[usize::from(searcher.starts[pair])].push(spelling);
        }
        for group in &mut searcher.groups {
            group.sort_by_key(|spelling| Reverse(spelling.text.len()));
        }
        for (index, target) in targets.iter().enumerate() {
            for key in &target.keys {
                for before in *b"\"'`:/" {
                    let start = pair(&[before, key.as_bytes()[0]], 0);
                    start
                        .into_iter()
                        .for_each(|pair| searcher.starts[pair] = KEY);
                }
                searcher.keys.entry(key.clone().into()).or_insert(index);
            }
        }
        searcher
    }

    /// In the order of the lines; a line that names a feature twice is told once.
    pub fn mentions(&self, text: &[u8]) -> Vec<Mention> {
        let (mut found, mut at) = (Vec::new(), 0);
        let (mut line, mut counted) = (1, 0);
        while let Some(pair) = pair(text, at) {
            let start = at;
            at += 1;
            let named = match self.starts[pair] {
                0 => continue,
                KEY => self.key(text, start),
                group => self.header(group, text, start),
            };
            let Some((target, kind, end)) = named else {
                continue;
            };
            at = end;
            line += memchr::memchr_iter(b'\n', &text[counted..start]).count();
            counted = start;
            found.push(Mention {
                target,
                kind,
                line,
                text: String::from_utf8_lossy(&text[start..end]).into_owned(),
            });
            if found.len() == MOST_A_FILE {
                return found;
            }
        }
        found.sort_by_key(|one| (one.line, one.target, one.kind));
        found.dedup_by_key(|one| (one.line, one.target));
        found
    }

    /// A header, or the beginning of all of them: whose, what it is, and where it ends.
    fn header(&self, group: u16, text: &[u8], start: usize) -> Option<Named> {
        self.groups[usize::from(group)].iter().find_map(|spelling| {
            let end = start + spelling.text.len();
            let same = text
                .get(start..end)?
                .eq_ignore_ascii_case(spelling.text.as_bytes());
            if !same || !begins(spelling.form, text, start) {
                return None;
            }
            match spelling.form {
                Form::Prefix => is_open(text, end).then_some((None, Kind::Built, end)),
                form => Some((spelling.target, Kind::Header, ends(form, text, end)?)),
            }
        })
    }

    /// A key behind a quote, a colon or a path.
    fn key(&self, text: &[u8], start: usize) -> Option<Named> {
        let (quote, rest) = (text[start], &text[start + 1..]);
        // colons and strokes are everywhere: most are let go before anything is looked up
        let before = || start.checked_sub(1).map_or(b' ', |at| text[at]);
        match quote {
            b'/' if !text[..=start].ends_with(PATH) => return None,
            b':' if is_word(before()) || before() == b':' => return None,
            _ => {}
        }
        let is_part = |byte: &u8| is_word(*byte) || matches!(byte, b'-' | b'.') && quote != b':';
        let length = rest
            .iter()
            .take(MOST_KEY)
            .take_while(|byte| is_part(byte))
            .count();
        let target = Some(*self.keys.get(&rest[..length])?);
        let (end, after) = (start + 1 + length, &rest[length..]);
        match quote {
            // `:new_ui` of Ruby
            b':' => {
                let alone = after.first() != Some(&b'-');
                (alone && is_flag_call(text, start)).then_some((target, Kind::Key, end))
            }
            b'/' => Some((target, Kind::Key, end)),
            _ => {
                // in a text within a text the quote has a stroke before it
                let escaped = usize::from(after.first() == Some(&b'\\'));
                let closed = after.get(escaped) == Some(&quote);
                let kind = || match is_flag_call(text, start) {
                    true => Kind::Key,
                    false => Kind::Perhaps,
                };
                closed.then(|| (target, kind(), end + escaped + 1))
            }
        }
    }
}

/// Whose, what it is, and where it ends.
type Named = (Option<usize>, Kind, usize);

/// A namespace, a point and a feature.
const MOST_KEY: usize = 130;

/// Two bytes in lower case, as a place in a table.
fn pair(text: &[u8], at: usize) -> Option<usize> {
    let two = text.get(at..at + 2)?;
    let [first, second] = [two[0], two[1]].map(|byte| usize::from(byte.to_ascii_lowercase()));
    Some(first << 8 | second)
}

/// Whether the beginning of a header's name is not followed by a name.
fn is_open(text: &[u8], end: usize) -> bool {
    let after = text.get(end).copied().unwrap_or(b' ');
    !after.is_ascii_alphanumeric() && !matches!(after, b'-' | b'_' | b'.' | b'*' | b'<')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a name can begin here.
fn begins(form: Form, text: &[u8], start: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).map_or(b' ', |at| text[at]);
    match before(1) {
        // `\r\nX-Feature-…` of a text, `-HX-Feature-…` of curl
        b'n' | b'r' | b't' if before(2) == b'\\' => true,
        b'H' if before(2) == b'-' && !before(3).is_ascii_alphanumeric() => true,
        // `Not-X-Feature-…` is another header, `--x-feature-…` is not
        b'-' => !before(2).is_ascii_alphanumeric(),
        // `getXFeatureNewUi`
        byte if byte.is_ascii_alphanumeric() => {
            form == Form::Joined && text[start].is_ascii_uppercase() && !byte.is_ascii_uppercase()
        }
        _ => true,
    }
}

/// Where the name ends that the header's begins, if it is a name for this header.
fn ends(form: Form, text: &[u8], end: usize) -> Option<usize> {
    let rest = &text[end..];
    let part = |rest: &[u8]| {
        rest.iter()
            .position(|byte| !byte.is_ascii_alphanumeric())
            .unwrap_or(rest.len())
    };
    let (skip, length) = match (form, rest.first()) {
        (Form::Joined, Some(byte)) if byte.is_ascii_uppercase() => (0, part(rest)),
        (_, Some(byte)) if byte.is_ascii_alphanumeric() => return None,
        (_, Some(b'-' | b'_')) => (1, part(&rest[1..])),
        _ => return Some(end),
    };
    if skip == 1 && length == 0 {
        return Some(end);
    }
    let word = &rest[skip..skip + length];
    let is_ending = ENDINGS
        .iter()
        .any(|ending| word.eq_ignore_ascii_case(ending.as_bytes()));
    let is_last = !matches!(rest.get(skip + length), Some(b'-' | b'_'));
    (is_ending && is_last && rest.first() != Some(&b'-')).then_some(end + skip + length)
}
