//! The main job, by the built binary and real sockets: a request goes in, the application sees what burgee decided.

use crate::support::{Answer, Burgee, PATIENCE, Toggles, ask, eventually, get, raw};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

const PULP_FICTION: &str = include_str!("../../config/demo.yaml");

/// `burgee echo` on a port of its own.
pub(crate) struct Echo {
    child: Child,
    pub(crate) at: SocketAddr,
}

impl Echo {
    pub(crate) fn start() -> Echo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_burgee"))
            .args(["echo", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let at = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Echo { child, at }
    }

    /// Tells it to stop, and waits for its end.
    pub(crate) fn stopped(mut self) -> std::process::ExitStatus {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").arg(&pid).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn behind(upstream: SocketAddr, text: &str, flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(text);
    let burgee = Burgee::start(&toggles.path(), &format!("http://{upstream}"), flags);
    (burgee, toggles)
}

/// What the application received, as the echo tells it.
fn received(answer: &Answer, name: &str) -> Option<String> {
    answer.json()["headers"][name].as_str().map(str::to_owned)
}

fn briefcase(burgee: &Burgee, fields: &[&str]) -> Option<String> {
    let fields = [&["Accept: application/json"], fields].concat();
    received(
        &ask(burgee.listen, "GET", "/", &fields),
        "x-feature-briefcase",
    )
}

#[test]
fn the_application_sees_what_was_decided() {
    let echo = Echo::start();
    let (burgee, _toggles) = behind(echo.at, PULP_FICTION, &[]);
    assert_eq!(
        briefcase(&burgee, &["Cookie: user_id=quentin"]).as_deref(),
        Some("silver")
    );
    assert_eq!(
        briefcase(&burgee, &["X-User-Id: quentin"]).as_deref(),
        Some("silver")
    );
    assert_eq!(
        briefcase(&burgee, &["Cookie: a=b; user_id=mia"]).as_deref(),
        Some("gold")
    );

    let text = ask(burgee.listen, "GET", "/", &["Cookie: user_id=quentin"]);
    assert!(
        text.body.contains("\nX-Feature-Briefcase: silver\n"),
        "{}",
        text.body
    );

    let gold = (0..400)
        .filter(|i| {
            briefcase(&burgee, &[&format!("X-User-Id: user-{i}")]).as_deref() == Some("gold")
        })
        .count();
    assert!(
        (388..400).contains(&gold),
        "{gold} of 400 have gold, which is for 99 in 100"
    );
}

#[test]
fn a_client_cannot_turn_a_feature_on() {
    let echo = Echo::start();
    let (burgee, _toggles) = behind(echo.at, PULP_FICTION, &[]);
    for forged in [
        &["X-Feature-Briefcase: silver"][..],
        &["x_feature_briefcase: silver"],
        &["X.Feature.Briefcase: silver"],
        &["X-Feature_Briefcase: silver", "X-FEATURE-BRIEFCASE: silver"],
        &[
            "Connection: X-Feature-Briefcase",
            "X-Feature-Briefcase: silver",
        ],
        &["X-Feature-Unknown: on"],
    ] {
        let fields = [&["Accept: application/json", "X-User-Id: mia"], forged].concat();
        let answer = ask(burgee.listen, "GET", "/", &fields);
        let headers = answer.json()["headers"].as_object().unwrap().clone();
        let looks_like = |name: &&String| {
            name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")
                .starts_with("x-feature-")
        };
        let mut seen: Vec<_> = headers.keys().filter(looks_like).collect();
        seen.sort();
        assert_eq!(
            seen,
            ["x-feature-briefcase", "x-feature-dance-contest"],
            "{forged:?}"
        );
        assert_eq!(headers["x-feature-briefcase"], "gold", "{forged:?}");
    }
    // what `Connection` names goes with the hop, before it could pass for ours
    let dropped = burgee.metric("burgee_forged_fields_dropped_total");
    assert_eq!(dropped, Some(6.0));
}

#[test]
fn an_edit_is_seen_by_the_next_request_and_a_mistake_by_none() {
    let echo = Echo::start();
    let (mut burgee, toggles) = behind(echo.at, PULP_FICTION, &[]);
    toggles.write(&PULP_FICTION.replace("serve: silver", "serve: gold"));
    burgee.signal("HUP");
    burgee.said("the toggles are in force");
    assert_eq!(
        briefcase(&burgee, &["X-User-Id: quentin"]).as_deref(),
        Some("gold")
    );

    toggles.write(&PULP_FICTION.replace("99%", "199%"));
    burgee.signal("HUP");
    burgee.said("the last good ones stay in force");
    assert_eq!(
        briefcase(&burgee, &["X-User-Id: quentin"]).as_deref(),
        Some("gold")
    );
    let place = |line: &Value| {
        line["message"]
            .as_str()
            .unwrap()
            .contains("toggles.yaml:15:19: ")
    };
    assert!(burgee.log.iter().any(place), "{:#?}", burgee.log);
    assert_eq!(
        burgee.metric("burgee_config_last_reload_successful"),
        Some(0.0)
    );
}

#[test]
fn two_hundred_reloads_under_load_fail_no_request() {
    let echo = Echo::start();
    let (mut burgee, toggles) = behind(echo.at, PULP_FICTION, &[]);
    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (at, stop, answered) = (burgee.listen, stop.clone(), answered.clone());
            thread::spawn(move || {
                while !stop.load(Relaxed) {
                    let answer = ask(
                        at,
                        "GET",
                        "/",
                        &["Accept: application/json", "X-User-Id: quentin"],
                    );
                    assert_eq!(answer.status, 200);
                    let seen = received(&answer, "x-feature-briefcase");
                    assert!(
                        matches!(seen.as_deref(), Some("gold" | "silver")),
                        "{answer:?}"
                    );
                    answered.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    for round in 0..200 {
        let serve = if round % 2 == 0 {
            "serve: gold"
        } else {
            "serve: silver"
        };
        let text = PULP_FICTION.replace("serve: silver", serve);
        toggles.write(&format!("{text}\n# {round}\n"));
        burgee.signal("HUP");
        assert_eq!(burgee.said("the toggles are in force")["trigger"], "signal");
    }
    stop.store(true, Relaxed);
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    assert!(answered.load(Relaxed) > 0);
    let reloads = "burgee_config_reloads_total{trigger=\"signal\",result=\"success\"}";
    assert_eq!(burgee.metric(reloads), Some(200.0));
    // the counts of all 200 generations are still there
    let requests = burgee
        .metric("burgee_requests_total{status=\"2xx\"}")
        .unwrap();
    assert_eq!(requests, answered.load(Relaxed) as f64);
    let decided: f64 = ["gold", "silver"]
        .iter()
        .filter_map(|variant| burgee.metric(&format!("burgee_evaluations_total{{feature=\"briefcase\",variant=\"{variant}\",reason=\"TARGETING_MATCH\"}}")))
        .sum();
    assert_eq!(decided, requests);
}

#[test]
fn a_missing_application_is_a_502_in_less_than_two_seconds() {
    // bound and gone: nothing listens there
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (burgee, _toggles) = behind(nobody, PULP_FICTION, &[]);
    let began = Instant::now();
    let answer = get(burgee.listen, "/");
    assert_eq!(answer.status, 502);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(
        answer.header("proxy-status").unwrap().starts_with("burgee"),
        "{answer:?}"
    );
    assert_eq!(
        burgee.metric("burgee_requests_total{status=\"5xx\"}"),
        Some(1.0)
    );
    assert!(
        burgee.metric("burgee_upstream_failures_total{error=\"connection_refused\"}") == Some(1.0)
    );
}

#[test]
fn a_stop_during_ten_slow_requests_loses_none() {
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut burgee, _toggles) = behind(slow.local_addr().unwrap(), PULP_FICTION, &[]);
    let at = burgee.listen;
    let clients: Vec<_> = (0..10)
        .map(|i| thread::spawn(move || get(at, &format!("/{i}"))))
        .collect();
    // all ten have reached the application before anybody is answered
    let mut begun: Vec<_> = (0..10).map(|_| slow.accept().unwrap().0).collect();
    begun.iter_mut().for_each(head);
    burgee.signal("TERM");
    burgee.said("stopping");
    eventually("new connections are refused", || {
        TcpStream::connect(at).is_err().then_some(())
    });
    for stream in &mut begun {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nslow\n")
            .unwrap();
    }
    for client in clients {
        let answer = client.join().unwrap();
        assert_eq!((answer.status, &*answer.body), (200, "slow\n"));
    }
    assert_eq!(burgee.ended().code(), Some(0));
}

#[test]
fn what_is_unfinished_at_the_deadline_is_cut_off() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut burgee, _toggles) = behind(
        silent.local_addr().unwrap(),
        PULP_FICTION,
        &["--drain-timeout", "200ms"],
    );
    let mut client = TcpStream::connect(burgee.listen).unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut begun = silent.accept().unwrap().0;
    head(&mut begun);
    burgee.signal("TERM");
    assert_eq!(burgee.ended().code(), Some(0));
    assert_eq!(
        burgee
            .log
            .iter()
            .filter(|line| line["level"] == "ERROR")
            .count(),
        0
    );
}

#[test]
fn a_drain_is_seen_by_clients_and_refuses_nobody() {
    let echo = Echo::start();
    let (burgee, _toggles) = behind(echo.at, PULP_FICTION, &[]);
    assert_eq!(ask(burgee.api, "POST", "/drain", &[]).status, 200);
    // a worker hears of it in its own time
    eventually("answers close their connections", || {
        let mut client = TcpStream::connect(burgee.listen).unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let answer = try_head(&mut client).unwrap().to_lowercase();
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        answer.contains("\r\nconnection: close\r\n").then_some(())
    });
    assert_eq!(get(burgee.listen, "/health").status, 200);
    assert_eq!(get(burgee.admin, "/ready").status, 503);
}

#[test]
fn a_request_to_health_is_answered_here_unless_the_application_wants_it() {
    let echo = Echo::start();
    let (ours, _toggles) = behind(echo.at, PULP_FICTION, &[]);
    assert_eq!(get(ours.listen, "/health").body.trim(), "ok");
    assert!(get(ours.listen, "/health/").body.contains("GET /health/"));
    let (theirs, _toggles) = behind(echo.at, PULP_FICTION, &["--health-path", ""]);
    assert!(get(theirs.listen, "/health").body.contains("GET /health"));
}

#[test]
fn a_plain_application_is_passed_through() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let application = runtime.block_on(async {
        let server = MockServer::start().await;
        Mock::given(matchers::method("POST"))
            .and(matchers::path("/orders"))
            .and(matchers::query_param("a", "1"))
            .and(matchers::header("x-feature-briefcase", "silver"))
            .and(matchers::body_string("two suitcases"))
            .respond_with(
                ResponseTemplate::new(201)
                    .insert_header("Location", "/orders/7")
                    .set_body_string("made"),
            )
            .expect(1)
            .mount(&server)
            .await;
        server
    });
    let (burgee, _toggles) = behind(*application.address(), PULP_FICTION, &[]);
    let request = "POST /orders?a=1 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nX-User-Id: butch\r\nContent-Length: 13\r\n\r\ntwo suitcases";
    let answer = raw(burgee.listen, request);
    assert_eq!(
        (answer.status, answer.header("location"), &*answer.body),
        (201, Some("/orders/7"), "made")
    );
    assert!(
        !answer.head.to_lowercase().contains("x-feature"),
        "{}",
        answer.head
    );
    runtime.block_on(application.verify());
}

#[test]
fn outcomes_are_counted_of_what_a_draw_gave() {
    let application = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = application.local_addr().unwrap();
    // fails for whoever has silver
    thread::spawn(move || {
        for mut stream in application.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                while let Some(head) = try_head(&mut stream) {
                    let status = if head.contains("silver") {
                        "500 Oh"
                    } else {
                        "200 OK"
                    };
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    let (burgee, _toggles) = behind(at, PULP_FICTION, &[]);
    for (user, count) in [("quentin", 3), ("mia", 5)] {
        for _ in 0..count {
            ask(burgee.listen, "GET", "/", &[&format!("X-User-Id: {user}")]);
        }
    }
    let name = |family: &str, variant: &str, status: &str| {
        format!(
            "burgee_feature_{family}{{feature=\"briefcase\",variant=\"{variant}\",rule=\"-\",status=\"{status}\"}}"
        )
    };
    for (variant, status, expected) in [
        // served without a draw: nothing to compare
        ("silver", "5xx", None),
        ("gold", "2xx", Some(5.0)),
        ("gold", "5xx", None),
    ] {
        assert_eq!(
            burgee.metric(&name("requests_total", variant, status)),
            expected,
            "{variant} {status}"
        );
        assert_eq!(
            burgee.metric(&name("request_duration_seconds_count", variant, status)),
            expected
        );
    }
    for (series, expected) in [
        ("burgee_requests_total{status=\"5xx\"}", 3.0),
        ("burgee_identity_total{source=\"header.x-user-id\"}", 8.0),
        (
            "burgee_evaluations_total{feature=\"briefcase\",variant=\"silver\",reason=\"TARGETING_MATCH\"}",
            3.0,
        ),
        (
            "burgee_evaluations_total{feature=\"briefcase\",variant=\"gold\",reason=\"SPLIT\"}",
            5.0,
        ),
        (
            "burgee_evaluations_total{feature=\"dance-contest\",variant=\"off\",reason=\"STATIC\"}",
            8.0,
        ),
    ] {
        assert_eq!(burgee.metric(series), Some(expected), "{series}");
    }
    // one outcome only: there is nothing to compare
    assert_eq!(
        burgee.metric(&name("requests_total", "off", "2xx").replace("briefcase", "dance-contest")),
        None
    );
    eventually("no connection is open", || {
        (burgee.metric("burgee_connections") == Some(0.0)).then_some(())
    });
}

#[test]
fn a_second_process_does_not_take_half_the_traffic_of_a_port() {
    let echo = Echo::start();
    let (first, toggles) = behind(echo.at, PULP_FICTION, &[]);
    let (code, said) = crate::support::burgee(&[
        "run",
        "--toggles",
        toggles.path().to_str().unwrap(),
        "--listen",
        &first.listen.to_string(),
        "--admin-listen",
        "127.0.0.1:0",
        "--api-listen",
        "none",
    ]);
    assert_eq!(code, 1);
    assert!(
        said.contains(&format!("--listen {}", first.listen)),
        "{said}"
    );
}

/// Reads up to the end of a request's head.
fn head(stream: &mut TcpStream) {
    try_head(stream).expect("a request");
}

fn try_head(stream: &mut TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// 64 KiB of lines fill the pipe; nobody reads it, and every request is answered all the same.
#[test]
fn a_log_that_nobody_reads_holds_no_request_up() {
    let directory = tempfile::tempdir().unwrap();
    let toggles = directory.path().join("toggles.yaml");
    std::fs::write(&toggles, "version: 1\nfeatures: {a: on}\n").unwrap();
    // a port that was free a moment ago may be the admin's now; a socket file stays missing
    let upstream = format!("unix:{}", directory.path().join("nobody").display());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args([
            "run",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .args([
            "--api-listen",
            "none",
            "--workers",
            "1",
            "--log-format",
            "json",
        ])
        .args([
            "--upstream",
            &upstream,
            "--toggles",
            toggles.to_str().unwrap(),
        ])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let listening = lines.find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["listen"].as_str().map(str::to_owned)
    });
    let mut client = std::net::TcpStream::connect(listening.unwrap()).unwrap();
    client
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    for _ in 0..1_500 {
        use std::io::{Read as _, Write as _};
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\n") || !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut some = [0; 4096];
            let read = client.read(&mut some).unwrap();
            assert!(
                read > 0,
                "closed after {}",
                String::from_utf8_lossy(&answer)
            );
            answer.extend_from_slice(&some[..read]);
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 502"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
