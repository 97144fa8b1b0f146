//! What clusters, files and people say, as it may be printed.
//! In: any text. Out: one line that does nothing to a terminal.

use crate::config::is_printable;

/// One line for a terminal, whatever was said.
pub(in crate::cli) fn printable(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars().take(2_000) {
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            plain if is_printable(plain.encode_utf8(&mut [0; 4])) => line.push(plain),
            other => line.extend(other.escape_unicode()),
        }
    }
    line
}
