//! The table itself: every row measured, held to its limit, printed, and equal to the one in the README.

use crate::{independence, moves, shares};
use std::{
    env, fs,
    path::Path,
    sync::{Barrier, Mutex},
    thread,
};

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
    if env::var_os("UPDATE").is_some() {
        return put(&page, mark, table);
    }
    let text = fs::read_to_string(&page).unwrap();
    let [_, old, _] = around(&text, mark);
    assert_eq!(
        old, table,
        "tests/statistics/README.md is not what was measured; UPDATE=1 rewrites it"
    );
}

/// Two tests have a table on one page, and may end at the same time: whoever reads it to write it is alone.
fn put(page: &Path, mark: &str, table: &str) {
    static WRITER: Mutex<()> = Mutex::new(());
    let _alone = WRITER.lock().unwrap();
    let text = fs::read_to_string(page).unwrap();
    let [head, _, tail] = around(&text, mark);
    fs::write(page, format!("{head}{table}{tail}")).unwrap();
}

/// What is before the table, the table, and what is behind it.
fn around<'a>(text: &'a str, mark: &str) -> [&'a str; 3] {
    let begin = format!("<!-- {mark} -->\n");
    let from = text.find(&begin).unwrap() + begin.len();
    let length = text[from..].find(&format!("<!-- end of {mark} -->"));
    let until = from + length.unwrap();
    [&text[..from], &text[from..until], &text[until..]]
}

#[test]
fn tables_that_are_put_on_one_page_at_the_same_time_are_all_there() {
    let marks: Vec<String> = (0..8).map(|number| format!("table {number}")).collect();
    let page = tempfile::NamedTempFile::new().unwrap();
    let page = page.path();
    let parts = marks
        .iter()
        .map(|mark| format!("<!-- {mark} -->\nold\n<!-- end of {mark} -->\n"));
    fs::write(page, parts.collect::<String>()).unwrap();
    let all_at_once = &Barrier::new(marks.len());
    thread::scope(|scope| {
        for mark in &marks {
            scope.spawn(move || {
                all_at_once.wait();
                put(page, mark, &format!("new {mark}\n"));
            });
        }
    });
    let text = fs::read_to_string(page).unwrap();
    for mark in &marks {
        assert_eq!(around(&text, mark)[1], format!("new {mark}\n"), "{text}");
    }
}
