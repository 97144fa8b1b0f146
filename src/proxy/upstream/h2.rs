//! HTTP/2 to the application: few connections, shared by many requests. hyper frames it.
//! In: a request. Out: the head of its response, and the stream that its body comes on; sent once more, if the application
//! did not begin with it.

use super::{
    h2_connections::{Connections, Stream},
    replay::ReplayBody,
    window::Share,
};
use crate::proxy::{
    clock::{Alarm, Clock},
    dead_peers::DeadPeers,
    failure::Failure,
    settings::Settings,
};
use http::{
    Request, Response, Uri, Version, header,
    request::Parts,
    uri::{Authority, Scheme},
};
use hyper::body::Incoming;
use std::{rc::Rc, sync::Arc};

/// One worker's way to the application.
pub(crate) struct Client {
    connections: Connections,
}

impl Client {
    pub(crate) fn new(
        settings: &Arc<Settings>,
        clock: &Rc<Clock>,
        dead_peers: &Rc<DeadPeers>,
    ) -> Client {
        Client {
            connections: Connections::new(settings, clock, dead_peers),
        }
    }

    /// On a connection that is open, else on a new one. What the application did not begin with is sent once more, whatever
    /// the method, if no part of the body is lost. `client` tells the clients' connections apart.
    pub(crate) async fn send(
        &self,
        request: Request<ReplayBody>,
        client: usize,
        alarm: &Alarm,
    ) -> Result<(Response<Incoming>, Stream), Failure> {
        let (mut parts, body) = request.into_parts();
        set_target(&mut parts)?;
        let length = body.begin().await.map_err(|_| Failure::Body)?;
        let share = Share::new(length, client);
        let (stream, was_open) = match self.connections.open_stream(share) {
            Some(stream) => (stream, true),
            None => (self.connections.new_stream(share).await?, false),
        };
        let request = Request::from_parts(parts.clone(), body.clone());
        let mut error = match stream.send(request, alarm).await? {
            Ok(response) => {
                body.release();
                return Ok((response, stream));
            }
            Err(error) => error,
        };
        let failure = Failure::from(error.error());
        // or the connection closed before a byte of it was written
        let was_sent = error.take_message().is_none();
        if failure != Failure::NotBegun && (was_sent || !was_open) {
            return Err(failure);
        }
        let body = body.again().ok_or(failure)?;
        drop(stream);
        let stream = self.connections.new_stream(share).await?;
        let request = Request::from_parts(parts, body.clone());
        match stream.send(request, alarm).await? {
            Ok(response) => {
                body.release();
                Ok((response, stream))
            }
            Err(error) => Err(Failure::from(error.error())),
        }
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        self.connections.sweep();
    }

    /// Closes all connections.
    pub(crate) fn close(&self) {
        self.connections.close();
    }
}

/// HTTP/2 says in the target what HTTP/1.1 says in Host.
fn set_target(parts: &mut Parts) -> Result<(), Failure> {
    let host = parts.headers.remove(header::HOST);
    let authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = authority;
    parts.uri = Uri::from_parts(uri).map_err(|_| Failure::Target)?;
    parts.version = Version::HTTP_2;
    Ok(())
}
