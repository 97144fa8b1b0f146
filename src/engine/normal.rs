//! One spelling of a value, whoever writes it: before anything is compared, and before anybody is drawn.
//! In: the bytes of a source. Out: the bytes that count.

use super::source::percent_decoded;
use std::borrow::Cow;

/// What the file asks for, of one attribute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Normal {
    /// `decode: percent`: one pair of double quotes off, and percent-decoded once, as cookies of Express and Django need it
    pub percent: bool,
    /// `lower: true`: Unicode's simple case folding
    pub lower: bool,
}

impl Normal {
    /// `is_decoded` says that the source has percent-decoded it.
    pub fn of(self, bytes: Cow<'_, [u8]>, is_decoded: bool) -> Cow<'_, [u8]> {
        let mut bytes = bytes;
        if self.percent {
            if let [b'"', inside @ .., b'"'] = &*bytes {
                bytes = Cow::Owned(inside.to_vec());
            }
            if !is_decoded && bytes.contains(&b'%') {
                bytes = Cow::Owned(percent_decoded(&*bytes).into_owned());
            }
        }
        let is_lower = |byte: &u8| byte.is_ascii() && !byte.is_ascii_uppercase();
        if self.lower && !bytes.iter().all(is_lower) {
            bytes = Cow::Owned(folded_bytes(&bytes));
        }
        bytes
    }
}

/// What is not UTF-8 stays what it is.
fn folded_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend_from_slice(folded(chunk.valid()).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

/// A text of the file, where values are folded.
pub fn folded(text: &str) -> String {
    let fold = |letter: char| {
        let folded = unicode_case_mapping::case_folded(letter);
        folded.and_then(|code| char::from_u32(code.get()))
    };
    text.chars()
        .map(|letter| fold(letter).unwrap_or(letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling() {
        for (percent, lower, from, to) in [
            (true, false, "ann%40example.com", "ann@example.com"),
            (true, false, "\"ann%40example.com\"", "ann@example.com"),
            (true, false, "\"\"ann\"\"", "\"ann\""),
            (true, false, "a%2540b", "a%40b"),
            (true, false, "100%", "100%"),
            (true, false, "\"", "\""),
            (false, false, "\"a%40B\"", "\"a%40B\""),
            (false, true, "Ann", "ann"),
            (false, true, "ÄRGER ẞ ſ Σς K", "ärger ß s σσ k"),
            (true, true, "%C3%84", "ä"),
            (true, true, "%FFA", "\u{fffd}a"),
        ] {
            let normal = Normal { percent, lower };
            let made = normal.of(Cow::Borrowed(from.as_bytes()), false);
            assert_eq!(String::from_utf8_lossy(&made), to, "{from} by {normal:?}");
        }
        let percent = Normal {
            percent: true,
            lower: false,
        };
        assert_eq!(&*percent.of(Cow::Borrowed(b"a%40b"), true), b"a%40b");
    }
}
