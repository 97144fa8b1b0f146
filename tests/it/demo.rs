//! The first minute of a newcomer: one command, one address, one file to edit.

use crate::support::{ask, eventually};
use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command},
};

struct Demo {
    child: Child,
    at: SocketAddr,
}

impl Demo {
    fn start(toggles: &Path) -> Demo {
        // the port is written on the page and in the terminal: the demo wants to be told one
        let at = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_burgee"))
            .args(["demo", "--listen", &at.to_string(), "--toggles"])
            .arg(toggles)
            .envs([
                ("BURGEE_ADMIN_LISTEN", "127.0.0.1:0"),
                ("BURGEE_API_LISTEN", "127.0.0.1:0"),
                ("BURGEE_LOG", "error"),
            ])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        eventually("the demo listens", || TcpStream::connect(at).ok());
        Demo { child, at }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_newcomer_sees_the_headers_switches_user_and_edits_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let toggles = directory.path().join("sample.yaml");
    let demo = Demo::start(&toggles);
    let page = |user: &str| {
        ask(
            demo.at,
            "GET",
            "/",
            &[
                "Accept: text/html,*/*;q=0.8",
                &format!("Cookie: user_id={user}"),
            ],
        )
        .body
    };
    let text = |user: &str| ask(demo.at, "GET", "/", &[&format!("Cookie: user_id={user}")]).body;
    assert!(
        text("quentin").contains("\nX-Feature-Briefcase: silver\n"),
        "{}",
        text("quentin")
    );
    assert!(
        page("quentin").contains("X-Feature-Briefcase"),
        "{}",
        page("quentin")
    );
    assert!(page("quentin").contains(toggles.canonicalize().unwrap().to_str().unwrap()));

    let link = ask(demo.at, "GET", "/as/mia", &[]);
    assert_eq!((link.status, link.header("location")), (303, Some("/")));
    assert!(
        link.header("set-cookie")
            .unwrap()
            .starts_with("user_id=mia;")
    );
    assert!(page("mia").contains("href=/as/quentin"));
    assert!(text("mia").contains("\nX-Feature-Briefcase: gold\n"));

    let sample = std::fs::read_to_string(&toggles).unwrap();
    std::fs::write(
        &toggles,
        sample.replace("gold: 99%, silver: 1%", "silver: 100%"),
    )
    .unwrap();
    eventually("mia has silver", || {
        text("mia")
            .contains("X-Feature-Briefcase: silver")
            .then_some(())
    });
}

#[test]
fn what_somebody_edited_is_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let toggles = directory.path().join("mine.yaml");
    let mine = "version: 1\nfeatures:\n  mine: on\n";
    std::fs::write(&toggles, mine).unwrap();
    let demo = Demo::start(&toggles);
    assert!(
        ask(demo.at, "GET", "/", &[])
            .body
            .contains("X-Feature-Mine: on")
    );
    assert_eq!(std::fs::read_to_string(&toggles).unwrap(), mine);
}
