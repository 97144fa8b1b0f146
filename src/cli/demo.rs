//! `burgee demo`: the sidecar, a sample application and sample toggles in one process.
//! In: nothing. Out: an address to open, a file to edit, and a page that shows what the application received.

use super::{echo, output, run, variables::Variables};
use crate::{
    flags::{run::RunArgs, values},
    http::server,
    signals,
};
use clap::Args;
use std::{
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
};
use tokio::sync::watch;

/// Run the sidecar, a sample application and sample toggles in one process
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: burgee demo --toggles /tmp/demo.yaml")]
pub struct DemoArgs {
    /// File for the sample toggles; created if it is missing, never overwritten
    #[arg(
        long,
        env = "BURGEE_TOGGLES",
        value_name = "PATH",
        default_value = "burgee-demo.yaml"
    )]
    toggles: PathBuf,
    /// Address of the page
    #[arg(long, env = "BURGEE_DEMO_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3524")]
    listen: SocketAddr,
}

const SAMPLE: &str = include_str!("../../config/demo.yaml");

/// The users to choose from on the page; the first four are the sample's beta testers.
const USERS: &[&str] = &[
    "quentin",
    "vincent_vega",
    "butch",
    "the_wolf",
    "mia",
    "jules",
    "marsellus",
];

/// Starts the application, then the sidecar in front of it.
pub fn main(args: &DemoArgs, signals: signals::Receiver, variables: &Variables) -> ExitCode {
    let started = sample(&args.toggles).and_then(|toggles| Ok((application(&toggles)?, toggles)));
    let (application, toggles) = match started {
        Ok(started) => started,
        Err(error) => {
            return output::fail(&format!(
                "{}: {error}; choose another file with `--toggles PATH`",
                args.toggles.display()
            ));
        }
    };
    let port = args.listen.port();
    output::say(&format!(
        "\n  open   http://localhost:{port}/\
         \n  or     curl -H 'Cookie: user_id=quentin' localhost:{port}/\
         \n  edit   {}  and see the change within two seconds\
         \n  stop   Ctrl-C\n",
        toggles.display()
    ));
    let sidecar = RunArgs::with([
        ("--toggles", toggles.as_os_str()),
        ("--listen", args.listen.to_string().as_ref()),
        ("--upstream", format!("http://{application}").as_ref()),
    ]);
    run::main(&sidecar, signals, variables)
}

/// Creates the sample, unless the file exists. Out: its absolute path.
fn sample(path: &Path) -> io::Result<PathBuf> {
    match fs::File::create_new(path) {
        Ok(mut file) => file.write_all(SAMPLE.as_bytes())?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    path.canonicalize()
}

/// Starts the application on a thread of its own, so that it shares only the process with the sidecar.
fn application(toggles: &Path) -> io::Result<SocketAddr> {
    let listener = server::listen((Ipv4Addr::LOCALHOST, 0).into())?;
    let at = listener.local_addr()?;
    let demo = Arc::new(echo::DemoPage {
        toggles: toggles.to_owned(),
        users: USERS,
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("application".into())
        .spawn(move || {
            let (_never, stop) = watch::channel(false);
            let respond = move |request| {
                let demo = demo.clone();
                async { echo::respond(request, Some(demo)) }
            };
            runtime.block_on(server::serve(listener, respond, stop))
        })?;
    Ok(at)
}
