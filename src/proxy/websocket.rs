//! WebSockets: the one upgrade that passes, and becomes a tunnel after the application's 101.
//! In: the fields of the handshake. Out: whether it is one, and the same fields for the other side.

use super::hop_by_hop;
use http::{HeaderMap, HeaderValue, header};

/// Whether a request wants a WebSocket. Nothing else is upgraded: `h2c` would go round everything here.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    hop_by_hop::names(headers, header::CONNECTION, "upgrade") && is_upgrade(headers)
}

/// Whether `Upgrade` names `websocket` and nothing else.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::UPGRADE).iter();
    let only = lines.next().filter(|_| lines.next().is_none());
    only.is_some_and(|line| line.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Says that this connection is to become, or becomes, a WebSocket.
pub(super) fn set_upgrade(headers: &mut HeaderMap) {
    let upgrade = HeaderValue::from_static("upgrade");
    hop_by_hop::set(headers, header::CONNECTION, upgrade);
    let websocket = HeaderValue::from_static("websocket");
    hop_by_hop::set(headers, header::UPGRADE, websocket);
}
