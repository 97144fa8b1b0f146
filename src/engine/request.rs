//! What is asked: a request on the wire, or the context of an evaluation.
//! In: what the proxy, the API or the command line has of it. Out: the one shape that attributes are read from.

use super::{units::Second, visitor};
use http::{HeaderMap, Method};
use std::{collections::HashMap, net::IpAddr};

/// Who asks: a request on the wire, or an OFREP evaluation context.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// a request as it came
    Http(Http<'a>),
    /// `targetingKey` is the user, every other key an attribute
    Context(&'a Context),
}

/// The parts of a request that sources read.
#[derive(Clone, Copy, Debug)]
pub struct Http<'a> {
    /// all fields, before anything is stripped
    pub headers: &'a HeaderMap,
    /// as it came
    pub method: &'a Method,
    /// the raw path, without the query
    pub path: &'a str,
    /// without the question mark
    pub query: Option<&'a str>,
    /// the effective host, with or without port
    pub host: &'a str,
    /// the TCP peer, or what `--trusted-hops` makes of X-Forwarded-For; none for a unix socket
    pub ip: Option<IpAddr>,
    /// who asks, whatever the sources say: `explain --user`. Never set by a request
    pub user: Option<&'a str>,
}

/// An OFREP evaluation context, as text.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// `targetingKey`
    pub user: Option<String>,
    /// everything else; a list stands as its elements
    pub attributes: HashMap<String, Vec<String>>,
}

/// What the request line and the connection add to the headers.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// the effective host (target before Host), with or without port
    pub host: &'a str,
    /// the peer, or what `--trusted-hops` makes of X-Forwarded-For
    pub ip: Option<IpAddr>,
    /// the clock, read once
    pub now: Second,
    /// random bits for strangers
    pub fresh: Option<visitor::Fresh<'a>>,
}

impl<'a> Facts<'a> {
    /// The request as it came, with what the headers alone do not say.
    pub fn asked(&self, parts: &'a http::request::Parts) -> Asked<'a> {
        let target = parts.uri.path_and_query();
        Asked::Http(Http {
            headers: &parts.headers,
            method: &parts.method,
            path: target.map_or("", |target| target.path()),
            query: target.and_then(|target| target.query()),
            host: self.host,
            ip: self.ip,
            user: None,
        })
    }
}
