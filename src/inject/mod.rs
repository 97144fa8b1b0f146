//! Puts the sidecar into Kubernetes YAML, by edits of the text: what is not touched stays byte for byte, comments too.
//! In: a stream of YAML documents and the settings. Out: the stream with burgee in every pod, and a line for each workload.

mod edit;
mod pod;
mod put;
mod sidecar;
mod tree;

use edit::Edits;
use tree::Node;

/// What the flags say; annotations of a pod win.
#[derive(Clone, Debug)]
pub struct Settings {
    /// burgee's image
    pub image: String,
    /// the ConfigMap with the toggles
    pub toggles_config_map: String,
    /// the port that burgee takes over
    pub port_name: String,
    /// the application's port, where no port has that name
    pub upstream_port: Option<u16>,
}

/// The result of an injection.
#[derive(Debug)]
pub struct Injected {
    /// the YAML
    pub text: String,
    /// what became of each workload, to read
    pub notes: Vec<String>,
}

/// Puts burgee into every pod of the stream, or says why it cannot and changes nothing.
pub fn inject(text: &str, settings: &Settings) -> Result<Injected, String> {
    let mut edits = Edits::new(text);
    let mut notes = Vec::new();
    for document in tree::parse(text)? {
        object(&document, settings, &mut edits, &mut notes)?;
    }
    let text = edits.apply();
    // Text that was edited is believed only once it was read again.
    tree::parse(&text)
        .map_err(|error| format!("the result is not YAML ({error}): please report the input"))?;
    Ok(Injected { text, notes })
}

/// One object, or each of a list.
fn object(
    node: &Node,
    settings: &Settings,
    edits: &mut Edits<'_>,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let kind = node.text("kind").unwrap_or_default();
    let group = node.text("apiVersion").unwrap_or_default();
    let path: &[&str] = match (group.split('/').next().unwrap_or_default(), kind) {
        ("v1", "List") => {
            for item in node.list("items") {
                object(item, settings, edits, notes)?;
            }
            return Ok(());
        }
        ("v1", "Pod") => &[],
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            &["spec", "template"]
        }
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
        _ => return Ok(()),
    };
    let name = node.get("metadata").and_then(|m| m.text("name"));
    let name = format!("{}/{}", kind.to_lowercase(), name.unwrap_or("?"));
    let place = |problem| format!("line {}: {name}: {problem}", node.line);
    let pod = path.iter().try_fold(node, |node, key| node.get(key));
    let pod = pod.ok_or_else(|| place(format!("there is no {}", path.join("."))))?;
    let done = put::put(pod, settings, edits).map_err(place)?;
    notes.push(format!("{name}: {done}"));
    Ok(())
}
