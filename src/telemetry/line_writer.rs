//! LineWriter that must not hold up a request: a bounded queue, and a thread that writes it out.
//! In: whole lines. Out: the same lines on a stream; while its reader is stuck, lines are dropped, and requests are not.

use std::{
    io::{self, BufWriter, Write},
    iter,
    sync::mpsc::{SyncSender, sync_channel},
    thread,
    time::Duration,
};
// the standard library's bounded channel takes its memory at once: 128 KiB for a queue that is empty in nearly every pod
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// LineWriter that may wait.
const WAITING: usize = 4096;

/// Where lines are put. Cloned freely.
#[derive(Clone, Debug)]
pub(super) struct LineWriter(Sender<Job>);

enum Job {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl LineWriter {
    /// Starts the thread that writes.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<LineWriter> {
        let (sender, jobs) = channel(WAITING);
        thread::Builder::new()
            .name("lines".into())
            .spawn(move || write(jobs, out))?;
        Ok(LineWriter(sender))
    }

    /// Whether there was room for it.
    pub(super) fn push(&self, line: Vec<u8>) -> bool {
        self.0.try_send(Job::Line(line)).is_ok()
    }

    /// Waits until what was pushed is written, but no longer than this.
    pub(super) fn flush(&self, within: Duration) {
        let (done, flushed) = sync_channel(1);
        if self.0.try_send(Job::Flush(done)).is_ok() {
            let _ = flushed.recv_timeout(within);
        }
    }
}

fn write(mut jobs: Receiver<Job>, out: impl Write) {
    let mut out = BufWriter::new(out);
    while let Some(first) = jobs.blocking_recv() {
        let waiting = iter::from_fn(|| jobs.try_recv().ok());
        for job in iter::once(first).chain(waiting) {
            // a stream that nobody reads any more is no reason to end
            let _ = match job {
                Job::Line(line) => out.write_all(&line),
                Job::Flush(done) => out.flush().map(|()| drop(done)),
            };
        }
        let _ = out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, mpsc};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let out = Shared::default();
        let lines = LineWriter::to(out.clone()).unwrap();
        for line in ["a\n", "b\n"] {
            assert!(lines.push(line.into()));
        }
        lines.flush(Duration::from_secs(20));
        assert_eq!(*out.0.lock().unwrap(), b"a\nb\n");
    }

    /// Writes nothing until it is let go.
    struct Stuck(mpsc::Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_is_stuck_holds_nobody_up() {
        let (_let_go, stuck) = mpsc::channel();
        let lines = LineWriter::to(Stuck(stuck)).unwrap();
        let pushed = (0..2 * WAITING + 8192)
            .filter(|_| lines.push(vec![b'x'; 64]))
            .count();
        // what the thread had taken before it got stuck, and what waits
        assert!(pushed < 2 * WAITING + 8192, "{pushed}");
    }
}
