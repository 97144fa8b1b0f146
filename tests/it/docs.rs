//! All Markdown of the project: each link leads somewhere, the README stays short, and its figures are those of RESULTS.md.

use regex::Regex;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Every `*.md`, without what is built or brought.
fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_str().unwrap_or_default();
            // a link is another name of what is read anyway
            if path.is_symlink() || ["target", "dist", "node_modules", ".git"].contains(&name) {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(ROOT), &mut found);
    found.sort();
    found
}

/// The text without blocks of code, in which nothing is a link or a heading.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut is_prose = |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    };
    text.lines()
        .filter(&mut is_prose)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The names that GitHub gives headings: lower case, blanks are dashes, other punctuation goes; the second of a name is `name-1`.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let is_heading =
        |line: &&str| line.trim_start_matches('#').starts_with(' ') && line.starts_with('#');
    let text = prose(text);
    let headings = text.lines().filter(is_heading);
    let slug = headings.map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c })
            .collect::<String>()
    });
    let numbered = slug.map(|name| {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            name
        } else {
            format!("{name}-{}", *count - 1)
        }
    });
    numbered.collect()
}

/// What is wrong with the links of one page.
fn broken(page: &Path, whole: &str) -> Vec<String> {
    let links = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let spans = Regex::new(r"`[^`]*`").unwrap();
    // a link's text may be code; a link inside code is none
    let text = spans.replace_all(&prose(whole), "``").into_owned();
    let mut wrong = Vec::new();
    for found in links.captures_iter(&text) {
        let link = &found[1];
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = match file {
            "" => page.to_owned(),
            file => page.parent().unwrap().join(file),
        };
        if !target.exists() {
            wrong.push(format!("{}: {link} leads nowhere", page.display()));
        } else if !anchor.is_empty() {
            let there = match file {
                "" => whole.to_owned(),
                _ => fs::read_to_string(&target).unwrap_or_default(),
            };
            if !anchors(&there).iter().any(|name| name == anchor) {
                wrong.push(format!(
                    "{}: {link}: there is no such heading",
                    page.display()
                ));
            }
        }
    }
    wrong
}

#[test]
fn every_link_between_our_pages_leads_to_a_file_and_a_heading() {
    let pages = pages();
    assert!(pages.len() > 15, "{pages:?}");
    let wrong: Vec<_> = pages
        .iter()
        .flat_map(|page| broken(page, &fs::read_to_string(page).unwrap()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = Path::new(ROOT).join("README.md");
    for (text, expected) in [
        ("[a](config/README.md#a-feature)", 0),
        ("[`a`](config/README.md)", 0),
        ("`[a](nowhere.md)`", 0),
        ("```\n[a](nowhere.md)\n```", 0),
        ("[a](https://example.org/)", 0),
        ("[a](nowhere.md)", 1),
        ("[`a`](config/README.md#no-feature)", 1),
        ("# One\n[a](#one) [b](#two)", 1),
    ] {
        assert_eq!(broken(&page, text).len(), expected, "{text}");
    }
}

/// What stands between the first marks of a page: the tables that `make bench` writes.
fn figures(path: &str) -> String {
    let page = fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
    let (_, begun) = page.split_once("<!-- from here to the end mark").unwrap();
    begun
        .split_once("<!-- end of the figures")
        .unwrap()
        .0
        .to_owned()
}

#[test]
fn the_figures_of_the_readme_are_those_of_the_results() {
    let (readme, results) = (figures("README.md"), figures("tests/bench/RESULTS.md"));
    let rows: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    assert_eq!(rows.len(), 7, "a head, a line and five rows");
    for row in rows {
        assert!(
            results.contains(row),
            "`tests/bench/run.py --redraw`: {row}"
        );
    }
    let measured = readme
        .lines()
        .find_map(|line| line.strip_suffix("; by `make bench`."))
        .expect("date, build, commit and machine");
    assert!(
        results.contains(measured) && measured.contains(" of "),
        "`tests/bench/run.py --redraw`: {measured}"
    );
    let is_rough = |figures: &str| figures.contains("Other work ran beside it");
    assert_eq!(
        is_rough(&readme),
        is_rough(&results),
        "`tests/bench/run.py --redraw`: whether times are rough"
    );
}

#[test]
fn the_readme_is_read_in_five_minutes() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let words = readme.split_whitespace().count();
    assert!(words < 1500, "{words} words");
}
