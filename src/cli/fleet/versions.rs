//! Whether the burgee of every pod can read what is about to be applied: one of another version may refuse a key that this one
//! knows, and would keep what it has.
//! In: the files, and what each pod says that it is. Out: nothing, or which pod would refuse what, and what to do.

use super::{
    cluster::Pods,
    confirm::Cluster as _,
    kubectl::{Kind, Kubectl, Trouble},
    pods::{Answer, Pod},
    words::printable,
};
use crate::config::Text;
use std::collections::BTreeMap;

const OURS: &str = env!("CARGO_PKG_VERSION");

/// Has one pod of each other version check the files itself: nobody else knows what it knows.
pub(super) fn refused(
    kubectl: &Kubectl,
    pods: &mut Pods,
    texts: &[Text],
) -> Result<Option<String>, Trouble> {
    let all = pods.pods()?;
    let running: Vec<&Pod> = all.iter().filter(|pod| pod.has_burgee).collect();
    let mut others = BTreeMap::new();
    for (pod, answer) in running.iter().zip(pods.ask(&running)) {
        match answer {
            // without a version it may be any, and is asked by itself
            Answer::Has { version: None, .. } => {
                others.insert(
                    pod.name.clone(),
                    (pod, "a burgee of an unknown version".to_owned()),
                );
            }
            Answer::Has {
                version: Some(other),
                ..
            } if other != OURS => {
                let called = format!("burgee {other}");
                others.entry(called.clone()).or_insert((pod, called));
            }
            // whoever does not answer is named as a laggard at the end, if it is ready by then
            Answer::Has { .. } | Answer::Nothing(_) => {}
        }
    }
    for (pod, called) in others.values() {
        if let Some(why) = texts.iter().find_map(|text| refuses(kubectl, pod, text)) {
            let pod = printable(&pod.name);
            return Ok(Some(format!(
                "nothing is applied: `{pod}` runs {called}, this is {OURS}, and {why}"
            )));
        }
    }
    Ok(None)
}

/// By the `burgee check` of the pod.
fn refuses(kubectl: &Kubectl, pod: &Pod, text: &Text) -> Option<String> {
    let words = [
        "exec",
        &pod.name,
        "--stdin",
        "--container=burgee",
        "--",
        "/burgee",
        "check",
        "-",
    ];
    let trouble = kubectl.run(&words, Some(&text.bytes)).err()?;
    let name = printable(&text.name);
    Some(match trouble.kind {
        Kind::Ended => {
            let said = trouble.printed.lines().next().unwrap_or_default();
            let said = printable(said.strip_prefix("-:").unwrap_or(said));
            format!(
                "it would refuse `{name}` and keep what it has: {said}. Wait until every pod runs a burgee that knows it, or leave it out"
            )
        }
        _ => format!(
            "it cannot be asked whether it reads `{name}`: {trouble}. Apply it when every pod runs the same version"
        ),
    })
}
