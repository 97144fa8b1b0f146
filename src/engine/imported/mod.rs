//! Draws as other systems make them, for features that were brought along (`draw` in the toggles file): nobody moves.
//! In: a hash and its text, made at load, and the unit's bytes. Out: one number of so many, and whether it lies below a share.
//!
//! `number / out_of < share`, in integers: that is all that is left of a vendor's floats, which `import` settles. A feature
//! without `draw` never comes here.

mod hash;
mod murmur;

pub use hash::Hash;

use super::units::Share;
use hash::Digest;
use std::fmt;

/// So long may a text be that is hashed without the heap.
const SHORT: usize = 128;

/// The draws of one rule: they are the same where the file writes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedDraws {
    /// who is in
    pub rollout: ImportedDraw,
    /// which variant
    pub serve: ImportedDraw,
}

/// One draw of another system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedDraw {
    /// what is hashed by
    pub hash: Hash,
    /// the text before the unit
    pub before: Box<str>,
    /// the text behind it
    pub after: Box<str>,
    /// of those hashes that have one
    pub seed: u32,
    /// how many leading bits count: 1 to the width of the hash
    pub bits: u16,
    /// the leading bytes are read little end first
    pub little: bool,
    /// the absolute value of the hash as an `i32` (flagd before 2026-04)
    pub signed: bool,
    /// the number is taken modulo this; left out, it is one of 2^bits
    pub out_of: Option<u64>,
}

/// A number of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// from 0; only a signed draw can reach `out_of`, for one hash of 2^32
    pub number: u64,
    /// how many there are, at most 2^64
    pub out_of: u128,
}

impl Number {
    /// Whether it lies below so many millionths of a percent.
    #[inline]
    pub fn is_below(self, millionths: u32) -> bool {
        u128::from(self.number) * u128::from(Share::WHOLE) < u128::from(millionths) * self.out_of
    }

    /// Whether a rollout of `share` includes it.
    #[inline]
    pub fn is_in(self, share: Share) -> bool {
        self.is_below(share.millionths())
    }

    /// Where it stands, cut off after a millionth of a percent.
    pub fn place(self) -> Share {
        let millionths = u128::from(self.number) * u128::from(Share::WHOLE) / self.out_of;
        let millionths = u32::try_from(millionths).unwrap_or(Share::WHOLE);
        Share::from_millionths(millionths).unwrap_or(Share::EVERYBODY)
    }
}

impl ImportedDraw {
    /// The first number that a share leaves out; none where it leaves out nobody.
    pub fn first_outside(&self, share: Share) -> Option<u64> {
        // of how many is the same whoever it is
        let out_of = self.number(b"").out_of;
        let end = (u128::from(share.millionths()) * out_of).div_ceil(u128::from(Share::WHOLE));
        u64::try_from(end).ok()
    }

    /// The number of this unit.
    pub fn number(&self, unit: &[u8]) -> Number {
        let (before, after) = (self.before.as_bytes(), self.after.as_bytes());
        let (begin, end) = (before.len(), before.len() + unit.len());
        // on the stack, and not in a `SmallVec`: a draw of a few hundred instructions feels what that asks three times
        let mut buffer = [0; SHORT];
        match buffer.get_mut(..end + after.len()) {
            Some(text) => {
                text[..begin].copy_from_slice(before);
                text[begin..end].copy_from_slice(unit);
                if !after.is_empty() {
                    text[end..].copy_from_slice(after);
                }
                self.of_text(text)
            }
            None => self.of_text(&[before, unit, after].concat()),
        }
    }

    #[inline]
    fn of_text(&self, text: &[u8]) -> Number {
        match self.hash.digest(text, self.seed) {
            Digest::Word(word) => self.of_word(word),
            Digest::Long(digest, length) => self.of_bytes(&digest[..length]),
        }
    }

    fn of_word(&self, word: u32) -> Number {
        let (word, bits) = match (self.signed, self.little) {
            (true, _) => ((word as i32).unsigned_abs(), 31),
            (false, true) => (
                word.swap_bytes() & (u32::MAX >> (32 - self.bits)),
                self.bits,
            ),
            (false, false) => (word >> (32 - self.bits), self.bits),
        };
        self.of_whole(u64::from(word), bits)
    }

    fn of_bytes(&self, digest: &[u8]) -> Number {
        let (bytes, rest) = (usize::from(self.bits / 8), self.bits % 8);
        if let (Some(out_of), 65..) = (self.out_of, self.bits) {
            // digit by digit, as on paper
            let step = |number: u64, base: u32, digit: u8| {
                let number = (u128::from(number) << base) | u128::from(digit);
                (number % u128::from(out_of)) as u64
            };
            let whole = digest[..bytes].iter();
            let number = match self.little {
                true => whole.rev().fold(0, |number, byte| step(number, 8, *byte)),
                false => whole.fold(0, |number, byte| step(number, 8, *byte)),
            };
            let number = match rest {
                0 => number,
                rest => step(number, u32::from(rest), digest[bytes] >> (8 - rest)),
            };
            return Number {
                number,
                out_of: u128::from(out_of),
            };
        }
        // without `out-of`, the 64 leading bits of a long number decide: no share is finer
        let bits = self.bits.min(64);
        let mut eight = [0; 8];
        let number = match self.little {
            true => {
                eight[..bytes.min(8)].copy_from_slice(&digest[..bytes.min(8)]);
                u64::from_le_bytes(eight)
            }
            false => {
                eight.copy_from_slice(&digest[..8]);
                u64::from_be_bytes(eight) >> (64 - bits)
            }
        };
        self.of_whole(number, bits)
    }

