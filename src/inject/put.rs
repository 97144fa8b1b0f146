//! One pod, edited: burgee goes in, and the application makes room for it.
//! In: a pod or a pod template. Out: edits.

use super::{
    Settings,
    edit::Edits,
    pod::{Pod, ports},
    sidecar::{DRAIN, PRE_STOP, container, pre_stop, volume},
    tree::Node,
};
use serde_json::{Value, json};

/// Puts burgee into a pod and says so, or says why it left it alone.
pub(super) fn put(
    root: &Node,
    settings: &Settings,
    edits: &mut Edits<'_>,
) -> Result<&'static str, String> {
    let pod = Pod::of(root)?;
    if let Some(why) = pod.left_alone() {
        return Ok(why);
    }
    pod.check()?;
    let port_name = pod.port_name(settings)?;
    let upstream = pod.upstream(port_name, settings)?;
    let config_map = pod.annotation("burgee.dev/toggles-configmap");
    let config_map = config_map.unwrap_or(&settings.toggles_config_map);
    for container in pod.containers {
        application(container, port_name, edits);
    }
    let burgee = container(&settings.image, port_name, upstream);
    edits.prepend(pod.spec, "initContainers", &burgee);
    edits.append(pod.spec, "volumes", &volume(config_map));
    grace(pod.spec, edits)?;
    label(&pod, edits);
    Ok("burgee put in")
}

/// The port's name goes to burgee, what asked for it by name follows, and the container ends a little later.
fn application(container: &Node, port_name: &str, edits: &mut Edits<'_>) {
    let renamed = format!("{port_name}-app");
    for port in ports(container, port_name) {
        if let Some(name) = port.get("name") {
            edits.rename(name, &renamed);
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        for action in ["httpGet", "tcpSocket"] {
            let port = container
                .get(probe)
                .and_then(|p| p.get(action)?.get("port"));
            if let Some(port) = port.filter(|port| port.scalar() == Some(port_name)) {
                edits.rename(port, &renamed);
            }
        }
    }
    match container.filled("lifecycle") {
        None => edits.set_key(container, "lifecycle", &json!({"preStop": pre_stop()})),
        Some(lifecycle) if lifecycle.get("preStop").is_none_or(Node::is_empty) => {
            edits.set_key(lifecycle, "preStop", &pre_stop());
        }
        Some(_) => {}
    }
}

/// The pod's own grace period was meant for the application alone: what burgee needs is added to it.
fn grace(spec: &Node, edits: &mut Edits<'_>) -> Result<(), String> {
    const KEY: &str = "terminationGracePeriodSeconds";
    let own = spec.filled(KEY);
    let seconds: u64 = match own {
        None => 30,
        Some(node) => {
            let number = node.scalar().and_then(|text| text.parse().ok());
            number.ok_or_else(|| format!("`{KEY}` is no number"))?
        }
    };
    let sum = Value::from(seconds + PRE_STOP + DRAIN);
    match own {
        Some(node) => edits.replace(node, &sum),
        None => edits.set_key(spec, KEY, &sum),
    }
    Ok(())
}

/// The label by which monitors find the pod.
fn label(pod: &Pod<'_>, edits: &mut Edits<'_>) {
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
