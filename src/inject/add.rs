//! Edits one pod: adds burgee, and gives it the application's port.
//! In: a pod or a pod template. Out: edits.

use super::{
    defaults::Defaults,
    edit::Edits,
    pod::{Pod, ports},
    sidecar::{DRAIN, PRE_STOP, container, pre_stop, readiness, volume},
    tree::YamlNode,
};
use serde_json::{Value, json};

/// Adds burgee to a pod. Out: what was done, or why the pod was left alone.
pub(super) fn add_sidecar(
    root: &YamlNode,
    defaults: &Defaults,
    edits: &mut Edits<'_>,
) -> Result<&'static str, String> {
    let pod = Pod::of(root)?;
    if let Some(why) = pod.left_alone() {
        return Ok(why);
    }
    pod.check()?;
    let port_name = pod.port_name(defaults)?;
    let config_map = pod.config_map(defaults)?;
    let on_bad_start = pod.on_bad_start(defaults)?;
    let amounts = pod.amounts()?;
    let upstream = pod.upstream(port_name, defaults)?;
    for container in pod.containers {
        edit_application(container, port_name, edits);
    }
    let burgee = container(&defaults.image, port_name, upstream, on_bad_start, &amounts);
    edits.prepend(pod.spec, "initContainers", &burgee);
    edits.append(pod.spec, "volumes", &volume(config_map));
    extend_grace_period(pod.spec, edits)?;
    add_label(&pod, edits);
    Ok("burgee added")
}

/// Renames the application's port, because burgee takes its name; its own probes and hooks follow, and without a readiness probe it gets one;
/// its container stops a little later.
fn edit_application(container: &YamlNode, port_name: &str, edits: &mut Edits<'_>) {
    let renamed = format!("{port_name}-app");
    for port in ports(container, port_name) {
        if let Some(name) = port.get("name") {
            edits.rename(name, &renamed);
        }
    }
    let probes =
        ["livenessProbe", "readinessProbe", "startupProbe"].map(|name| container.get(name));
    let hooks = container.get("lifecycle");
    let hooks = ["postStart", "preStop"].map(|name| hooks.and_then(|hooks| hooks.get(name)));
    for asks in probes.into_iter().chain(hooks).flatten() {
        for action in ["httpGet", "tcpSocket"] {
            let port = asks.get(action).and_then(|action| action.get("port"));
            if let Some(port) = port.filter(|port| port.scalar() == Some(port_name)) {
                edits.rename(port, &renamed);
            }
        }
    }
    let serves = ports(container, port_name).next().is_some();
    if serves && container.filled("readinessProbe").is_none() {
        edits.set_key(container, "readinessProbe", &readiness());
    }
    match container.filled("lifecycle") {
        None => edits.set_key(container, "lifecycle", &json!({"preStop": pre_stop()})),
        Some(lifecycle) if lifecycle.get("preStop").is_none_or(YamlNode::is_empty) => {
            edits.set_key(lifecycle, "preStop", &pre_stop());
        }
        Some(_) => {}
    }
}

/// The pod's grace period was meant for the application alone: adds the seconds that burgee needs.
fn extend_grace_period(spec: &YamlNode, edits: &mut Edits<'_>) -> Result<(), String> {
    const KEY: &str = "terminationGracePeriodSeconds";
    let current = spec.filled(KEY);
    let seconds: u64 = match current {
        None => 30,
        Some(node) => {
            let number = node.scalar().and_then(|text| text.parse().ok());
            number.ok_or_else(|| format!("`{KEY}` is not a number"))?
        }
    };
    let sum = Value::from(seconds + PRE_STOP + DRAIN);
    match current {
        Some(node) => edits.replace(node, &sum),
        None => edits.set_key(spec, KEY, &sum),
    }
    Ok(())
}

/// Monitors find the pod by this label.
fn add_label(pod: &Pod<'_>, edits: &mut Edits<'_>) {
    const KEY: &str = "burgee.dev/injected";
    let value = Value::from("true");
    match (pod.metadata, pod.labels) {
        (_, Some(labels)) => match labels.get(KEY) {
            Some(node) => edits.replace(node, &value),
            None => edits.add_key(labels, KEY, &value),
        },
        (Some(metadata), None) => edits.set_key(metadata, "labels", &json!({KEY: value})),
        (None, None) => edits.set_key(pod.root, "metadata", &json!({"labels": {KEY: value}})),
    }
}
