//! `burgee stale` in a repository with a history: since when, whose, what would be lost, what to do next.

use crate::{raw::App, support::burgee};
use serde_json::Value;
use std::{fs, path::Path, process::Command};

/// A repository whose commits have the days that the test says.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Repository {
        let repository = Repository(tempfile::tempdir().unwrap());
        repository.git("2026-01-01", &["init", "-q", "-b", "main"]);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, day: &str, arguments: &[&str]) {
        let date = format!("{day}T12:00:00Z");
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args([
                "-c",
                "user.name=nobody",
                "-c",
                "user.email=nobody@example.com",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self, day: &str, file: &str, features: &str) {
        self.write(file, &format!("version: 1\nfeatures:\n{features}"));
        self.git(day, &["add", "."]);
        self.git(day, &["commit", "-q", "-m", "an edit"]);
    }

    fn stale(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[&["--json"], arguments].concat());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }

    /// On 30 November, of `toggles.yaml` unless a path is the first argument.
    fn text(&self, arguments: &[&str]) -> String {
        let toggles = self.path().join("toggles.yaml");
        let mut all = vec!["stale", toggles.to_str().unwrap(), "--at", "2026-11-30"];
        all.extend(arguments);
        let (code, text) = burgee(&all);
        assert_eq!(code, 0, "{text}");
        text
    }
}

const OLD: &str = "  new-ui: {owner: web, rollout: 50%}
  dark-mode: {owner: web, serve: off}
  legacy: on
  pay: {serve: on, permanent: true}
  banner: {serve: on}
  trial: {owner: growth, expires: 2026-10-01, rollout: 10%}
  split: {variants: [a, b], serve: {a: 50%, b: 50%}}
  old-name: {variants: [a, b], serve: {a: 30%, b: 70%}}
  dropped: on
";
const THEN: &str = "  new-ui: {owner: web, serve: on}
  dark-mode: {owner: web, serve: off}
  legacy: {status: paused, serve: on}
  pay: {serve: on, permanent: true}
  banner: {serve: on}
  trial: {owner: growth, expires: 2026-10-01, rollout: 20%}
  split: {variants: [a, b], serve: {a: 50%, b: 50%}}
  new-name: {variants: [a, b], salt: old-name, serve: {a: 30%, b: 70%}}
";
const NOW: &str = "  new-ui: {owner: web, description: since the summer, serve: on}
  dark-mode: {owner: web, serve: off}
  legacy: {status: paused, serve: on}
  pay: {serve: on, permanent: true}
  banner: {serve: off}
  trial: {owner: growth, expires: 2026-10-01, rollout: 30%}
  split: {variants: [a, b], serve: {a: 50%, b: 50%}}
  new-name: {variants: [a, b], salt: old-name, serve: {a: 30%, b: 70%}}
  fresh: 5%
";

/// Three edits: in January, in July, and in October.
fn seeded() -> Repository {
    let repository = Repository::new();
    repository.write("src/app.js", "req.get('X-Feature-New-Ui');\nreq.get('x-feature-dark-mode');\nreq.get('X-Feature-Legacy');\nreq.get('X-Feature-Pay');\nreq.get('X-Feature-Banner');\nreq.get('X-Feature-Trial');\nreq.get('X-Feature-Split');\nreq.get('X-Feature-New-Name');\nreq.get('X-Feature-Old-Name');\nreq.get('X-Feature-Dropped');\n");
    repository.commit("2026-01-10", "toggles.yaml", OLD);
    repository.commit("2026-07-01", "toggles.yaml", THEN);
    repository.commit("2026-10-20", "toggles.yaml", NOW);
    repository
}

fn code(repository: &Repository) -> String {
    repository.path().join("src").to_str().unwrap().to_owned()
}

#[test]
fn since_when_is_read_from_the_history() {
    let repository = seeded();
    let said = repository.stale(&["--code", &code(&repository)]);
    let check = |key: &str, stands: &str, since: &str, stale: &[&str]| {
        let one = &said["features"][key];
        let row = (
            one["stands"].as_str().unwrap(),
            one["since"].as_str().unwrap(),
            one["at_least"].as_bool().unwrap(),
        );
        assert_eq!(
            row,
            (stands, &*format!("{since}T12:00:00Z"), false),
            "{key}: {one}"
        );
        assert_eq!(one["stale"], serde_json::json!(stale), "{key}: {one}");
    };
    check("new-ui", "everybody", "2026-07-01", &["everybody"]);
    check("dark-mode", "everybody", "2026-01-10", &["nobody"]);
    check("legacy", "paused", "2026-07-01", &["parked"]);
    check("pay", "everybody", "2026-01-10", &[]);
    check("banner", "everybody", "2026-10-20", &[]);
    check("trial", "share", "2026-10-20", &["expired"]);
    check("split", "share", "2026-01-10", &["parked"]);
    check("new-name", "share", "2026-01-10", &["parked"]);
    check("fresh", "share", "2026-10-20", &["unnamed"]);
    assert_eq!(said["notes"], serde_json::json!([]));
}

