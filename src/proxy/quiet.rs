//! A waker that can be told not to listen. hyper wakes the connection to the application whenever a piece of a body is
//! taken, also the last one, after which there is nothing to do there: a whole turn of a task, on every request.
//! In: the task's waker. Out: the same, but for wakes under [`Quiet::taking`] that turn out to be for nothing.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

/// One connection's. Everything happens on one thread; the types only have to say so to `Wake`.
#[derive(Default)]
pub(super) struct Quiet {
    task: OnceLock<Waker>,
    quiet: AtomicBool,
    woken: AtomicBool,
}

impl Quiet {
    /// Whom to wake: the connection's task, whose waker is the same for its whole life.
    pub(super) fn around(self: &Arc<Self>, task: &Waker) -> Waker {
        self.task.get_or_init(|| task.clone());
        self.clone().into()
    }

    /// Takes a piece of a body; says also whether it was the last, in which case nobody is woken.
    pub(super) fn taking<T>(&self, take: impl FnOnce() -> (T, bool)) -> T {
        self.quiet.store(true, Relaxed);
        let (taken, is_last) = take();
        self.quiet.store(false, Relaxed);
        if self.woken.swap(false, Relaxed) && !is_last {
            self.wake_task();
        }
        taken
    }

    fn wake_task(&self) {
        if let Some(task) = self.task.get() {
            task.wake_by_ref();
        }
    }
}

impl Wake for Quiet {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match self.quiet.load(Relaxed) {
            true => self.woken.store(true, Relaxed),
            false => self.wake_task(),
        }
    }
}
