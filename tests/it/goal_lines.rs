//! Goal lines of the exposure log, and by whom they are joined: who, what the draws gave, what is lost, and a key that two services share.

use crate::{
    raw::App,
    support::{Toggles, ask, fed},
    watch::{app, behind, misfits},
};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

const FILE: &str = "version: 1
attributes: {company: header.x-company}
features:
  checkout: {variants: [control, treatment], serve: {control: 50%, treatment: 50%}}
  billing: {by: company, rollout: 50%}
  dark-mode: on
  old: 0%
";

fn id(line: &Value) -> &str {
    line["feature_flag.context.id"].as_str().unwrap()
}

#[test]
fn a_goal_is_written_each_time_for_each_person_with_what_the_draws_gave() {
    let app = app(|_| {
        "200 OK\r\nX-Feature-Used: checkout, billing, dark-mode\r\nX-Feature-Goal: purchase, purchase".into()
    });
    let (burgee, _toggles) = behind(&app, FILE, &["--exposure-log", "--log-user", "plain"]);
    let fields = ["X-User-Id: mia", "X-Company: acme"];
    for _ in 0..2 {
        ask(burgee.listen, "GET", "/", &fields);
    }
    let lines: Vec<_> = (0..7).map(|_| burgee.wrote()).collect();
    for line in &lines {
        assert_eq!(misfits(line), Vec::<String>::new(), "{line}");
    }
    // exposures once a day, each of the unit that is drawn by
    let draw = |line: &Value| {
        (
            line["feature_flag.key"].clone(),
            id(line).to_owned(),
            line["draw"].clone(),
        )
    };
    let halves = |control: &str, other: &str| json!({"rule": "-", "control": control, "shares": {control: 0.5, other: 0.5}});
    assert_eq!(
        draw(&lines[0]),
        (
            json!("checkout"),
            "mia".into(),
            halves("control", "treatment")
        )
    );
    let (key, unit, drawn) = draw(&lines[1]);
    assert_eq!((key, &*unit), (json!("billing"), "acme"));
    assert_eq!(
        (&drawn["control"], &drawn["shares"]["on"]),
        (&json!("off"), &json!(0.5))
    );
    assert_eq!(
        draw(&lines[2]),
        (json!("dark-mode"), "mia".into(), Value::Null)
    );
    // a goal with each answer, of the user and of the company
    for pair in [&lines[3..5], &lines[5..7]] {
        let (user, company) = (&pair[0], &pair[1]);
        assert_eq!((id(user), id(company)), ("mia", "acme"));
        assert_eq!(
            (&user["goal"], &company["goal"]),
            (&json!("purchase"), &json!("purchase"))
        );
        assert_eq!(
            user["features"],
            json!({"checkout": lines[0]["feature_flag.result.variant"]})
        );
        assert_eq!(
            company["features"],
            json!({"billing": lines[1]["feature_flag.result.variant"]})
        );
    }
    assert_eq!(
        lines[0]["time"], lines[3]["time"],
        "a goal is never before its own exposure"
    );
}

#[test]
fn a_goal_is_written_where_nothing_is_drawn_and_without_a_name_where_nobody_is_named() {
    let answers = app(|_| "200 OK\r\nX-Feature-Goal: purchase, -x".into());
    let goals = |flags: &[&str], user: &[&str]| {
        let (burgee, _toggles) = behind(&answers, "version: 1\nfeatures: {a: on}\n", flags);
        ask(burgee.listen, "GET", "/", user);
        [burgee.wrote(), burgee.wrote()]
    };
    let named = ["--exposure-log", "--log-user", "plain"];
    for (flags, user, expected) in [
        (&named[..], &["X-User-Id: mia"][..], json!("mia")),
        (&named, &[], Value::Null),
        (&named[..1], &["X-User-Id: mia"], Value::Null),
    ] {
        for (line, goal) in goals(flags, user).iter().zip(["other", "purchase"]) {
            assert_eq!(misfits(line), Vec::<String>::new(), "{line}");
            let found = (
                &line["goal"],
                &line["features"],
                line["feature_flag.context.id"].clone(),
            );
            assert_eq!(found, (&json!(goal), &json!({}), expected.clone()));
        }
    }
}

#[test]
fn what_a_goal_line_must_not_be_is_found_out() {
    let good = json!({"time": "2026-11-21T09:00:00.000000Z", "goal": "purchase", "feature_flag.version": "0", "features": {"a": "on"}});
    assert_eq!(misfits(&good), Vec::<String>::new());
    for (name, value) in [
        ("goal", json!("a b")),
        ("features", Value::Null),
        ("feature_flag.key", json!("a")),
        ("user", json!("mia")),
    ] {
        let mut line = good.clone();
        line[name] = value;
        assert!(!misfits(&line).is_empty(), "{line}");
    }
}

/// A response may name as many goals as fit into its head: it takes no other line's place, and what it loses is counted.
#[test]
fn goals_that_are_too_many_are_lost_and_counted() {
    let goals: Vec<_> = (0..100).map(|number| format!("g{number:02}")).collect();
    let answer = format!("200 OK\r\nX-Feature-Goal: {}", goals.join(","));
    let app = app(move |_| answer.clone());
    let (burgee, _toggles) = behind(&app, FILE, &["--exposure-log"]);
    ask(burgee.listen, "GET", "/", &[]);
    (0..31).for_each(|_| drop(burgee.wrote()));
    assert_eq!(
        burgee.metric("burgee_refused_total{limit=\"exposure_log\"}"),
        Some(1.0)
    );
    burgee.signal("TERM");
    assert!(burgee.wrote_nothing());
}

