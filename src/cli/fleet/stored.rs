//! The stops of a cluster: the ConfigMap that pods mount beside their toggles, read and written as one text.
//! In: its name. Out: its stops; the hash that pods will tell of a new text.

use super::{
    confirm::Wanted,
    kubectl::{Kubectl, Trouble},
    object, stops_text,
};
use crate::{cli::output, config::STOPS, engine::stops::Stops};
use serde_json::Value;

/// The ConfigMap as it was read: what is written is refused where somebody else wrote meanwhile.
pub(super) struct Stored {
    object: Option<Value>,
    /// what it says
    pub stops: Stops,
}

/// What is stopped now. Stops that cannot be read are told with their places.
pub(super) fn read(kubectl: &Kubectl, name: &str) -> Result<Stored, String> {
    let object = object::get(kubectl, name).map_err(|trouble| trouble.to_string())?;
    let text = object::text(object.as_ref(), STOPS);
    let stops = stops_text::read(&format!("{name}/{STOPS}"), text).map_err(|problems| {
        output::bad_toggles(&problems);
        format!("the stops in `{name}` cannot be read, and what was good stays in force: mend them with `kubectl edit configmap {name}`")
    })?;
    Ok(Stored { object, stops })
}

/// Writes the text; every pod is to have it.
pub(super) fn write(
    kubectl: &Kubectl,
    name: &str,
    stored: Stored,
    text: &str,
) -> Result<Wanted, Trouble> {
    object::put(kubectl, name, stored.object, STOPS, text)?;
    Ok(Wanted {
        stops: Some(hash(text)),
        revision: None,
    })
}

/// What pods will tell of this text.
pub(super) fn hash(text: &str) -> String {
    let read = stops_text::read(STOPS, Some(text));
    read.map_or_else(|_| String::new(), |stops| stops.revision.into())
}
