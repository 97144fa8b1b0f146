//! Pods, as far as steering a rollout needs them.
//! In: what `kubectl get pods -o json` prints, and what `/ready` answers. Out: which of them have burgee, are ready, and mount what.

use super::words::printable;
use crate::flags::kubernetes;
use serde_json::Value;
use std::collections::BTreeSet;

/// One pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pod {
    /// its name
    pub name: String,
    /// where it is
    pub namespace: String,
    /// the same name may come back as another pod
    pub uid: String,
    /// whether it gets traffic
    pub ready: bool,
    /// whether it has a container called `burgee`
    pub has_burgee: bool,
    /// burgee mounts its files by subPath, which Kubernetes never updates
    pub sub_path: bool,
    /// the ConfigMaps that burgee mounts
    pub config_maps: BTreeSet<String>,
}

/// What a pod says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// what is in force there
    Has {
        /// of the toggles
        revision: String,
        /// of the stops; none from a burgee that does not know stops
        stops: Option<String>,
        /// of burgee, where it tells
        version: Option<String>,
    },
    /// why there was no answer
    Nothing(String),
}

/// All pods of a list that are not on their way out.
pub(super) fn read(list: &Value) -> Vec<Pod> {
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    let stays = |item: &&Value| {
        let phase = item["status"]["phase"].as_str().unwrap_or_default();
        item["metadata"]["deletionTimestamp"].is_null() && !["Succeeded", "Failed"].contains(&phase)
    };
    items.iter().filter(stays).map(pod).collect()
}

fn pod(item: &Value) -> Pod {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (spec, status) = (&item["spec"], &item["status"]);
    let mut containers = list(&spec["containers"]);
    containers.extend(list(&spec["initContainers"]));
    let burgee = containers.iter().find(|one| one["name"] == "burgee");
    let mounts = burgee.map_or_else(Vec::new, |burgee| list(&burgee["volumeMounts"]));
    let is_mounted = |volume: &Value| mounts.iter().any(|mount| mount["name"] == volume["name"]);
    let mut config_maps = BTreeSet::new();
    // the application's own are none of ours
    for volume in list(&spec["volumes"])
        .iter()
        .filter(|volume| is_mounted(volume))
    {
        let sources = list(&volume["projected"]["sources"]);
        let names = sources.iter().map(|source| &source["configMap"]["name"]);
        let names = names.chain([&volume["configMap"]["name"]]);
        let names = names.filter_map(|name| name.as_str());
        // whoever may make a pod may write any text here, and some become a flag of kubectl
        let names = names.filter(|name| kubernetes::is_name(name));
        config_maps.extend(names.map(str::to_owned));
    }
    let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
    Pod {
        name: text(&item["metadata"]["name"]),
        namespace: text(&item["metadata"]["namespace"]),
        uid: text(&item["metadata"]["uid"]),
        ready: list(&status["conditions"]).iter().any(is_ready),
        has_burgee: burgee.is_some(),
        sub_path: mounts.iter().any(|mount| mount["subPath"].is_string()),
        config_maps,
    }
}

impl Answer {
    /// Reads the line of `/ready`, or of `burgee reload`.
    pub(super) fn read(line: &str) -> Answer {
        let line = line.trim();
        let word = |name: &str| {
            let (_, rest) = line.split_once(name)?;
            let word = rest.split([',', ';', ' ', '\n']).next().unwrap_or_default();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
            let is_word = word.bytes().all(is_plain);
            (is_word && !word.is_empty()).then(|| word.to_owned())
        };
        match word("revision ") {
            Some(revision) => Answer::Has {
                revision,
                stops: word("stops "),
                version: word(", burgee "),
            },
            None => Answer::Nothing(format!("it answered `{}`", printable(line))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_is_read_as_kubernetes_writes_it() {
        let list = json!({"items": [
            {"metadata": {"name": "a", "uid": "1"}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
             "spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "burgee", "volumeMounts": [{"name": "t"}]}],
                      "volumes": [{"name": "own", "configMap": {"name": "app"}}, {"name": "t", "projected": {"sources": [{"configMap": {"name": "shop-toggles"}}, {"configMap": {"name": "shop-stops"}},
                                                                                                {"configMap": {"name": "--server=http://elsewhere/-stops"}}]}}]}},
            {"metadata": {"name": "b", "uid": "2"}, "status": {"phase": "Pending"},
             "spec": {"containers": [{"name": "burgee", "volumeMounts": [{"subPath": "toggles.yaml"}]}], "volumes": [{"configMap": {"name": "x"}}]}},
            {"metadata": {"name": "c", "uid": "3", "deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {}},
            {"metadata": {"name": "d", "uid": "4"}, "status": {"phase": "Succeeded"}, "spec": {}},
            {},
        ]});
        let pods = read(&list);
        let names: Vec<_> = pods
            .iter()
            .map(|pod| (&*pod.name, pod.ready, pod.has_burgee, pod.sub_path))
            .collect();
        assert_eq!(
            names,
            [
                ("a", true, true, false),
                ("b", false, true, true),
                ("", false, false, false)
            ]
        );
        let maps: Vec<_> = pods[0].config_maps.iter().map(String::as_str).collect();
        assert_eq!(maps, ["shop-stops", "shop-toggles"]);
    }

    #[test]
    fn an_answer_is_read_from_its_line() {
        let has = |revision: &str, stops: Option<&str>, version: Option<&str>| Answer::Has {
            revision: revision.to_owned(),
            stops: stops.map(str::to_owned),
            version: version.map(str::to_owned),
        };
        for (line, expected) in [
            (
                "ready, revision 01ab, stops 23cd, burgee 0.1.0\n",
                has("01ab", Some("23cd"), Some("0.1.0")),
            ),
            ("ready, revision 01ab\n", has("01ab", None, None)),
            (
                "degraded: no toggles yet, requests pass without features, revision none, stops none, burgee 0.2.0-rc.1",
                has("none", Some("none"), Some("0.2.0-rc.1")),
            ),
            (
                "reloaded: revision 01ab, stops none, burgee 0.1.0",
                has("01ab", Some("none"), Some("0.1.0")),
            ),
            (
                "draining\n",
                Answer::Nothing("it answered `draining`".to_owned()),
            ),
        ] {
            assert_eq!(Answer::read(line), expected);
        }
    }
}
