//! Sentences for what the YAML parser cannot read.
//! In: its error and the line. Out: one problem, at the place where a person would look.

use super::{build::DEEPEST, collector::Collector, template::left_over, tree::Position};
use granit_parser::{ErrorKind, ScanError};

/// A sentence for what the parser cannot read. It stops at the first such place.
pub(super) fn not_yaml(text: &str, error: &ScanError, start: Position, problems: &mut Collector) {
    let mark = error.marker();
    let at = Position {
        line: mark.line() as u32,
        column: mark.col() as u32 + 1,
        ..start
    };
    let line = text
        .lines()
        .nth(mark.line().saturating_sub(1))
        .unwrap_or_default();
    if line.contains("{{") {
        return left_over("`{{`", at, problems);
    }
    if let Some((line, column)) = tab(text, mark.line(), error.kind()) {
        let at = Position { line, column, ..at };
        return problems.error(
            at,
            "a tab is used as indentation",
            "YAML is indented with spaces: replace the tab",
        );
    }
    let (message, hint) = match error.kind() {
        ErrorKind::RecursionLimitExceeded => (
            format!("maps and lists are nested more than {DEEPEST} deep here"),
            "nest less; a segment can name a part of a condition",
        ),
        ErrorKind::DirectiveDisallowed => (
            "`%` directives are not supported".to_owned(),
            "leave the line out",
        ),
        ErrorKind::UndeclaredTagHandle => (
            "tags are not supported".to_owned(),
            "leave it out: text stays text",
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => (
            "a quoted text is not closed".to_owned(),
            "close it with the quote that it began with",
        ),
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => (
            "a backslash means something else between double quotes".to_owned(),
            "write it between single quotes: '^\\d+$'",
        ),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping => (
            "a `{` or `[` is never closed".to_owned(),
            "close it with `}` or `]`",
        ),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => (
            "a comma or the closing bracket is missing before this".to_owned(),
            "write `{a: 1, b: 2}` and `[a, b]`; text with `,`, `[` or `{` in it needs quotes",
        ),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => (
            format!("`{open}` is closed by `{close}`"),
            "close it with `}` or `]`, as it began",
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry => (
            "the indentation of this line does not match the lines around it".to_owned(),
            "put it below the key that it belongs to",
        ),
        ErrorKind::SimpleKeyExpected => (
            "this is neither `key: value` nor part of the line above".to_owned(),
            "write `key: value`, with a space after the colon",
        ),
        kind => (
            format!("this is not YAML: {kind}"),
            "check the indentation, the colons and the quotes",
        ),
    };
    problems.error(at, message, hint);
}

/// The tab that the parser stumbled over: on this line, or indenting it or the one before.
fn tab(text: &str, line: usize, kind: &ErrorKind) -> Option<(u32, u32)> {
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
            let text = text.lines().nth(number.checked_sub(1)?)?;
            let column = match text.find(|c: char| c != ' ') {
                Some(at) if text[at..].starts_with('\t') => at,
                _ if named && number == line => text.find('\t')?,
                _ => return None,
            };
            Some((number as u32, column as u32 + 1))
        })
}

pub(super) fn not_utf8(bytes: &[u8], valid: usize, start: Position, problems: &mut Collector) {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return problems.error(start, "the file is UTF-16", "save it as UTF-8");
    }
    let before = &bytes[..valid];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let at = Position {
        line: 1 + before.iter().filter(|byte| **byte == b'\n').count() as u32,
        column: 1 + String::from_utf8_lossy(&before[line_start..])
            .chars()
            .count() as u32,
        ..start
    };
    problems.error(
        at,
        format!("the byte 0x{:02x} is not UTF-8", bytes[valid]),
        "save the file as UTF-8",
    );
}
