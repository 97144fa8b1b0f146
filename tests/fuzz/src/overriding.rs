//! Any override dictionary: without the key nothing is ever forced.
use burgee::{
    config,
    engine::{
        Decisions, Snapshot,
        overrides::OverrideResult,
        request::{HttpRequest, Input},
        units::Second,
    },
};
use http::{HeaderMap, HeaderValue, Method};
use std::sync::OnceLock;

const TOGGLES: &str = "version: 1
override: {from: [header.x-qa-override], key: env.KEY}
features:
  briefcase: {variants: [gold, silver], serve: gold}
  dark-mode: on
";

/// Panics where the promise is broken.
pub fn ask(data: &[u8]) {
    static LOADED: OnceLock<Snapshot> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let key = |_: &str| Some("a key that the fuzzer does not have".to_owned());
        match config::compile_texts(
            &[config::Text {
                name: "toggles.yaml".into(),
                bytes: TOGGLES.into(),
            }],
            &key,
            Second(0),
        ) {
            Ok((snapshot, _)) => snapshot,
            Err(problems) => panic!("{problems}"),
        }
    });
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_bytes(data) else {
        return;
    };
    headers.insert("x-qa-override", value);
    let http = HttpRequest {
        headers: &headers,
        method: &Method::GET,
        path: "/",
        query: None,
        host: b"",
        ip: None,
        said: None,
    };
    let mut decisions = Decisions::default();
    loaded.decide(Input::Http(http), Second(0), None, &mut decisions);
    assert!(
        decisions
            .by_feature
            .iter()
            .flatten()
            .all(|decision| !decision.overridden)
    );
    assert_ne!(decisions.overrides[0], Some(OverrideResult::Applied));
}
