//! How much memory clients may take, all together: a budget, so that the kernel never ends the process for using too much.
//! In: the most, and what is about to be held. Out: a charge that lasts as long as what it is for, or a refusal.
//!
//! What is charged is what a connection or a body may hold at worst, here and in the kernel: most hold less, and the other half of
//! the pod's memory is there for what is estimated too low. It is charged when it begins, not as bytes flow: a request without a
//! body on a connection that is open costs nothing.

use socket2::SockRef;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

const KIB: usize = 1024;

/// A connection of a client that reads a request, rounded up: 10,000 that wait for their answers take it. A head up to
/// [`SHORT_HEAD`] is in it. One that is idle takes 2 KiB, and may begin to read at any time.
pub(super) const CLIENT: usize = 12 * KIB;

/// What HTTP/2 keeps for a connection of a client besides, with streams that were reset.
pub(super) const CLIENT_H2: usize = 32 * KIB;

/// What is read of a head at first.
pub(super) const SHORT_HEAD: usize = 8 * KIB;

/// A connection to the application, with a request on it and the beginning of its answer.
pub(super) const UPSTREAM: usize = 64 * KIB;

/// A request over HTTP/2, without what its body takes.
pub(super) const STREAM: usize = 16 * KIB;

/// A request over HTTP/2 that is refused, until its client has taken that.
pub(super) const REFUSED_STREAM: usize = 4 * KIB;

/// The memory of the process that clients decide about.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    window: usize,
    used: AtomicUsize,
}

/// A part of the budget. Dropped, it is given back.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
}

/// No limit.
impl Default for Budget {
    fn default() -> Self {
        Budget::new(usize::MAX)
    }
}

impl Budget {
    /// At most so many bytes.
    pub fn new(most: usize) -> Budget {
        Budget {
            most,
            window: (most / 4096).clamp(16 * KIB, 64 * KIB),
            used: AtomicUsize::new(0),
        }
    }

    /// For what is small: it may take the last eighth too, so that probes are answered when bodies are refused.
    pub(super) fn small(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        self.charge(bytes, self.most)
    }

    /// For everything else.
    pub(super) fn large(self: &Arc<Self>, bytes: usize) -> Option<Charge> {
        self.charge(bytes, self.most - self.most / 8)
    }

    fn charge(self: &Arc<Self>, bytes: usize, most: usize) -> Option<Charge> {
        self.take(bytes, most).then(|| Charge {
            budget: self.clone(),
            bytes,
        })
    }

    fn take(&self, bytes: usize, most: usize) -> bool {
        let more = |used: usize| used.checked_add(bytes).filter(|used| *used <= most);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    /// What is taken now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// What a body may have waiting in one place: 64 KiB, and less in a small pod, at the price of more system calls.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// How much of an upload is read at once: several such pieces are on their way.
    pub(super) fn piece(&self) -> usize {
        match self.most {
            usize::MAX => self.window(),
            _ => (self.window() / 4).max(SHORT_HEAD),
        }
    }

    /// What the kernel holds for a socket is a window too, in each direction; by itself, it takes megabytes for one that nobody
    /// reads. To be said before a socket connects, so that its peer is never told of more; a listener hands it on to what it accepts.
    pub(super) fn limit(&self, socket: &SockRef<'_>) -> io::Result<()> {
        self.limit_unsent(socket)?;
        match self.most {
            usize::MAX => Ok(()),
            // the kernel doubles it, for what it needs itself
            _ => socket.set_recv_buffer_size(self.window()),
        }
    }

    /// The same for what is sent only.
    pub(super) fn limit_unsent(&self, socket: &SockRef<'_>) -> io::Result<()> {
        match self.most {
            #[cfg(target_os = "linux")]
            most if most != usize::MAX => socket.set_tcp_notsent_lowat(self.window() as u32),
            _ => Ok(()),
        }
    }

    /// What comes on this socket is not wanted any more: the kernel holds as little of it as it can.
    pub(super) fn limit_unwanted(&self, socket: &SockRef<'_>) -> io::Result<()> {
        match self.most {
            usize::MAX => Ok(()),
            _ => socket.set_recv_buffer_size(0),
        }
    }

    /// Whether little is left.
    pub(super) fn is_tight(&self) -> bool {
        self.used() > self.most / 4 * 3
    }

    /// What a request's body takes, here and in the kernel, where nobody reads it. A short one is in what its connections take.
    pub(super) fn body(&self, length: Option<u64>) -> usize {
        let most = 3 * self.window();
        let length = length.map_or(most, |length| usize::try_from(length).unwrap_or(most));
        match length <= SHORT_HEAD {
            true => 0,
            false => length.min(most),
        }
    }

    /// What one direction of a tunnel takes while its reader does not keep up.
    pub(super) fn stalled(&self) -> usize {
        2 * self.window() + 48 * KIB
    }
}

impl Charge {
    /// So much more, as [`Budget::large`].
    pub(super) fn grow(&mut self, bytes: usize) -> bool {
        let most = self.budget.most - self.budget.most / 8;
        let has_grown = self.budget.take(bytes, most);
        if has_grown {
            self.bytes += bytes;
        }
        has_grown
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_charged_is_given_back_and_the_last_eighth_is_for_what_is_small() {
        let budget = Arc::new(Budget::new(800));
        let mut first = budget.large(600).unwrap();
        assert!(budget.large(101).is_none());
        assert!(first.grow(100) && !first.grow(1));
        let small = budget.small(100).unwrap();
        assert!(budget.small(1).is_none());
        assert_eq!(budget.used(), 800);
        drop(first);
        assert_eq!(budget.used(), 100);
        drop(small);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_operators_page_says_what_counts() {
        let page = include_str!("../../deploy/operations.md");
        for (what, bytes) in [
            ("a client's connection", CLIENT),
            (
                "a client's connection; over HTTP/2 | 12 KiB;",
                CLIENT + CLIENT_H2,
            ),
            (
                "a connection to the application, with a request on it",
                UPSTREAM,
            ),
            ("a request over HTTP/2", STREAM),
        ] {
            let row = page
                .lines()
                .find(|line| line.contains(&format!("| {what}")));
            let size = format!(" {} KiB", bytes / KIB);
            assert!(row.is_some_and(|row| row.contains(&size)), "{what}: {size}");
        }
    }

    #[test]
    fn a_budget_without_a_limit_refuses_nothing() {
        let budget = Arc::new(Budget::default());
        let charge = budget.large(1 << 40).unwrap();
        assert!(budget.small(1 << 40).is_some());
        drop(charge);
    }

    #[test]
    fn a_body_takes_what_its_length_says_up_to_what_is_ever_waiting() {
        for (most, length, expected) in [
            (16 << 20, Some(0), 0),
            (16 << 20, Some(8 << 10), 0),
            (16 << 20, Some(20 << 10), 20 << 10),
            (16 << 20, Some(1 << 30), 48 << 10),
            (16 << 20, Some(u64::MAX), 48 << 10),
            (16 << 20, None, 48 << 10),
            (128 << 20, None, 96 << 10),
            (usize::MAX, None, 192 << 10),
        ] {
            let budget = Budget::new(most);
            assert_eq!(budget.body(length), expected, "{length:?} of {most}");
        }
    }
}
