//! Which files git would leave out: `.gitignore`, `.ignore`, `.git/info/exclude`.
//! In: folders, from the outermost on. Out: whether what lies below one is left out.

use gix_ignore::{Search, glob::pattern::Case, search::Ignore};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The rules of a folder, under those of the folders around it.
#[derive(Default)]
pub struct Ignored {
    folder: PathBuf,
    rules: Search,
    around: Rules,
}

/// None where no folder has any.
pub type Rules = Option<Arc<Ignored>>;

/// In the order of their say: `.ignore` is for people who want more, or less, than git.
const FILES: [&str; 3] = [".git/info/exclude", ".gitignore", ".ignore"];

/// Of the folders around this one, up to the top of its repository.
pub fn around(folder: &Path) -> Rules {
    let top = folder.ancestors().find(|one| one.join(".git").exists())?;
    let mut between: Vec<_> = folder.ancestors().skip(1).collect();
    between.retain(|one| one.starts_with(top));
    let outermost_first = between.into_iter().rev();
    outermost_first.fold(None, |rules, one| inside(one, &rules))
}

/// Of this folder too.
pub fn inside(folder: &Path, around: &Rules) -> Rules {
    let mut rules = Search::default();
    for name in FILES {
        let file = folder.join(name);
        // what cannot be read leaves nothing out: more is searched
        if let Ok(bytes) = fs::read(&file) {
            let _ = rules.add_patterns_buffer(&bytes, file, None, Ignore::default());
        }
    }
    if rules.patterns.is_empty() {
        return around.clone();
    }
    Some(Arc::new(Ignored {
        folder: folder.to_owned(),
        rules,
        around: around.clone(),
    }))
}

/// The innermost folder that says anything decides.
pub fn is_left_out(mut rules: &Rules, path: &Path, is_folder: bool) -> bool {
    while let Some(one) = rules {
        let below = path.strip_prefix(&one.folder).unwrap_or(path);
        let below = below.as_os_str().as_encoded_bytes();
        let found = one.rules.pattern_matching_relative_path(
            below.into(),
            Some(is_folder),
            Case::Sensitive,
        );
        if let Some(found) = found {
            return !found.pattern.is_negative();
        }
        rules = &one.around;
    }
    false
}
