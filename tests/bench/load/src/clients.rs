//! The clients: connections that are kept alive, a request at a time on each.
//! In: what was asked. Out: a line of JSON with the number of answers, of errors, and the latencies in microseconds.

use crate::{asked::Asked, exchange::Clients, schedule::Schedule};
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
};
use std::{
    io::{self, Read as _},
    num::NonZeroU64,
    time::Instant,
};

pub fn run(asked: &Asked) -> io::Result<()> {
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
    let mut clients = Clients::new(asked)?;
    let mut schedule = Schedule::new(asked.seconds, asked.requests, asked.rate);
    let mut events = Vec::with_capacity(256);
    let begun = Instant::now();
    let clock = || begun.elapsed().as_nanos() as u64;
    loop {
        while asked.connections - clients.idle.len() < asked.busy
            && let Some(&which) = clients.idle.front()
            && let Some(due) = schedule.take(clock())
        {
            clients.idle.pop_front();
            clients.send(which, due)?;
        }
        if clients.idle.len() == asked.connections && schedule.is_over(clock()) {
            break;
        }
        let pause = schedule.pause(clock());
        let timeout = Timespec {
            tv_sec: (pause / 1_000_000_000) as i64,
            tv_nsec: (pause % 1_000_000_000) as _,
        };
        epoll::wait(&clients.epoll, spare_capacity(&mut events), Some(&timeout))?;
        for event in events.drain(..) {
            clients.receive(event.data.u64() as usize, clock());
        }
    }
    println!("{}", clients.report.line(begun.elapsed().as_secs_f64()));
    if asked.hold {
        io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
