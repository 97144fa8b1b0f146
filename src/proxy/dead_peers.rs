//! Peers that vanished while bytes were on their way to them. TCP keepalive is silent then, and the kernel sends again for a
//! quarter of an hour; TCP_USER_TIMEOUT would also end a reader that only pauses. The kernel's table tells the two apart.
//! In: `/proc/self/net/tcp`, now and then while a connection stands without a deadline. Out: which of our sockets are dead.

use super::{clock::Clock, keepalive::TcpKeepalive};
use crate::background;
use rustix::fs::fstat;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    fs::File,
    io::{self, BufRead as _, BufReader},
    rc::Rc,
};
use tokio::{net::TcpStream, task};

/// What one worker knows of the peers of its connections.
pub(crate) struct DeadPeers {
    keepalive: TcpKeepalive,
    /// who is found silent so often in a row is dead
    limit: u64,
    /// one of these is at one end of each of our connections
    ports: Vec<u16>,
    /// when the table is read next
    due: Cell<u64>,
    silent: RefCell<HashMap<Inode, Silence>>,
    /// some are dead: for a tick, everybody looks
    pub(super) has_dead: Cell<bool>,
}

/// What the kernel calls a socket.
type Inode = u64;

/// A peer that owes an acknowledgement.
struct Silence {
    /// how often in a row it was found so
    times: u64,
    /// what was sent again without an answer, when it was last seen
    unanswered: u32,
}

impl DeadPeers {
    pub(crate) fn new(keepalive: TcpKeepalive, ports: Vec<u16>) -> Rc<DeadPeers> {
        let interval = keepalive.interval.as_secs().max(1);
        Rc::new(DeadPeers {
            limit: keepalive.patience().as_secs().div_ceil(interval),
            keepalive,
            ports,
            due: Cell::new(0),
            silent: RefCell::default(),
            has_dead: Cell::new(false),
        })
    }

    /// Once a tick of the clock. What has a deadline ends by that; the others are looked after here.
    pub(crate) fn tick(self: &Rc<Self>, clock: &Rc<Clock>) {
        // whoever was woken has looked
        self.has_dead.set(false);
        if self.keepalive.is_off() || clock.now() < self.due.get() {
            return;
        }
        let interval = self.keepalive.interval.as_millis() as u64;
        self.due.set(clock.now() + interval);
        if !clock.has_deadline_beyond(self.keepalive.patience()) {
            self.silent.borrow_mut().clear();
            return;
        }
        let (peers, clock, ports) = (self.clone(), clock.clone(), self.ports.clone());
        task::spawn_local(async move {
            if let Ok(Ok(table)) = task::spawn_blocking(move || unanswered(&ports)).await
                && peers.find(&table)
            {
                clock.wake_all();
            }
        });
    }

    /// Whether a peer is dead. One that acknowledged anything since the last look begins anew.
    fn find(&self, table: &[(Inode, u32)]) -> bool {
        let mut silent = self.silent.borrow_mut();
        let now = table.iter().map(|&(inode, unanswered)| {
            let before = silent.get(&inode);
            let before = before.filter(|before| before.unanswered <= unanswered);
            let times = before.map_or(0, |before| before.times) + 1;
            (inode, Silence { times, unanswered })
        });
        *silent = now.collect();
        let has_dead = silent.values().any(|peer| peer.times >= self.limit);
        self.has_dead.set(has_dead);
        has_dead
    }

    fn is_dead(&self, inode: Inode) -> bool {
        let silent = self.silent.borrow();
        silent
            .get(&inode)
            .is_some_and(|peer| peer.times >= self.limit)
    }

    /// An error where the peer of this socket is dead.
    #[cold]
    pub(super) fn look_up(&self, socket: &TcpStream) -> io::Result<()> {
        if !self.is_dead(fstat(socket)?.st_ino) {
            return Ok(());
        }
        tracing::debug!(peer = ?socket.peer_addr().ok(), "a peer has not acknowledged anything for too long");
        // what it never took is not sent again behind our back
        socket.set_zero_linger()?;
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// The sockets with one of these ports whose peer owes an acknowledgement, and how often the kernel has asked for it.
fn unanswered(ports: &[u16]) -> io::Result<Vec<(Inode, u32)>> {
    background::lower_priority();
    let mut found = Vec::new();
    for table in ["/proc/self/net/tcp", "/proc/self/net/tcp6"] {
        let Ok(table) = File::open(table) else {
            continue;
        };
        let (mut table, mut line) = (BufReader::new(table), String::new());
        while table.read_line(&mut line)? > 0 {
            found.extend(row(&line, ports));
            line.clear();
            background::give_way();
        }
    }
    Ok(found)
}

/// `sl local remote st tx:rx tr:when retrnsmt uid timeout inode`. A paused reader answers the probes of its window: none are
/// unanswered then.
fn row(line: &str, ports: &[u16]) -> Option<(Inode, u32)> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let mut is_ours = || {
        let (_, port) = columns.next()?.rsplit_once(':')?;
        Some(ports.contains(&u16::from_str_radix(port, 16).ok()?))
    };
    // both columns are read in any case
    let (local, remote) = (is_ours()?, is_ours()?);
    if !local && !remote {
        return None;
    }
    let timer = columns.nth(2)?.split_once(':')?.0;
    let again = u32::from_str_radix(columns.next()?, 16).ok()?;
    let probes = columns.nth(1)?.parse().ok()?;
    let inode = columns.next()?.parse().ok().filter(|inode| *inode != 0)?;
    let unanswered = match timer {
        "01" => again,
        "04" => probes,
        _ => 0,
    };
    (unanswered > 0).then_some((inode, unanswered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn who_pauses_answers_probes_and_who_is_dead_does_not() {
        let line = |timer: &str, again: &str, probes: &str| {
            format!(
                "  12: 0101A8C0:0DC4 0201A8C0:D2F0 01 00000064:00000000 {timer}:00000BB8 {again}     0        {probes} 4711 4 0 20 4 30 10 -1\n"
            )
        };
        for (line, expected) in [
            // sent again three times
            (line("01", "00000003", "0"), Some((4711, 3))),
            (line("01", "0000000A", "0"), Some((4711, 10))),
            // sent just now
            (line("01", "00000000", "0"), None),
            // a window of zero, and a probe of it that was answered, or not
            (line("04", "00000000", "0"), None),
            (line("04", "00000000", "2"), Some((4711, 2))),
            // idle: the kernel's keepalive looks after it
            (line("02", "00000000", "0"), None),
            (line("00", "00000000", "0"), None),
            // not ours, closed already, or no row at all
            (line("01", "00000003", "0").replace(":0DC4", ":0DC5"), None),
            (line("01", "00000003", "0").replace(" 4711 ", " 0 "), None),
            ("  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(row(&line, &[3524]), expected, "{line}");
        }
    }

    #[test]
    fn who_acknowledges_anything_is_alive() {
        let keepalive = TcpKeepalive {
            time: Duration::from_secs(2),
            interval: Duration::from_secs(1),
            probes: 1,
        };
        let peers = DeadPeers::new(keepalive, vec![3524]);
        // one is dead, and one takes something now and then over a bad link
        for (table, found) in [
            ([(1, 3), (2, 1)], false),
            ([(1, 4), (2, 3)], false),
            ([(1, 4), (2, 1)], true),
            ([(1, 5), (2, 2)], true),
        ] {
            assert_eq!(peers.find(&table), found, "{table:?}");
        }
        assert_eq!([1, 2].map(|inode| peers.is_dead(inode)), [true, false]);
        assert!(!peers.find(&[]));
    }
}
