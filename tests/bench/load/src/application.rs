//! The application, whose answers are in `answering.rs`.
//! In: connections on a free port of the loopback and, if asked, on a Unix socket. Out: the port on standard output, and answers.

use crate::answering::{Answers, Connection};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    fd::{AsFd, OwnedFd},
    io::Errno,
};
use std::{
    collections::HashMap,
    io::{self, Write as _},
    net::TcpListener,
    os::{fd::AsRawFd, unix::net::UnixListener},
};

pub fn serve(socket: Option<&str>) -> io::Result<()> {
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", tcp.local_addr()?.port())?;
    let mut listeners: Vec<OwnedFd> = vec![tcp.into()];
    if let Some(path) = socket {
        listeners.push(UnixListener::bind(path)?.into());
    }
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for listener in &listeners {
        rustix::net::listen(listener, 4096)?;
        rustix::io::ioctl_fionbio(listener, true)?;
        watch(&epoll, listener)?;
    }
    let answers = Answers::new();
    let mut connections: HashMap<u64, Connection> = HashMap::new();
    let mut events = Vec::with_capacity(256);
    loop {
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Err(Errno::INTR) => continue,
            waited => waited?,
        };
        for event in events.drain(..) {
            let which = event.data.u64();
            if let Some(listener) = listeners.iter().find(|listener| id(listener) == which) {
                accept(&epoll, listener, &mut connections)?;
            } else if let Some(connection) = connections.get_mut(&which)
                && !connection.goes_on(&epoll, event.flags, &answers)
            {
                connections.remove(&which);
            }
        }
    }
}

pub fn id(socket: &impl AsFd) -> u64 {
    socket.as_fd().as_raw_fd() as u64
}

fn watch(epoll: &OwnedFd, socket: &impl AsFd) -> io::Result<()> {
    Ok(epoll::add(
        epoll,
        socket,
        EventData::new_u64(id(socket)),
        EventFlags::IN,
    )?)
}

fn accept(
    epoll: &OwnedFd,
    listener: &OwnedFd,
    connections: &mut HashMap<u64, Connection>,
) -> io::Result<()> {
    let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
    while let Ok(socket) = rustix::net::accept_with(listener, flags) {
        // a Unix socket has no such delay
        let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        watch(epoll, &socket)?;
        connections.insert(id(&socket), Connection::new(socket));
    }
    Ok(())
}
