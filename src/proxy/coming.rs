//! The body of the application's answer, as it begins: all here already, still to be read, or a stream of HTTP/2.
//! In: what came with the head, and a connection. Out: the body for the client; the connection goes back as soon as it may.

use super::{
    Worker, body::Answer, download::Download, head::Framing, multiplex::Stream, outgoing::Outgoing,
    pool::Link,
};
use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use std::rc::Rc;

/// Where the body of an answer comes from.
pub(super) enum Coming {
    /// a whole HTTP/1.1 connection
    Whole {
        link: Link,
        framing: Framing,
        keep: bool,
        rest: Bytes,
        unsent: Option<Outgoing>,
    },
    /// a stream of an HTTP/2 connection
    Shared(Incoming, Stream),
}

impl Coming {
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Coming::Whole { framing, .. } => match framing {
                Framing::Length(length) => Some(*length),
                Framing::Chunks | Framing::Close => None,
            },
            Coming::Shared(body, _) => body.size_hint().exact(),
        }
    }

    pub(super) fn answer(self, worker: &Rc<Worker>) -> Answer {
        match self {
            Coming::Shared(body, stream) => Answer::shared(body, stream),
            Coming::Whole {
                link,
                framing: Framing::Length(length),
                keep,
                rest,
                unsent,
            } if rest.len() as u64 >= length => {
                // it is all here; more than all is no use to anybody, and a sign of trouble
                if keep && rest.len() as u64 == length && unsent.is_none() {
                    worker.give_back(link);
                }
                match length {
                    0 => Answer::empty(),
                    length => Answer::owned(rest.slice(..length as usize)),
                }
            }
            Coming::Whole {
                link,
                framing,
                keep,
                rest,
                unsent,
            } => {
                let worker = worker.clone();
                Answer::download(Download::new(worker, link, framing, keep, &rest, unsent))
            }
        }
    }
}