#[test]
fn what_is_long_is_90_days_or_what_somebody_says() {
    let repository = seeded();
    for (since, banner, new_ui) in [
        ("2026-10-21", 1, 1),
        ("2026-10-20", 0, 1),
        ("2026-06-30", 0, 0),
    ] {
        let said = repository.stale(&["--since", since, "--code", &code(&repository)]);
        let count = |key: &str| said["features"][key]["stale"].as_array().unwrap().len();
        assert_eq!(
            (count("banner"), count("new-ui")),
            (banner, new_ui),
            "{since}"
        );
    }
    // the default, to the day: 1 July and 90 days are 29 September
    for (at, expected) in [
        ("2026-09-29T11:59:59Z", false),
        ("2026-09-29T12:00:00Z", true),
    ] {
        let toggles = repository.path().join("toggles.yaml");
        let (_, text) = burgee(&["stale", toggles.to_str().unwrap(), "--at", at]);
        assert_eq!(
            text.contains("new-ui (web): at 100%"),
            expected,
            "{at}: {text}"
        );
    }
}

#[test]
fn a_feature_keeps_its_past_under_a_new_name_and_code_with_the_old_one_is_told_of() {
    let repository = seeded();
    let said = repository.stale(&["--code", &code(&repository)]);
    assert_eq!(said["features"]["new-name"]["names"][0]["name"], "old-name");
    let old = &said["gone"]["old-name"];
    assert_eq!(
        (&old["now"], &old["named"][0]["line"]),
        (&"new-name".into(), &9.into()),
        "{old}"
    );
    let dropped = &said["gone"]["dropped"];
    assert_eq!(
        (
            &dropped["now"],
            &dropped["at"],
            &dropped["named"][0]["line"]
        ),
        (&Value::Null, &"2026-07-01T12:00:00Z".into(), &10.into())
    );
    assert!(
        dropped["lost"]
            .as_str()
            .unwrap()
            .contains("taken out on 2026-07-01")
    );
}

#[test]
fn each_row_says_whose_it_is_what_would_be_lost_and_what_to_do() {
    let repository = seeded();
    let text = repository.text(&["--code", &code(&repository)]);
    for expected in [
        "new-ui (web): at 100%: everybody gets `on` since 2026-07-01\n  lost: what everybody has, unless code does for everybody what it does for `on`\n  next: ask web: keep the code of `on` in the place below, release it, then remove `new-ui` from ",
        "dark-mode (web): at 0%: everybody gets the default, `off`, since 2026-01-10\n",
        "legacy: paused since 2026-07-01\n  lost: nothing that anybody has, but the code behind it can no longer be turned on\n",
        "trial (growth): expired 2026-10-01\n  lost: what some people have: trial: 30% get on, the rest off.\n  next: ask growth: end it, or move `expires`\n",
        "fresh: named nowhere\n  lost: nothing that code reads: X-Feature-Fresh is sent, and nobody names it\n  next: wait for its code, or remove `fresh`",
        "src/app.js:1: X-Feature-New-Ui\n",
        "7 of 9 features may go, or need a word. Long is since 2026-09-01. Files of code searched: 1.",
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
    }
    assert!(!text.contains("pay"), "{text}");
    let markdown = repository.text(&["--markdown", "--code", &code(&repository)]);
    for expected in [
        "| `new-ui` | `web` | at 100%: everybody gets `on` since 2026-07-01 | ",
        "src/app.js:1`\n",
    ] {
        assert!(markdown.contains(expected), "{expected}\n---\n{markdown}");
    }
}

#[test]
fn what_is_meant_to_stay_is_told_of_only_where_no_code_names_it() {
    let repository = Repository::new();
    repository.commit(
        "2026-01-01",
        "toggles.yaml",
        "  pay: {serve: on, permanent: true}\n",
    );
    let without_code = repository.stale(&[]);
    assert_eq!(
        without_code["features"]["pay"]["stale"],
        serde_json::json!([])
    );
    repository.write("src/app.js", "nothing\n");
    let text = repository.text(&["--code", &code(&repository)]);
    assert!(text.contains("pay: permanent, and named nowhere"), "{text}");
}

#[test]
fn without_a_history_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("toggles.yaml");
    let text = "version: 1\nfeatures:\n  a: on\n  b: {rollout: {2026-02-01: 100%}}\n  c: 20%\n";
    fs::write(&path, text).unwrap();
    let (_, text) = burgee(&["stale", path.to_str().unwrap(), "--at", "2026-11-30"]);
    for expected in [
        "a: at 100%: everybody gets `on`, nobody knows since when",
        "b: at 100%: everybody gets `on` since 2026-02-01",
        "is not known, or not all of it: not a git repository",
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
    }
    assert!(
        !text.contains("\nc: "),
        "a share that may have begun today: {text}"
    );
}

