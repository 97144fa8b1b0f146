//! A ConfigMap of the cluster: read, changed, and written only if nobody else wrote it meanwhile.
//! In: its name and the text of one key. Out: the object as it is now, or the trouble.

use super::kubectl::{Kind, Kubectl, Trouble};
use serde_json::{Value, json};

/// A ConfigMap; none where there is no such object.
pub(super) fn get(kubectl: &Kubectl, name: &str) -> Result<Option<Value>, Trouble> {
    match kubectl.json(&["get", "configmap", name, "--output=json"]) {
        Ok(object) => Ok(Some(object)),
        Err(trouble) if trouble.kind == Kind::NotFound => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// The text of a key.
pub(super) fn text<'o>(object: Option<&'o Value>, key: &str) -> Option<&'o str> {
    object?["data"][key].as_str()
}

/// Whether Helm made it, and would put it back.
pub(super) fn is_helms(object: &Value) -> bool {
    let about = &object["metadata"];
    about["labels"]["app.kubernetes.io/managed-by"] == "Helm"
        || about["annotations"]["meta.helm.sh/release-name"].is_string()
}

/// Writes the text under the key. The version that was read is sent back: an edit in between is refused, not overwritten.
pub(super) fn put(
    kubectl: &Kubectl,
    name: &str,
    old: Option<Value>,
    key: &str,
    text: &str,
) -> Result<(), Trouble> {
    let verb = if old.is_some() { "replace" } else { "create" };
    let mut object = old.unwrap_or_else(|| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "burgee"}},
        })
    });
    object["data"][key] = text.into();
    let input = object.to_string();
    let arguments = [verb, "--filename=-", "--field-manager=burgee"];
    kubectl.run(&arguments, Some(input.as_bytes())).map(drop)
}
