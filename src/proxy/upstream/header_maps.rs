//! Header maps, used again: the fields of a request are text once it goes to the application, and its answer's go into the
//! map that they leave. hyper keeps an answer's map for the next request of the connection, so that none is allocated.
//! In: a map that is done with. Out: an empty one.

use http::HeaderMap;
use std::cell::RefCell;

/// As many as are worth keeping: requests in progress at once, on one worker.
const MOST: usize = 64;

/// A map with room for more fields goes: an idle connection keeps one.
const FIELDS: usize = 24;

/// A worker's.
#[derive(Default)]
pub(in crate::proxy) struct Maps(RefCell<Vec<HeaderMap>>);

impl Maps {
    /// One without repeated fields, whose room nothing tells.
    pub(in crate::proxy) fn put(&self, mut map: HeaderMap) {
        let mut maps = self.0.borrow_mut();
        if map.capacity() <= FIELDS && maps.len() < MOST {
            map.clear();
            maps.push(map);
        }
    }

    pub(in crate::proxy) fn take(&self) -> HeaderMap {
        self.0.borrow_mut().pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn of(fields: usize) -> HeaderMap {
        let name = |i| HeaderName::try_from(format!("x-{i}")).unwrap();
        let value = HeaderValue::from_static("1");
        (0..fields).map(|i| (name(i), value.clone())).collect()
    }

    #[test]
    fn a_map_comes_back_empty_and_with_its_room() {
        let maps = Maps::default();
        maps.put(of(10));
        let again = maps.take();
        assert!(again.is_empty());
        assert!(again.capacity() >= 10);
        assert_eq!(maps.take().capacity(), 0, "it was handed out");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let maps = Maps::default();
        maps.put(of(FIELDS + 1));
        assert_eq!(maps.take().capacity(), 0, "large");
        (0..2 * MOST).for_each(|_| maps.put(of(1)));
        let kept = std::iter::repeat_with(|| maps.take()).take_while(|map| map.capacity() > 0);
        assert_eq!(kept.count(), MOST);
    }
}
