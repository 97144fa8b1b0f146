//! Which ConfigMaps a command is about: the stops beside the toggles that the pods mount.
//! In: `--configmap`, and pods. Out: names; the toggles, as far as they can be read.

use super::{
    kubectl::{Kubectl, Trouble},
    object,
    pods::Pod,
};
use crate::{
    config::{self, Text},
    engine::{Snapshot, units::Second},
    inject,
};
use serde_json::Value;
use std::collections::BTreeSet;

const STOPS: &str = "-stops";

/// The ConfigMap of the stops, by its own name or by that of the toggles.
pub(super) fn stops_of(config_map: &str) -> String {
    match config_map.ends_with(STOPS) {
        true => config_map.to_owned(),
        false => inject::stops_of(config_map),
    }
}

/// The one that the pods mount, or what to do where there is none or more than one.
pub(super) fn found(pods: &[Pod]) -> Result<String, String> {
    let with_burgee = pods.iter().filter(|pod| pod.has_burgee);
    let names = with_burgee.flat_map(|pod| &pod.config_maps);
    let stops: BTreeSet<&String> = names.filter(|name| name.ends_with(STOPS)).collect();
    let mut stops = stops.into_iter();
    match (stops.next(), stops.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err("no pod with burgee mounts a ConfigMap `…-stops` here: choose another namespace with -n, name the one of the toggles with --configmap, or install burgee by a chart, policy or `burgee inject` that mounts it".to_owned()),
        (Some(first), Some(second)) => Err(format!(
            "pods here mount more than one, `{first}` and `{second}` among them: name one with --configmap"
        )),
    }
}

/// The toggles beside these stops, if they can be read: names are looked up in them.
pub(super) fn toggles(
    kubectl: &Kubectl,
    pods: &[Pod],
    stops: &str,
    now: Second,
) -> Result<Option<Snapshot>, Trouble> {
    let mount = pods.iter().filter(|pod| pod.config_maps.contains(stops));
    let names: BTreeSet<&String> = mount.flat_map(|pod| &pod.config_maps).collect();
    let mut texts = Vec::new();
    for name in names.into_iter().filter(|name| *name != stops) {
        if let Some(object) = object::get(kubectl, name)? {
            texts.extend(texts_of(&object));
        }
    }
    Ok(compiled(&mut texts, now))
}

/// The toggles files of a ConfigMap.
pub(super) fn texts_of(object: &Value) -> Vec<Text> {
    let keys = object["data"].as_object().into_iter().flatten();
    let is_toggles =
        |key: &str| (key.ends_with(".yaml") || key.ends_with(".yml")) && key != config::STOPS;
    let files = keys.filter(|(key, _)| is_toggles(key));
    let text = |(key, value): (&String, &Value)| Text {
        name: key.clone(),
        bytes: value.as_str().unwrap_or_default().into(),
    };
    files.map(text).collect()
}

/// What they say together; none where they cannot be read, or there are none.
pub(super) fn compiled(texts: &mut [Text], now: Second) -> Option<Snapshot> {
    texts.sort_by(|a, b| a.name.cmp(&b.name));
    if texts.is_empty() {
        return None;
    }
    config::compile_texts(texts, &config::set_elsewhere, now)
        .ok()
        .map(|(snapshot, _)| snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stops_of_a_name() {
        for (name, expected) in [
            ("shop-toggles", "shop-stops"),
            ("shop", "shop-stops"),
            ("shop-stops", "shop-stops"),
        ] {
            assert_eq!(stops_of(name), expected);
        }
    }

    #[test]
    fn the_stops_that_pods_mount_are_found_unless_there_are_none_or_several() {
        let pod = |names: &[&str], has_burgee| Pod {
            has_burgee,
            config_maps: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Pod::default()
        };
        let shop = pod(&["shop-toggles", "shop-stops"], true);
        assert_eq!(found(&[shop.clone(), shop.clone()]).unwrap(), "shop-stops");
        assert!(
            found(&[pod(&["emergency-stops"], false)])
                .unwrap_err()
                .contains("no pod with burgee")
        );
        assert!(
            found(&[shop, pod(&["other-stops"], true)])
                .unwrap_err()
                .contains("`other-stops` and `shop-stops`")
        );
    }
}
