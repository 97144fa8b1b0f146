//! `burgee probe`: sends a request through the sidecar, and checks the headers that arrive at the application.
//! In: a URL and the expected headers. Out: each header with its expected value; exits 1 if one differs.

use super::output;
use crate::{
    exit,
    flags::values,
    http::client::{self, Url},
};
use clap::Args;
use http::{Request, Response, StatusCode, header};
use serde_json::Value;
use std::{io, process::ExitCode, time::Duration};

/// Send a request through the sidecar and check the headers that arrive
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A header has arrived if the response carries it (`--debug-response`), or if the application is `burgee echo` and received it.\n\n\
                  Example: burgee probe http://127.0.0.1:3524/ --header 'X-User-Id: mia' --expect-header X-Feature-Dark-Mode=on"
)]
pub struct ProbeArgs {
    /// URL to request
    #[arg(value_name = "URL")]
    url: Url,
    /// Header that must arrive, and its value; may be repeated
    #[arg(long, env = "BURGEE_EXPECT_HEADER", value_name = "K=V", value_parser = expected)]
    expect_header: Vec<(String, String)>,
    /// Any answer of the application is good, whatever its status; one that burgee made (`Proxy-Status`) is not
    #[arg(long, env = "BURGEE_FROM_APPLICATION", value_parser = values::switch)]
    from_application: bool,
    /// Header to send; may be repeated
    #[arg(long, env = "BURGEE_HEADER", value_name = "K: V", value_parser = field)]
    header: Vec<(String, String)>,
    /// How long to wait for the response
    #[arg(long, env = "BURGEE_TIMEOUT", value_name = "DURATION", value_parser = values::duration, default_value = "5s")]
    timeout: Duration,
}

fn expected(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write `X-Feature-Dark-Mode=on`")?;
    Ok((name.into(), value.into()))
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write `X-User-Id: mia`")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Sends the request, and compares.
pub fn main(args: ProbeArgs) -> ExitCode {
    output::block_on(async move {
        let mut request = Request::builder()
            .uri(&args.url.path)
            .header(header::ACCEPT, "application/json");
        for (name, value) in &args.header {
            request = request.header(name, value);
        }
        let response = client::send(&args.url.address, request, args.timeout).await;
        let response =
            response.map_err(|error| io::Error::other(format!("no response: {error}")))?;
        output::say(&format!("status {}", response.status().as_u16()));
        let by_burgee = made_by_burgee(&response);
        if let Some(why) = by_burgee {
            output::say(&format!(
                "burgee made this answer, not the application: {why}"
            ));
        }
        let mut good = match args.from_application {
            true => by_burgee.is_none(),
            false => response.status() == StatusCode::OK,
        };
        for (name, value) in &args.expect_header {
            let arrived = arrived(&response, name);
            if arrived.as_ref() != Some(value) {
                good = false;
            }
            output::say(&format!(
                "{name}: {}, expected {value}",
                arrived.as_deref().unwrap_or("(absent)")
            ));
        }
        if args
            .expect_header
            .iter()
            .any(|(name, _)| arrived(&response, name).is_none())
        {
            output::say(
                "(absent) may only mean that the answer does not tell: start burgee with --debug-response, or use `burgee echo` as the application; or ask burgee: curl 'http://127.0.0.1:3526/explain?user=ID'",
            );
        }
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}

/// What burgee says of an answer that the application did not give.
fn made_by_burgee(response: &Response<bytes::Bytes>) -> Option<&str> {
    let status = response.headers().get("proxy-status")?.to_str().ok()?;
    status.starts_with("burgee;").then_some(status)
}

fn arrived(response: &Response<bytes::Bytes>, name: &str) -> Option<String> {
    let on_response = response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    let received = || {
        let body: Value = serde_json::from_slice(response.body()).ok()?;
        Some(
            body["headers"][name.to_ascii_lowercase()]
                .as_str()?
                .to_owned(),
        )
    };
    on_response.map(str::to_owned).or_else(received)
}
