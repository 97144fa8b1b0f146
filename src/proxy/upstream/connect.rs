//! Connecting to the application, and whether a connection that nobody uses can still be used.
//! In: the upstream's address. Out: a stream, TCP or Unix.

use crate::proxy::settings::{Settings, Upstream};
use socket2::SockRef;
use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// A plain stream to the application.
pub(in crate::proxy) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Connects, within the connect timeout whatever the number of addresses.
pub(in crate::proxy) async fn connect(settings: &Settings) -> io::Result<Socket> {
    let limit: Duration = settings.connect_timeout;
    match tokio::time::timeout(limit, reach(&settings.upstream)).await {
        Ok(reached) => reached,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn reach(upstream: &Upstream) -> io::Result<Socket> {
    match upstream {
        Upstream::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        Upstream::Tcp { addresses, .. } => {
            let mut failed = io::ErrorKind::AddrNotAvailable.into();
            for address in addresses {
                match TcpStream::connect(address).await {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        return Ok(Socket::Tcp(stream));
                    }
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
    }
}

impl Socket {
    /// Whether nothing has come that nobody asked for, its end above all. As the runtime has heard: without a system call.
    pub(in crate::proxy) fn is_quiet(&self) -> bool {
        would_block(&match self {
            Socket::Tcp(socket) => socket.try_read(&mut [0]),
            Socket::Unix(socket) => socket.try_read(&mut [0]),
        })
    }

    /// The same as the kernel knows it, which may have heard more.
    pub(in crate::proxy) fn is_surely_quiet(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        would_block(&match self {
            Socket::Tcp(socket) => SockRef::from(socket).peek(&mut byte),
            Socket::Unix(socket) => SockRef::from(socket).peek(&mut byte),
        })
    }
}

fn would_block(result: &io::Result<usize>) -> bool {
    result
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(cx, buf),
            Socket::Unix(socket) => Pin::new(socket).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Socket::Unix(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(cx),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
