//! One pod, read: who is the application, and which port burgee takes over.
//! In: a pod or a pod template, and the settings. Out: what is to be put in, or a sentence on what is missing.

use super::{Settings, sidecar::NAME, tree::Node};
use std::rc::Rc;

/// The nodes of a pod that matter here.
pub(super) struct Pod<'a> {
    pub(super) root: &'a Node,
    pub(super) metadata: Option<&'a Node>,
    pub(super) labels: Option<&'a Node>,
    pub(super) spec: &'a Node,
    pub(super) containers: &'a [Rc<Node>],
}

impl<'a> Pod<'a> {
    /// The nodes, or what is missing.
    pub(super) fn of(root: &'a Node) -> Result<Self, String> {
        let metadata = root.filled("metadata");
        let spec = root.get("spec").ok_or("the pod has no `spec`")?;
        Ok(Pod {
            root,
            metadata,
            labels: metadata.and_then(|metadata| metadata.filled("labels")),
            spec,
            containers: spec.list("containers"),
        })
    }

    /// What an annotation says.
    pub(super) fn annotation(&self, name: &str) -> Option<&'a str> {
        self.metadata?.get("annotations")?.text(name)
    }

    /// Why it is left alone, if it is.
    pub(super) fn left_alone(&self) -> Option<&'static str> {
        let label = self.labels.and_then(|l| l.text("burgee.dev/inject"));
        let host = self.spec.text("hostNetwork").unwrap_or_default();
        let mut all = self
            .spec
            .list("initContainers")
            .iter()
            .chain(self.containers);
        if label == Some("false") {
            Some("left alone: burgee.dev/inject is false")
        } else if host.eq_ignore_ascii_case("true") {
            Some("left alone: it uses the host's network")
        } else if all.any(|container| container.text("name") == Some(NAME)) {
            Some("left alone: it has burgee already")
        } else {
            None
        }
    }

    /// An edit needs what it edits to be written in its own place.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.containers.is_empty() {
            return Err("the pod has no `containers`".into());
        }
        let lists = ["initContainers", "volumes", "containers"].map(|key| self.spec.get(key));
        let each = self.containers.iter();
        let mut edited = [Some(self.root), Some(self.spec), self.metadata, self.labels]
            .into_iter()
            .chain(lists)
            .chain(each.flat_map(|c| [Some(&**c), c.get("lifecycle")]))
            .flatten();
        if edited.any(|node| node.is_alias() || node.get("<<").is_some()) {
            return Err(
                "an alias (`*`) or a merge key (`<<`) hides what is to be edited: write it out"
                    .into(),
            );
        }
        Ok(())
    }

    /// The port that is taken over.
    pub(super) fn port_name<'s>(&self, settings: &'s Settings) -> Result<&'s str, String>
    where
        'a: 's,
    {
        let name = self
            .annotation("burgee.dev/take-port")
            .unwrap_or(&settings.port_name);
        let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if (1..=11).contains(&name.len()) && name.chars().all(may) {
            return Ok(name);
        }
        Err(format!(
            "the port name `{name}` must be 1 to 11 lower-case letters, digits and `-`, because `-app` goes behind it"
        ))
    }

    /// The application's port: what the annotation says, the port that is taken over, or what the flag says.
    pub(super) fn upstream(&self, port_name: &str, settings: &Settings) -> Result<u16, String> {
        const ANNOTATION: &str = "burgee.dev/upstream-port";
        let valid = |text: &str| text.parse().ok().filter(|port| *port > 0);
        if let Some(text) = self.annotation(ANNOTATION) {
            return valid(text).ok_or_else(|| {
                format!("the annotation {ANNOTATION} is `{text}`, which is no port")
            });
        }
        let named = self
            .containers
            .iter()
            .find_map(|c| ports(c, port_name).next());
        match (named, settings.upstream_port) {
            (Some(port), _) => port
                .text("containerPort")
                .and_then(valid)
                .ok_or_else(|| format!("the port `{port_name}` has no `containerPort`")),
            (None, Some(port)) => Ok(port),
            (None, None) => Err(format!(
                "there is no container port named {port_name}: name the application's port so, set the annotation {ANNOTATION}, or give --upstream-port"
            )),
        }
    }
}

/// The ports of a container that have the name.
pub(super) fn ports<'a>(container: &'a Node, name: &'a str) -> impl Iterator<Item = &'a Node> {
    container
        .list("ports")
        .iter()
        .map(|port| &**port)
        .filter(move |port| port.text("name") == Some(name))
}
