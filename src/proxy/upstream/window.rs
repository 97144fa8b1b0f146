//! Who may use the window that an application grants to one HTTP/2 connection: bodies that it does not read must not stop
//! those of other clients.
//! In: bodies that begin and end. Out: whether there is room for one more.

use std::cell::Cell;

/// What every server grants to a connection at least (RFC 9113, 6.9.2); whether it grants more cannot be seen.
const GRANTED: usize = 65_535;

/// What a request's body may take of the window, and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    bytes: usize,
    client: usize,
}

impl Share {
    /// `length` as far as it is known: a body without one may take everything. `client` tells the clients' connections apart.
    pub(super) fn new(length: Option<usize>, client: usize) -> Share {
        let bytes = length.unwrap_or(GRANTED);
        Share { bytes, client }
    }
}

/// The window of one connection.
#[derive(Default)]
pub(super) struct Window {
    taken: Cell<usize>,
    /// whose bodies have taken all of it
    client: Cell<Option<usize>>,
}

impl Window {
    /// Whether the body takes nothing from another client. Bodies of one client share a window, as they would without us.
    pub(super) fn has_room(&self, share: Share) -> bool {
        share.bytes == 0
            || self.taken.get() + share.bytes <= GRANTED
            || self.client.get() == Some(share.client)
    }

    pub(super) fn take(&self, share: Share) {
        if self.taken.get() == 0 && share.bytes == GRANTED {
            self.client.set(Some(share.client));
        }
        self.taken.set(self.taken.get() + share.bytes);
    }

    pub(super) fn give_back(&self, share: Share) {
        self.taken.set(self.taken.get() - share.bytes);
        if self.taken.get() < GRANTED {
            self.client.set(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_without_a_length_has_the_window_for_its_client_alone() {
        let (window, stream) = (Window::default(), Share::new(None, 1));
        window.take(stream);
        for (length, client, expected) in [
            (None, 1, true),
            (Some(5), 1, true),
            (None, 2, false),
            (Some(5), 2, false),
            (Some(0), 2, true),
        ] {
            let share = Share::new(length, client);
            assert_eq!(window.has_room(share), expected, "{length:?} of {client}");
        }
        window.give_back(stream);
        assert!(window.has_room(Share::new(None, 2)));
    }

    #[test]
    fn short_bodies_of_all_clients_share_it() {
        let window = Window::default();
        let share = |client| Share::new(Some(16 * 1024), client);
        let taken = (1..).take_while(|client| {
            let has_room = window.has_room(share(*client));
            window.take(share(*client));
            has_room
        });
        assert_eq!(taken.count(), 3);
        assert!(!window.has_room(Share::new(None, 1)));
    }
}