#[test]
fn a_shallow_clone_says_at_least_since_when() {
    let repository = seeded();
    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{}", repository.path().display());
    let into = clone.path().join("clone");
    let output = Command::new("git")
        .args(["clone", "-q", "--depth=1", &from])
        .arg(&into)
        .output()
        .unwrap();
    assert!(output.status.success());
    let toggles = into.join("toggles.yaml");
    let (_, text) = burgee(&[
        "stale",
        toggles.to_str().unwrap(),
        "--at",
        "2026-11-30",
        "--since",
        "2026-10-30",
    ]);
    for expected in [
        "new-ui (web): at 100%: everybody gets `on` at least since 2026-10-20",
        "git has only the latest commits here",
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
    }
}

#[test]
fn a_file_that_was_moved_a_broken_one_and_an_edit_that_is_not_committed() {
    let repository = Repository::new();
    repository.commit("2026-01-01", "old.yaml", "  a: {description: long enough to be known again, serve: on}\n  b: {serve: off, description: long enough}\n");
    repository.git("2026-02-01", &["mv", "old.yaml", "toggles.yaml"]);
    repository.git("2026-02-01", &["commit", "-q", "-m", "moved"]);
    // pods refused it: the last good one stayed in force
    repository.commit("2026-03-01", "toggles.yaml", "  a: 50\n");
    repository.commit("2026-04-01", "toggles.yaml", "  a: {description: long enough to be known again, serve: on}\n  b: {serve: off, description: long enough}\n");
    repository.write("toggles.yaml", "version: 1\nfeatures:\n  a: {description: long enough to be known again, serve: on}\n  b: {serve: on, description: long enough}\n");
    let said = repository.stale(&[]);
    let since = |key: &str| said["features"][key]["since"].as_str().unwrap().to_owned();
    assert_eq!(
        (&*since("a"), &*since("b")),
        ("2026-01-01T12:00:00Z", "2026-11-30T00:00:00Z"),
        "{said}"
    );
}

#[test]
fn a_directory_of_files_with_stops_and_features_that_ask_for_each_other() {
    let repository = Repository::new();
    for (name, features) in [
        (
            "shop",
            "{cart: on, pay: {when: {feature.cart: on}, serve: on}}",
        ),
        ("blog", "{post: 50%}"),
    ] {
        repository.write(
            &format!("toggles/{name}.yaml"),
            &format!("version: 1\nnamespace: {name}\nfeatures: {features}\n"),
        );
    }
    repository.git("2026-01-01", &["add", "."]);
    repository.git("2026-01-01", &["commit", "-q", "-m", "both"]);
    repository.write(
        "toggles/stops.yaml",
        "version: 1\nstops: {blog.post: {since: 2026-02-01T00:00:00Z, by: mia}}\n",
    );
    repository.write("src/app.js", "req.get('X-Feature-Cart')\n");
    let toggles = repository.path().join("toggles");
    let (_, text) = burgee(&[
        "stale",
        toggles.to_str().unwrap(),
        "--code",
        &code(&repository),
        "--at",
        "2026-11-30",
    ]);
    for expected in [
        "shop.cart: at 100%: everybody gets `on` since 2026-01-01",
        "next: take it out of the conditions of pay, then keep the code of `on`",
        "blog.post: stopped since 2026-02-01T00:00:00Z by mia; named nowhere",
    ] {
        assert!(text.contains(expected), "{expected}\n---\n{text}");
    }
}

/// Answers like Prometheus.
fn prometheus() -> App {
    App::script(|client, tell| {
        while client.has_more() {
            let question = client.message();
            let row = |variant: &str, value: &str| {
                format!(
                    r#"{{"metric":{{"feature":"new-ui","variant":"{variant}"}},"value":[1,"{value}"]}}"#
                )
            };
            let rows = match question.start().contains("evaluations") {
                true => [row("on", "1234.4"), row("off", "0")].join(","),
                false => row("on", "12"),
            };
            let body = format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{rows}]}}}}"#
            );
            let length = body.len();
            let _ = tell.send(question);
            client.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    })
}

#[test]
fn prometheus_says_who_got_what_since_that_day() {
    let repository = seeded();
    let prometheus = prometheus();
    let url = prometheus.upstream().to_string();
    let said = repository.stale(&["--prometheus", &url, "--since", "2026-11-20"]);
    let feature = &said["features"]["new-ui"];
    assert_eq!(
        feature["seen"],
        serde_json::json!({"decisions": {"on": 1234, "off": 0}, "exposures": 12})
    );
    let lost = feature["lost"].as_str().unwrap();
    assert!(
        lost.ends_with("; Prometheus counted `on` 1234 times, and 12 uses by the application"),
        "{lost}"
    );
    assert_eq!(said["features"]["trial"]["seen"], Value::Null);
    // ten days, as of the day that was asked about
    let question = prometheus.request();
    let question = question.start();
    assert!(
        question.contains("864000s") && question.contains("&time=1795996800 "),
        "{question}"
    );
}

#[test]
fn a_prometheus_that_cannot_be_asked_is_an_error() {
    let repository = seeded();
    let toggles = repository.path().join("toggles.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args([
            "stale",
            toggles.to_str().unwrap(),
            "--prometheus",
            "http://127.0.0.1:1",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Prometheus cannot be asked"), "{said}");
}