    fn of_whole(&self, number: u64, bits: u16) -> Number {
        match self.out_of {
            Some(out_of) => Number {
                number: number % out_of,
                out_of: u128::from(out_of),
            },
            None => Number {
                number,
                out_of: 1 << bits,
            },
        }
    }
}

/// `sha1 of "checkout.{unit}", 60 bits`: equal where two draws are.
impl fmt::Display for ImportedDraw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}{{unit}}{}", self.before, self.after);
        write!(f, "{} of {text:?}", self.hash.name())?;
        if self.seed != 0 {
            write!(f, ", seed {}", self.seed)?;
        }
        if self.bits != self.hash.width() {
            write!(f, ", {} bits", self.bits)?;
        }
        if self.little {
            f.write_str(", little end first")?;
        }
        if self.signed {
            f.write_str(", signed")?;
        }
        match self.out_of {
            Some(out_of) => write!(f, ", out of {out_of}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ImportedDraws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rollout == self.serve {
            true => self.serve.fmt(f),
            false => write!(f, "{}; {}", self.rollout, self.serve),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(hash: Hash, bits: u16, out_of: Option<u64>) -> ImportedDraw {
        ImportedDraw {
            hash,
            before: "a".into(),
            after: "c".into(),
            seed: 0,
            bits,
            little: false,
            signed: false,
            out_of,
        }
    }

    /// `abc`, whose digests are the examples of FIPS 180 and RFC 1321: SHA-1 a9993e364706816a…, SHA-256 ba7816bf8f01cfea…
    #[test]
    fn leading_bits_and_whole_digests_are_numbers() {
        let little = |draw: ImportedDraw| ImportedDraw {
            little: true,
            ..draw
        };
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let modulo = |digits: &mut dyn Iterator<Item = char>, out_of: u64| {
            digits.fold(0, |number, digit| {
                (number * 16 + u64::from(digit.to_digit(16).unwrap())) % out_of
            })
        };
        for (draw, number, out_of) in [
            (draw(Hash::Sha1, 60, None), 0x0a99_93e3_6470_6816, 1 << 60),
            (draw(Hash::Sha1, 160, None), 0xa999_3e36_4706_816a, 1 << 64),
            (draw(Hash::Sha1, 28, Some(100)), 0x0a99_93e3 % 100, 100),
            (draw(Hash::Sha256, 32, None), 0xba78_16bf, 1 << 32),
            (little(draw(Hash::Sha256, 32, None)), 0xbf16_78ba, 1 << 32),
            (
                draw(Hash::Sha256, 256, Some(9_999)),
                modulo(&mut sha256.chars(), 9_999),
                9_999,
            ),
            (
                draw(Hash::Sha256, 124, Some(9_999)),
                modulo(&mut sha256[..31].chars(), 9_999),
                9_999,
            ),
            (
                draw(Hash::Md5, 32, Some(10_000)),
                0x9001_5098 % 10_000,
                10_000,
            ),
            (draw(Hash::Crc32, 32, None), 0x3524_41c2, 1 << 32),
            (draw(Hash::Crc32, 8, None), 0x35, 1 << 8),
            (little(draw(Hash::Crc32, 16, None)), 0x2435, 1 << 16),
        ] {
            let found = draw.number(b"b");
            assert_eq!((found.number, found.out_of), (number, out_of), "{draw}");
            for millionths in [1, 12_345_678, 50_000_000, 99_999_999] {
                let share = Share::from_millionths(millionths).unwrap();
                let end = draw.first_outside(share).unwrap();
                let is_in = |number| Number { number, out_of }.is_in(share);
                assert_eq!(
                    (is_in(end - 1), is_in(end)),
                    (true, false),
                    "{draw}: {share}"
                );
            }
            assert!(
                draw.first_outside(Share::EVERYBODY)
                    .is_none_or(|end| u128::from(end) == out_of)
            );
        }
    }

    #[test]
    fn a_share_includes_what_is_below_it_and_nothing_else() {
        for (number, out_of, share, is_in) in [
            (9, 100, 10_000_000, true),
            (10, 100, 10_000_000, false),
            (0, 100, 0, false),
            (99, 100, Share::WHOLE, true),
            (u64::MAX, 1 << 64, Share::WHOLE, true),
            (33_333, 100_000, 33_333_000, false),
            (33_333, 100_000, 33_333_001, true),
        ] {
            let number = Number { number, out_of };
            assert_eq!(number.is_below(share), is_in, "{number:?} {share}");
        }
    }

    #[test]
    fn a_signed_hash_counts_without_its_sign() {
        let signed = ImportedDraw {
            signed: true,
            ..draw(Hash::Murmur3, 32, None)
        };
        for (word, number) in [(0, 0), (5, 5), (u32::MAX, 1), (1 << 31, 1 << 31)] {
            let found = signed.of_word(word);
            assert_eq!((found.number, found.out_of), (number, 1 << 31), "{word}");
        }
        assert_eq!(signed.of_word(1 << 31).place(), Share::EVERYBODY);
    }
}
