//! `burgee apply`: new toggles into their ConfigMap, and the proof that every pod has them.
//! In: toggles files. Out: checked, compared with what is in the cluster, applied, confirmed.

use super::{
    FleetArgs,
    cluster::Pods,
    confirm::{Cluster as _, Wanted},
    kubectl::{Kubectl, Trouble},
    object,
    proof::prove,
    report, target, versions,
    words::printable,
};
use crate::{
    cli::{diff, output},
    config::{self, Text},
    engine::Snapshot,
    exit,
    flags::kubernetes,
    server::clock::wall_clock,
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitCode,
};

/// Put toggles into their ConfigMap, and wait until every pod has them
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: burgee apply toggles.yaml --configmap shop-toggles -n shop --max-moved 5%

Checks the files, by each other version of burgee that runs too, shows who would switch variant, asks, applies, and exits 0 only when every ready pod has them.
For a ConfigMap that Helm manages, edit the file in Git and run `helm upgrade`."
)]
pub struct ApplyArgs {
    /// Toggles files: each is a key of the ConfigMap
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// ConfigMap of the toggles
    #[arg(long, env = "BURGEE_CONFIGMAP", value_name = "NAME", value_parser = kubernetes::config_map)]
    configmap: String,
    /// Refuse if the edit can move more than this share of users (`5%`) in any feature
    #[arg(long, env = "BURGEE_MAX_MOVED", value_name = "SHARE")]
    max_moved: Option<String>,
    /// Let this feature move more than --max-moved; may be repeated
    #[arg(long, env = "BURGEE_ACCEPT", value_name = "FEATURE")]
    accept: Vec<String>,
    #[command(flatten)]
    fleet: FleetArgs,
}

/// Exits 0 only when every ready pod has the new revision.
pub fn main(args: &ApplyArgs) -> ExitCode {
    apply(args).unwrap_or_else(|code| code)
}

fn apply(args: &ApplyArgs) -> Result<ExitCode, ExitCode> {
    let said = |trouble: Trouble| output::fail(&trouble);
    let (fleet, name) = (&args.fleet, &args.configmap);
    let (texts, after) = checked(args)?;
    let kubectl = fleet.kubectl();
    let old = object::get(&kubectl, name).map_err(said)?;
    if old.as_ref().is_some_and(object::is_helms) {
        return Err(output::fail(&format!(
            "Helm manages `{name}`, and would conflict with this or put the old file back: edit the file in Git and run `helm upgrade`, \
             or give the chart `togglesConfigMap` and keep the file in a ConfigMap of your own"
        )));
    }
    let mut before = old.as_ref().map_or_else(Vec::new, target::texts_of);
    if let Some(other) = before
        .iter()
        .find(|old| !texts.iter().any(|text| text.name == old.name))
    {
        let other = printable(&other.name);
        return Err(output::fail(&format!(
            "`{name}` also has `{other}`: give all its files, because pods read them together"
        )));
    }
    let mut pods = Pods::new(kubectl.clone(), fleet.selector.clone(), Some(name.clone()));
    if let Some(refusal) = versions::refused(&kubectl, &mut pods, &texts).map_err(said)? {
        return Err(output::fail(&refusal));
    }
    compared(args, &mut before, &after)?;
    if !fleet.yes && !report::asks(&format!("Apply this to `{name}`?")) {
        return Err(exit::PROBLEMS.into());
    }
    pods.written = put(&kubectl, name, old.as_ref(), &texts).map_err(said)?;
    pods.restart();
    let wanted = Wanted {
        revision: Some(revision(&kubectl, &mut pods, name, texts).map_err(said)?),
        stops: None,
    };
    let more = json!({"configmap": name, "revision": wanted.revision});
    prove(fleet, pods, &wanted, &format!("applied {name}"), more).map_err(said)
}

