//! The doors beside the traffic: what a kubelet, Prometheus and an operator ask.

use crate::support::{Burgee, Toggles, ask, burgee, get};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

const ON: &str = "version: 1\nfeatures:\n  dark-mode: on\n";

fn doors(flags: &[&str]) -> (Burgee, Toggles) {
    let toggles = Toggles::new(ON);
    let burgee = Burgee::start(&toggles.path(), "none", flags);
    (burgee, toggles)
}

#[test]
fn the_admin_door_answers_three_paths_and_nothing_else() {
    let (burgee, _toggles) = doors(&[]);
    for (method, path, expected) in [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/ready", 200),
        ("GET", "/metrics", 200),
        ("POST", "/health", 405),
        ("GET", "/", 404),
        ("GET", "/probe/live", 404),
        ("POST", "/reload", 405),
        ("GET", "/features", 404),
    ] {
        assert_eq!(
            ask(burgee.admin, method, path, &[]).status,
            expected,
            "{method} {path}"
        );
    }
}

#[test]
fn a_drain_makes_it_unready_and_leaves_it_well() {
    let (burgee, _toggles) = doors(&[]);
    assert_eq!(ask(burgee.api, "POST", "/drain", &[]).status, 200);
    let ready = get(burgee.admin, "/ready");
    assert_eq!((ready.status, &*ready.body), (503, "draining\n"));
    assert_eq!(get(burgee.admin, "/health").status, 200);
}

#[test]
fn another_sites_page_cannot_use_the_api() {
    let (burgee, _toggles) = doors(&[]);
    for (fields, expected) in [
        (&["Host: 127.0.0.1"][..], 200),
        (&["Host: evil.example"], 403),
        (&["Host: localhost", "Origin: https://evil.example"], 403),
        (&["Host: localhost", "Origin: http://localhost:3526"], 200),
    ] {
        assert_eq!(
            ask(burgee.api, "POST", "/reload", fields).status,
            expected,
            "{fields:?}"
        );
        assert_eq!(
            ask(burgee.api, "GET", "/features", fields).status,
            expected,
            "{fields:?}"
        );
    }
    assert_eq!(ask(burgee.api, "GET", "/reload", &[]).status, 405);
}

#[test]
fn the_api_listens_on_loopback_only() {
    let toggles = Toggles::new(ON);
    let path = toggles.path();
    let run = [
        "run",
        "--upstream",
        "none",
        "--api-listen",
        "0.0.0.0:0",
        "--toggles",
        path.to_str().unwrap(),
    ];
    assert_eq!(burgee(&run).0, 2);
}

#[test]
fn metrics_are_read_by_prometheus() {
    let (burgee, _toggles) = doors(&[]);
    let answer = get(burgee.admin, "/metrics");
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(answer.body.ends_with("# EOF\n"));
    for name in [
        "burgee_requests",
        "burgee_request_duration_seconds",
        "burgee_evaluations",
        "burgee_feature_requests",
        "burgee_feature_request_duration_seconds",
        "burgee_forged_fields_dropped",
        "burgee_identity",
        "burgee_config",
        "burgee_config_last_reload_successful",
        "burgee_config_last_success_timestamp_seconds",
        "burgee_config_reloads",
        "burgee_upstream_failures",
        "burgee_connections",
        "burgee_refused",
        "burgee_overrides",
        "process_resident_memory_bytes",
        "process_cpu_seconds",
    ] {
        assert!(
            answer.body.contains(&format!("# TYPE {name} ")),
            "{name} in {}",
            answer.body
        );
    }
}

#[test]
fn exec_probes_need_no_shell() {
    let (process, toggles) = doors(&[]);
    let (admin, api) = (process.admin.to_string(), process.api.to_string());
    assert_eq!(
        burgee(&["health", "--admin-listen", &admin]),
        (0, "ok\n".into())
    );
    assert_eq!(burgee(&["health", &format!("http://{admin}/nothing")]).0, 1);
    assert_eq!(burgee(&["health", "http://127.0.0.1:1/"]).0, 1);
    assert_eq!(burgee(&["reload", "--api-listen", &api]).0, 0);
    toggles.write("version: 1\nfeatures:\n  dark-mode: 110%\n");
    let (code, said) = burgee(&["reload", "--api-listen", &api]);
    assert!(code == 1 && said.contains("toggles.yaml:3:14: "), "{said}");
    let (begun, least) = (Instant::now(), Duration::from_millis(300));
    assert_eq!(
        burgee(&[
            "drain",
            "--wait",
            "--at-least",
            "300ms",
            "--api-listen",
            &api
        ])
        .0,
        0
    );
    assert!(begun.elapsed() >= least);
    assert_eq!(
        burgee(&["health", &format!("http://{admin}/ready")]),
        (1, "draining\n".into())
    );
}

#[test]
fn it_ends_with_0_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let (mut burgee, _toggles) = doors(&[]);
        burgee.signal(signal);
        assert_eq!(burgee.ended().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_probe_is_relayed_by_its_status_alone() {
    let application = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = application.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in application.incoming().map_while(Result::ok) {
            let mut head = [0; 1024];
            let length = stream.read(&mut head).unwrap();
            let status = match &head[..length] {
                head if head.starts_with(b"GET /well ") => "204 No Content",
                head if head.starts_with(b"GET /moved ") => "302 Found",
                _ => "500 Oh",
            };
            let answer = format!("HTTP/1.1 {status}\r\nSecret: 1\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let toggles = Toggles::new(ON);
    let probes = "well=/well,moved=/moved,ill=/ill,app=connect";
    for (ready, expected) in [("/well", 200), ("/ill", 503)] {
        let flags = ["--probe", probes, "--ready-upstream", ready];
        let burgee = Burgee::start(&toggles.path(), &format!("http://{at}"), &flags);
        assert_eq!(get(burgee.admin, "/ready").status, expected, "{ready}");
        for (name, expected) in [
            ("well", 204),
            ("moved", 302),
            ("ill", 503),
            ("app", 200),
            ("other", 404),
        ] {
            let answer = get(burgee.admin, &format!("/probe/{name}"));
            assert_eq!(
                (answer.status, answer.header("secret")),
                (expected, None),
                "{name}"
            );
        }
        assert_eq!(get(burgee.admin, "/health").status, 200);
        // a relayed probe is no traffic
        assert_eq!(burgee.metric("burgee_requests_total{status=\"2xx\"}"), None);
    }
}

/// What the chart asks where an application has no probe: a port that nobody listens on, and then somebody does.
#[test]
fn an_application_is_ready_when_it_takes_connections() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = closed.local_addr().unwrap();
    drop(closed);
    let toggles = Toggles::new(ON);
    let flags = ["--probe", "app=connect"];
    let burgee = Burgee::start(&toggles.path(), &format!("http://{at}"), &flags);
    let answer = get(burgee.admin, "/probe/app");
    assert_eq!(
        (answer.status, &*answer.body),
        (503, "it takes no connection\n")
    );
    let _application = TcpListener::bind(at).unwrap();
    assert_eq!(get(burgee.admin, "/probe/app").status, 200);
}
