//! One file of the crate. In: its name below `src/` and its text. Out: what it defines, what it imports, and the paths in its code.

use std::collections::BTreeSet;

use super::words::{Word, words};

pub(super) struct File {
    /// `proxy/mod.rs`
    pub name: String,
    /// `["proxy"]`
    pub module: Vec<String>,
    /// what stands at the top level, by name
    pub items: BTreeSet<String>,
    pub imports: Vec<Import>,
    /// what is in front of `::*`
    pub globs: Vec<Path>,
    pub paths: Vec<Path>,
}

/// One leaf of a `use`.
pub(super) struct Import {
    pub name: String,
    pub path: Path,
    /// `pub use`, also for a part of the crate
    pub public: bool,
}

#[derive(Clone)]
pub(super) struct Path {
    pub names: Vec<String>,
    pub line: usize,
}

const DEFINE: [&str; 9] = [
    "fn",
    "struct",
    "enum",
    "trait",
    "type",
    "const",
    "static",
    "union",
    "macro_rules",
];

impl File {
    pub(super) fn new(name: &str, text: &str) -> Self {
        let mut module: Vec<_> = name.trim_end_matches(".rs").split('/').collect();
        if matches!(module.last(), Some(&"mod" | &"lib")) {
            module.pop();
        }
        let mut file = Self {
            name: name.to_owned(),
            module: module.into_iter().map(str::to_owned).collect(),
            items: BTreeSet::new(),
            imports: Vec::new(),
            globs: Vec::new(),
            paths: Vec::new(),
        };
        file.read(&words(text));
        file
    }

    fn read(&mut self, words: &[Word]) {
        let text = |at: usize| words.get(at).map_or("", |word| word.text);
        let (mut at, mut depth) = (0, 0);
        while at < words.len() {
            let before = if at == 0 { "" } else { text(at - 1) };
            match text(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                // `use<'a>` is no import
                "use" if text(at + 1) != "<" => {
                    let public = before == "pub" || before == ")";
                    at = self.import(words, at + 1, &[], public);
                    continue;
                }
                word if depth == 0 && DEFINE.contains(&word) => {
                    let name = if matches!(text(at + 1), "mut" | "!") {
                        2
                    } else {
                        1
                    };
                    self.items.insert(text(at + name).to_owned());
                }
                word if is_name(word)
                    && !matches!(before, "." | "::" | "fn")
                    && text(at + 1) != ":" =>
                {
                    let path = path(words, at);
                    at += 2 * path.names.len() - 1;
                    self.paths.push(path);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// One tree of a `use`, behind `prefix`. Out: where it ends.
    fn import(&mut self, words: &[Word], mut at: usize, prefix: &[String], public: bool) -> usize {
        let text = |at: usize| words.get(at).map_or("", |word| word.text);
        let mut path = Path {
            names: prefix.to_vec(),
            line: words[at].line,
        };
        loop {
            match text(at) {
                "{" => {
                    at += 1;
                    while text(at) != "}" {
                        at = self.import(words, at, &path.names, public);
                        at += usize::from(text(at) == ",");
                    }
                    return at + 1;
                }
                "*" => {
                    self.globs.push(path);
                    return at + 1;
                }
                "::" => at += 1,
                "self" if !path.names.is_empty() => at += 1,
                name if is_name(name) => {
                    path.names.push(name.to_owned());
                    at += 1;
                }
                _ => break,
            }
            if text(at) == "as" {
                break;
            }
        }
        let renamed = text(at) == "as";
        let name = if renamed {
            text(at + 1).to_owned()
        } else {
            path.names.last().unwrap().clone()
        };
        self.imports.push(Import { name, path, public });
        at + 2 * usize::from(renamed)
    }
}

fn path(words: &[Word], at: usize) -> Path {
    let mut names = vec![words[at].text.to_owned()];
    while let Some([colons, next]) = words.get(at + 2 * names.len() - 1..at + 2 * names.len() + 1)
        && colons.text == "::"
        && is_name(next.text)
    {
        names.push(next.text.to_owned());
    }
    Path {
        names,
        line: words[at].line,
    }
}

fn is_name(word: &str) -> bool {
    word != "_" && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
