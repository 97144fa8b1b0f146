//! What holds for any request: of folding, of hop-by-hop fields, of hosts; and that burgee changes nothing else.

use crate::raw::{App, Burgee, Client, Message, in_force};
use burgee::engine::{
    Snapshot,
    forged_fields::{self, ForgedFields},
};
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy, any, prop_oneof},
    sample::select,
    test_runner::TestRunner,
};
use std::{collections::BTreeMap, net::TcpListener};

/// An application that answers with what it got, and a data path before it.
fn started() -> (App, Burgee) {
    let app = App::ok();
    let burgee = Burgee::before(&app);
    let forged_fields = ForgedFields::new(
        ["X-Feature-"],
        ["Beta-Search"],
        [&http::HeaderName::from_static("x-user-id")],
    );
    burgee.publisher.publish(in_force(Snapshot {
        forged_fields: forged_fields.into(),
        ..Snapshot::empty()
    }));
    (app, burgee)
}

fn holds<S: Strategy>(strategy: &S, test: impl Fn(S::Value)) {
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(strategy, |value| {
            test(value);
            Ok(())
        })
        .unwrap();
}

/// Names that are near what is guarded: other cases, other punctuation, cut, and continued.
fn near_names() -> impl Strategy<Value = String> {
    let words = select(vec![
        "x-feature-a",
        "x-feature-",
        "x-feature",
        "beta-search",
        "x-user-id",
        "content-length",
        "accept",
        "x-features",
    ]);
    let changes = vec((any::<bool>(), select(b"-_.!~*'`|^#$%&+".to_vec())), 16);
    (words, changes, 0..4_usize).prop_map(|(word, changes, cut)| {
        let word = &word[..word.len().saturating_sub(cut).max(1)];
        word.chars()
            .zip(changes)
            .map(|(char, (upper, other))| match (char, upper) {
                ('-', _) => char::from(other),
                (char, true) => char.to_ascii_uppercase(),
                (char, false) => char,
            })
            .collect()
    })
}

#[test]
fn whatever_folds_onto_ours_is_dropped_and_nothing_else() {
    let (app, burgee) = started();
    holds(&near_names(), |name| {
        let lower = name.to_ascii_lowercase();
        if lower == "content-length" {
            return;
        }
        let answer = burgee.answer(format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: 1\r\n\r\n"));
        assert_eq!(answer.status(), 200);
        let folded = forged_fields::fold(&name);
        let trusted = [
            "x-user-id",
            "content-length",
            "transfer-encoding",
            "connection",
            "host",
        ];
        let dropped = folded.starts_with("x-feature-")
            || folded == "beta-search"
            || trusted.contains(&&*folded) && !trusted.contains(&&*lower);
        assert_eq!(app.request().get(&name).is_none(), dropped, "{name}");
    });
}

#[test]
fn connection_drops_what_it_names_and_nothing_that_is_protected() {
    let (app, burgee) = started();
    let names = [
        "x-a",
        "x-b",
        "x-c",
        "cookie",
        "authorization",
        "x-user-id",
        "x-forwarded-for",
        "accept",
    ];
    let protected = ["cookie", "authorization", "x-user-id", "x-forwarded-for"];
    let nominated = vec(vec(select(names.to_vec()), 0..4), 0..4);
    let sent = vec(select(names.to_vec()), 0..6);
    holds(&(sent, nominated), |(sent, nominated)| {
        let mut request = String::from("GET / HTTP/1.1\r\nHost: a\r\n");
        for line in &nominated {
            request += &format!("Connection: {}\r\n", line.join(" ,"));
        }
        for name in &sent {
            request += &format!("{name}: 1\r\n");
        }
        burgee.answer(request + "\r\n");
        let got = app.request();
        for name in names {
            let named =
                nominated.iter().flatten().any(|one| *one == name) && !protected.contains(&name);
            let expected = if named {
                0
            } else {
                sent.iter().filter(|one| **one == name).count()
            };
            assert_eq!(
                got.all(name).len(),
                expected,
                "{name}: {sent:?} {nominated:?}"
            );
        }
    });
}

#[test]
fn a_host_is_accepted_when_the_grammar_says_so() {
    let (app, burgee) = started();
    // RFC 3986, 3.2.2 and 3.2.3, without the empty name
    let grammar = regex::Regex::new(
        r"^([A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+(:[0-9]{0,5})?$|^\[([0-9a-fA-F:.]+)\](:[0-9]{0,5})?$",
    )
    .unwrap();
    let part = select(vec![
        "a", "Z", "0", "9", ".", "-", "_", ":", "%41", "%4", "[", "]", "::1", "@", "/", "80", ",",
        "?", "\u{7f}", "a b",
    ]);
    let host = prop_oneof![
        vec(part, 0..6).prop_map(|parts| parts.concat()),
        any::<[u8; 16]>().prop_map(|bytes| format!("[{}]:80", std::net::Ipv6Addr::from(bytes))),
    ];
    holds(&host, |host| {
        let answer = burgee.answer(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let by_grammar = grammar.captures(&host).is_some_and(|found| {
            let address = found
                .get(3)
                .is_none_or(|inside| inside.as_str().parse::<std::net::Ipv6Addr>().is_ok());
            let port = found
                .get(2)
                .or(found.get(4))
                .map_or("", |port| &port.as_str()[1..]);
            address && port.parse::<u32>().unwrap_or(0) <= 65_535
        });
        assert_eq!(answer.status() == 200, by_grammar, "{host:?}");
        assert_eq!(app.heard_nothing(), !by_grammar, "{host:?}");
    });
}

/// A sequence of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn text(&mut self, alphabet: &[u8], most: usize) -> String {
        (0..self.below(most + 1))
            .map(|_| char::from(alphabet[self.below(alphabet.len())]))
            .collect()
    }
}

