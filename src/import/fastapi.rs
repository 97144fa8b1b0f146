//! The FastAPI flag service: its rows of `flag_name`, `status` and `rollout_percentage`.
//!
//! The draw, by its code: SHA-256 of `USER:FLAG`, 32 leading bits / (2^32 - 1) * 100, at most the percentage. Its README says modulo
//! 100 and below, which is something else for 40% of the people: the code decided.

use super::{
    desk::Desk,
    lower,
    out::{Give, OutDraw, OutFeature},
    read::{get, is_list, is_map, is_true, items, number, text},
};
use crate::config::Node;

pub(crate) fn import(desk: &mut Desk<'_, '_>) {
    let root = desk.root;
    let list = match is_list(root) {
        true => Some(root),
        false => get(root, "flags").filter(|flags| is_list(flags)),
    };
    let rows = match list {
        Some(list) => items(Some(list)),
        None if text(root, "flag_name").is_some() => std::slice::from_ref(root),
        None => {
            desk.refuse::<()>(root, "there are no flags in it", "give what `GET /flags` answers: a list of `{flag_name, status, rollout_percentage}`");
            return;
        }
    };
    for node in rows {
        let name = text(node, "flag_name").unwrap_or("");
        if !desk.begin(name) {
            break;
        }
        if name.is_empty() || !is_map(node) {
            desk.refuse::<()>(node, "a flag without `flag_name`", "");
            continue;
        }
        let feature = flag(desk, name, node);
        desk.done(node, feature);
    }
}

fn flag(desk: &mut Desk<'_, '_>, name: &str, node: &Node<'_>) -> Option<OutFeature> {
    let own = match get(node, "rollout_percentage") {
        None => Give::one("on"),
        Some(rollout) => {
            let Some(percent) = number(rollout).filter(|percent| (0.0..=100.0).contains(percent))
            else {
                return desk.refuse(rollout, "`rollout_percentage` is no percentage", "");
            };
            if name.contains("{unit}") {
                return desk.refuse(
                    node,
                    "its name has `{unit}` in it",
                    "a draw has one `{unit}`",
                );
            }
            let holds = |number: u64| number as f64 / 4_294_967_295.0 * 100.0 <= percent;
            let share = lower::share(lower::first_outside(1 << 32, holds), 1 << 32);
            let draw = OutDraw::new("sha256", "", format!(":{name}")).bits(32);
            if share > 0 && share < super::out::WHOLE {
                desk.note(
                    rollout,
                    "drawn as the service's code does",
                    "its README describes another draw, which was never run",
                );
            }
            Give::share(share, "on", "off", draw)
        }
    };
    let is_off = !is_true(node, "status");
    Some(OutFeature {
        name: desk.feature(name),
        description: text(node, "description").map(str::to_owned),
        status: is_off.then_some("paused"),
        comments: if is_off {
            vec!["was off".to_owned()]
        } else {
            Vec::new()
        },
        default: "off".to_owned(),
        own: Some(own),
        ..OutFeature::default()
    })
}
