//! Any cookies and user headers: what is found came byte for byte from the request but for the blanks around it, the
//! first cookie of a name wins, and two different user headers are nobody.
use burgee::engine::source::Source;
use burgee::engine::{
    attributes::{Attribute, Found},
    request::Input,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Panics where the promise is broken.
pub fn ask(data: &[u8]) {
    let name = HeaderName::from_static("x-user-id");
    let user = Attribute::new(
        "user",
        Box::new([
            Source::Header(name.clone()),
            Source::Cookie("user_id".into()),
        ]),
    );
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let (name, value) = match line.split_first() {
            Some((b'h', value)) => (name.clone(), value),
            Some((_, value)) => (header::COOKIE, value),
            None => continue,
        };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let http = super::get(&headers);
    let sent = headers.get_all(&name).iter();
    let sent: Vec<_> = sent.map(|value| value.as_bytes().trim_ascii()).collect();
    match user.find(Input::Http(http), true) {
        Found::Value(bytes, 0) => assert!(sent.iter().all(|value| *value == &*bytes)),
        Found::Value(bytes, _) => {
            assert!(!bytes.trim_ascii().is_empty() && !bytes.contains(&b';'));
            let lines = headers.get_all(header::COOKIE).iter();
            let mut pairs = lines
                .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
                .map(<[u8]>::trim_ascii);
            let first = pairs.find_map(|pair| pair.strip_prefix(b"user_id="));
            assert_eq!(first, Some(&*bytes));
        }
        Found::Conflict => assert!(sent.iter().any(|value| *value != sent[0])),
        Found::Absent => {}
        Found::Object | Found::List(_) => panic!("no field has one: {sent:?}"),
    }
}
