//! Who came already, of all people that one draw is for. In: a person. Out: whether that is new.

use crate::engine::compare::{Person, split::BITS};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Who came already, by hash.
#[derive(Debug)]
pub(super) struct Bitmap([AtomicU64; BITS / 64]);

impl Default for Bitmap {
    fn default() -> Bitmap {
        Bitmap([const { AtomicU64::new(0) }; BITS / 64])
    }
}

impl Bitmap {
    /// True once a bit: for whoever sets it. A bit that is set costs a load.
    #[inline]
    pub(super) fn is_new(&self, person: Person) -> bool {
        let bit = usize::from(person.bit());
        let (word, mask) = (&self.0[bit / 64], 1 << (bit % 64));
        word.load(Relaxed) & mask == 0 && word.fetch_or(mask, Relaxed) & mask == 0
    }
}
