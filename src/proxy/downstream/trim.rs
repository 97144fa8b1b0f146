//! Memory that is not needed any more goes back to the kernel.
//! In: how much is needed. Out: requests that make the allocator look at what it keeps.

use std::hint::black_box;
use tokio::task;

/// Gives the memory of connections that have closed or are idle, and of what they sent, back to the kernel.
///
/// The allocator does that with a delay of a second, and only when a page is freed: after 10,000 connections had closed,
/// nothing freed one for minutes, and 120 MB stayed. So one is freed. And of each size it keeps an empty page until so many
/// thousands of others were asked for: so they are.
#[derive(Default)]
pub(super) struct Trim {
    due: u64,
    /// the most since the last time
    clients: usize,
    used: usize,
    again: u32,
}

impl Trim {
    /// More than the allocator's delay, in milliseconds.
    const INTERVAL: u64 = 1_500;
    /// Bytes: more than shares a page with anything else. They are never touched.
    const PAGE: usize = 1 << 20;
    /// So many connections: about as much memory.
    const CLIENTS: usize = 64;
    /// How many blocks are asked for, and of what size: one that is not served from the page at hand. Half a millisecond, in which
    /// others have so many turns.
    const BLOCKS: (usize, usize) = (6000, 2 * 1024);
    const TURNS: usize = 12;

    /// Once a tick of the clock: how many clients are not idle, and what all take.
    pub(super) async fn tick(&mut self, clients: usize, used: usize, now: u64) {
        if now < self.due {
            return;
        }
        // connections that fall idle and wake again are no reason
        let fewer = clients + Self::CLIENTS < self.clients || used + Self::PAGE < self.used;
        let again = if fewer { 3 } else { self.again };
        if again > 0 {
            for _ in 0..Self::TURNS {
                for _ in 0..Self::BLOCKS.0 / Self::TURNS {
                    drop(black_box(Vec::<u8>::with_capacity(Self::BLOCKS.1)));
                }
                task::yield_now().await;
            }
            drop(black_box(Vec::<u8>::with_capacity(Self::PAGE)));
        }
        *self = Trim {
            due: now + Self::INTERVAL,
            clients: if fewer {
                clients
            } else {
                clients.max(self.clients)
            },
            used,
            again: again.saturating_sub(1),
        };
    }
}
