//! How code may write the name of a feature.
//! In: features, and names that are gone. Out: texts to search for, each with what it stands for.

use crate::engine::{Feature, Snapshot, forged_fields::fold};
use std::collections::BTreeSet;

/// What is searched for: a feature of the files, or a name of the past.
#[derive(Clone, Debug)]
pub struct Target {
    /// as files write it, and with its namespace
    pub keys: Vec<String>,
    /// its header, and that of its payload
    pub headers: Vec<String>,
}

/// One text to search for.
#[derive(Clone, Debug)]
pub struct Spelling {
    /// in lower case: any case is found
    pub text: String,
    /// which target; none where it is a prefix that code completes
    pub target: Option<usize>,
    /// how to look at what stands around it
    pub form: Form,
}

/// How to look at what stands around a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `x-feature-new-ui`, `x_feature_new_ui`
    Parted,
    /// `xfeaturenewui`, of `headers.xFeatureNewUi`
    Joined,
    /// `X-Feature-`, and the rest is put there while it runs
    Prefix,
}

impl Target {
    /// Of a feature.
    pub fn of(namespace: Option<&str>, feature: &Feature) -> Target {
        let mut keys = BTreeSet::from([feature.name.to_string(), feature.key.to_string()]);
        if let Some(namespace) = namespace {
            keys.insert(format!("{namespace}.{}", feature.name));
        }
        let headers = [&feature.header, &feature.value_header];
        Target {
            keys: keys.into_iter().collect(),
            headers: headers
                .into_iter()
                .flatten()
                .map(|name| name.as_str().to_owned())
                .collect(),
        }
    }
}

/// `x-feature-` of each feature that does not name its own header.
pub fn prefixes(snapshot: &Snapshot) -> BTreeSet<String> {
    let prefix = |feature: &Feature| {
        let header = feature.header.as_ref()?.as_str();
        let prefix = header.strip_suffix(&fold(&feature.name))?;
        prefix.ends_with('-').then(|| prefix.to_owned())
    };
    let features = snapshot.features();
    features
        .filter_map(|(_, _, feature)| prefix(feature))
        .collect()
}

/// All spellings of headers.
pub fn headers(targets: &[Target], prefixes: &BTreeSet<String>) -> Vec<Spelling> {
    let mut all = Vec::new();
    let mut add = |text: String, target: Option<usize>, form: Form| {
        all.push(Spelling { text, target, form });
    };
    for (index, target) in targets.iter().enumerate() {
        for header in &target.headers {
            let header = fold(header);
            add(header.clone(), Some(index), Form::Parted);
            if header.contains('-') {
                add(header.replace('-', "_"), Some(index), Form::Parted);
                add(header.replace('-', ""), Some(index), Form::Joined);
            }
        }
    }
    for prefix in prefixes {
        add(prefix.clone(), None, Form::Prefix);
        add(prefix.replace('-', "_"), None, Form::Prefix);
    }
    all
}