const NAMES: [&str; 9] = [
    "Accept",
    "X-A",
    "X-B",
    "Cookie",
    "User-Agent",
    "Range",
    "If-None-Match",
    "Content-Type",
    "X-Want-Not",
];
const VALUE: &[u8] = b"abcXYZ019 \t\"'(),/:;<=>?@[]{}!#$%&*+-.^_`|~\xe9\xff";
const PATH: &[u8] = b"abcXYZ019/%.~-_!$&'()*+,;=:@";

/// A request that is valid, and whether its answer has a body.
fn request(numbers: &mut Numbers) -> (Vec<u8>, bool) {
    let method = numbers.one(&[
        "GET", "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PURGE",
    ]);
    let query = match numbers.below(3) {
        0 => format!("?{}", numbers.text(PATH, 12)),
        _ => String::new(),
    };
    let mut head = format!(
        "{method} /{}{query} HTTP/1.1\r\nHost: shop{}.example\r\n",
        numbers.text(PATH, 20),
        numbers.below(9)
    );
    for _ in 0..numbers.below(8) {
        let value = numbers.text(VALUE, 30);
        head += &format!(
            "{}: {}\r\n",
            numbers.one(&NAMES),
            value.trim_matches([' ', '\t'])
        );
    }
    head += &format!("X-Want: {}\r\n", numbers.below(10_000));
    if numbers.below(4) == 0 {
        head += numbers.one(&[
            "Connection: keep-alive\r\n",
            "Keep-Alive: 5\r\n",
            "Connection: X-B\r\n",
            "TE: trailers\r\nConnection: TE\r\n",
        ]);
    }
    let body: String = numbers.text(b"ab\r\n0", 200);
    let mut all = crate::raw::bytes(&head);
    match numbers.below(3) {
        0 if !body.is_empty() => {
            all.extend(format!("Content-Length: {}\r\n\r\n{body}", body.len()).bytes());
        }
        1 => {
            all.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut rest = body.as_str();
            while !rest.is_empty() {
                let (some, more) = rest.split_at(1 + numbers.below(rest.len()));
                all.extend(format!("{:x}\r\n{some}\r\n", some.len()).bytes());
                rest = more;
            }
            all.extend(b"0\r\n\r\n");
        }
        _ => all.extend(b"\r\n"),
    }
    (all, method != "HEAD")
}

