//! What burgee adds to the head of a request.
//! In: everything that is sent. Out: a problem or a warning where it is much.

use super::conflicts::FileHeaders;
use crate::config::{collector::Collector, tree::Position};
use crate::engine::headers::Budget;

/// Where applications begin to refuse.
const MANY_BYTES: usize = 8 * 1024;
const MANY_FIELDS: usize = 60;

/// Tells where one request may carry too many fields or bytes.
pub(super) fn budget(files: &[FileHeaders<'_>], problems: &mut Collector) {
    let features = files.iter().flat_map(|file| &file.features);
    let combined = files.iter().find_map(|file| file.headers.combined.as_ref());
    let revision = files.iter().find_map(|file| file.headers.revision.as_ref());
    let Budget { fields, bytes } = Budget::of(
        features.map(|(feature, _)| *feature),
        combined.map(|(name, _)| name),
        revision.map(|(name, _)| name),
    );
    let Some(at) = files.first().map(|_| Position::start(0)) else {
        return;
    };
    let kept = "`header: none` keeps a feature inside; `headers: {off: omit}` sends fewer";
    if bytes > Budget::MOST_BYTES {
        problems.error(
            at,
            format!(
                "the headers take up to {bytes} bytes: more than {}",
                Budget::MOST_BYTES
            ),
            kept,
        );
    } else if bytes > MANY_BYTES || fields > MANY_FIELDS {
        problems.warn(at, format!("the headers take up to {fields} fields and {bytes} bytes: gunicorn, Apache, Node and others refuse (400, 431) more than 100 fields, or 8 or 16 KiB in all"), kept);
    }
}
