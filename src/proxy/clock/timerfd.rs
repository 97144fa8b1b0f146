//! A timer of the kernel's own: while one of tokio's runs, each wait for a socket sets a timer and cancels it, and that was
//! 3% of the CPU of a worker that has time to wait.
//! In: how long a tick is. Out: one after the other.

use std::{io, time::Duration};
use tokio::{net::unix::pipe::Receiver, time::sleep};

/// One worker's.
pub(crate) struct Ticker {
    each: Duration,
    timer: Option<Receiver>,
}

impl Ticker {
    pub(crate) fn new(each: Duration) -> Ticker {
        let timer = timer(each).inspect_err(|error| tracing::debug!(%error, "no timer to read"));
        Ticker {
            each,
            timer: timer.ok(),
        }
    }

    /// Waits for the next; those that were missed are one.
    pub(crate) async fn next(&self) {
        if !self.is_read().await {
            sleep(self.each).await;
        }
    }

    async fn is_read(&self) -> bool {
        let Some(timer) = &self.timer else {
            return false;
        };
        while timer.readable().await.is_ok() {
            match timer.try_read(&mut [0; 8]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.is_ok(),
            }
        }
        false
    }
}

/// tokio needs something that becomes readable, and a pipe's end is the plainest such thing.
#[cfg(target_os = "linux")]
fn timer(each: Duration) -> io::Result<Receiver> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let each = Timespec::try_from(each).map_err(io::Error::other)?;
    let again = Itimerspec {
        it_interval: each,
        it_value: each,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &again)?;
    Receiver::from_owned_fd_unchecked(timer)
}

/// Elsewhere one of tokio's does.
#[cfg(not(target_os = "linux"))]
fn timer(_: Duration) -> io::Result<Receiver> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test]
    async fn ticks_come_one_after_the_other_by_the_kernels_timer_and_without_it() {
        let each = Duration::from_millis(5);
        let by_kernel: fn(Duration) -> Ticker = Ticker::new;
        let without: fn(Duration) -> Ticker = |each| Ticker { each, timer: None };
        for (new, is_read) in [(by_kernel, true), (without, false)] {
            let begun = Instant::now();
            let ticker = new(each);
            assert_eq!(ticker.timer.is_some(), is_read && cfg!(target_os = "linux"));
            for _ in 0..3 {
                ticker.next().await;
            }
            assert!(begun.elapsed() >= 3 * each, "{:?}", begun.elapsed());
        }
    }
}
