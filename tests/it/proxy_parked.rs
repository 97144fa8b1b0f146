//! An idle connection keeps only its socket, and nobody notices: whatever comes, whenever it comes, is answered as without that.

use crate::raw::{App, Burgee, Client, PATIENCE, eventually};
use burgee::{live::Phase, proxy::Settings};
use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy, any},
    sample::select,
    test_runner::TestRunner,
};
use std::{
    thread,
    time::{Duration, Instant},
};

const GET: &str = "GET /a HTTP/1.1\r\nHost: a\r\nX-Mixed-Case: 1\r\n\r\n";
const POST: &str = "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &str =
    "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
const LAST: &str = "GET /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const BROKEN: &str = "GET /e HTTP/1.1\r\nHost : a\r\n\r\n";

/// As soon as the clock ticks: every 5 ms.
const SOON: Duration = Duration::from_millis(8);

fn soon(settings: &mut Settings) {
    settings.park_after = SOON;
}

/// Answers with the request's first line, its names and its body.
fn echo() -> App {
    App::script(|client, _| {
        while client.has_more() {
            let request = client.message();
            let names: Vec<_> = request.fields().map(|(name, _)| name.to_owned()).collect();
            let body = format!("{} {names:?} {}", request.start(), request.text());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            client.send(head + &body);
        }
    })
}

fn is_parked(burgee: &Burgee) {
    eventually("it is parked", || burgee.settings.open.parked() == 1);
}

/// A connection that has had one answer, and is parked.
fn parked(burgee: &Burgee) -> Client {
    let mut client = burgee.connect();
    client.send(GET);
    client.message();
    is_parked(burgee);
    client
}

/// What a client does before its next bytes.
#[derive(Clone, Copy, Debug)]
enum Pause {
    None,
    /// about as long as it takes
    Short(u8),
    UntilParked,
}

/// All answers to these bytes until the connection ends, by what they say.
fn answers(burgee: &Burgee, pieces: &[(Vec<u8>, Pause)], resets: bool) -> Vec<String> {
    let mut client = burgee.connect();
    for (piece, pause) in pieces {
        client.send(piece);
        match pause {
            Pause::None => {}
            Pause::Short(milliseconds) => {
                thread::park_timeout(Duration::from_millis(u64::from(*milliseconds)));
            }
            // half a request is not idle, and a broken one is the last
            Pause::UntilParked => {
                let end = Instant::now() + 4 * SOON;
                while burgee.settings.open.parked() == 0 && Instant::now() < end {
                    thread::yield_now();
                }
            }
        }
    }
    if resets {
        client.vanish();
        return Vec::new();
    }
    let rest = client.rest();
    rest.split("\r\n")
        .filter(|line| !line.starts_with("date: "))
        .map(str::to_owned)
        .collect()
}

/// Requests that end with the last or a broken one, cut anywhere.
fn pieces() -> impl Strategy<Value = Vec<(Vec<u8>, Pause)>> {
    let requests = vec(select(vec![GET, POST, CHUNKED]), 1..4);
    let last = select(vec![LAST, BROKEN]);
    let pause = (0..4_u8, 0..16_u8).prop_map(|(kind, milliseconds)| match kind {
        0 => Pause::None,
        1 => Pause::UntilParked,
        _ => Pause::Short(milliseconds),
    });
    let cuts = vec((any::<proptest::sample::Index>(), pause), 1..6);
    (requests, last, cuts, any::<bool>()).prop_map(|(requests, last, mut cuts, whole)| {
        let lengths = requests.iter().map(|request| request.len());
        let ends: Vec<usize> = lengths
            .scan(0, |end, len| {
                *end += len;
                Some(*end)
            })
            .collect();
        let all = requests.concat() + last;
        let place = |at: &proptest::sample::Index| match whole {
            // between two requests
            true => ends[at.index(ends.len())],
            false => at.index(all.len()),
        };
        cuts.sort_by_key(|(at, _)| place(at));
        let mut begin = 0;
        let mut pieces: Vec<_> = cuts
            .iter()
            .map(|(at, pause)| {
                let piece = all.as_bytes()[begin..place(at)].to_vec();
                begin = place(at);
                (piece, *pause)
            })
            .collect();
        pieces.push((all.as_bytes()[begin..].to_vec(), Pause::None));
        pieces
    })
}

#[test]
fn whenever_bytes_come_the_answers_are_those_of_a_connection_that_is_never_parked() {
    let app = echo();
    let with = |park_after| Burgee::with(&app, |settings| settings.park_after = park_after);
    let (burgee, never) = (with(SOON), with(Duration::ZERO));
    let config = ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&(pieces(), 0..8_u8), |(pieces, reset)| {
            let (found, expected) = (
                answers(&burgee, &pieces, reset == 0),
                answers(&never, &pieces, reset == 0),
            );
            assert_eq!(found, expected, "{pieces:?}");
            Ok(())
        })
        .unwrap();
    assert_eq!(never.settings.open.parked(), 0);
    // whoever was reset is forgotten
    eventually("nobody is left", || burgee.settings.open.parked() == 0);
}

#[test]
fn it_is_parked_again_and_again_and_answers_each_time() {
    let app = echo();
    let burgee = Burgee::with(&app, soon);
    let mut client = parked(&burgee);
    for request in [GET, POST, CHUNKED, GET] {
        client.send(request);
        assert_eq!(client.message().status(), 200);
        is_parked(&burgee);
    }
}

#[test]
fn the_beginning_of_the_next_head_waits_for_its_end_and_has_its_deadline() {
    let app = echo();
    let burgee = Burgee::with(&app, |settings| {
        soon(settings);
        settings.head_timeout = 20 * SOON;
    });
    let mut client = burgee.connect();
    client.send([GET, &GET[..20]].concat());
    client.message();
    let begun = Instant::now();
    assert!(client.is_closed());
    assert!(begun.elapsed() >= 20 * SOON && begun.elapsed() < PATIENCE);
}

#[test]
fn names_that_came_with_the_last_request_stay_as_they_were_written() {
    let app = echo();
    let burgee = Burgee::with(&app, |settings| {
        soon(settings);
        settings.preserve_header_case = true;
    });
    let half = GET.find("-Case").unwrap();
    let pieces = [
        ([GET, &GET[..half]].concat().into(), Pause::UntilParked),
        ([&GET[half..], LAST].concat().into(), Pause::None),
    ];
    let found = answers(&burgee, &pieces, false).concat();
    assert_eq!(
        found.matches("[\"Host\", \"X-Mixed-Case\"]").count(),
        2,
        "{found}"
    );
}

#[test]
fn who_leaves_is_let_go_and_who_stays_has_the_whole_idle_timeout() {
    let app = echo();
    let burgee = Burgee::with(&app, |settings| {
        soon(settings);
        settings.idle_timeout = 40 * SOON;
    });
    drop(parked(&burgee));
    eventually("it is let go", || burgee.settings.open.parked() == 0);
    parked(&burgee).vanish();
    eventually("it is let go", || burgee.settings.open.parked() == 0);
    let begun = Instant::now();
    let mut client = parked(&burgee);
    assert!(client.is_closed());
    assert!(begun.elapsed() >= 40 * SOON && begun.elapsed() < PATIENCE);
}

#[test]
fn when_the_process_stops_it_is_closed_with_a_farewell() {
    let app = echo();
    let mut burgee = Burgee::with(&app, soon);
    let mut client = parked(&burgee);
    burgee.enter(Phase::Stopping);
    assert!(client.is_closed());
    drop(client);
    burgee.ended();
}
