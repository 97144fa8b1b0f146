//! The application's name, where it has one instead of an address: which addresses it has, as the resolver said last.
//! In: look-ups of a thread of their own, which may block. Out: addresses for workers, which never wait for one unless they
//! have no other address to try.

use arc_swap::ArcSwap;
use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How often a name is looked up, whatever happens.
const EVERY: Duration = Duration::from_secs(30);

/// How often at most, whoever asks: an application that is down fails every request.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// A host and a port, and its addresses.
#[derive(Debug)]
pub struct Name {
    /// the name, without the port
    pub host: Box<str>,
    /// the port
    pub port: u16,
    addresses: ArcSwap<Vec<SocketAddr>>,
    /// how often the addresses were others
    generation: AtomicU64,
    /// when the last look-up ended
    looked: watch::Sender<Option<Instant>>,
    asked: Mutex<bool>,
    bell: Condvar,
}

/// Two names are one if they are written alike, whatever was found.
impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        (&self.host, self.port) == (&other.host, other.port)
    }
}

impl Eq for Name {}

impl Name {
    /// Not looked up yet; none where this is no name.
    pub fn new(host: &str, port: u16) -> Option<Name> {
        let is_label = |label: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-')
        };
        let labels = host.strip_suffix('.').unwrap_or(host);
        // `10.0.0.256` is an address with a mistake in it
        let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
        let is_name = labels.len() <= 253
            && labels.split('.').all(is_label)
            && !labels.rsplit('.').next().is_some_and(is_number);
        is_name.then(|| Name {
            host: host.into(),
            port,
            addresses: ArcSwap::default(),
            generation: AtomicU64::new(0),
            looked: watch::Sender::new(None),
            asked: Mutex::new(false),
            bell: Condvar::new(),
        })
    }

    /// The addresses, in the order to try them; none before the first look-up.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses.load().to_vec()
    }

    /// Another number where the addresses are others.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether it is one of the addresses.
    pub fn has(&self, address: &SocketAddr) -> bool {
        self.addresses.load().contains(address)
    }

    /// Has the name looked up soon, unless it has just been.
    pub fn ask(&self) {
        if self.is_fresh() {
            return;
        }
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_one();
    }

    /// None of `tried` could be reached: others, if the name has others by now.
    pub async fn others(&self, tried: &[SocketAddr]) -> Option<Vec<SocketAddr>> {
        let others = || {
            let mut others = self.addresses();
            others.retain(|address| !tried.contains(address));
            (!others.is_empty()).then_some(others)
        };
        let mut looked = self.looked.subscribe();
        looked.mark_unchanged();
        let known = others();
        if known.is_some() || self.is_fresh() {
            return known;
        }
        self.ask();
        looked.changed().await.ok()?;
        others()
    }

    /// Looks the name up, and blocks for as long as that takes. Whether the addresses are others than before; a failed
    /// look-up keeps the last ones.
    pub fn look(
        &self,
        resolve: impl FnOnce(&str, u16) -> io::Result<Vec<SocketAddr>>,
    ) -> io::Result<bool> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let found = resolve(&self.host, self.port).and_then(|mut found| {
            let mut seen = HashSet::new();
            found.retain(|address| seen.insert(*address));
            match found.is_empty() {
                true => Err(none()),
                false => Ok(found),
            }
        });
        // another order is nothing new: resolvers turn them round
        let set = |addresses: &[SocketAddr]| addresses.iter().copied().collect::<HashSet<_>>();
        let is_new = found
            .as_ref()
            .is_ok_and(|found| set(found) != set(&self.addresses.load()));
        if let (true, Ok(found)) = (is_new, &found) {
            self.addresses.store(Arc::new(found.clone()));
            self.generation.fetch_add(1, Ordering::Release);
        }
        self.looked.send_replace(Some(Instant::now()));
        found.map(|_| is_new)
    }

    fn is_fresh(&self) -> bool {
        let last = *self.looked.borrow();
        last.is_some_and(|at| at.elapsed() < AT_MOST_EVERY)
    }

    /// Waits until it is asked for, and no longer than every so often.
    pub fn wait(&self) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.bell.wait_timeout_while(asked, EVERY, |asked| !*asked);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    fn addresses(ports: &[u16]) -> Vec<SocketAddr> {
        let local = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
        ports.iter().map(local).collect()
    }

    #[test]
    fn a_name_is_what_a_resolver_takes() {
        for (host, is_name) in [
            ("app", true),
            ("host.docker.internal", true),
            ("shop_web-1.shop_default", true),
            ("app.shop.svc.cluster.local.", true),
            ("3scale", true),
            ("10.0.0.256", false),
            ("1", false),
            ("-app", false),
            ("a..b", false),
            ("", false),
            (".", false),
            ("app/", false),
            ("user@app", false),
            ("äpp", false),
        ] {
            assert_eq!(Name::new(host, 80).is_some(), is_name, "{host}");
        }
    }

    #[test]
    fn a_failed_look_up_keeps_the_last_addresses() {
        let name = Name::new("app", 1).unwrap();
        for (found, expected, is_new) in [
            (Err(io::ErrorKind::TimedOut), &[][..], None),
            (Ok(vec![1, 2, 1]), &[1, 2], Some(true)),
            (Ok(vec![2, 1]), &[1, 2], Some(false)),
            (Ok(vec![]), &[1, 2], None),
            (Err(io::ErrorKind::NotFound), &[1, 2], None),
            (Ok(vec![3]), &[3], Some(true)),
        ] {
            let before = name.generation();
            let found = found
                .map(|ports| addresses(&ports))
                .map_err(io::Error::from);
            assert_eq!(name.look(|_, _| found).ok(), is_new);
            assert_eq!(name.addresses(), addresses(expected));
            assert_eq!(name.generation() > before, is_new == Some(true));
        }
    }

    #[test]
    fn whoever_reaches_none_of_them_waits_for_a_look_up_and_no_longer() {
        let name = Name::new("app", 1).unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let tried = addresses(&[1]);
        let mut first = std::pin::pin!(name.others(&tried));
        assert_eq!(first.as_mut().poll(&mut cx), Poll::Pending);
        // it was asked for: this does not take `EVERY`
        name.wait();
        name.look(|_, _| Ok(addresses(&[1, 2]))).unwrap();
        assert_eq!(
            first.as_mut().poll(&mut cx),
            Poll::Ready(Some(addresses(&[2])))
        );
        // who has tried both has no third, and a look-up that has just been is not asked for again
        let both = addresses(&[1, 2]);
        let mut second = std::pin::pin!(name.others(&both));
        assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(None));
    }
}
