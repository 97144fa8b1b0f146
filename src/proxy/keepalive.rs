//! TCP keepalive on both sides: an end that vanished without a word (a dead node, a cut cable) is noticed.
//! In: what the flags say. Out: options of a socket, and how long silence may last.

use socket2::SockRef;
use std::{io, time::Duration};

/// When a silent connection is probed, and when it is given up. The system's own is two hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpKeepalive {
    /// how long a connection may be silent before it is probed; zero probes never
    pub time: Duration,
    /// between two probes
    pub interval: Duration,
    /// how many may go unanswered
    pub probes: u32,
}

/// 135 seconds.
impl Default for TcpKeepalive {
    fn default() -> Self {
        TcpKeepalive {
            time: Duration::from_secs(60),
            interval: Duration::from_secs(15),
            probes: 5,
        }
    }
}

impl TcpKeepalive {
    /// A listener hands its options on to what it accepts.
    pub(super) fn set(&self, socket: &SockRef<'_>) -> io::Result<()> {
        if self.is_off() {
            return socket.set_keepalive(false);
        }
        let options = socket2::TcpKeepalive::new()
            .with_time(self.time)
            .with_interval(self.interval)
            .with_retries(self.probes);
        socket.set_tcp_keepalive(&options)
    }

    pub(super) fn is_off(&self) -> bool {
        self.time.is_zero()
    }

    /// After so much silence a peer is dead.
    pub(super) fn patience(&self) -> Duration {
        self.time + self.interval * self.probes
    }
}
