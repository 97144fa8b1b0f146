//! A request described by flags, for `explain` and `diff`.
//! In: `--user`, `--header`, `--cookie`, `--path` and the like. Out: a request for the engine.

use crate::{
    engine::{
        instant,
        request::{EvaluationContext, HttpRequest, Input},
        units::Second,
    },
    server::clock::wall_clock,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::{env, net::IpAddr};

/// The flags that describe a request.
#[derive(clap::Args, Clone, Debug)]
pub struct RequestArgs {
    /// User id; it replaces what the file's `user` sources find
    #[arg(long, env = "BURGEE_USER", value_name = "ID", value_parser = id)]
    pub user: Option<String>,
    /// Header of the request; may be repeated
    #[arg(long, env = "BURGEE_HEADER", value_name = "'K: V'", value_parser = field)]
    pub header: Vec<(HeaderName, HeaderValue)>,
    /// Cookie of the request; may be repeated
    #[arg(long, env = "BURGEE_COOKIE", value_name = "K=V", value_parser = pair)]
    pub cookie: Vec<(String, String)>,
    /// Path of the request, with its query
    #[arg(long, env = "BURGEE_PATH", value_name = "PATH", default_value = "/")]
    pub path: String,
    /// Method of the request
    #[arg(long, env = "BURGEE_METHOD", default_value = "GET")]
    pub method: Method,
    /// Host of the request
    #[arg(long, env = "BURGEE_HOST", default_value = "")]
    pub host: String,
    /// IP address of the client
    #[arg(long, env = "BURGEE_IP", value_name = "ADDR")]
    pub ip: Option<IpAddr>,
    /// Variable for `env.K` in the file, instead of the one that is set where this command runs; may be repeated
    #[arg(long, env = "BURGEE_ENV", value_name = "K=V", value_parser = pair)]
    pub env: Vec<(String, String)>,
    /// Time of the request: 2026-03-01 (00:00 UTC) or RFC 3339 [default: now]
    #[arg(long, env = "BURGEE_AT", value_name = "INSTANT", value_parser = at)]
    pub at: Option<Second>,
}

/// The request that the flags describe.
#[derive(Debug)]
pub struct DescribedRequest {
    headers: HeaderMap,
    args: RequestArgs,
    said: EvaluationContext,
    /// when
    pub now: Second,
}

impl RequestArgs {
    /// What the file sees as `env.NAME`: as a sidecar that is started here, but for `--env`.
    pub fn environment(&self, name: &str) -> Option<String> {
        let mut given = self.env.iter().rev();
        let given = given.find(|(key, _)| key == name);
        given.map_or_else(|| env::var(name).ok(), |(_, value)| Some(value.clone()))
    }
}

impl DescribedRequest {
    /// Builds the request; the clock is read once, here, unless `--at` is given.
    pub fn new(args: &RequestArgs) -> DescribedRequest {
        let mut headers = HeaderMap::new();
        for (name, value) in &args.header {
            headers.append(name, value.clone());
        }
        let cookies = args
            .cookie
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join("; ");
        if let (false, Ok(value)) = (cookies.is_empty(), HeaderValue::from_str(&cookies)) {
            headers.append(header::COOKIE, value);
        }
        DescribedRequest {
            headers,
            args: args.clone(),
            said: EvaluationContext {
                user: args.user.clone(),
                ..EvaluationContext::default()
            },
            now: args.at.unwrap_or_else(wall_clock),
        }
    }

    /// For the engine; with this user and these attributes, else with the user of the flags.
    pub fn input<'a>(&'a self, said: Option<&'a EvaluationContext>) -> Input<'a> {
        let (path, query) = match self.args.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*self.args.path, None),
        };
        Input::Http(HttpRequest {
            headers: &self.headers,
            method: &self.args.method,
            path,
            query,
            host: self.args.host.as_bytes(),
            ip: self.args.ip,
            said: Some(said.unwrap_or(&self.said)),
        })
    }
}

fn id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("an id cannot be empty".into())
    } else {
        Ok(text.to_owned())
    }
}

fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'X-Country: US'")?;
    let name = name
        .trim()
        .parse()
        .map_err(|_| format!("`{name}` is not a header name"))?;
    Ok((
        name,
        value
            .trim()
            .parse()
            .map_err(|_| format!("`{value}` is not a header value"))?,
    ))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".into()),
    }
}

fn at(text: &str) -> Result<Second, String> {
    instant::parse(text).map_err(|error| match error {
        instant::InstantError::NoZone => format!("write the zone too, as in {text}Z"),
        _ => "write a date (2026-03-01, which is 00:00 UTC) or RFC 3339 (2026-03-01T09:00:00Z)"
            .into(),
    })
}
