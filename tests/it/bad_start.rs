//! A start without good toggles: seen by whoever looks, so that a rollout halts, and waited for no longer than was asked.

use crate::support::{Burgee, Toggles, ask, eventually, get};
use burgee::{
    admin::Admin,
    config::{files::Files, reload::Latest},
    engine::units::Second,
    flags::run::OnBadStart,
    live::{self, Phase},
    telemetry::Metrics,
};
use http_body_util::BodyExt as _;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

const ON: &str = "version: 1\nfeatures:\n  dark-mode: on\n";
const BAD: &str = "version: 1\nfeatures:\n  dark-mode: 110%\n";
/// File, line and hint.
const WHY: [&str; 2] = ["toggles.yaml:3:14: `features.dark-mode`: ", "; write "];

fn started(toggles: &Toggles, what: &str) -> Burgee {
    Burgee::start(&toggles.path(), "none", &["--on-bad-start", what])
}

/// Of a directory of toggles.
fn started_in(directory: &tempfile::TempDir, what: &str) -> Burgee {
    Burgee::start(directory.path(), "none", &["--on-bad-start", what])
}

fn says_why(text: &str) {
    assert!(WHY.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn it_is_not_ready_says_why_and_recovers_when_the_file_is_mended() {
    let toggles = Toggles::new(BAD);
    for (what, until) in [
        ("unready", "not ready, until"),
        ("unready:15m", "not ready for 15 min, until"),
    ] {
        let mut burgee = started(&toggles, what);
        let ready = get(burgee.admin, "/ready");
        assert_eq!(ready.status, 503);
        assert!(
            ready
                .body
                .starts_with("unready: the toggles are bad since the start, revision "),
            "{ready:?}"
        );
        says_why(&ready.body);
        assert_eq!(
            get(burgee.admin, "/health").status,
            200,
            "it is not to be killed"
        );
        // the last line, after the one that tells where it listens
        let last = burgee.said(until);
        says_why(last["message"].as_str().unwrap());

        toggles.write(ON);
        assert_eq!(ask(burgee.api, "POST", "/reload", &[]).status, 200);
        let ready = get(burgee.admin, "/ready");
        assert_eq!((ready.status, &ready.body[..6]), (200, "ready,"));

        // a bad file from now on is none at the start
        toggles.write(BAD);
        assert_eq!(ask(burgee.api, "POST", "/reload", &[]).status, 422);
        assert_eq!(get(burgee.admin, "/ready").status, 200);
    }
}

#[test]
fn after_its_time_it_is_ready_without_features_and_says_so() {
    let toggles = Toggles::new(BAD);
    let mut burgee = started(&toggles, "unready:300ms");
    says_why(
        burgee.said("ready without good toggles, after 300ms")["message"]
            .as_str()
            .unwrap(),
    );
    let ready = eventually("it is ready", || {
        Some(get(burgee.admin, "/ready")).filter(|ready| ready.status == 200)
    });
    assert!(
        ready
            .body
            .starts_with("degraded: no toggles yet, requests pass without features"),
        "{ready:?}"
    );
    says_why(&ready.body);
}

/// What the admin port says of a bad start after so many seconds, by a clock that the test moves.
fn after(patience: Duration, seconds: u64) -> (u16, String) {
    static UPTIME: AtomicU64 = AtomicU64::new(0);
    UPTIME.store(seconds, Relaxed);
    let toggles = Toggles::new(BAD);
    let mut files = Files::new(toggles.path(), None);
    let look = files.look(Second(0));
    let (_, reader) = live::channel(Latest::new(&files, look).in_force(None, "start", Second(0)));
    let admin = Admin {
        reader,
        metrics: Metrics::new(1),
        clock: || Second(0),
        phases: tokio::sync::watch::channel(Phase::Serving).1,
        upstream: None,
        ready_upstream: None,
        probes: Vec::new(),
        patience,
        uptime: || Duration::from_secs(UPTIME.load(Relaxed)),
    };
    let request = http::Request::builder().uri("/ready").body(()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let response = Arc::new(admin).respond(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    })
}

#[test]
fn fifteen_minutes_are_fifteen_minutes_and_unready_alone_never_turns() {
    let quarter = Duration::from_secs(15 * 60);
    for (patience, seconds, status) in [
        (quarter, 0, 503),
        (quarter, 899, 503),
        (quarter, 900, 200),
        (quarter, 1_000_000, 200),
        (Duration::MAX, 1_000_000_000, 503),
        (Duration::ZERO, 0, 200),
    ] {
        let (found, body) = after(patience, seconds);
        assert_eq!(found, status, "{patience:?} {seconds}: {body}");
        says_why(&body);
    }
}

#[test]
fn a_config_map_that_nobody_has_made_yet_keeps_no_application_down() {
    let directory = tempfile::tempdir().unwrap();
    let empty = started_in(&directory, "unready:15m");
    let ready = get(empty.admin, "/ready");
    assert_eq!((ready.status, &ready.body[..8]), (200, "degraded"));
    // it was ready: a first file that is bad does not take that back
    fs::write(directory.path().join("toggles.yaml"), BAD).unwrap();
    assert_eq!(ask(empty.api, "POST", "/reload", &[]).status, 422);
    assert_eq!(get(empty.admin, "/ready").status, 200);
}

#[test]
fn keys_that_are_not_read_and_bad_stops_are_bad_starts_and_plain_unready_wants_a_file() {
    for (file, text, what) in [
        ("toggles", ON, "unready:15m"),
        ("toggles.yaml", "", "unready:15m"),
        ("stops.yaml", "version: 2\n", "unready"),
        ("..2026", "", "unready"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(file), text).unwrap();
        let burgee = started_in(&directory, what);
        assert_eq!(get(burgee.admin, "/ready").status, 503, "{file}");
    }
    // broken stops beside good toggles
    let toggles = Toggles::new(ON);
    fs::write(toggles.path().with_file_name("stops.yaml"), "version: 2\n").unwrap();
    let ready = get(started(&toggles, "unready:15m").admin, "/ready");
    assert!(
        ready.status == 503 && ready.body.contains("stops.yaml:1:"),
        "{ready:?}"
    );
}

#[test]
fn a_flag_given_twice_is_the_last_ones() {
    let toggles = Toggles::new(BAD);
    let burgee = Burgee::start(
        &toggles.path(),
        "none",
        &["--on-bad-start", "unready:15m", "--on-bad-start", "forward"],
    );
    assert_eq!(get(burgee.admin, "/ready").status, 200);
}

#[test]
fn what_to_do_is_one_of_three_words_and_a_time() {
    let minutes = |n: u64| OnBadStart::Unready(Duration::from_secs(n * 60));
    for (text, expected) in [
        ("refuse", Some(OnBadStart::Refuse)),
        ("forward", Some(OnBadStart::Forward)),
        ("unready", Some(OnBadStart::Unready(Duration::MAX))),
        ("unready:15m", Some(minutes(15))),
        ("unready:0s", Some(minutes(0))),
        ("unready:", None),
        ("unready:15", None),
        ("forward:15m", None),
        ("", None),
    ] {
        assert_eq!(text.parse().ok(), expected, "{text}");
    }
}
