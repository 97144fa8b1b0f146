//! The application by its name: looked up beside the traffic. That a name moves is tested where a hosts file can be made up
//! (`tests/e2e/namespaces`).

use crate::{
    run::Echo,
    support::{Burgee, Toggles, get},
};

/// In other letters it is looked up as any name is.
#[test]
fn a_name_is_looked_up_and_requests_wait_for_the_first_answer_only() {
    let (toggles, echo) = (
        Toggles::new("version: 1\nfeatures: {a: on}\n"),
        Echo::start(),
    );
    let upstream = format!("http://LocalHost:{}", echo.at.port());
    let mut burgee = Burgee::start(&toggles.path(), &upstream, &["--ready-upstream", "/"]);
    for _ in 0..3 {
        assert_eq!(get(burgee.listen, "/").status, 200);
    }
    assert_eq!(get(burgee.admin, "/ready").status, 200);
    let said = burgee.said("the application's name is resolved");
    assert_eq!(said["host"], "LocalHost");
    assert!(
        said["addresses"].to_string().contains("127.0.0.1"),
        "{said}"
    );
}

/// A sidecar may start before its application is known to anybody.
#[test]
fn a_name_that_nobody_knows_is_502_and_no_reason_not_to_start() {
    let toggles = Toggles::new("version: 1\nfeatures: {a: on}\n");
    let mut burgee = Burgee::start(&toggles.path(), "http://no-such-name.invalid:80", &[]);
    assert!([502, 504].contains(&get(burgee.listen, "/").status));
    burgee.said("the application's name cannot be resolved");
}
