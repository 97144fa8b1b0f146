//! MurmurHash 2 and 3 of 32 bits, and FNV-1a: a few lines each. The crates read through `io::Read`, or are for hash maps.
//! In: bytes and a seed. Out: a number of 32 bits.

/// MurmurHash3_x86_32, by Austin Appleby.
pub(super) fn murmur3(text: &[u8], seed: u32) -> u32 {
    let mix = |word: u32| {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let (words, tail) = text.as_chunks::<4>();
    let mut hash = words.iter().fold(seed, |hash, word| {
        let hash = (hash ^ mix(u32::from_le_bytes(*word))).rotate_left(13);
        hash.wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    if !tail.is_empty() {
        hash ^= mix(last(tail));
    }
    hash ^= text.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// MurmurHash2, as nginx has it.
pub(super) fn murmur2(text: &[u8], seed: u32) -> u32 {
    const MANY: u32 = 0x5bd1_e995;
    let (words, tail) = text.as_chunks::<4>();
    let mut hash = words.iter().fold(seed ^ text.len() as u32, |hash, word| {
        let word = u32::from_le_bytes(*word).wrapping_mul(MANY);
        hash.wrapping_mul(MANY) ^ (word ^ (word >> 24)).wrapping_mul(MANY)
    });
    if !tail.is_empty() {
        hash = (hash ^ last(tail)).wrapping_mul(MANY);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MANY);
    hash ^ (hash >> 15)
}

/// FNV-1a, by Fowler, Noll and Vo.
pub(super) fn fnv1a(text: &[u8]) -> u32 {
    text.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Up to three bytes, little end first.
fn last(tail: &[u8]) -> u32 {
    tail.iter()
        .rev()
        .fold(0, |word, byte| (word << 8) | u32::from(*byte))
}
