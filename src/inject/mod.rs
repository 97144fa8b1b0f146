//! Adds the sidecar to Kubernetes YAML by editing the text: everything else, comments too, stays the same byte for byte.
//! In: a stream of YAML documents and the defaults. Out: the stream with burgee in every pod, and a line for each workload.

mod add;
mod defaults;
mod edit;
mod pod;
mod sidecar;
mod tree;

pub use defaults::Defaults;
pub use pod::is_on_bad_start;
pub use sidecar::stops_of;

use edit::Edits;
use pod::Pod;
use tree::YamlNode;

/// The result of an injection.
#[derive(Debug)]
pub struct Injected {
    /// the YAML
    pub text: String,
    /// for people: what was done to each workload
    pub notes: Vec<String>,
}

/// Adds burgee to every pod of the stream, or says why it cannot and changes nothing.
pub fn inject(text: &str, defaults: &Defaults) -> Result<Injected, String> {
    let mut edits = Edits::new(text);
    let mut notes = Vec::new();
    for document in tree::parse(text)? {
        object(&document, defaults, &mut edits, &mut notes)?;
    }
    let text = edits.apply();
    // trust the edited text only after parsing it again
    tree::parse(&text)
        .map_err(|error| format!("the result is not YAML ({error}): please report the input"))?;
    Ok(Injected { text, notes })
}

/// One object, or every object of a list.
fn object(
    node: &YamlNode,
    defaults: &Defaults,
    edits: &mut Edits<'_>,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let kind = node.text("kind").unwrap_or_default();
    let group = node.text("apiVersion").unwrap_or_default();
    let path: &[&str] = match (group.split('/').next().unwrap_or_default(), kind) {
        ("v1", "List") => {
            for item in node.list("items") {
                object(item, defaults, edits, notes)?;
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
    let done = add::add_sidecar(pod, defaults, edits).map_err(place)?;
    let late = late_deadline(node, pod, defaults).unwrap_or_default();
    notes.push(format!("{name}: {done}{late}"));
    Ok(())
}

/// A rollout must have failed before pods that started with a bad file become ready: what to say where it has not.
fn late_deadline(object: &YamlNode, pod: &YamlNode, defaults: &Defaults) -> Option<String> {
    const KEY: &str = "progressDeadlineSeconds";
    let deadline: u64 = object.get("spec")?.text(KEY)?.parse().ok()?;
    let what = Pod::of(pod).ok()?.on_bad_start(defaults).ok()?;
    let patience = pod::seconds(what.strip_prefix("unready:")?)?;
    (deadline >= patience).then(|| {
        format!(
            "; its {KEY} is {deadline}: with `{what}` a rollout over a bad toggles file would go on before it has failed, so lower it"
        )
    })
}
