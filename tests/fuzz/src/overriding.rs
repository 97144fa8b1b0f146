//! Any override dictionary, by header and by cookie: without the key nothing is ever forced, and nothing of it is written back.
use burgee::{
    config,
    engine::{Decisions, Snapshot, overrides::OverrideResult, request::Input, units::Second},
};
use http::{HeaderMap, HeaderValue};
use std::sync::OnceLock;

const TOGGLES: &str = "version: 1
override: {from: [header.x-qa-override], key: env.KEY, remember: qa_flags}
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
    let cookie = [b"qa_flags=", data].concat();
    for (name, value) in [("x-qa-override", data), ("cookie", &cookie)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            bring(loaded, name, value);
        }
    }
}

fn bring(loaded: &Snapshot, name: &'static str, value: HeaderValue) {
    let mut headers = HeaderMap::new();
    headers.insert(name, value);
    headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
    let http = super::get(&headers);
    let mut decisions = Decisions::default();
    loaded.decide(Input::Http(http), Second(0), None, &mut decisions);
    let mut decided = decisions.by_feature.iter().flatten();
    assert!(decided.all(|decision| !decision.overridden));
    assert!(!decisions.overrides[0].is_some_and(OverrideResult::is_verified));
    // at most it is cleared
    if let Some(cookies) = &decisions.override_cookies {
        for line in cookies.set_cookies(false) {
            assert_eq!(line, "qa_flags=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        }
    }
}
