//! The guide's manifests for Argo CD and Flux are about the ConfigMap that the chart's pods mount, and hold toggles that pass.

use crate::support::fed;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::{fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The YAML of a section of the guide, block by block.
fn manifests(section: &str) -> Vec<Value> {
    let guide = read("helm/README.md");
    let (_, rest) = guide.split_once(&format!("### {section}\n")).unwrap();
    let text = rest.split("\n## ").next().unwrap();
    let blocks = text.split("```yaml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks
        .map(|block| serde_yaml::from_str(block).unwrap())
        .collect()
}

/// The ConfigMaps that a pod of the chart mounts for burgee, as both helms render it.
fn mounted() -> Vec<String> {
    let rendered = read("tests/e2e/helm/golden/image.1.36.yaml");
    let documents = serde_yaml::Deserializer::from_str(&rendered);
    let mut documents = documents.map(|document| Value::deserialize(document).unwrap());
    let pod = documents.find(|one| one["kind"] == "Deployment").unwrap();
    let volumes = pod["spec"]["template"]["spec"]["volumes"].clone();
    let toggles = volumes.as_array().unwrap().iter();
    let mut toggles = toggles.filter(|volume| volume["name"] == "burgee-toggles");
    let sources = toggles.next().unwrap()["projected"]["sources"].clone();
    let sources = sources.as_array().unwrap().clone();
    let name = |source: Value| source["configMap"]["name"].as_str().unwrap().to_owned();
    sources.into_iter().map(name).collect()
}

#[test]
fn argo_cd_and_flux_leave_the_toggles_of_the_pods_to_people() {
    let found = manifests("Argo CD and Flux beside `burgee apply`");
    let [config_map, application] = &found[..] else {
        panic!("{found:?}");
    };
    let name = config_map["metadata"]["name"].as_str().unwrap();
    assert_eq!(mounted(), [name, "shop-stops"]);
    assert_eq!(
        application["spec"]["ignoreDifferences"],
        json!([{"kind": "ConfigMap", "name": name, "jsonPointers": ["/data"]}])
    );
    assert_eq!(
        application["spec"]["syncPolicy"]["syncOptions"],
        json!(["RespectIgnoreDifferences=true"])
    );
    // as Flux's and Argo CD's own documentation spells them
    let annotations = &config_map["metadata"]["annotations"];
    for (annotation, value) in [
        ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent"),
        ("kustomize.toolkit.fluxcd.io/prune", "Disabled"),
        ("argocd.argoproj.io/sync-options", "Prune=false"),
    ] {
        assert_eq!(annotations[annotation], value, "{annotation}");
    }
    let toggles = config_map["data"].as_object().unwrap();
    let text = toggles["toggles.yaml"].as_str().unwrap();
    let checked = fed(&["check", "--strict", "-"], text);
    assert_eq!((toggles.len(), checked.code), (1, 0), "{}", checked.out);
}
