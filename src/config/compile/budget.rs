//! What burgee adds to the head of a request.
//! In: everything that is sent. Out: a problem or a warning where it is much.

use super::{
    super::{problem::Log, tree::Place},
    conflicts::Sends,
};
use crate::engine::Status;
use http::HeaderName;

/// All headers that burgee may add to one request, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// Where applications begin to refuse.
const MANY_BYTES: usize = 8 * 1024;
const MANY_FIELDS: usize = 60;

/// How many fields and bytes one request may carry, each feature counted with its longest variant.
pub(super) fn budget(files: &[Sends<'_>], log: &mut Log) {
    let (mut fields, mut bytes, mut combined) = (0, 0, 0);
    // name, colon, blank, value, line end
    let mut field = |name: &HeaderName, value: usize| {
        fields += 1;
        bytes += name.as_str().len() + value + 4;
    };
    for (feature, _) in files.iter().flat_map(|file| &file.features) {
        if feature.status == Status::Archived {
            continue;
        }
        let longest = |length: &dyn Fn(&crate::engine::Variant) -> usize| {
            feature
                .variants
                .iter()
                .map(length)
                .max()
                .unwrap_or_default()
        };
        if let Some(name) = &feature.header {
            field(name, longest(&|variant| variant.name.len()));
            combined += longest(&|variant| variant.member.len()) + 2;
        }
        if let Some(name) = &feature.value_header {
            field(
                name,
                longest(&|variant| variant.value_header.as_ref().map_or(0, |value| value.len())),
            );
        }
    }
    if let Some((name, _)) = files.iter().find_map(|file| file.travel.combined.as_ref()) {
        field(name, combined);
    }
    if let Some((name, _)) = files.iter().find_map(|file| file.travel.revision.as_ref()) {
        field(name, 16);
    }
    let Some(at) = files.first().map(|_| Place {
        line: 1,
        column: 1,
        id: 0,
        file: 0,
    }) else {
        return;
    };
    let kept = "`header: none` keeps a feature inside; `headers: {off: omit}` sends fewer";
    if bytes > MOST_BYTES {
        log.error(
            at,
            format!("the headers take up to {bytes} bytes: more than {MOST_BYTES}"),
            kept,
        );
    } else if bytes > MANY_BYTES || fields > MANY_FIELDS {
        log.warn(at, format!("the headers take up to {fields} fields and {bytes} bytes: gunicorn, Apache and others refuse more than 100 fields or 8 KiB in all"), kept);
    }
}
