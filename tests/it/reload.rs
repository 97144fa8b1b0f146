//! A bad file never replaces a good one, and an edit is in force when it is said to be.

use crate::support::{Burgee, Toggles, ask, burgee, eventually, fed, get, swap};
use ::burgee::{
    config::{
        files::Files,
        reload::{Latest, Reload, Request, Witness, run},
    },
    engine::{Snapshot, stops::Stops, units::Second},
    live::{self, InForce},
};
use serde_json::Value;
use std::{
    fs,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::sync::oneshot;

const ON: &str = "version: 1\nfeatures:\n  dark-mode: on\n";
const OFF: &str = "version: 1\nfeatures:\n  dark-mode: off\n";
/// Two things are wrong, on lines 3 and 4.
const BAD: &str = "version: 1\nfeatures:\n  dark-mode: 110%\n  other: sometimes\n";

fn doors(text: &str, flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(text);
    let burgee = Burgee::start(&toggles.path(), "none", flags);
    (burgee, toggles)
}

fn revision(burgee: &Burgee) -> String {
    get(burgee.api, "/features").json()["revision"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn an_edit_is_taken_on_a_hup() {
    let (mut burgee, toggles) = doors(ON, &[]);
    let before = revision(&burgee);
    toggles.write(OFF);
    burgee.signal("HUP");
    let line = burgee.said("in force");
    assert_eq!(line["trigger"], "signal");
    assert_ne!(revision(&burgee), before);
    assert_eq!(
        burgee.metric("burgee_config_reloads_total{trigger=\"signal\",result=\"success\"}"),
        Some(1.0)
    );
    let info = format!("burgee_config_info{{revision=\"{}\"}}", revision(&burgee));
    assert_eq!(burgee.metric(&info), Some(1.0));
    assert!(
        get(burgee.admin, "/ready")
            .body
            .contains(&revision(&burgee))
    );
}

#[test]
fn an_edit_is_taken_by_polling() {
    let (mut burgee, toggles) = doors(ON, &["--poll", "50ms"]);
    toggles.write(OFF);
    assert_eq!(burgee.said("in force")["trigger"], "poll");
}

#[test]
fn an_edit_in_place_of_equal_length_is_taken_by_polling() {
    let (mut burgee, toggles) = doors("version: 1\nfeatures:\n  one: on\n", &["--poll", "50ms"]);
    std::fs::write(toggles.path(), "version: 1\nfeatures:\n  two: on\n").unwrap();
    burgee.said("in force");
    assert!(get(burgee.api, "/features").json()["features"]["two"].is_object());
}

#[test]
fn a_copy_that_keeps_length_and_time_is_seen_by_polling() {
    let (mut burgee, toggles) = doors("version: 1\nfeatures:\n  one: on\n", &["--poll", "50ms"]);
    let copy = toggles.path().with_file_name("copy");
    std::fs::write(&copy, "version: 1\nfeatures:\n  two: on\n").unwrap();
    let written = std::fs::metadata(toggles.path())
        .unwrap()
        .modified()
        .unwrap();
    std::fs::File::open(&copy)
        .unwrap()
        .set_modified(written)
        .unwrap();
    std::fs::rename(copy, toggles.path()).unwrap();
    burgee.said("in force");
}

#[test]
fn every_problem_is_told_with_its_place_and_the_last_good_file_stays() {
    let (mut burgee, toggles) = doors(ON, &[]);
    let before = revision(&burgee);
    toggles.write(BAD);
    burgee.signal("HUP");
    burgee.said("the last good ones stay in force");
    let told = |place: &str| {
        burgee
            .log
            .iter()
            .any(|line| line["message"].as_str().unwrap().contains(place))
    };
    assert!(
        told("toggles.yaml:3:14: ") && told("toggles.yaml:4:10: "),
        "{:#?}",
        burgee.log
    );
    assert_eq!(revision(&burgee), before);
    assert_eq!(
        burgee.metric("burgee_config_last_reload_successful"),
        Some(0.0)
    );
    assert_eq!(
        burgee.metric("burgee_config_reloads_total{trigger=\"signal\",result=\"failure\"}"),
        Some(1.0)
    );
    let shown = get(burgee.api, "/features").json();
    assert_eq!(
        shown["last_reload"]["problems"].as_array().unwrap().len(),
        2
    );
    assert_eq!(get(burgee.admin, "/ready").status, 200);

    // the same bytes again are no news
    burgee.signal("HUP");
    let again = ask(burgee.api, "POST", "/reload", &[]);
    assert_eq!(
        (again.status, &again.json()["result"]),
        (422, &"kept".into())
    );
    assert_eq!(
        burgee.metric("burgee_config_reloads_total{trigger=\"signal\",result=\"failure\"}"),
        Some(1.0)
    );

    // and the good ones again are
    toggles.write(ON);
    let mended = ask(burgee.api, "POST", "/reload", &[]).json();
    assert_eq!(mended["problems"].as_array().unwrap().len(), 0);
    assert_eq!(mended["revision"], before);
    assert_eq!(
        burgee.metric("burgee_config_last_reload_successful"),
        Some(1.0)
    );
}

#[test]
fn equal_bytes_are_no_reload() {
    let (burgee, toggles) = doors(ON, &[]);
    toggles.write(ON);
    assert_eq!(
        ask(burgee.api, "POST", "/reload", &[]).json()["result"],
        "unchanged"
    );
    assert_eq!(
        burgee.metric("burgee_config_reloads_total{trigger=\"start\",result=\"success\"}"),
        Some(1.0)
    );
    assert_eq!(
        burgee.metric("burgee_config_reloads_total{trigger=\"api\",result=\"success\"}"),
        None
    );
}

#[test]
fn a_deleted_file_leaves_the_last_good_one_in_force() {
    let (mut burgee, toggles) = doors(ON, &["--poll", "50ms"]);
    let before = revision(&burgee);
    std::fs::remove_file(toggles.path()).unwrap();
    burgee.said("the last good ones stay in force");
    assert_eq!(revision(&burgee), before);
    toggles.write(OFF);
    burgee.said("the toggles are in force");
    assert_ne!(revision(&burgee), before);
}

#[test]
fn a_config_map_is_swapped_as_the_kubelet_does() {
    let volume = tempfile::tempdir().unwrap();
    let a = |text: &str| format!("version: 1\nnamespace: a\nfeatures:\n  one: {text}\n");
    let b = "version: 1\nnamespace: b\nfeatures:\n  two: on\n";
    swap(volume.path(), "..1", &[("a.yaml", &a("on"))]);
    let mut burgee = Burgee::start(volume.path(), "none", &["--poll", "50ms"]);

    swap(
        volume.path(),
        "..2",
        &[("a.yaml", &a("off")), ("b.yaml", b)],
    );
    std::fs::remove_dir_all(volume.path().join("..1")).unwrap();
    eventually("both files are in force", || {
        get(burgee.api, "/features").json()["features"]["b.two"]
            .as_object()
            .cloned()
    });

    // the ConfigMap is deleted, and the volume is optional: an empty generation, then the old links go
    swap(volume.path(), "..3", &[]);
    for file in ["a.yaml", "b.yaml"] {
        std::fs::remove_file(volume.path().join(file)).unwrap();
    }
    burgee.said("the last good ones stay in force");
    assert!(get(burgee.api, "/features").json()["features"]["b.two"].is_object());
}

#[test]
fn a_bad_file_at_the_start_is_refused_with_78() {
    for (text, expected) in [(Some(BAD), "toggles.yaml:3:14: "), (None, "toggles.yaml")] {
        let toggles = Toggles::new(text.unwrap_or_default());
        if text.is_none() {
            std::fs::remove_file(toggles.path()).unwrap();
        }
        let path = toggles.path();
        let (code, said) = burgee(&[
            "run",
            "--upstream",
            "none",
            "--toggles",
            path.to_str().unwrap(),
        ]);
        assert_eq!(code, 78, "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

/// A warning stays one where the file is refused too: at the start, and by a reload.
#[test]
fn warnings_of_a_refused_file_are_warnings() {
    let both = "version: 1\nfeatures:\n  a: {serve: on, expires: 2020-01-01}\n  b: 25\n  c: {when: {user: 'a*'}, serve: on}\n";
    let toggles = Toggles::new(both);
    let path = toggles.path();
    let path = path.to_str().unwrap();
    let (code, said) = burgee(&[
        "run",
        "--log-format",
        "json",
        "--upstream",
        "none",
        "--toggles",
        path,
    ]);
    assert_eq!(code, 78, "{said}");
    let levels = |lines: &mut dyn Iterator<Item = Value>| {
        let mut levels = [Vec::new(), Vec::new()];
        for line in lines {
            let message = line["message"].as_str().unwrap_or_default().to_owned();
            match line["level"].as_str() {
                Some("WARN") => levels[0].push(message),
                Some("ERROR") => levels[1].push(message),
                _ => {}
            }
        }
        let is_place = |message: &String| message.contains("toggles.yaml:");
        levels.map(|messages| messages.into_iter().filter(is_place).count())
    };
    let lines = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    assert_eq!(levels(&mut { lines }), [2, 1], "{said}");
    toggles.write(ON);
    let mut burgee = Burgee::start(&toggles.path(), "none", &[]);
    toggles.write(both);
    burgee.signal("HUP");
    burgee.said("the last good ones stay in force");
    let log = burgee.log.clone();
    assert_eq!(levels(&mut log.into_iter()), [2, 1], "{:#?}", burgee.log);
}

#[test]
fn a_bad_file_at_the_start_can_be_waited_out() {
    let toggles = Toggles::new(BAD);
    let mut burgee = Burgee::start(
        &toggles.path(),
        "none",
        &["--on-bad-start", "forward", "--poll", "50ms"],
    );
    let ready = get(burgee.admin, "/ready");
    assert_eq!(ready.status, 200);
    assert!(ready.body.contains("degraded"), "{ready:?}");
    assert_eq!(
        burgee.metric("burgee_config_last_reload_successful"),
        Some(0.0)
    );
    toggles.write(ON);
    burgee.said("the toggles are in force");
    assert!(
        get(burgee.admin, "/ready")
            .body
            .contains(&revision(&burgee))
    );
}

#[test]
fn a_storm_of_signals_is_survived() {
    let (mut burgee, toggles) = doors(ON, &[]);
    toggles.write(OFF);
    for _ in 0..200 {
        burgee.signal("HUP");
    }
    burgee.said("the toggles are in force");
    assert_eq!(get(burgee.admin, "/health").status, 200);
    assert_eq!(
        burgee.metric("burgee_config_reloads_total{trigger=\"signal\",result=\"success\"}"),
        Some(1.0)
    );
}

struct Nobody;

impl Witness for Nobody {
    fn before(&self, _: &Arc<Snapshot>) {}
    fn after(&self, _: &InForce) {}
    fn stopped(&self, _: &Stops) {}
}

/// A worker takes the new toggles at its next request. If that freed the old ones, the request would wait for it.
#[test]
fn whoever_reads_the_files_frees_what_they_replaced() {
    let toggles = Toggles::new(ON);
    let mut files = Files::new(toggles.path(), None);
    let look = files.look(Second(0));
    let mut latest = Latest::new(&files, look);
    let (publisher, reader) = live::channel(latest.in_force(None, "start", Second(0)));
    let (requests, asked) = mpsc::channel();
    let reads = thread::spawn(move || {
        let clock = || Second(0);
        run(
            &mut files,
            &mut latest,
            &publisher,
            &asked,
            Duration::ZERO,
            clock,
            &Nobody,
        );
    });
    let mut worker = reader.cached();
    // it keeps them for a second: a machine may be too slow for that once, not ten times
    let kept = [OFF, ON].into_iter().cycle().take(10).any(|text| {
        let old = Arc::downgrade(&worker.load().snapshot);
        toggles.write(text);
        let (reply, told) = oneshot::channel();
        let trigger = "api";
        requests
            .send(Request::Reload(Reload {
                trigger,
                reply: Some(reply),
            }))
            .unwrap();
        assert_eq!(told.blocking_recv().unwrap().problems, [] as [String; 0]);
        worker.load();
        let kept = old.strong_count() > 0;
        eventually("the old toggles are freed", || {
            (old.strong_count() == 0).then_some(())
        });
        kept
    });
    assert!(kept, "the worker freed the old toggles");
    drop(requests);
    reads.join().unwrap();
}

/// What a request waits for on a core that is shared is the scheduler's choice: this thread is always the last one.
#[test]
fn reading_the_files_comes_after_requests() {
    let (burgee, _toggles) = doors(ON, &[]);
    // a thread says its name and its place itself, once it runs
    let nice = |name: &str| {
        let threads = fs::read_dir(format!("/proc/{}/task", burgee.pid())).unwrap();
        let stats =
            threads.filter_map(|task| fs::read_to_string(task.unwrap().path().join("stat")).ok());
        let stat = stats
            .filter(|stat| stat.contains(&format!("({name})")))
            .last()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split(' ').nth(16)?.parse::<i32>().ok()
    };
    let others = eventually("it runs", || nice("signals"));
    let last = (others + 19).min(19);
    eventually("it goes last", || {
        (nice("files") == Some(last)).then_some(())
    });
    assert_eq!(nice("burgee"), Some(others));
}

/// Whoever edits the ConfigMap and asks at once reads that it is not here yet, and what to do.
#[test]
fn a_reload_tells_that_the_kubelet_has_brought_nothing_new() {
    let volume = tempfile::tempdir().unwrap();
    swap(volume.path(), "..1", &[("toggles.yaml", ON)]);
    let running = Burgee::start(volume.path(), "none", &[]);
    let api = running.api.to_string();
    let reload = || burgee(&["reload", "--api-listen", &api]);
    let (code, said) = reload();
    assert_eq!(code, 0);
    for words in [
        "unchanged: revision ",
        "burgee: the kubelet brought this volume ",
        " s ago: an edit since then has not arrived",
        "`burgee apply`",
        "kubectl -n NAMESPACE annotate pod POD burgee.dev/refresh=",
    ] {
        assert!(said.contains(words), "{said}");
    }
    // what `burgee status` reads by `kubectl exec` is the last line of standard output
    let out = fed(&["reload", "--api-listen", &api], "").out;
    assert!(
        out.starts_with("unchanged: ") && out.lines().count() == 1,
        "{out}"
    );
    swap(volume.path(), "..2", &[("toggles.yaml", OFF)]);
    let (_, said) = reload();
    assert!(
        said.starts_with("reloaded: ") && !said.contains("kubelet"),
        "{said}"
    );
    // a bad one that was mended meanwhile may not have arrived, either
    swap(volume.path(), "..3", &[("toggles.yaml", BAD)]);
    let (code, said) = reload();
    assert!(
        code == 1 && said.contains("toggles.yaml:3:") && said.contains("an edit since then"),
        "{said}"
    );
    // where no kubelet is, there is nothing to wait for
    let (running, _toggles) = doors(ON, &[]);
    let (_, said) = burgee(&["reload", "--api-listen", &running.api.to_string()]);
    assert!(
        said.starts_with("unchanged: ") && !said.contains("kubelet"),
        "{said}"
    );
}

#[test]
fn a_key_of_a_config_map_that_is_not_read_is_told() {
    let volume = tempfile::tempdir().unwrap();
    swap(
        volume.path(),
        "..1",
        &[
            ("toggles.yaml", ON),
            ("payments", ON),
            ("stops.yaml", "version: 1\nstops: {}\n"),
        ],
    );
    let mut running = Burgee::start(volume.path(), "none", &[]);
    let told = |burgee: &Burgee| {
        let lines = burgee
            .log
            .iter()
            .filter_map(|line| line["message"].as_str());
        let told = lines.filter(|line| {
            line.contains("this key of the ConfigMap is not read; name it `….yaml`")
        });
        told.map(|line| {
            line.split(':')
                .next()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(told(&running), ["payments"]);
    // one that comes later, although nothing that is read has changed
    swap(
        volume.path(),
        "..2",
        &[
            ("toggles.yaml", ON),
            ("payments", ON),
            ("search.yaml.bak", ON),
        ],
    );
    running.signal("HUP");
    running.said("search.yaml.bak");
    // without any that is read, it is no empty directory
    fs::remove_file(volume.path().join("toggles.yaml")).unwrap();
    let (code, said) = burgee(&["check", volume.path().to_str().unwrap()]);
    assert_eq!(code, 0, "the generation counts: {said}");
    let lone = tempfile::tempdir().unwrap();
    swap(lone.path(), "..1", &[("toggles", ON)]);
    let (code, said) = burgee(&["check", lone.path().to_str().unwrap()]);
    assert!(
        code == 1 && said.contains("nor a `*.yml`; `toggles` is not read"),
        "{code} {said}"
    );
}
