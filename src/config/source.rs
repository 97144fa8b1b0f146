//! One file's text, as a tree that borrows from it and remembers where everything stands.
//! In: the bytes. Out: a [`Node`], or problems of the YAML itself.
//!
//! A tree of our own and not a `serde_yaml::Value`: scalars stay the characters that were written (`007`, `NO`, `1e3`),
//! a duplicate key is seen, every value has a place, and a full 1 MiB file costs 40 bytes a value.

use super::{
    build::Builder,
    plain,
    problem::Log,
    syntax::not_utf8,
    tree::{Node, Place},
    yaml,
};

/// None where the text cannot be understood any further; the log says why.
pub(super) fn parse<'t>(bytes: &'t [u8], file: u16, log: &mut Log) -> Option<Node<'t>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(broken) => {
            not_utf8(bytes, broken.valid_up_to(), Place::start(file), log);
            return None;
        }
    };
    let plain = as_plain(text, file);
    if plain.is_some() && !cfg!(debug_assertions) {
        return plain;
    }
    let root = yaml::read(text, file, log);
    assert!(
        plain.is_none() || plain == root,
        "two readers read two files: {text:?} {plain:?} {root:?}"
    );
    root
}

/// None where the text is not plain, or where anything is to be said about it.
fn as_plain(text: &str, file: u16) -> Option<Node<'_>> {
    let mut unheard = Log::default();
    let mut builder = Builder::new(file, &mut unheard);
    plain::read(text, &mut builder)?;
    let root = builder.root;
    root.filter(|_| unheard.errors() == 0)
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

    /// Lines put together at random: whatever is read as plain is what granit-parser reads, every place included.
    #[test]
    fn what_is_read_as_plain_is_what_any_yaml_reader_reads() {
        let mut random = 1_u64;
        let mut below = |most: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as usize % most
        };
        let mut read = 0;
        for _ in 0..200_000 {
            let mut text = String::new();
            for _ in 0..1 + below(6) {
                text.push_str(&" ".repeat([0, 0, 0, 2, 2, 2, 4, 1][below(8)]));
                // most lines begin as lines do
                text.push_str(["a: ", "k:", "- ", "b: ", ""][below(5)]);
                (0..[0, 1, 1, 1, 2, 3][below(6)])
                    .for_each(|_| text.push_str(PIECES[below(PIECES.len())]));
                text.push('\n');
            }
            if let Some(plain) = as_plain(&text, 0) {
                let mut log = Log::default();
                let events = yaml::read(&text, 0, &mut log);
                assert_eq!(events.as_ref(), Some(&plain), "{text:?}");
                assert_eq!(log.errors(), 0, "{text:?}");
                read += 1;
            }
        }
        assert!(read > 4_000, "{read}");
    }
}