/// The flags, and a variable.
fn run(flags: &[&str], key: Option<&str>) -> Output {
    let toggles = Toggles::new(FILE);
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command
        .args(["run", "--toggles"])
        .arg(toggles.path())
        .env_clear();
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "192.0.2.1:1",
            "--api-listen",
            "none",
        ])
        .args(flags);
    command
        .envs(key.map(|key| ("USER_KEY", key)))
        .output()
        .unwrap()
}

#[test]
fn a_key_is_the_variable_that_a_flag_names_and_is_never_shown() {
    let secret = "a-secret-that-no-log-shows";
    for (flags, key, expected) in [
        (&["--log-user-key", secret][..], None, "write `env.`"),
        (
            &["--log-user", "hash", "--log-user-key", "env.USER_KEY"],
            None,
            "USER_KEY is empty or not set",
        ),
        (
            &["--log-user", "hash", "--log-user-key", "env.USER_KEY"],
            Some(&secret[..8]),
            "fewer than 16 bytes",
        ),
        (
            &["--log-user-key", "env.USER_KEY"],
            Some(secret),
            "`--log-user hash`",
        ),
        (
            &["--log-user", "plain", "--log-user-key", "env.USER_KEY"],
            Some(secret),
            "`--log-user hash`",
        ),
    ] {
        let ran = run(flags, key);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(
            said.contains(expected) && !said.contains("a-secret"),
            "{said}"
        );
    }
    // a good one goes on to the next thing that is wrong here
    let ran = run(
        &["--log-user", "hash", "--log-user-key", "env.USER_KEY"],
        Some(secret),
    );
    let said =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.code() == Some(1) && said.contains("--admin-listen"),
        "{said}"
    );
    assert!(
        !said.contains(secret) && !said.contains("nothing reads"),
        "{said}"
    );
}

/// What a service behind burgee writes while these users visit it, with this key.
fn visited(app: &App, text: &str, key: &str) -> String {
    let toggles = Toggles::new(text);
    let flags = ["--log-user-key", "env.USER_KEY"];
    let (mut child, listen, _) = quiet(&toggles, app, &flags, key);
    for user in 0..20 {
        let user = format!("X-User-Id: user-{user}");
        assert_eq!(ask(listen, "GET", "/", &[&user]).status, 200);
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let mut written = String::new();
    let mut output = child.stdout.take().unwrap();
    std::io::Read::read_to_string(&mut output, &mut written).unwrap();
    child.wait().unwrap();
    written
}

#[test]
fn two_services_that_share_a_key_are_joined_and_others_are_not() {
    let shop = app(|_| "200 OK\r\nX-Feature-Used: checkout".into());
    let payments = app(|_| "200 OK\r\nX-Feature-Goal: purchase".into());
    let key = "a key that both of them have";
    let met = visited(&shop, FILE, key);
    assert_eq!(met.lines().count(), 20);
    for (other, reached, strangers) in [(key, 20, 0), ("a key that only one has", 0, 20)] {
        let bought = visited(&payments, "version: 1\n", other);
        assert!(!(met.clone() + &bought).contains("user-"), "{bought}");
        let said = fed(&["report", "--json"], &(bought.clone() + &met)).out;
        let said: Value = serde_json::from_str(&said).unwrap();
        let goal = &said["features"]["checkout"]["goals"]["purchase"];
        let sum: u64 = (0..2)
            .map(|arm| goal["arms"][arm]["reached"].as_u64().unwrap())
            .sum();
        assert_eq!(
            (sum, &goal["not_exposed"]),
            (reached, &json!(strangers)),
            "{said}"
        );
        let text = fed(&["report"], &(bought + &met)).out;
        assert_eq!(
            text.contains("does it share --log-user-key?"),
            strangers > 0,
            "{text}"
        );
    }
}

/// A reader that does not read: lines are lost and counted, and requests are not held up.
#[test]
fn a_reader_that_is_stuck_loses_goals_and_holds_nobody_up() {
    let app = app(|_| "200 OK\r\nX-Feature-Goal: purchase".into());
    let toggles = Toggles::new(FILE);
    let (mut child, listen, admin) = quiet(&toggles, &app, &[], "");
    let mut lost = 0.0;
    // a pipe has 64 KiB, the queue 4,096 lines
    let begun = std::time::Instant::now();
    while lost == 0.0 && begun.elapsed() < Duration::from_secs(60) {
        for _ in 0..500 {
            assert_eq!(ask(listen, "GET", "/", &["X-User-Id: mia"]).status, 200);
        }
        let text = crate::support::get(admin, "/metrics").body;
        let series = "burgee_refused_total{limit=\"exposure_log\"} ";
        lost = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.parse().ok())
            .unwrap_or_default();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lost > 0.0);
}

/// A burgee whose standard output nobody reads yet: where it listens for traffic and for scrapes.
fn quiet(
    toggles: &Toggles,
    app: &App,
    flags: &[&str],
    key: &str,
) -> (Child, SocketAddr, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_burgee"));
    command.args([
        "run",
        "--exposure-log",
        "--log-user",
        "hash",
        "--log-format",
        "json",
    ]);
    command.args([
        "--upstream",
        &app.upstream().to_string(),
        "--api-listen",
        "none",
        "--toggles",
    ]);
    command
        .arg(toggles.path())
        .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.args(flags).env_clear().env("USER_KEY", key);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines
        .find_map(|line| line.ok().filter(|line| line.contains("burgee listens")))
        .unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    let at = |name: &str| line[name].as_str().unwrap().parse().unwrap();
    let found = (at("listen"), at("admin"));
    std::thread::spawn(move || lines.for_each(drop));
    (child, found.0, found.1)
}
