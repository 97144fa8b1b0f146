//! `burgee probe`: asks through the sidecar, and checks the headers that arrived behind it.
//! In: an address and what is expected. Out: each expectation that was not met, and 1 if there is one.

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

/// Asks an echo through the sidecar, and checks the headers that arrived there
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A header counts if the answer carries it (`--debug-response`), or if the application is `burgee echo` and received it.\n\n\
                  Example: burgee probe http://127.0.0.1:3524/ --header 'X-User-Id: mia' --expect-header X-Feature-Dark-Mode=on"
)]
pub struct ProbeArgs {
    /// What to ask
    #[arg(value_name = "URL")]
    url: Url,
    /// A header that must have arrived, and its value
    #[arg(long, env = "BURGEE_EXPECT_HEADER", value_name = "K=V", value_parser = expected)]
    expect_header: Vec<(String, String)>,
    /// A header to send
    #[arg(long, env = "BURGEE_HEADER", value_name = "K: V", value_parser = field)]
    header: Vec<(String, String)>,
    /// How long to wait for the answer
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

/// Asks, and compares.
pub fn main(args: ProbeArgs) -> ExitCode {
    output::block_on(async move {
        let mut request = Request::builder()
            .uri(&args.url.path)
            .header(header::ACCEPT, "application/json");
        for (name, value) in &args.header {
            request = request.header(name, value);
        }
        let answer = client::send(&args.url.endpoint, request, args.timeout).await;
        let answer = answer.map_err(|error| io::Error::other(format!("no answer: {error}")))?;
        output::say(&format!("status {}", answer.status().as_u16()));
        let mut good = answer.status() == StatusCode::OK;
        for (name, value) in &args.expect_header {
            let arrived = arrived(&answer, name);
            if arrived.as_ref() != Some(value) {
                good = false;
            }
            output::say(&format!(
                "{name}: {}, expected {value}",
                arrived.as_deref().unwrap_or("(absent)")
            ));
        }
        Ok(if good {
            ExitCode::SUCCESS
        } else {
            exit::PROBLEMS.into()
        })
    })
}

fn arrived(answer: &Response<bytes::Bytes>, name: &str) -> Option<String> {
    let on_answer = answer
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    let received = || {
        let body: Value = serde_json::from_slice(answer.body()).ok()?;
        Some(
            body["headers"][name.to_ascii_lowercase()]
                .as_str()?
                .to_owned(),
        )
    };
    on_answer.map(str::to_owned).or_else(received)
}
