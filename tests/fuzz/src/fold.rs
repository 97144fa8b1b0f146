//! Any field name: whatever the laxest application reads as ours is dropped, and nothing of ours survives.
use burgee::engine::forged_fields::{ForgedFields, fold};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Panics where the promise is broken.
pub fn ask(data: &[u8]) {
    let user = HeaderName::from_static("x-user-id");
    let forged_fields = ForgedFields::new(["X-Feature-", "Flag_"], ["X-Features", "Beta"], [&user]);
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(name) = HeaderName::from_bytes(line) {
            headers.append(name, HeaderValue::from_static("forged"));
        }
    }
    let ours = |name: &HeaderName| {
        let folded = fold(name.as_str());
        folded.starts_with("x-feature-")
            || folded.starts_with("flag-")
            || ["x-features", "beta"].contains(&&*folded)
            || (folded == "x-user-id" && *name != user)
    };
    let passes: Vec<_> = headers.keys().filter(|name| !ours(name)).cloned().collect();
    forged_fields.strip(&mut headers);
    assert!(!headers.keys().any(ours), "{headers:?}");
    for name in passes {
        let framing = ["transfer-encoding", "content-length", "connection", "host"];
        assert!(
            headers.contains_key(&name) || framing.contains(&&*fold(name.as_str())),
            "{name} was dropped"
        );
    }
}
