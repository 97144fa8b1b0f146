//! What the page needs to say how a tester's link is made: it cannot make one, because the key is shown nowhere.
//! In: the `override` of a file. Out: the parts of the command that makes one.

use crate::engine::{
    Feature, Snapshot, Status, Toggles, describe::json::canonical, source::Source,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;

/// How a tester's link for a feature is made: `burgee override --key-env … --namespace … --query … FEATURE=VARIANT`
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Override")]
pub struct OverrideResponse<'a> {
    /// What `burgee override` calls it
    pub feature: Cow<'a, str>,
    /// The file's `namespace`
    pub namespace: Option<Cow<'a, str>>,
    /// The variable that holds the key
    pub key_env: Cow<'a, str>,
    /// The query parameter that a link carries it in; null where the file reads none
    pub query: Option<Cow<'a, str>>,
    /// The header that it may come in
    pub header: Option<String>,
    /// The cookie that keeps it for the next clicks; null where it holds for one request
    pub remember: Option<Cow<'a, str>>,
}

/// None where no signed override would have an effect.
pub(super) fn made<'a>(
    snapshot: &Snapshot,
    toggles: &'a Toggles,
    feature: &'a Feature,
) -> Option<OverrideResponse<'a>> {
    let policy = toggles.override_policy.as_ref()?;
    let key = policy.key.as_ref().filter(|key| key.secret.is_some())?;
    if toggles.paused || matches!(feature.status, Status::Paused | Status::Archived) {
        return None;
    }
    if snapshot.is_stopped_for_all(toggles, feature) {
        return None;
    }
    let header = policy.from.iter().find_map(Source::header);
    Some(OverrideResponse {
        feature: (&*feature.name).into(),
        namespace: toggles.namespace.as_deref().map(Into::into),
        key_env: (&*key.variable).into(),
        query: policy.query().map(Into::into),
        header: header.map(|name| canonical(name.as_str())),
        remember: policy.remember.as_deref().map(Into::into),
    })
}
