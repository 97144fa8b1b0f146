//! Any bytes as a toggles file: refused with a place, or in force; and what is in force answers, explains itself,
//! and is no edit of what the same bytes give once more. In: bytes. Out: nothing.

use burgee::{
    config::{self, Text},
    engine::{
        Decisions, Snapshot,
        describe::{explain, json, sentence},
        diff::{self, ChangeKind},
        request::{EvaluationContext, HttpRequest, Input},
        units::Second,
    },
};
use http::{HeaderValue, Request};

const NOW: Second = Second(1_800_000_000);

/// Panics where the promise is broken.
pub fn ask(data: &[u8]) {
    let text = Text {
        name: "toggles.yaml".into(),
        bytes: data.to_vec(),
    };
    let texts = [text];
    let [first, again] = [(); 2].map(|()| config::compile_texts(&texts, &|_| None, NOW));
    match (first, again) {
        (Ok((snapshot, warnings)), Ok((same, told))) => {
            answers(&snapshot, Some("mia"));
            answers(&snapshot, None);
            travels(&snapshot);
            for change in diff::changes(&snapshot, &same, NOW) {
                assert!(matches!(change.kind, ChangeKind::Same), "{change:?}");
            }
            assert_eq!((snapshot.revision, warnings), (same.revision, told));
        }
        (Err(problems), Err(same)) => {
            let ends = data.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
            let lines = ends.count() as u32 + 1;
            for problem in &problems.0 {
                let (line, column) = (problem.line, problem.column);
                assert!(
                    (1..=lines).contains(&line) && column > 0,
                    "a problem has no place: {problem:?}"
                );
            }
            assert_eq!(problems, same);
        }
        _ => panic!("the same bytes are refused and in force"),
    }
}

/// By `explain`, in words and as JSON.
fn answers(snapshot: &Snapshot, user: Option<&str>) {
    let context = EvaluationContext {
        user: user.map(str::to_owned),
        ..EvaluationContext::default()
    };
    let (input, mut decisions, mut json) =
        (Input::Context(&context), Decisions::default(), Vec::new());
    snapshot.decide(input, NOW, None, &mut decisions);
    assert_eq!(decisions.by_feature.len(), snapshot.features().count());
    json::write(snapshot, &decisions, input, NOW, user, &|_| true, &mut json);
    assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    for toggles in &*snapshot.files {
        let explained = explain::file(snapshot, toggles, input, NOW, &decisions);
        for (feature, explained) in toggles.features.iter().zip(explained) {
            assert!(!explained.why.is_empty() && !sentence::feature(feature, toggles).is_empty());
        }
    }
}

/// Through the data path: by the map and by lines, the same fields, and none of a client's.
fn travels(snapshot: &Snapshot) {
    let request = Request::get("/products?page=3")
        .header("cookie", "user_id=mia")
        .header("x_feature_forged", "on");
    let Ok(request) = request.body(()) else {
        return;
    };
    let (mut parts, ()) = request.into_parts();
    let (mut by_lines, mut decisions) = (parts.clone(), Decisions::default());
    let decide = |decisions: &mut Decisions| {
        let input = Input::Http(HttpRequest::new(&parts, b"app.example.com", None));
        snapshot.decide(input, NOW, Some(&|| 7), decisions);
    };
    decide(&mut decisions);
    snapshot.forged_fields.strip(&mut by_lines.headers);
    snapshot.write_lines(&mut decisions);
    for line in decisions
        .lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let Some(line) = line.strip_suffix(b"\r") else {
            panic!("a line ends otherwise")
        };
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            panic!("a line without a name")
        };
        let (Ok(name), Ok(value)) = (
            http::HeaderName::from_bytes(&line[..colon]),
            HeaderValue::from_bytes(&line[colon + 2..]),
        ) else {
            panic!("no field")
        };
        by_lines.headers.append(name, value);
    }
    decide(&mut decisions);
    snapshot.forged_fields.strip(&mut parts.headers);
    snapshot.write(&mut parts.headers, &decisions);
    assert_eq!(parts.headers, by_lines.headers);
}
