//! Which features of a file ask for another: its end would change what they give.
//! In: a file and one of its features. Out: names.

use crate::engine::{Feature, Toggles, stopped};

/// In the order of the file.
pub fn by<'t>(toggles: &'t Toggles, feature: &Feature) -> Vec<&'t str> {
    let is_it = |one: &Feature| std::ptr::eq(one, feature);
    let wanted: Vec<bool> = toggles.features.iter().map(is_it).collect();
    let askers = toggles.features.iter();
    let askers = askers.filter(|one| stopped::asks(one, toggles, &wanted));
    askers.map(|one| &*one.name).collect()
}
