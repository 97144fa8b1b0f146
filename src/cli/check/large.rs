//! Files so large that what brings them to a cluster begins to refuse them.
//! In: the texts of one path. Out: a warning for each such file.

use crate::config::{Problem, Severity, Text};

/// `kubectl apply` keeps what it applied in an annotation, and all annotations have 256 KiB; as JSON a file is longer.
const LARGE: usize = 200 * 1024;

pub(super) fn warnings(texts: &[Text]) -> Vec<Problem> {
    let large = texts.iter().filter(|text| text.bytes.len() > LARGE);
    large.map(warning).collect()
}

fn warning(text: &Text) -> Problem {
    Problem {
        file: text.name.as_str().into(),
        line: 1,
        column: 1,
        path: String::new(),
        severity: Severity::Warning,
        message: format!(
            "the file has {} KiB: `kubectl apply` refuses a ConfigMap from 256 KiB on, and Helm a release from 1 MiB on",
            text.bytes.len() / 1024
        ),
        hint: "bring it with `burgee apply` or `kubectl apply --server-side`, or split it by namespaces"
            .to_owned(),
    }
}
