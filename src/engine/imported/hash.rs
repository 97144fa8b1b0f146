//! The eight hashes that other systems draw by.
//! In: a text, and a seed where the hash has one. Out: its digest, big end first.

use super::murmur;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh32::xxh32;

/// A hash that a draw may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// MurmurHash3_x86_32: flagd, Unleash, Optimizely, Split
    Murmur3,
    /// MurmurHash2: nginx
    Murmur2,
    /// FNV-1a of 32 bits: GO Feature Flag
    Fnv1a,
    /// CRC-32 of IEEE 802.3: Flipt, Flipper
    Crc32,
    /// XXH32: Vercel, HAProxy
    Xxh32,
    /// SHA-1: LaunchDarkly, PostHog, ConfigCat
    Sha1,
    /// SHA-256: Statsig, Microsoft
    Sha256,
    /// MD5: Eppo
    Md5,
}

/// What a hash gives.
pub(super) enum Digest {
    /// 32 bits
    Word(u32),
    /// more, with their length in bytes
    Long([u8; 32], usize),
}

impl Hash {
    /// All of them.
    pub const ALL: [Hash; 8] = [
        Hash::Murmur3,
        Hash::Murmur2,
        Hash::Fnv1a,
        Hash::Crc32,
        Hash::Xxh32,
        Hash::Sha1,
        Hash::Sha256,
        Hash::Md5,
    ];

    /// As the file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Murmur3 => "murmur3",
            Hash::Murmur2 => "murmur2",
            Hash::Fnv1a => "fnv1a",
            Hash::Crc32 => "crc32",
            Hash::Xxh32 => "xxh32",
            Hash::Sha1 => "sha1",
            Hash::Sha256 => "sha256",
            Hash::Md5 => "md5",
        }
    }

    /// How many bits it has.
    pub fn width(self) -> u16 {
        match self {
            Hash::Sha1 => 160,
            Hash::Sha256 => 256,
            Hash::Md5 => 128,
            _ => 32,
        }
    }

    /// Whether it begins with a seed.
    pub fn has_seed(self) -> bool {
        matches!(self, Hash::Murmur3 | Hash::Murmur2 | Hash::Xxh32)
    }

    #[inline]
    pub(super) fn digest(self, text: &[u8], seed: u32) -> Digest {
        match self {
            Hash::Murmur3 => Digest::Word(murmur::murmur3(text, seed)),
            Hash::Murmur2 => Digest::Word(murmur::murmur2(text, seed)),
            Hash::Fnv1a => Digest::Word(murmur::fnv1a(text)),
            Hash::Crc32 => Digest::Word(crc32fast::hash(text)),
            Hash::Xxh32 => Digest::Word(xxh32(text, seed)),
            Hash::Sha1 => long(&Sha1::digest(text)),
            Hash::Sha256 => long(&Sha256::digest(text)),
            Hash::Md5 => long(&Md5::digest(text)),
        }
    }
}

fn long(digest: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes[..digest.len()].copy_from_slice(digest);
    Digest::Long(bytes, digest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: Hash, text: &str, seed: u32) -> String {
        match hash.digest(text.as_bytes(), seed) {
            Digest::Word(word) => format!("{word:08x}"),
            Digest::Long(bytes, length) => {
                let bytes = bytes[..length].iter();
                bytes.map(|byte| format!("{byte:02x}")).collect()
            }
        }
    }

    /// What their authors and standards publish: FIPS 180, RFC 1321, the FNV and xxHash test suites, SMHasher, the check value of
    /// CRC-32, and for MurmurHash2 the numbers of nginx's `ngx_murmur_hash2`.
    #[test]
    fn each_hash_is_the_published_one() {
        for (hash, text, seed, expected) in [
            (Hash::Murmur3, "", 0, "00000000"),
            (Hash::Murmur3, "", 1, "514e28b7"),
            (Hash::Murmur3, "", 0xffff_ffff, "81f16f39"),
            (Hash::Murmur3, "test", 0, "ba6bd213"),
            (Hash::Murmur3, "test", 0x9747_b28c, "704b81dc"),
            (Hash::Murmur3, "Hello, world!", 0, "c0363e43"),
            (Hash::Murmur3, "Hello, world!", 0x9747_b28c, "24884cba"),
            (Hash::Murmur3, "aaa", 0x9747_b28c, "283e0130"),
            (Hash::Murmur3, "aa", 0x9747_b28c, "5d211726"),
            (Hash::Murmur3, "a", 0x9747_b28c, "7fa09ea6"),
            (Hash::Murmur2, "a", 0, "92685f5e"),
            (Hash::Murmur2, "hello", 0, "e56129cb"),
            (Hash::Murmur2, "123456789", 0, "dccb0167"),
            (Hash::Fnv1a, "", 0, "811c9dc5"),
            (Hash::Fnv1a, "a", 0, "e40c292c"),
            (Hash::Fnv1a, "foobar", 0, "bf9cf968"),
            (Hash::Crc32, "123456789", 0, "cbf43926"),
            (Hash::Xxh32, "", 0, "02cc5d05"),
            (Hash::Xxh32, "", 0x9e37_79b1, "36b78ae7"),
            (
                Hash::Xxh32,
                "Nobody inspects the spammish repetition",
                0,
                "e2293b2f",
            ),
            (
                Hash::Sha1,
                "abc",
                0,
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ),
            (
                Hash::Sha256,
                "abc",
                0,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (Hash::Md5, "abc", 0, "900150983cd24fb0d6963f7d28e17f72"),
        ] {
            assert_eq!(hex(hash, text, seed), expected, "{hash:?} {text:?} {seed}");
        }
    }
}
