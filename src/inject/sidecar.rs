//! The sidecar's container. The charts and the policy make the same one; a test compares them.
//! In: what is particular to one pod. Out: Kubernetes objects as JSON.

use serde_json::{Value, json};

/// How many seconds the application keeps running after the pod begins to stop, until no Service sends it requests any more.
pub(super) const PRE_STOP: u64 = 5;
/// How many seconds burgee may take to finish responses after the application has stopped.
pub(super) const DRAIN: u64 = 5;

/// The name of the container; a pod with a container of this name already has burgee.
pub(super) const NAME: &str = "burgee";

pub(super) fn container(
    image: &str,
    port_name: &str,
    upstream_port: u16,
    on_bad_start: &str,
    amounts: &[(&str, &str)],
) -> Value {
    let mut resources =
        json!({"limits": {"memory": "256Mi"}, "requests": {"cpu": "10m", "memory": "16Mi"}});
    for (path, amount) in amounts {
        let (kind, name) = path.split_once('/').unwrap_or_default();
        resources[kind][name] = Value::from(*amount);
    }
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let get = |path: &str| json!({"path": path, "port": "burgee-admin"});
    json!({
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "restartPolicy": "Always",
        "args": [
            "run", "--on-bad-start", on_bad_start,
            "--upstream", format!("http://127.0.0.1:{upstream_port}"),
            "--drain-timeout", format!("{DRAIN}s"),
            "--probe", "app=connect",
        ],
        "env": [
            field("POD_NAME", "metadata.name"),
            field("POD_NAMESPACE", "metadata.namespace"),
            field("NODE_NAME", "spec.nodeName"),
        ],
        "ports": [
            {"name": port_name, "containerPort": 3524, "protocol": "TCP"},
            {"name": "burgee-admin", "containerPort": 3525, "protocol": "TCP"},
        ],
        // None of these checks the application: it starts after a native sidecar, so a probe that waited for it would never succeed.
        "startupProbe": {"httpGet": get("/health"), "periodSeconds": 1, "failureThreshold": 30},
        "readinessProbe": {"httpGet": get("/ready"), "periodSeconds": 5},
        "livenessProbe": {"httpGet": get("/health"), "periodSeconds": 10},
        "lifecycle": {"preStop": {"exec": {"command": ["/burgee", "drain"]}}},
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsGroup": 65532,
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "burgee-toggles", "mountPath": "/etc/burgee/toggles", "readOnly": true}],
    })
}

/// The toggles and, by its one key, what is stopped: whoever may write the stops can add no toggles. Optional, so that a missing
/// ConfigMap does not keep the application from starting.
pub(super) fn volume(config_map: &str) -> Value {
    let toggles = json!({"configMap": {"name": config_map, "optional": true}});
    let stops = json!({"configMap": {
        "name": stops_of(config_map),
        "optional": true,
        "items": [{"key": "stops.yaml", "path": "stops.yaml"}],
    }});
    json!({"name": "burgee-toggles", "projected": {"sources": [toggles, stops]}})
}

/// The ConfigMap of the stops that belongs to this one of toggles: `shop-stops` for `shop-toggles` and for `shop`.
pub fn stops_of(config_map: &str) -> String {
    format!("{config_map}-stops").replace("-toggles-stops", "-stops")
}

/// The readiness of an application that has no probe: burgee connects to it, which may listen on 127.0.0.1 only.
pub(super) fn readiness() -> Value {
    json!({"httpGet": {"path": "/probe/app", "port": 3525}, "periodSeconds": 2})
}

/// The application's preStop hook.
pub(super) fn pre_stop() -> Value {
    json!({"sleep": {"seconds": PRE_STOP}})
}
