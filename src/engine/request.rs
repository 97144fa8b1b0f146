//! What decisions are made of: a request on the wire, or the context of an evaluation.
//! In: what the proxy, the API or the command line has of it. Out: the one shape that attributes are read from.

use super::given::Given;
use http::{HeaderMap, Method, request::Parts};
use serde_json::{Map, Value};
use std::{collections::HashMap, net::IpAddr};

/// What attributes are read from.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// a request as it came
    Http(HttpRequest<'a>),
    /// `targetingKey` is the user, every other key an attribute
    Context(&'a EvaluationContext),
}

/// The parts of a request that sources read.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// all fields, before anything is stripped
    pub headers: &'a HeaderMap,
    /// as it came
    pub method: &'a Method,
    /// the raw path, without the query
    pub path: &'a str,
    /// without the question mark
    pub query: Option<&'a str>,
    /// the effective host (target before Host), with or without port
    pub host: &'a [u8],
    /// the TCP peer, or what `--trusted-hops` makes of X-Forwarded-For; none for a unix socket
    pub ip: Option<IpAddr>,
    /// the user and attributes, whatever the sources say: `explain --user`. Never set by a request
    pub said: Option<&'a EvaluationContext>,
}

impl<'a> HttpRequest<'a> {
    /// The request as it came, with what its fields alone do not say.
    pub fn new(parts: &'a Parts, host: &'a [u8], ip: Option<IpAddr>) -> HttpRequest<'a> {
        let target = parts.uri.path_and_query();
        HttpRequest {
            headers: &parts.headers,
            method: &parts.method,
            path: target.map_or("", |target| target.path()),
            query: target.and_then(|target| target.query()),
            host,
            ip,
            said: None,
        }
    }
}

/// The context of an evaluation, as OpenFeature has it.
#[derive(Clone, Debug, Default)]
pub struct EvaluationContext {
    /// `targetingKey`
    pub user: Option<String>,
    /// everything else
    pub attributes: HashMap<String, Given<'static>>,
    /// a tester's override, where the API explains one; a client's context never has one
    pub override_value: Option<String>,
}

impl EvaluationContext {
    /// What an object of JSON says; `key` names the user, every other key an attribute.
    pub fn from_json(entries: Map<String, Value>, key: &str) -> Result<EvaluationContext, String> {
        let mut context = EvaluationContext::default();
        for (name, value) in entries {
            if name == key {
                context.user = user(&value)
                    .map_err(|()| format!("`{key}` has to be a string or a whole number"))?;
            } else {
                context.add(name, value);
            }
        }
        Ok(context)
    }

    /// As it is given; what an object has inside is `name.inner` besides.
    fn add(&mut self, name: String, value: Value) {
        if let Some(given) = Given::json(&value) {
            self.attributes.insert(name.clone(), given);
        }
        if let Value::Object(inner) = value {
            for (key, value) in inner {
                self.add(format!("{name}.{key}"), value);
            }
        }
    }
}

/// A text that is not blank, or a whole number as it is written; none for null.
fn user(key: &Value) -> Result<Option<String>, ()> {
    let is_whole = |number: &str| {
        let digits = number.strip_prefix('-').unwrap_or(number);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match key {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Value::Number(number) if is_whole(&number.to_string()) => Ok(Some(number.to_string())),
        _ => Err(()),
    }
}
