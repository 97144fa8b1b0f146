//! Deadlines without timers: one tick for a whole worker instead of a timer a request.
//! In: deadlines as cells. Out: wake-ups of those that are due, at most a tick late.

pub(super) mod timerfd;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

const NEVER: u64 = u64::MAX;

/// So many are woken before others have their turn.
const AT_ONCE: usize = 32;

/// A timeout in milliseconds; zero means none.
pub(crate) fn milliseconds(timeout: Duration) -> u64 {
    match timeout.is_zero() {
        true => NEVER,
        false => timeout.as_millis() as u64,
    }
}

/// One worker's clock.
pub(crate) struct Clock {
    origin: Instant,
    /// milliseconds since `origin`, as of the last tick
    now: Cell<u64>,
    tick: Duration,
    alarms: RefCell<Vec<Weak<Alarm>>>,
}

/// A deadline, and whom to wake. What is due is decided by whoever is woken.
pub(crate) struct Alarm {
    clock: Rc<Clock>,
    place: Cell<usize>,
    deadline: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Clock {
    /// Ticks often enough for the shortest of these timeouts; zero is none.
    pub(crate) fn new(timeouts: &[Duration]) -> Rc<Clock> {
        let shortest = timeouts.iter().filter(|timeout| !timeout.is_zero()).min();
        let shortest = shortest.copied().unwrap_or(Duration::MAX);
        Rc::new(Clock {
            origin: Instant::now(),
            now: Cell::new(0),
            tick: (shortest / 8).clamp(Duration::from_millis(5), Duration::from_millis(250)),
            alarms: RefCell::default(),
        })
    }

    /// How long one tick is.
    pub(crate) fn tick(&self) -> Duration {
        self.tick
    }

    /// Milliseconds, as of the last tick.
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Looks at the time.
    pub(crate) fn advance(&self) {
        self.now.set(self.origin.elapsed().as_millis() as u64);
    }

    /// Wakes some of those that are due, below this place; zero when there are no more. Requests go between: 1,000 connections
    /// that fall idle together would hold them up for two milliseconds. What is dropped meanwhile moves others down, so that
    /// nobody is missed.
    pub(crate) fn wake_due(&self, below: usize) -> usize {
        let alarms = self.alarms.borrow();
        let mut woken = 0;
        for place in (0..below.min(alarms.len())).rev() {
            let due = alarms[place].upgrade().filter(|alarm| alarm.is_due());
            if let Some(alarm) = due {
                alarm.wake();
                woken += 1;
            }
            if woken == AT_ONCE {
                return place;
            }
        }
        0
    }

    /// Whether somebody has no deadline, or one that is further away than this.
    pub(crate) fn has_deadline_beyond(&self, after: Duration) -> bool {
        let until = self.now() + after.as_millis() as u64;
        let alarms = self.alarms.borrow();
        let mut alarms = alarms.iter().filter_map(Weak::upgrade);
        alarms.any(|alarm| alarm.deadline.get() > until)
    }

    /// Something has changed that may concern anybody: everybody looks.
    pub(crate) fn wake_all(&self) {
        for alarm in self.alarms.borrow().iter().filter_map(Weak::upgrade) {
            alarm.wake();
        }
    }

    /// A new alarm, not set.
    pub(crate) fn alarm(self: &Rc<Self>) -> Rc<Alarm> {
        let mut alarms = self.alarms.borrow_mut();
        let alarm = Rc::new(Alarm {
            clock: self.clone(),
            place: Cell::new(alarms.len()),
            deadline: Cell::new(NEVER),
            waker: RefCell::new(None),
        });
        alarms.push(Rc::downgrade(&alarm));
        alarm
    }
}

impl Alarm {
    /// Due after this long; zero is never. A tick is added, so that it is never due early.
    pub(crate) fn set(&self, after: Duration) {
        if after.is_zero() {
            return self.clear();
        }
        let after = (after + self.clock.tick).as_millis() as u64;
        self.deadline.set(self.clock.now() + after);
    }

    /// Due after this long, unless it is due sooner.
    pub(crate) fn set_sooner(&self, after: Duration) {
        let before = self.deadline.get();
        self.set(after);
        self.deadline.set(before.min(self.deadline.get()));
    }

    /// Not due at all.
    pub(crate) fn clear(&self) {
        self.deadline.set(NEVER);
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_due(&self) -> bool {
        self.deadline.get() <= self.clock.now()
    }

    /// Ready when the deadline has passed; until then, the task is woken when it has.
    pub(crate) fn poll_due(&self, context: &Context<'_>) -> Poll<()> {
        if self.is_due() {
            return Poll::Ready(());
        }
        self.watch(context);
        Poll::Pending
    }

    /// Whether anybody would be woken.
    pub(crate) fn is_watched(&self) -> bool {
        self.waker.borrow().is_some()
    }

    /// Whom to wake.
    pub(crate) fn watch(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
    }

    /// Wakes whoever watches.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let mut alarms = self.clock.alarms.borrow_mut();
        let place = self.place.get();
        alarms.swap_remove(place);
        if let Some(moved) = alarms.get(place).and_then(Weak::upgrade) {
            moved.place.set(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::Wake,
    };

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_is_due_is_woken_some_at_a_time_and_nobody_is_missed() {
        let clock = Clock::new(&[]);
        let one = |place| {
            let (alarm, woken) = (clock.alarm(), Arc::<Woken>::default());
            alarm.watch(&Context::from_waker(&woken.clone().into()));
            // every second one is due
            alarm.deadline.set(if place % 2 == 0 { 0 } else { NEVER });
            (alarm, woken)
        };
        let mut alarms: Vec<_> = (0..10 * AT_ONCE).map(one).collect();
        let is_woken = |(_, woken): &(Rc<Alarm>, Arc<Woken>)| woken.0.load(Ordering::Relaxed);
        let (mut below, mut turns) = (usize::MAX, 0);
        while below > 0 {
            let before = alarms.iter().filter(|one| is_woken(one)).count();
            below = clock.wake_due(below);
            turns += 1;
            let after = alarms.iter().filter(|one| is_woken(one)).count();
            assert!(after - before <= AT_ONCE, "{before} {after}");
            // whoever was woken sets another deadline; one goes, and the last one moves to its place
            for (alarm, _) in alarms.iter().filter(|one| is_woken(one)) {
                alarm.clear();
            }
            alarms.swap_remove(turns);
        }
        assert!((5..=6).contains(&turns), "{turns}");
        for (place, one) in alarms.iter().enumerate() {
            assert!(!one.0.is_due(), "{place} was missed");
        }
    }
}
