//! `burgee demo`: the sidecar, a sample application and sample toggles in one process.
//! In: nothing. Out: an address to open, a file to edit, and a page that shows what the application received.

use super::{demo_page::DemoPage, echo, output, run, variables::Variables};
use crate::{
    flags::{run::RunArgs, values},
    http::server,
    signals,
    telemetry::UserNaming,
};
use clap::Args;
use std::{
    fs,
    io::{self, Write as _},
    net::SocketAddr,
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
    /// Address of the sample application's page, behind the sidecar
    #[arg(long, env = "BURGEE_DEMO_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3524")]
    listen: SocketAddr,
    /// Address for `/health`, `/ready` and `/metrics`
    #[arg(long, env = "BURGEE_ADMIN_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "[::]:3525")]
    admin_listen: SocketAddr,
    /// Loopback address of burgee's own page
    #[arg(long, env = "BURGEE_API_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "127.0.0.1:3526")]
    api_listen: SocketAddr,
    /// Address of the sample application itself; port 0 takes one that is free
    #[arg(long, env = "BURGEE_ECHO_LISTEN", value_name = "ADDR", value_parser = values::address, default_value = "127.0.0.1:0")]
    echo_listen: SocketAddr,
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

/// Starts the application, then the sidecar in front of it. What can be tried is said once all of them listen.
pub fn main(args: &DemoArgs, signals: signals::Receiver, variables: &Variables) -> ExitCode {
    let toggles = match sample(&args.toggles) {
        Ok(toggles) => toggles,
        Err(error) => {
            return output::fail(&format!(
                "{}: {error}; choose another file with `--toggles PATH`",
                args.toggles.display()
            ));
        }
    };
    let page = Arc::new(DemoPage::new(toggles.clone(), USERS));
    let application = match application(args.echo_listen, page.clone()) {
        Ok(at) => at,
        Err(error) => {
            return output::fail(&format!("--echo-listen {}: {error}", args.echo_listen));
        }
    };
    let mut sidecar = RunArgs::with([
        ("--toggles", toggles.as_os_str()),
        ("--listen", args.listen.to_string().as_ref()),
        ("--admin-listen", args.admin_listen.to_string().as_ref()),
        ("--api-listen", args.api_listen.to_string().as_ref()),
        ("--upstream", format!("http://{application}").as_ref()),
    ]);
    sidecar.log.exposure_file = Some(DemoPage::exposures(&toggles));
    if sidecar.log.log_user == UserNaming::None {
        sidecar.log.log_user = UserNaming::Hash;
    }
    run::serve(&sidecar, signals, variables, |at| {
        let (Some(listen), Some(api)) = (at.listen, at.api) else {
            return;
        };
        page.shop.open(listen);
        let (listen, api) = (browsed(listen), browsed(api));
        output::say(&invitation(&listen, &api, &toggles));
        page.tell(api);
    })
}

/// What to open, and what to try.
fn invitation(listen: &str, api: &str, toggles: &Path) -> String {
    format!(
        "\n  A sidecar, a sample application and sample toggles, in one process.\
         \n\
         \n  the application   http://{listen}/   shows which headers it receives\
         \n  burgee            http://{api}/   shows what is in force, and who gets what\
         \n\
         \n  1  Open the application and be quentin: X-Feature-Briefcase is silver. For 99 of 100 others it is gold.\
         \n     The same without a browser: curl -H 'Cookie: user_id=quentin' {listen}/\
         \n  2  Edit {toggles} and save: the page shows the change within two seconds.\
         \n  3  Write a mistake into it: nothing changes, and the page says what is wrong and where.\
         \n  4  Give gold and silver 50% each, let a thousand people come by the link on the page, and ask what came of it:\
         \n     burgee report {exposures}\
         \n\
         \n  Ctrl-C ends it.\n",
        toggles = toggles.display(),
        exposures = DemoPage::exposures(toggles).display()
    )
}

/// As a browser on this machine writes it.
fn browsed(at: SocketAddr) -> String {
    match at.ip().to_canonical() {
        ip if ip.is_unspecified() || ip.is_loopback() => format!("localhost:{}", at.port()),
        _ => at.to_string(),
    }
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
fn application(at: SocketAddr, page: Arc<DemoPage>) -> io::Result<SocketAddr> {
    let listener = server::listen(at)?;
    let at = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("application".into())
        .spawn(move || {
            let (_never, stop) = watch::channel(false);
            let respond = move |request| {
                let page = page.clone();
                async { echo::respond(request, Some(page)) }
            };
            runtime.block_on(server::serve(listener, respond, stop))
        })?;
    Ok(at)
}
