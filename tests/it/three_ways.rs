//! The chart, the admission policy and `burgee inject` make the same pod. The chart and the policy are the golden files of
//! `tests/e2e/helm`, which `tests/e2e/helm/run` keeps equal to what both helms render.

use crate::policy::admit;
use burgee::inject::{Defaults, inject};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn documents(yaml: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(yaml);
    documents
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

fn of_kind(yaml: &str, kind: &str) -> Value {
    let found = documents(yaml)
        .into_iter()
        .find(|document| document["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

fn template(deployment: &str) -> Value {
    of_kind(deployment, "Deployment")["spec"]["template"].clone()
}

fn injected(yaml: &str) -> String {
    let defaults = Defaults {
        image: "burgee:0.1.0".into(),
        toggles_config_map: "burgee-toggles".into(),
        on_bad_start: "unready:15m".into(),
        port_name: "http".into(),
        upstream_port: None,
    };
    inject(yaml, &defaults).unwrap().text
}

/// The policy of the injector, and the parameters that come with it.
fn policy() -> (Value, Value) {
    let rendered = read("tests/e2e/helm/golden/injector.1.36.yaml");
    (
        of_kind(&rendered, "MutatingAdmissionPolicy"),
        of_kind(&rendered, "ConfigMap"),
    )
}

fn admitted(pod: &Value) -> Result<Option<Value>, String> {
    let (policy, params) = policy();
    admit(&policy, &params, pod)
}

#[test]
fn the_chart_the_policy_and_the_command_make_the_same_pod() {
    let before = read("tests/data/three-ways/deployment.yaml");
    let by_chart = template(&read("tests/e2e/helm/golden/image.1.36.yaml"));
    let by_command = template(&injected(&before));
    let by_policy = admitted(&template(&before)).unwrap().unwrap();
    assert_eq!(by_chart["spec"], by_command["spec"]);
    assert_eq!(by_command, by_policy);
    assert_eq!(
        by_chart["metadata"]["labels"]["burgee.dev/injected"],
        "true"
    );
    assert_eq!(
        by_policy["metadata"]["labels"]["burgee.dev/injected"],
        "true"
    );
}

#[test]
fn the_policy_and_the_command_agree_on_every_pod_that_there_is_a_file_of() {
    let mut agreed = 0;
    for file in [
        "deployment.yaml",
        "indentless.yaml",
        "list.json",
        "left-alone.yaml",
    ] {
        let before = read(&format!("tests/data/inject/{file}"));
        for (before, after) in pods(&before).iter().zip(pods(&injected(&before))) {
            // `inject: "false"` never reaches the policy, which is asked for `"true"` alone
            if before["metadata"]["labels"]["burgee.dev/inject"] == "false" {
                continue;
            }
            // the API server writes labels where the selector needs them
            let mut labelled = before.clone();
            let mut after = after;
            for pod in [&mut labelled, &mut after] {
                pod["metadata"]["labels"]["burgee.dev/inject"] = json!("true");
                tidy(pod);
            }
            let by_policy = admitted(&labelled).unwrap().unwrap_or(labelled);
            assert_eq!(after, by_policy, "{file}");
            agreed += 1;
        }
    }
    assert_eq!(agreed, 7);
}

#[test]
fn a_pod_whose_port_is_unknown_is_refused_with_a_sentence() {
    let pod = |annotation: Value| json!({"metadata": {"labels": {}, "annotations": annotation}, "spec": {"containers": [{"name": "a"}]}});
    let refused = admitted(&pod(json!({}))).unwrap_err();
    assert!(
        refused.contains("a container port named http: name the application's port so"),
        "{refused}"
    );
    assert!(admitted(&pod(json!({"burgee.dev/upstream-port": "80 --evil"}))).is_err());
    let refused = admitted(&pod(
        json!({"burgee.dev/upstream-port": "80", "burgee.dev/on-bad-start": "later"}),
    ))
    .unwrap_err();
    assert!(
        refused.contains("burgee.dev/on-bad-start: write refuse"),
        "{refused}"
    );
    let settled = admitted(&pod(json!({"burgee.dev/upstream-port": "7000"})))
        .unwrap()
        .unwrap();
    assert_eq!(
        settled["spec"]["initContainers"][0]["args"][4],
        "http://127.0.0.1:7000"
    );
}

#[test]
fn a_second_time_the_policy_changes_nothing() {
    let pod = template(&read("tests/data/three-ways/deployment.yaml"));
    let once = admitted(&pod).unwrap().unwrap();
    assert_eq!(admitted(&once).unwrap(), None);
}

#[test]
fn a_team_may_set_as_little_as_it_likes() {
    let (policy, _) = policy();
    let pod = template(&read("tests/data/three-ways/deployment.yaml"));
    let check = |params: Value, image: &str| {
        let made = admit(&policy, &params, &pod).unwrap().unwrap();
        assert_eq!(made["spec"]["initContainers"][0]["image"], image);
    };
    check(json!({}), "burgee:0.1.0");
    check(
        json!({"data": {"togglesConfigMap": "other"}}),
        "burgee:0.1.0",
    );
    check(
        json!({"data": {"image": "mirror/burgee:1"}}),
        "mirror/burgee:1",
    );
}

/// The pods and templates of a stream.
fn pods(yaml: &str) -> Vec<Value> {
    let mut pods = Vec::new();
    let mut all = documents(yaml);
    while !all.is_empty() {
        let mut document = all.remove(0);
        match document["kind"].as_str() {
            Some("List") => all.extend(document["items"].as_array().unwrap().clone()),
            Some("Pod") => {
                pods.push(json!({"metadata": document["metadata"], "spec": document["spec"]}))
            }
            Some("CronJob") => {
                pods.push(document["spec"]["jobTemplate"]["spec"]["template"].take())
            }
            Some("Deployment" | "StatefulSet" | "DaemonSet") => {
                pods.push(document["spec"]["template"].take())
            }
            _ => {}
        }
    }
    pods
}

/// What the API server's decoding does: no nulls, and no empty maps and lists that say nothing.
fn tidy(pod: &mut Value) {
    let empty = |value: &Value| {
        value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(|map| map.is_empty())
    };
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    for object in containers.iter_mut().filter_map(Value::as_object_mut) {
        object.retain(|_, value| !empty(value));
    }
    pod["spec"]
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !empty(value));
}
