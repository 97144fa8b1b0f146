//! Reads one pod: which containers are the application's, and which port burgee takes over.
//! In: a pod or a pod template, and the defaults. Out: what the edit needs, or a sentence that says what is missing.

use super::{defaults::Defaults, sidecar::NAME, tree::YamlNode};
use std::rc::Rc;

/// The nodes of a pod that matter here.
pub(super) struct Pod<'a> {
    pub(super) root: &'a YamlNode,
    pub(super) metadata: Option<&'a YamlNode>,
    pub(super) labels: Option<&'a YamlNode>,
    pub(super) spec: &'a YamlNode,
    pub(super) containers: &'a [Rc<YamlNode>],
}

impl<'a> Pod<'a> {
    /// Finds the nodes, or says what is missing.
    pub(super) fn of(root: &'a YamlNode) -> Result<Self, String> {
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

    /// The value of an annotation.
    pub(super) fn annotation(&self, name: &str) -> Option<&'a str> {
        self.metadata?.get("annotations")?.text(name)
    }

    /// Why the pod must not be edited, if so.
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
            Some("left alone: it already has burgee")
        } else {
            None
        }
    }

    /// Refuses aliases and merge keys: an edit needs its node written out in its own place.
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
                "an alias (`*`) or a merge key (`<<`) hides what must be edited: write it out"
                    .into(),
            );
        }
        Ok(())
    }

    /// The name of the port that burgee takes over.
    pub(super) fn port_name<'s>(&self, defaults: &'s Defaults) -> Result<&'s str, String>
    where
        'a: 's,
    {
        let name = self
            .annotation("burgee.dev/take-port")
            .unwrap_or(&defaults.port_name);
        let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let ends = name.starts_with(may) && name.ends_with(may);
        if ends && name.len() <= 11 && name.chars().all(|c| may(c) || c == '-') {
            return Ok(name);
        }
        Err(format!(
            "the port name `{name}` must be 1 to 11 lower-case letters, digits and `-`, because `-app` is added to it"
        ))
    }

    /// What burgee does without good toggles at the start.
    pub(super) fn on_bad_start<'s>(&self, defaults: &'s Defaults) -> Result<&'s str, String>
    where
        'a: 's,
    {
        const ANNOTATION: &str = "burgee.dev/on-bad-start";
        match self.annotation(ANNOTATION) {
            None => Ok(&defaults.on_bad_start),
            Some(text) if is_on_bad_start(text) => Ok(text),
            Some(text) => Err(format!(
                "the annotation {ANNOTATION} is `{text}`: write `refuse`, `forward`, `unready` or `unready:15m`"
            )),
        }
    }

    /// The ConfigMap that holds the toggles.
    pub(super) fn config_map<'s>(&self, defaults: &'s Defaults) -> Result<&'s str, String>
    where
        'a: 's,
    {
        const ANNOTATION: &str = "burgee.dev/toggles-configmap";
        let Some(name) = self.annotation(ANNOTATION) else {
            return Ok(&defaults.toggles_config_map);
        };
        let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = name.starts_with(may) && name.ends_with(may) && name.len() <= 253;
        match is_name && name.chars().all(|c| may(c) || "-.".contains(c)) {
            true => Ok(name),
            false => Err(format!(
                "the annotation {ANNOTATION} is `{name}`, which is not the name of a ConfigMap"
            )),
        }
    }

    /// What the annotations say of an amount of burgee's resources, each by its path: `requests/cpu`.
    pub(super) fn amounts(&self) -> Result<Vec<(&'static str, &'a str)>, String> {
        let mut amounts = Vec::new();
        for (path, annotation) in AMOUNTS {
            match self.annotation(annotation) {
                Some(amount) if is_amount(amount) => amounts.push((path, amount)),
                Some(other) => {
                    return Err(format!(
                        "the annotation {annotation} is `{other}`, which is not an amount: write `20m` or `32Mi`"
                    ));
                }
                None => {}
            }
        }
        Ok(amounts)
    }

    /// The application's port: from the annotation, else from the port of that name, else from the flag.
    pub(super) fn upstream(&self, port_name: &str, defaults: &Defaults) -> Result<u16, String> {
        const ANNOTATION: &str = "burgee.dev/upstream-port";
        let valid = |text: &str| text.parse().ok().filter(|port| *port > 0);
        if let Some(text) = self.annotation(ANNOTATION) {
            return valid(text).ok_or_else(|| {
                format!("the annotation {ANNOTATION} is `{text}`, which is not a port")
            });
        }
        let named = self
            .containers
            .iter()
            .find_map(|c| ports(c, port_name).next());
        match (named, defaults.upstream_port) {
            (Some(port), _) => port
                .text("containerPort")
                .and_then(valid)
                .ok_or_else(|| format!("the port `{port_name}` has no `containerPort`")),
            (None, Some(port)) => Ok(port),
            (None, None) => Err(format!(
                "no container port is named {port_name}: give the application's port that name, set the annotation {ANNOTATION}, or give --upstream-port"
            )),
        }
    }
}

/// Where each goes, and the annotation that says it.
const AMOUNTS: [(&str, &str); 4] = [
    ("requests/cpu", "burgee.dev/cpu-request"),
    ("requests/memory", "burgee.dev/memory-request"),
    ("limits/cpu", "burgee.dev/cpu-limit"),
    ("limits/memory", "burgee.dev/memory-limit"),
];

/// `20m`, `0.5`, `32Mi`
fn is_amount(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unit = &text[number.len()..];
    digits(whole) && digits(part) && ["", "m", "k", "M", "G", "Ki", "Mi", "Gi"].contains(&unit)
}

/// A value of `burgee run --on-bad-start`: nothing here knows the flags, and a test compares the two.
pub fn is_on_bad_start(text: &str) -> bool {
    let time = text.strip_prefix("unready:");
    ["refuse", "forward", "unready"].contains(&text) || time.and_then(seconds).is_some()
}

/// `15m` is 900.
pub(super) fn seconds(time: &str) -> Option<u64> {
    let unit = time.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &time[..time.len() - unit.len()];
    let number = digits.parse::<u64>().ok().filter(|_| digits.len() <= 9)?;
    match unit {
        "ms" => Some(number / 1000),
        "s" => Some(number),
        "m" => Some(number * 60),
        "h" => Some(number * 3600),
        _ => None,
    }
}

/// The ports of a container that have this name.
pub(super) fn ports<'a>(
    container: &'a YamlNode,
    name: &'a str,
) -> impl Iterator<Item = &'a YamlNode> {
    container
        .list("ports")
        .iter()
        .map(|port| &**port)
        .filter(move |port| port.text("name") == Some(name))
}
