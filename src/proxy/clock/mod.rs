//! Deadlines without timers: one tick for a whole worker instead of a timer a request.
//! In: deadlines as cells. Out: wake-ups of those that are due, at most a tick late.

pub(super) mod timerfd;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    task::{Context, Waker},
    time::{Duration, Instant},
};

const NEVER: u64 = u64::MAX;

/// One worker's clock.
pub(super) struct Clock {
    origin: Instant,
    /// milliseconds since `origin`, as of the last tick
    now: Cell<u64>,
    tick: Duration,
    alarms: RefCell<Vec<Weak<Alarm>>>,
}

/// A deadline, and whom to wake. What is due is decided by whoever is woken.
pub(super) struct Alarm {
    clock: Rc<Clock>,
    place: Cell<usize>,
    deadline: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Clock {
    /// Ticks often enough for the shortest of these timeouts.
    pub(super) fn new(timeouts: &[Duration]) -> Rc<Clock> {
        let shortest = timeouts.iter().min().copied().unwrap_or_default();
        Rc::new(Clock {
            origin: Instant::now(),
            now: Cell::new(0),
            tick: (shortest / 8).clamp(Duration::from_millis(5), Duration::from_millis(250)),
            alarms: RefCell::default(),
        })
    }

    /// How long one tick is.
    pub(super) fn tick(&self) -> Duration {
        self.tick
    }

    /// Milliseconds, as of the last tick.
    pub(super) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Looks at the time, and wakes whatever is due.
    pub(super) fn advance(&self) {
        self.now.set(self.origin.elapsed().as_millis() as u64);
        for alarm in self.alarms.borrow().iter().filter_map(Weak::upgrade) {
            if alarm.is_due() {
                alarm.wake();
            }
        }
    }

    /// The phase has changed: everybody looks.
    pub(super) fn wake_all(&self) {
        for alarm in self.alarms.borrow().iter().filter_map(Weak::upgrade) {
            alarm.wake();
        }
    }

    /// A new alarm, not set.
    pub(super) fn alarm(self: &Rc<Self>) -> Rc<Alarm> {
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
    /// Due after this long. A tick is added, so that it is never due early.
    pub(super) fn set(&self, after: Duration) {
        let after = (after + self.clock.tick).as_millis() as u64;
        self.deadline.set(self.clock.now() + after);
    }

    /// Due after this long, unless it is due sooner.
    pub(super) fn set_sooner(&self, after: Duration) {
        let before = self.deadline.get();
        self.set(after);
        self.deadline.set(before.min(self.deadline.get()));
    }

    /// Not due at all.
    pub(super) fn clear(&self) {
        self.deadline.set(NEVER);
    }

    /// Whether the deadline has passed.
    pub(super) fn is_due(&self) -> bool {
        self.deadline.get() <= self.clock.now()
    }

    /// Whether anybody would be woken.
    pub(super) fn is_watched(&self) -> bool {
        self.waker.borrow().is_some()
    }

    /// Whom to wake.
    pub(super) fn watch(&self, context: &Context<'_>) {
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
    }

    /// Wakes whoever watches.
    pub(super) fn wake(&self) {
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
