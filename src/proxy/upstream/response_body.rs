//! The body of the application's answer, as it begins: all here already, still to be read, or a stream of HTTP/2.
//! In: what came with the head, and a connection. Out: the body for the client; the connection goes back as soon as it may.

use super::{
    decode::Download, encode::Outgoing, h2::Stream, head::Framing, pool::Link, request_body::Answer,
};
use crate::proxy::Worker;
use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use std::rc::Rc;

/// Where the body of an answer comes from.
pub(in crate::proxy) enum Coming {
    /// a whole HTTP/1.1 connection
    Whole(Whole),
    /// a stream of an HTTP/2 connection
    Shared(Incoming, Stream),
}

/// What an HTTP/1.1 connection is left with behind the head of an answer.
pub(in crate::proxy) struct Whole {
    pub(in crate::proxy) link: Link,
    pub(in crate::proxy) framing: Framing,
    /// whether another request may follow
    pub(in crate::proxy) keep: bool,
    /// what came with the head
    pub(in crate::proxy) rest: Bytes,
    /// what is left to send of the request
    pub(in crate::proxy) unsent: Option<Outgoing>,
}

impl Coming {
    pub(in crate::proxy) fn length(&self) -> Option<u64> {
        match self {
            Coming::Whole(whole) => match whole.framing {
                Framing::Length(length) => Some(length),
                Framing::Chunks | Framing::Close => None,
            },
            Coming::Shared(body, _) => body.size_hint().exact(),
        }
    }

    pub(in crate::proxy) fn answer(self, worker: &Rc<Worker>) -> Answer {
        let whole = match self {
            Coming::Shared(body, stream) => return Answer::shared(body, stream),
            Coming::Whole(whole) => whole,
        };
        let come = whole.rest.len() as u64;
        match whole.framing {
            Framing::Length(length) if come >= length => {
                // it is all here; more than all is no use to anybody, and a sign of trouble
                if whole.keep && come == length && whole.unsent.is_none() {
                    worker.give_back(whole.link);
                }
                match length {
                    0 => Answer::empty(),
                    length => Answer::owned(whole.rest.slice(..length as usize)),
                }
            }
            _ => Answer::download(Download::new(worker.clone(), whole)),
        }
    }
}
