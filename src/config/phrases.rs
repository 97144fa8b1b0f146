//! Parts of sentences: the user's words in backticks, and the names that were probably meant.
//! In: words. Out: text.

use std::cmp::Reverse;

/// The user's words in backticks: one line, and not too long.
pub(crate) fn quote(words: &str) -> String {
    let mut quoted = String::from("`");
    for (count, character) in words.chars().enumerate() {
        if count == 60 {
            quoted.push('…');
            break;
        }
        match character {
            control if control.is_control() => quoted.extend(control.escape_default()),
            plain => quoted.push(plain),
        }
    }
    quoted.push('`');
    quoted
}

/// The name among `known` that was probably meant.
pub fn nearest<'k>(words: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if words.len() > 64 {
        return None;
    }
    let lower = words.to_ascii_lowercase();
    known
        .into_iter()
        .take(2_000)
        .filter(|name| name.len().abs_diff(words.len()) <= 3)
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase());
            (distance, name)
        })
        .filter(|(distance, name)| *distance <= 1 + name.len() / 5 && *distance < name.len())
        .filter(|(_, name)| !is_opposite(&lower, &name.to_ascii_lowercase()))
        .min_by_key(|(distance, name)| (*distance, Reverse(common(&lower, name))))
        .map(|(_, name)| name)
}

/// `inactive` and `active`, `!staff` and `staff`, `no` and `on`: near, and never meant for one another.
fn is_opposite(one: &str, other: &str) -> bool {
    let longer_by = |long: &str, short: &str| {
        let prefix = long.strip_suffix(short).unwrap_or_default();
        let doubled = prefix.len() == 1 && short.starts_with(prefix);
        !prefix.is_empty() && !doubled
    };
    let words = [("no", "on"), ("of", "on"), ("n", "on"), ("y", "off")];
    longer_by(one, other)
        || longer_by(other, one)
        || words.contains(&(one, other))
        || words.contains(&(other, one))
}

/// How many letters they have in common at their beginning.
fn common(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
}

/// `a`, `b` or `c`, in backticks.
pub(super) fn one_of<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let names: Vec<String> = names.into_iter().map(quote).collect();
    match names.as_slice() {
        [] => String::from("nothing"),
        [one] => one.clone(),
        many if many.len() > 16 => format!("{}, …", many[..16].join(", ")),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}

/// `; did you mean …?` behind a sentence; nothing where no name is near.
pub fn meant<'k>(words: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(words, known).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// `did you mean …?`, else which names there are.
pub(super) fn did_you_mean<'k>(
    words: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> String {
    match nearest(words, known.clone()) {
        Some(name) => format!("did you mean {}?", quote(name)),
        None => format!("write {}", one_of(known)),
    }
}
