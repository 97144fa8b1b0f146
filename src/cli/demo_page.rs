//! What the demo's page says beside the headers: who may be chosen, what to try, and what is wrong with the file.
//! In: the request's cookie, the file. Out: HTML.

use super::{demo_shop::Shop, output::escaped};
use crate::{
    config::{self, set_elsewhere},
    server::clock::wall_clock,
};
use http::{HeaderMap, header};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// What the demo adds to the page.
#[derive(Debug)]
pub struct DemoPage {
    /// the file to edit
    toggles: PathBuf,
    /// the users to choose from
    users: &'static [&'static str],
    /// where burgee's own page is, once it listens
    burgee: OnceLock<String>,
    /// what is sold
    pub(super) shop: Shop,
}

impl DemoPage {
    /// A page for this file and these users.
    pub fn new(toggles: PathBuf, users: &'static [&'static str]) -> DemoPage {
        DemoPage {
            toggles,
            users,
            burgee: OnceLock::new(),
            shop: Shop::default(),
        }
    }

    /// Says where burgee's own page is.
    pub fn tell(&self, burgee: String) {
        // it is told once
        let _ = self.burgee.set(burgee);
    }

    /// The file with what came of it: beside the toggles.
    pub(super) fn exposures(toggles: &Path) -> PathBuf {
        toggles.with_extension("log")
    }

    /// What stands above the headers.
    pub(super) fn about(&self, headers: &HeaderMap) -> String {
        let current = user(headers);
        let link = |name: &str, shown: &str| {
            let is = (name == current).then_some(" aria-current=true");
            format!("<a href=/as/{name}{}>{shown}</a>\n", is.unwrap_or_default())
        };
        let users: String = self.users.iter().map(|name| link(name, name)).collect();
        let burgee = self.burgee.get().map(|at| {
            format!("<p>What is in force, and who gets what: <a href=\"http://{at}/\">burgee's own page</a>.\n")
        });
        format!(
            "<ol>\n<li>The cookie <code>user_id</code> says who you are. Be {users}{}\
             <li>Edit <code>{}</code> and save: the change is here within two seconds.\n\
             <li>Write a mistake into it: nothing changes, and here stands what is wrong.\n\
             <li>Give both <code>50%</code>, then <a href=/buy>buy</a> something, or let \
             <a href=/crowd>a thousand people come</a>, of whom some do. What came of it: \
             <code>burgee report {}</code>.\n</ol>\n{}{}",
            link("", "nobody"),
            escaped(&self.toggles.display().to_string()),
            escaped(&DemoPage::exposures(&self.toggles).display().to_string()),
            burgee.unwrap_or_default(),
            self.problems(),
        )
    }

    /// What `burgee check` says of the file; empty where it is good.
    fn problems(&self) -> String {
        let problems = match config::load(&self.toggles, &set_elsewhere, wall_clock()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.0,
        };
        let line = |problem: &config::Problem| format!("<li>{}\n", escaped(&problem.to_string()));
        let lines: String = problems.iter().map(line).collect();
        match lines.is_empty() {
            true => "<div id=problems></div>\n".to_owned(),
            false => format!(
                "<div id=problems role=alert><p>The file has mistakes. The last good one stays in force:\n<ul>\n{lines}</ul></div>\n"
            ),
        }
    }
}

/// The value of the cookie that the demo sets.
fn user(headers: &HeaderMap) -> &str {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .find_map(|pair| pair.trim().strip_prefix("user_id="))
        .unwrap_or_default()
}
