//! `burgee echo`: an application that returns the headers it received, for the demo, the chart and the benchmarks.
//! In: any request. Out: JSON, text or a small page, as `Accept` says.

use super::{
    demo_page::DemoPage,
    demo_shop,
    output::{self, escaped},
};
use crate::{
    flags::values,
    http::server::{self, Response},
    signals::{self, Signal},
};
use clap::Args;
use http::{HeaderMap, Request, StatusCode, header, request::Parts};
use serde_json::{Map, Value, json};
use std::{net::SocketAddr, process::ExitCode, sync::Arc};
use tokio::sync::watch;

/// Run an application that returns the headers it received
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee echo --listen 127.0.0.1:8080")]
pub struct EchoArgs {
    /// Address to listen on
    #[arg(long, env = "BURGEE_ECHO_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:8080")]
    pub listen: SocketAddr,
}

/// Serves until a signal stops it.
pub fn main(args: EchoArgs, mut signals: signals::Receiver) -> ExitCode {
    output::block_on(async {
        let listener = server::listen(args.listen)?;
        output::say(&format!("echo listens on {}", listener.local_addr()?));
        let (stop, stopped) = watch::channel(false);
        let served = server::serve(
            listener,
            |request| async { respond(request, None) },
            stopped,
        );
        tokio::spawn(async move {
            while let Some(signal) = signals.recv().await {
                if signal == Signal::Stop {
                    break;
                }
            }
            stop.send_replace(true);
        });
        served.await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The response to one request.
pub fn respond<B>(request: Request<B>, demo: Option<Arc<DemoPage>>) -> Response {
    let (parts, _) = request.into_parts();
    if let Some(name) = parts.uri.path().strip_prefix("/as/") {
        return become_user(name);
    }
    let shop = demo.as_ref().map(|demo| &demo.shop);
    if let Some(response) = shop.and_then(|shop| shop.respond(parts.uri.path())) {
        return response;
    }
    let mut response = shown(&parts, demo.as_deref());
    if demo.is_some() {
        demo_shop::report_use(&parts.headers, &mut response);
    }
    response
}

/// What was received.
fn shown(parts: &Parts, demo: Option<&DemoPage>) -> Response {
    let accepts = |kind: &str| {
        let mut lines = parts.headers.get_all(header::ACCEPT).iter();
        lines.any(|line| line.to_str().is_ok_and(|line| line.contains(kind)))
    };
    if accepts("text/html") {
        let page = page(parts, demo);
        server::typed(StatusCode::OK, "text/html; charset=utf-8", page)
    } else if accepts("application/json") {
        server::json(StatusCode::OK, &as_json(parts))
    } else {
        server::text(StatusCode::OK, as_text(parts))
    }
}

fn as_text(parts: &Parts) -> String {
    let mut text = format!("{} {}\n", parts.method, parts.uri);
    for (name, value) in lines(&parts.headers) {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text
}

/// A name that came more than once gets a list.
fn as_json(parts: &Parts) -> Value {
    let mut headers = Map::new();
    for name in parts.headers.keys() {
        let mut values: Vec<Value> = parts
            .headers
            .get_all(name)
            .iter()
            .map(|value| text(value.as_bytes()).into())
            .collect();
        let value = if values.len() == 1 {
            values.remove(0)
        } else {
            values.into()
        };
        headers.insert(name.as_str().into(), value);
    }
    json!({"method": parts.method.as_str(), "path": parts.uri.to_string(), "headers": headers})
}

fn lines(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| (canonical(name.as_str()), text(value.as_bytes())))
        .collect();
    // feature headers first: they are what people look for
    lines.sort_by_key(|(name, _)| (!name.starts_with("X-Feature"), name.clone()));
    lines.into_iter()
}

/// `x-feature-dark-mode` as `X-Feature-Dark-Mode`, which is how people write it.
fn canonical(name: &str) -> String {
    let mut start = true;
    let letter = |c: char| {
        let cased = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        cased
    };
    name.chars().map(letter).collect()
}

/// A value is bytes; bytes that are not UTF-8 are escaped as in Rust.
fn text(value: &[u8]) -> String {
    value
        .utf8_chunks()
        .map(|chunk| format!("{}{}", chunk.valid(), chunk.invalid().escape_ascii()))
        .collect()
}

/// Sets the cookie that holds the user, and goes back to the page.
fn become_user(name: &str) -> Response {
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let cookie = match is_name {
        true => format!("user_id={name}; Path=/; SameSite=Lax"),
        false => "user_id=; Path=/; Max-Age=0".into(),
    };
    let mut response = demo_shop::back();
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn page(parts: &Parts, demo: Option<&DemoPage>) -> String {
    let rows = lines(&parts.headers).map(|(name, value)| {
        let class = if name.starts_with("X-Feature") {
            " class=ours"
        } else {
            ""
        };
        format!(
            "<tr{class}><th scope=row>{}<td>{}\n",
            escaped(&name),
            escaped(&value)
        )
    });
    let about = demo.map(|demo| demo.about(&parts.headers));
    include_str!("echo.html")
        .replace("{{about}}", &about.unwrap_or_default())
        .replace("{{rows}}", &rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_shown_as_people_write_it() {
        for (name, expected) in [
            ("x-feature-briefcase", "X-Feature-Briefcase"),
            (
                "x-feature-special-g1-feature",
                "X-Feature-Special-G1-Feature",
            ),
            ("host", "Host"),
            ("x_odd", "X_odd"),
        ] {
            assert_eq!(canonical(name), expected);
        }
    }

    #[test]
    fn a_header_cannot_write_markup_into_the_page() {
        let request = Request::get("/").header("x-evil", "<script>alert(\"1\")</script>");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert!(!page(&parts, None).contains("<script>alert"));
    }
}