/// The files under the keys that they get; every problem of them is told.
fn checked(args: &ApplyArgs) -> Result<(Vec<Text>, Snapshot), ExitCode> {
    let mut texts = Vec::new();
    for path in &args.files {
        let generation =
            config::generation(path).map_err(|problems| output::bad_toggles(&problems))?;
        texts.extend(generation.texts);
    }
    let compiled = config::compile_texts(&texts, &config::set_elsewhere, wall_clock());
    let (snapshot, warnings) = compiled.map_err(|problems| output::bad_toggles(&problems))?;
    for warning in warnings {
        output::fail(&warning);
    }
    for text in &mut texts {
        let key = text.name.rsplit('/').next().unwrap_or_default().to_owned();
        text.name = if key == "-" {
            "toggles.yaml".to_owned()
        } else {
            key
        };
    }
    if let Some(text) = texts.iter().find(|text| !is_read(&text.name)) {
        return Err(output::refuse(&format!(
            "pods would not read the key `{}`: name the file `….yaml`, and not `stops.yaml`",
            printable(&text.name)
        )));
    }
    texts.sort_by(|a, b| a.name.cmp(&b.name));
    let names: BTreeSet<&str> = texts.iter().map(|text| &*text.name).collect();
    match names.len() == texts.len() {
        true => Ok((texts, snapshot)),
        false => Err(output::refuse(
            &"two files have the same name, and would be one key of the ConfigMap",
        )),
    }
}

/// Whether pods read a key of that name.
fn is_read(key: &str) -> bool {
    (key.ends_with(".yaml") || key.ends_with(".yml"))
        && !key.starts_with('.')
        && key != config::STOPS
}

/// `burgee diff` between what is in the cluster and the files.
fn compared(args: &ApplyArgs, before: &mut [Text], after: &Snapshot) -> Result<(), ExitCode> {
    let Some(old) = target::compiled(before, wall_clock()) else {
        if !before.is_empty() {
            output::fail(&"what is there now cannot be read: nothing can be compared with it");
        }
        // a gate that cannot look lets nothing pass; a broken file must be mendable all the same
        return match before.is_empty() || args.max_moved.is_none() {
            true => Ok(()),
            false => Err(output::fail(&"leave --max-moved out to apply it unseen")),
        };
    };
    let gate = args.max_moved.iter().map(|most| ["--max-moved", most]);
    let accepted = args.accept.iter().map(|name| ["--accept", name]);
    let flags: Vec<&str> = gate.chain(accepted).flatten().collect();
    match diff::between(&old, after, &flags) {
        code if code == ExitCode::SUCCESS => Ok(()),
        code => Err(code),
    }
}

/// Server-side, by the version that was read: an edit in between is refused, not overwritten.
fn put(
    kubectl: &Kubectl,
    name: &str,
    old: Option<&Value>,
    texts: &[Text],
) -> Result<BTreeMap<String, String>, Trouble> {
    let data = texts.iter().map(|text| {
        let bytes = String::from_utf8_lossy(&text.bytes).into_owned();
        (text.name.clone(), bytes)
    });
    let data: BTreeMap<_, _> = data.collect();
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data,
    });
    if let Some(version) = old.map(|old| &old["metadata"]["resourceVersion"]) {
        object["metadata"]["resourceVersion"] = version.clone();
    }
    let arguments = [
        "apply",
        "--server-side",
        "--field-manager=burgee",
        "--force-conflicts",
        "--filename=-",
    ];
    kubectl.run(&arguments, Some(object.to_string().as_bytes()))?;
    Ok(data)
}

/// What the pods will tell: of these files, and of those in the other ConfigMaps that they mount beside them.
fn revision(
    kubectl: &Kubectl,
    pods: &mut Pods,
    name: &str,
    mut texts: Vec<Text>,
) -> Result<String, Trouble> {
    let mounted = pods.pods()?;
    let others: BTreeSet<&String> = mounted.iter().flat_map(|pod| &pod.config_maps).collect();
    for other in others.into_iter().filter(|other| *other != name) {
        if let Some(object) = object::get(kubectl, other)? {
            texts.extend(target::texts_of(&object));
        }
    }
    texts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(config::revision(&texts))
}
