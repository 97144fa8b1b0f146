//! What a template has left behind: a file that was never rendered.
//! In: a tree, or where the parser met it. Out: one problem for each.

use super::{
    collector::Collector,
    phrases::quote,
    tree::{Kind, Node, Position},
};

/// Tells of `{{ … }}` here.
pub(super) fn left_over(what: &str, at: Position, problems: &mut Collector) {
    problems.error(
        at,
        format!("{what} is left over from a template"),
        "render the file first (`helm template`, `--set-file`); burgee reads plain YAML",
    );
}

/// Whether `{{ … }}` stands where text is used by burgee; descriptions and payloads may hold anything.
pub(super) fn is_template(node: &Node<'_>, problems: &mut Collector) -> bool {
    match &node.kind {
        Kind::Text(text, _) if text.contains("{{") => {
            left_over(&quote(text), node.at, problems);
            true
        }
        Kind::List(items) => {
            items
                .iter()
                .filter(|item| is_template(item, problems))
                .count()
                > 0
        }
        Kind::Map(entries) => {
            let free = ["description", "metadata", "variants", "matches"];
            let read = entries.iter().filter(|entry| !free.contains(&&*entry.key));
            read.filter(|entry| is_template(&entry.value, problems))
                .count()
                > 0
        }
        _ => false,
    }
}
