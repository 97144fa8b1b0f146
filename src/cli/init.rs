//! `burgee init`: a commented first toggles file. In: the application's name, and where its requests say who is asking.
//! Out: a file that `burgee check` finds good. What is there already is never overwritten.

use super::output;
use crate::{
    config::{self, Text, set_elsewhere},
    server::clock::wall_clock,
};
use clap::Args;
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Write a first toggles file, with comments
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee init shop --header X-Customer --cookie session_user")]
pub struct InitArgs {
    /// Name of the application: letters, digits, `-` and `_`
    #[arg(value_name = "NAME")]
    name: String,
    /// Request header with the user's id; with `--cookie`, it is asked first [default: X-User-Id, then the cookie user_id]
    #[arg(long, env = "BURGEE_HEADER", value_name = "HEADER")]
    header: Option<String>,
    /// Cookie with the user's id
    #[arg(long, env = "BURGEE_COOKIE", value_name = "COOKIE")]
    cookie: Option<String>,
    /// File to write; `-` is standard output
    #[arg(
        long,
        env = "BURGEE_OUTPUT",
        value_name = "PATH",
        default_value = "toggles.yaml"
    )]
    output: PathBuf,
}

/// A toggles file as any other, of an application called shop.
const FIRST: &str = include_str!("../../config/first.yaml");

/// Writes it, unless it would be no good file.
pub fn main(args: &InitArgs) -> ExitCode {
    let text = text(args);
    if let Some(problem) = problem(&text) {
        return output::refuse(&problem);
    }
    if args.output == Path::new("-") {
        return output::print(text.as_bytes());
    }
    let path = args.output.display();
    match write(&args.output, &text) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => output::fail(&format!(
            "{path}: it exists, and is left as it is; choose another file with `--output PATH`"
        )),
        Err(error) => output::fail(&format!("{path}: {error}")),
        Ok(()) => {
            output::say(&format!(
                "{path} has three features of {name} to begin with. Next:\
                 \n  burgee explain {path} --user mia\
                 \n  burgee run --toggles {path} --upstream http://127.0.0.1:8080",
                name = args.name
            ));
            ExitCode::SUCCESS
        }
    }
}

fn text(args: &InitArgs) -> String {
    let header = args.header.as_ref().map(|name| format!("header.{name}"));
    let cookie = args.cookie.as_ref().map(|name| format!("cookie.{name}"));
    let sources: Vec<_> = header.into_iter().chain(cookie).collect();
    let named = FIRST
        .replace("namespace: shop", &format!("namespace: {}", args.name))
        .replace("features of shop", &format!("features of {}", args.name))
        .replace("toggles.yaml ", &format!("{} ", args.output.display()));
    match sources.is_empty() {
        true => named,
        false => named.replace(
            "[header.x-user-id, cookie.user_id]",
            &format!("[{}]", sources.join(", ")),
        ),
    }
}

/// What the words of the command line would break.
fn problem(text: &str) -> Option<String> {
    let texts = [Text {
        name: "toggles".into(),
        bytes: text.into(),
    }];
    let problems = config::compile_texts(&texts, &set_elsewhere, wall_clock()).err()?;
    let first = problems.0.first()?;
    Some(format!("{}; {}", first.message, first.hint))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::File::create_new(path)?.write_all(text.as_bytes())
}