/// The application's answer is made of the number that the request brings.
fn answer(wanted: &Message) -> Vec<u8> {
    let mut numbers = Numbers(wanted.get("x-want").unwrap().parse().unwrap());
    let is_head = wanted.start().starts_with("HEAD ");
    let status = numbers.one(&[
        "200 OK",
        "200 Fine",
        "201 Created",
        "204 No Content",
        "304 Not Modified",
        "404 Not Found",
        "500 Oh No",
        "299 Odd",
    ]);
    let mut head = format!("HTTP/1.1 {status}\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    for _ in 0..numbers.below(6) {
        let value = numbers.text(VALUE, 30);
        head += &format!(
            "{}: {}\r\n",
            numbers.one(&["Set-Cookie", "X-A", "Server", "ETag", "Via"]),
            value.trim_matches([' ', '\t'])
        );
    }
    let body = numbers.text(b"ab\r\n0", 3000);
    let bodiless = status.starts_with("204") || status.starts_with("304");
    if bodiless {
        return crate::raw::bytes(&(head + "\r\n"));
    }
    let (framing, body) = match numbers.below(2) {
        0 => (format!("Content-Length: {}\r\n\r\n", body.len()), body),
        _ => {
            let chunk = if body.is_empty() {
                String::new()
            } else {
                format!("{:x}\r\n{body}\r\n", body.len())
            };
            (
                "Transfer-Encoding: chunked\r\n\r\n".to_owned(),
                format!("{chunk}0\r\n\r\n"),
            )
        }
    };
    crate::raw::bytes(&(head + &framing + if is_head { "" } else { &body }))
}

/// Fields by name, without those of one hop, whose framing the other side may choose anew.
fn end_to_end(message: &Message) -> BTreeMap<String, Vec<String>> {
    let hop = ["connection", "keep-alive", "transfer-encoding", "te"];
    let named: Vec<String> = message
        .all("connection")
        .iter()
        .map(|name| name.to_ascii_lowercase())
        .collect();
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in message.fields() {
        let name = name.to_ascii_lowercase();
        if !hop.contains(&&*name) && !named.contains(&name) {
            fields.entry(name).or_default().push(value.to_owned());
        }
    }
    fields
}

#[test]
fn five_thousand_requests_are_the_same_with_and_without_burgee() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let app = App::on(listener, |client, tell| {
        while client.has_more() {
            let request = client.message();
            let answer = answer(&request);
            let _ = tell.send(request);
            client.send(answer);
        }
    });
    let burgee = Burgee::before(&app);
    let (mut direct, mut through) = (Client::connect(app.address), burgee.connect());
    let mut numbers = Numbers(7);
    for number in 0..5_000 {
        let (request, has_body) = request(&mut numbers);
        let sides = [&mut direct, &mut through].map(|client| {
            client.send(&request);
            let answer = if has_body {
                client.message()
            } else {
                client.head()
            };
            (app.request(), answer)
        });
        let shown = crate::raw::text(&request);
        let (asked, answered) = &sides[1];
        assert_eq!(asked.start(), sides[0].0.start(), "{number}: {shown}");
        assert_eq!(
            end_to_end(asked),
            end_to_end(&sides[0].0),
            "{number}: {shown}"
        );
        assert_eq!(asked.body, sides[0].0.body, "{number}: {shown}");
        assert_eq!(answered.start(), sides[0].1.start(), "{number}: {shown}");
        assert_eq!(
            end_to_end(answered),
            end_to_end(&sides[0].1),
            "{number}: {shown}"
        );
        assert_eq!(answered.body, sides[0].1.body, "{number}: {shown}");
    }
}
