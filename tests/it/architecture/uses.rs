//! Who uses whom. In: the files of a crate. Out: from file to file, where; a name counts as a use of the file that defines it, and not
//! of one that passes it on.
//!
//! What the text does not name is not seen: a method of a value that came from elsewhere is no use of the file that wrote it.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{File, Path};

pub(super) struct Crate {
    pub files: Vec<File>,
    by_module: BTreeMap<Vec<String>, usize>,
}

pub(super) struct Use<'a> {
    pub from: &'a File,
    pub to: &'a File,
    pub line: usize,
    /// `super::Cx`
    pub said: String,
    /// an item of it is used here: a `pub use` alone passes it on, and a module alone is a name
    pub item: bool,
}

enum Found {
    Item(usize),
    Module(usize),
}

impl Crate {
    pub(super) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files: Vec<_> = files
            .into_iter()
            .map(|(name, text)| File::new(name, text))
            .collect();
        let by_module = files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.module.clone(), at))
            .collect();
        Self { files, by_module }
    }

    /// All of them, also of a file by itself.
    pub(super) fn uses(&self) -> Vec<Use<'_>> {
        let mut uses = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let named: BTreeSet<_> = file.paths.iter().map(|path| &path.names[0]).collect();
            let mut add = |path: &Path, here: bool| {
                let (to, item) = match self.find(at, &path.names) {
                    Some(Found::Item(to)) => (to, here),
                    Some(Found::Module(to)) => (to, false),
                    None => return,
                };
                let (to, said) = (&self.files[to], path.names.join("::"));
                uses.push(Use {
                    from: file,
                    to,
                    line: path.line,
                    said,
                    item,
                });
            };
            file.paths.iter().for_each(|path| add(path, true));
            for glob in &file.globs {
                let module = matches!(self.find(at, &glob.names), Some(Found::Module(_)));
                assert!(
                    !module,
                    "{}:{}: name what you import, for `*` hides who uses whom",
                    file.name, glob.line
                );
                add(glob, true); // the variants of an enum
            }
            // an import counts where it is named; one that never is brings a trait
            for import in &file.imports {
                add(
                    &import.path,
                    !import.public && !named.contains(&import.name),
                );
            }
        }
        uses
    }

    /// What a path means in a file; none for what is not of this crate, or local.
    fn find(&self, at: usize, path: &[String]) -> Option<Found> {
        match path[0].as_str() {
            "crate" | "super" if path.len() == 1 => None, // as in `pub(crate)`
            "crate" => self.walk(self.by_module[&[][..]], &path[1..]),
            "burgee" if path.len() > 1 => self.walk(self.by_module[&[][..]], &path[1..]),
            "self" => self.walk(at, &path[1..]),
            "super" => self.walk(at, path),
            _ => self.inside(at, path),
        }
    }

    fn walk(&self, at: usize, path: &[String]) -> Option<Found> {
        match path.first().map(String::as_str) {
            None => Some(Found::Module(at)),
            Some("super") => {
                let module = &self.files[at].module;
                self.walk(self.by_module[&module[..module.len() - 1]], &path[1..])
            }
            // what a macro has made is not seen, and of this file all the same
            Some(_) => self.inside(at, path).or(Some(Found::Item(at))),
        }
    }

    fn inside(&self, at: usize, path: &[String]) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let file = &self.files[at];
        let mut module = file.module.clone();
        module.push(first.clone());
        let child = self.by_module.get(&module);
        if let (Some(child), false) = (child, rest.is_empty()) {
            return self.walk(*child, rest);
        }
        if file.items.contains(first) {
            return Some(Found::Item(at));
        }
        let import = file
            .imports
            .iter()
            .find(|import| import.name == *first && import.path.names[0] != *first);
        if let Some(import) = import {
            return self.find(at, &[&import.path.names[..], rest].concat());
        }
        child.map(|child| Found::Module(*child))
    }
}

#[test]
fn a_use_is_of_the_file_that_defines_what_is_named() {
    let check = |text: &str, expected: &str| {
        let files = [
            ("lib.rs", "pub mod a;\npub mod b;"),
            (
                "a/mod.rs",
                "mod c;\npub use c::{deep, Deep as Renamed};\nmod d;\npub struct Own;\nconst fn f() {}",
            ),
            ("a/c.rs", "pub struct Deep;\npub fn deep() {}"),
            ("a/d.rs", text),
            ("b.rs", "pub trait T {}\nmacro_rules! m {}"),
        ];
        let all = Crate::new(files);
        let uses = all.uses();
        let uses = uses
            .iter()
            .filter(|one| one.from.name == "a/d.rs" && one.item && one.to.name != one.from.name);
        let found: BTreeSet<_> = uses
            .map(|one| format!("{}:{}", one.line, one.to.name))
            .collect();
        assert_eq!(Vec::from_iter(found).join(" "), expected, "{text}");
    };
    check("use crate::a::Own;\nfn x(_: Own) {}", "2:a/mod.rs");
    check(
        "use super::{self as up, c};\nfn x() { up::f(); c::deep(); }",
        "2:a/c.rs 2:a/mod.rs",
    );
    check(
        "use crate::{a::{Renamed, deep}, b};\nfn x() { Renamed::new(deep(), b) }",
        "2:a/c.rs",
    );
    check(
        "fn x() -> super::super::b::Macro { crate::m!() }",
        "1:b.rs 1:lib.rs",
    );
    check("use crate::b::T as _;\nfn x(_: u8) {}", "1:b.rs");
    check("fn x() { use super::Own::*; }", "1:a/mod.rs");
    check("pub use crate::b::T;", "");
    check("pub(super) use crate::b::T;\nimpl T for X {}", "2:b.rs");
    check(
        "use std::fmt;\nfn x(own: fmt::Error) { y.deep(); own.f(); }",
        "",
    );
    check("pub(crate) struct Own;\npub(super) fn x(_: Own) {}", "");
    check("pub(in crate::a) struct Own;\nfn x(_: Own) {}", "");
}
