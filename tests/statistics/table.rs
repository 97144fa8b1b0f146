//! The table itself: every row measured, held to its limit, printed, and equal to the one in the README.

use crate::{independence, moves, shares};
use std::{env, fs, path::Path};

/// One measured figure and the limit that it is held to.
pub struct Row {
    what: String,
    measured: String,
    limit: &'static str,
    ok: bool,
}

impl Row {
    /// A row fails the test when `ok` is false.
    pub fn new(what: String, measured: String, limit: &'static str, ok: bool) -> Row {
        Row {
            what,
            measured,
            limit,
            ok,
        }
    }
}

#[test]
fn every_row_of_the_table_holds_and_the_page_says_so() {
    let rows: Vec<Row> = [
        independence::names_one_letter_apart(),
        independence::rollout_and_split(),
        independence::uniformity(),
        independence::overlap(),
        moves::edits(),
        shares::exact(),
        shares::arms(),
        shares::ramps(),
        shares::weights(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let line = |row: &Row| format!("| {} | {} | {} |\n", row.what, row.measured, row.limit);
    let table = format!(
        "| what | burgee/1, measured | limit |\n|---|---|---|\n{}",
        rows.iter().map(line).collect::<String>()
    );
    println!("{table}");
    for row in &rows {
        assert!(
            row.ok,
            "{}: {} misses {}",
            row.what, row.measured, row.limit
        );
    }
    on_page("measured", &table);
}

/// The page has this table between its marks; `UPDATE=1` puts it there.
pub(crate) fn on_page(mark: &str, table: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statistics/README.md");
    let (begin, end) = (
        format!("<!-- {mark} -->\n"),
        format!("<!-- end of {mark} -->"),
    );
    let text = fs::read_to_string(&page).unwrap();
    let (head, rest) = text.split_once(&begin).unwrap();
    let (old, tail) = rest.split_once(&end).unwrap();
    if env::var_os("UPDATE").is_some() {
        fs::write(&page, format!("{head}{begin}{table}{end}{tail}")).unwrap();
    } else {
        assert_eq!(
            old, table,
            "tests/statistics/README.md is not what was measured; UPDATE=1 rewrites it"
        );
    }
}
