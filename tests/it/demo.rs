//! The first minute of a newcomer: one command, one address, one file to edit.

use crate::support::{ask, eventually, fed};
use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
};

struct Demo {
    child: Child,
    at: SocketAddr,
    /// what the terminal shows, until it says how to end it
    said: String,
}

/// All four ports are flags.
fn command(toggles: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command
        .args(["demo", "--listen", listen, "--admin-listen", "127.0.0.1:0"])
        .args([
            "--api-listen",
            "127.0.0.1:0",
            "--echo-listen",
            "127.0.0.1:0",
        ])
        .arg("--toggles")
        .arg(toggles)
        .env("BURGEE_LOG", "error")
        .stdout(Stdio::piped());
    command
}

impl Demo {
    fn start(toggles: &Path) -> Demo {
        let mut child = command(toggles, "127.0.0.1:0").spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        for line in lines.map_while(Result::ok) {
            said.push_str(&line);
            said.push('\n');
            if line.contains("Ctrl-C") {
                break;
            }
        }
        let (_, after) = said.split_once("http://localhost:").expect("it listens");
        let port = after.split('/').next().unwrap().parse().unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        Demo { child, at, said }
    }

    fn page(&self, user: &str) -> String {
        let cookie = format!("Cookie: user_id={user}");
        ask(
            self.at,
            "GET",
            "/",
            &["Accept: text/html,*/*;q=0.8", &cookie],
        )
        .body
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
    let page = |user: &str| demo.page(user);
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

#[test]
fn the_terminal_says_what_to_open_and_what_to_try() {
    let directory = tempfile::tempdir().unwrap();
    let demo = Demo::start(&directory.path().join("sample.yaml"));
    let said = &demo.said;
    for port in said.split("http://localhost:").skip(1) {
        let port: u16 = port.split('/').next().unwrap().parse().unwrap();
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(
            ask(at, "GET", "/", &["Accept: text/html"]).status,
            200,
            "{said}"
        );
    }
    assert_eq!(said.matches("http://localhost:").count(), 2, "{said}");
    assert!(
        ["  1  ", "  2  ", "  3  "]
            .iter()
            .all(|step| said.contains(step)),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "curl -H 'Cookie: user_id=quentin' localhost:{}/",
            demo.at.port()
        )),
        "{said}"
    );
    // the page leads to the other one
    let other = said
        .split("http://")
        .nth(2)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    assert!(
        demo.page("mia")
            .contains(&format!("href=\"http://{other}/\"")),
        "{}",
        demo.page("mia")
    );
}

#[test]
fn the_current_user_is_marked_and_a_refused_edit_is_shown_with_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let toggles = directory.path().join("sample.yaml");
    let demo = Demo::start(&toggles);
    for (user, marked) in [
        ("mia", "/as/mia aria-current=true>mia<"),
        ("", "/as/ aria-current=true>nobody<"),
    ] {
        let page = demo.page(user);
        assert!(page.contains(marked), "{user}: {page}");
        assert_eq!(
            page.matches("aria-current=true").count(),
            1,
            "{user}: {page}"
        );
    }
    let sample = std::fs::read_to_string(&toggles).unwrap();
    std::fs::write(&toggles, sample.replace("99%", "<b>99")).unwrap();
    let page = demo.page("mia");
    let problems = page.split("id=problems").nth(1).unwrap();
    assert!(problems.contains("sample.yaml:15:19: "), "{problems}");
    assert!(
        problems.contains("&lt;b&gt;99") && !problems.contains("<b>"),
        "{problems}"
    );
    assert!(page.contains("<td>gold"), "what was good stays: {page}");
    std::fs::write(&toggles, &sample).unwrap();
    assert!(demo.page("mia").contains("<div id=problems></div>"));
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_promised() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let output = command(&directory.path().join("sample.yaml"), &at)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&format!("--listen {at}")) && said.contains("another port"),
        "{said}"
    );
}

/// Of 100 with silver 30, of 100 others 15, as the demo has it.
fn buys(log: &str, visitor: usize) -> bool {
    use sha2::{Digest as _, Sha256};
    let visitor = format!("visitor-{visitor}");
    let hash: String = Sha256::digest(&visitor)[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut lines = log.lines().filter(|line| line.contains("briefcase"));
    let line = lines.find(|line| line.contains(&hash)).unwrap();
    let silver = line.contains("variant\":\"silver");
    xxhash_rust::xxh3::xxh3_64(visitor.as_bytes()) % 100 < if silver { 30 } else { 15 }
}

/// By clicks: a sentence that is true with a person, and one that says something with two thousand. The guide shows it; `UPDATE=1`
/// writes it there.
#[test]
fn a_stranger_learns_what_came_of_a_feature() {
    let directory = tempfile::tempdir().unwrap();
    let [toggles, log] = ["sample.yaml", "sample.log"].map(|name| directory.path().join(name));
    let sample = include_str!("../../config/demo.yaml");
    let halves = sample.replace("gold: 99%, silver: 1%", "gold: 50%, silver: 50%");
    std::fs::write(&toggles, halves).unwrap();
    let demo = Demo::start(&toggles);
    let log = log.canonicalize().unwrap();
    let log = log.to_str().unwrap();
    let command = format!("burgee report {log}");
    assert!(demo.said.contains(&command), "{}", demo.said);
    let page = demo.page("mia");
    assert!(
        page.contains(&command) && page.contains("href=/buy") && page.contains("href=/crowd"),
        "{page}"
    );
    let written = |word: &str| std::fs::read_to_string(log).unwrap().matches(word).count();
    eventually("mia met it", || (written("briefcase") > 0).then_some(()));
    let said = fed(&["report", log], "");
    assert!(
        said.out.contains("1 person met it first") && said.out.contains("no goal was reached"),
        "{said:?}"
    );

    let buy = ask(demo.at, "GET", "/buy", &["Cookie: user_id=mia"]);
    assert_eq!(
        (
            buy.status,
            buy.header("location"),
            buy.header("x-feature-goal")
        ),
        (303, Some("/"), None)
    );
    for crowd in 1..=2 {
        assert_eq!(ask(demo.at, "GET", "/crowd", &[]).status, 303);
        eventually("they have all come", || {
            (written("feature_flag.key\":\"briefcase") > crowd * 1000).then_some(())
        });
    }
    eventually("and bought", || {
        // read anew: the last line may have been half written
        let text = std::fs::read_to_string(log).unwrap();
        let buyers = 1 + (0..2000).filter(|visitor| buys(&text, *visitor)).count();
        (written("\"goal\"") == buyers).then_some(())
    });
    let said = fed(&["report", log, "--feature", "briefcase"], "").out;
    let (first, rest) = said.split_once('\n').unwrap();
    let (who, _) = first.split_once(" between ").unwrap();
    let (rest, _) = rest.rsplit_once("\n\n").unwrap();
    let shown = format!("```\n{who} between … and …\n{rest}\n```\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/report.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let (head, tail) = guide.split_once("<!-- the demo's -->\n").unwrap();
    let (old, tail) = tail.split_once("<!-- end of the demo's -->").unwrap();
    if std::env::var_os("UPDATE").is_some() {
        let guide = format!("{head}<!-- the demo's -->\n{shown}<!-- end of the demo's -->{tail}");
        std::fs::write(path, guide).unwrap();
    } else {
        assert_eq!(old, shown, "UPDATE=1 writes it");
    }
}
