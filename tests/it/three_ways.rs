//! The chart, the admission policy and `burgee inject` make the same pod. The chart and the policy are the golden files of
//! `tests/e2e/helm`, which `tests/e2e/helm/run` keeps equal to what both helms render.

use crate::policy::{admit, refusal};
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

fn defaults() -> Defaults {
    Defaults {
        image: "burgee:0.1.0".into(),
        toggles_config_map: "burgee-toggles".into(),
        on_bad_start: "unready:15m".into(),
        port_name: "http".into(),
        upstream_port: None,
    }
}

fn injected(yaml: &str) -> String {
    inject(yaml, &defaults()).unwrap().text
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
        "hooks.yaml",
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
    assert_eq!(agreed, 8);
}

/// What the second policy says of a pod, which sees what the first has made of it.
fn refused(pod: &Value) -> Option<String> {
    let rendered = read("tests/e2e/helm/golden/injector.1.36.yaml");
    let (_, params) = policy();
    let seen = admitted(pod).unwrap().unwrap_or_else(|| pod.clone());
    let validating = of_kind(&rendered, "ValidatingAdmissionPolicy");
    let said = refusal(&validating, &params, &seen);
    // a pod with a mistake is left as it is by the first
    assert_eq!(
        said.is_some(),
        seen == *pod && pod["spec"]["hostNetwork"] != true
    );
    said
}

/// What an event says of a labelled pod, and `burgee inject` of its YAML: one sentence, the same.
#[test]
fn every_mistake_has_its_own_sentence_and_both_say_it() {
    let pod = |annotations: Value, ports: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {}, "annotations": annotations},
        "spec": {"containers": [{"name": "a", "ports": ports}]}})
    };
    let http = json!([{"name": "http", "containerPort": 5000}]);
    for (annotation, value, expected) in [
        (
            "take-port",
            "Http",
            "the port name `Http` must be 1 to 11 lower-case letters",
        ),
        ("take-port", "-http", "the port name `-http` must be"),
        (
            "take-port",
            "twelve-long-",
            "the port name `twelve-long-` must be",
        ),
        (
            "take-port",
            "web",
            "no container port is named web: give the application's port that name",
        ),
        (
            "upstream-port",
            "80 --evil",
            "the annotation burgee.dev/upstream-port is `80 --evil`, which is not a port",
        ),
        ("upstream-port", "0", "is `0`, which is not a port"),
        ("upstream-port", "65536", "is `65536`, which is not a port"),
        (
            "on-bad-start",
            "later",
            "the annotation burgee.dev/on-bad-start is `later`: write `refuse`, `forward`, `unready` or `unready:15m`",
        ),
        ("on-bad-start", "unready:15", "is `unready:15`: write"),
        (
            "toggles-configmap",
            "Shop",
            "the annotation burgee.dev/toggles-configmap is `Shop`, which is not the name of a ConfigMap",
        ),
        (
            "cpu-request",
            "much",
            "the annotation burgee.dev/cpu-request is `much`, which is not an amount: write `20m` or `32Mi`",
        ),
        (
            "memory-limit",
            "64MB",
            "the annotation burgee.dev/memory-limit is `64MB`, which is not an amount",
        ),
        ("memory-request", "-1", "is `-1`, which is not an amount"),
        ("cpu-limit", "1.", "is `1.`, which is not an amount"),
    ] {
        let name = format!("burgee.dev/{annotation}");
        let pod = pod(json!({name: value}), http.clone());
        let said = refused(&pod).unwrap_or_else(|| panic!("{annotation}: {value} is admitted"));
        let sentence = said.strip_prefix("burgee: ").unwrap();
        assert!(sentence.contains(expected), "{sentence}");
        let by_command = inject(&pod.to_string(), &defaults()).unwrap_err();
        let shared = sentence.split(", or set the annotation").next().unwrap();
        assert!(by_command.contains(shared), "{by_command}\n{sentence}");
    }
    let said = refused(&pod(json!({}), json!([]))).unwrap();
    assert!(said.contains("no container port is named http"), "{said}");
    // nothing is said of what is well, or left alone
    assert_eq!(refused(&pod(json!({}), http.clone())), None);
    let mut host = pod(json!({"burgee.dev/take-port": "Http"}), json!([]));
    host["spec"]["hostNetwork"] = json!(true);
    assert_eq!(refused(&host), None);
}

#[test]
fn annotations_set_what_they_name() {
    let pod = json!({"metadata": {"labels": {}, "annotations": {
        "burgee.dev/upstream-port": "7000", "burgee.dev/on-bad-start": "unready",
        "burgee.dev/cpu-request": "0.5", "burgee.dev/memory-request": "20Mi", "burgee.dev/cpu-limit": "2", "burgee.dev/memory-limit": "1Gi"}},
        "spec": {"containers": [{"name": "a"}]}});
    let settled = admitted(&pod).unwrap().unwrap();
    let burgee = &settled["spec"]["initContainers"][0];
    assert_eq!(burgee["args"][2], "unready");
    assert_eq!(burgee["args"][4], "http://127.0.0.1:7000");
    assert_eq!(
        burgee["resources"],
        json!({"requests": {"cpu": "0.5", "memory": "20Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}})
    );
    let yaml = json!({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"], "spec": pod["spec"]});
    assert_eq!(
        of_kind(&injected(&yaml.to_string()), "Pod")["spec"]["initContainers"][0],
        *burgee
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
