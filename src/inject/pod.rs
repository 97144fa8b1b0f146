//! One pod: who is the application, and what changes in it.
//! In: a pod or a pod template. Out: edits, or a sentence on what is missing.

use super::{
    Settings,
    edit::Edits,
    sidecar::{DRAIN, NAME, PRE_STOP, container, pre_stop, volume},
    tree::{Kind, Node},
};
use serde_json::{Value, json};
use std::rc::Rc;

/// Puts burgee into a pod and says so, or says why it left it alone.
pub(super) fn inject(
    pod: &Node,
    settings: &Settings,
    edits: &mut Edits<'_>,
) -> Result<&'static str, String> {
    let metadata = pod.get("metadata").filter(|node| !node.is_empty());
    let labels = metadata
        .and_then(|m| m.get("labels"))
        .filter(|node| !node.is_empty());
    let annotation = |name: &str| metadata?.get("annotations")?.text(name);
    let spec = pod.get("spec").ok_or("the pod has no `spec`")?;
    let containers = spec.get("containers").map(Node::items).unwrap_or_default();
    if containers.is_empty() {
        return Err("the pod has no `containers`".into());
    }
    let init = spec
        .get("initContainers")
        .map(Node::items)
        .unwrap_or_default();
    if labels.and_then(|l| l.text("burgee.dev/inject")) == Some("false") {
        return Ok("left alone: burgee.dev/inject is false");
    }
    if spec.text("hostNetwork") == Some("true") {
        return Ok("left alone: it uses the host's network");
    }
    if init
        .iter()
        .chain(containers)
        .any(|c| c.text("name") == Some(NAME))
    {
        return Ok("left alone: it has burgee already");
    }
    let lists = ["initContainers", "volumes", "containers"].map(|key| spec.get(key));
    let edited = [Some(pod), Some(spec), metadata, labels]
        .into_iter()
        .chain(lists);
    let each = containers
        .iter()
        .flat_map(|c| [Some(&**c), c.get("lifecycle")]);
    if edited
        .chain(each)
        .flatten()
        .any(|node| node.is_alias() || node.get("<<").is_some())
    {
        return Err(
            "an alias (`*`) or a merge key (`<<`) hides what is to be edited: write it out".into(),
        );
    }

    let port_name = annotation("burgee.dev/take-port").unwrap_or(&settings.port_name);
    let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=11).contains(&port_name.len()) || !port_name.chars().all(named) {
        return Err(format!(
            "the port name `{port_name}` must be 1 to 11 lower-case letters, digits and `-`, because `-app` goes behind it"
        ));
    }
    let own = annotation("burgee.dev/upstream-port");
    let upstream = upstream(own, containers, port_name, settings)?;
    let config_map =
        annotation("burgee.dev/toggles-configmap").unwrap_or(&settings.toggles_config_map);

    for container in containers {
        application(container, port_name, edits);
    }
    edits.prepend(
        spec,
        "initContainers",
        &container(&settings.image, port_name, upstream),
    );
    edits.append(spec, "volumes", &volume(config_map));
    grace(spec, edits)?;
    label(pod, metadata, labels, edits);
    Ok("burgee put in")
}

/// The application's port: what the annotation says, the port that is taken over, or what the flag says.
fn upstream(
    own: Option<&str>,
    containers: &[Rc<Node>],
    port_name: &str,
    settings: &Settings,
) -> Result<u16, String> {
    let valid = |text: &str| text.parse().ok().filter(|port| *port > 0);
    if let Some(text) = own {
        return valid(text).ok_or_else(|| {
            format!("the annotation burgee.dev/upstream-port is `{text}`, which is no port")
        });
    }
    let named = containers.iter().find_map(|c| ports(c, port_name).next());
    match (named, settings.upstream_port) {
        (Some(port), _) => port
            .text("containerPort")
            .and_then(valid)
            .ok_or_else(|| format!("the port `{port_name}` has no `containerPort`")),
        (None, Some(port)) => Ok(port),
        (None, None) => Err(format!(
            "there is no container port named {port_name}: name the application's port so, set the annotation burgee.dev/upstream-port, or give --upstream-port"
        )),
    }
}

/// The ports of a container that have the name.
fn ports<'a>(container: &'a Node, name: &'a str) -> impl Iterator<Item = &'a Node> {
    let ports = container.get("ports").map(Node::items).unwrap_or_default();
    ports
        .iter()
        .map(|port| &**port)
        .filter(move |port| port.text("name") == Some(name))
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
    match container.get("lifecycle").filter(|node| !node.is_empty()) {
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
    let own = spec.get(KEY).filter(|node| !node.is_empty());
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
fn label(pod: &Node, metadata: Option<&Node>, labels: Option<&Node>, edits: &mut Edits<'_>) {
    const KEY: &str = "burgee.dev/injected";
    let value = Value::from("true");
    match (metadata, labels) {
        (_, Some(labels)) => match labels.get(KEY) {
            Some(node) if matches!(node.kind, Kind::Scalar { .. }) => edits.replace(node, &value),
            _ => edits.add_key(labels, KEY, &value),
        },
        (Some(metadata), None) => edits.set_key(metadata, "labels", &json!({KEY: value})),
        (None, None) => edits.set_key(pod, "metadata", &json!({"labels": {KEY: value}})),
    }
}
