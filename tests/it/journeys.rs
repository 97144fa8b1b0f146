//! People on their way: consent late, a first page in four requests at once, login, logout, a second device, a cookie that is lost,
//! consent withdrawn. By the built binary, over a handful of connections. A model beside it says every answer and counts the drift.

use crate::{
    raw::PATIENCE,
    signed_in::is_in_half,
    support::{Burgee, Toggles},
};
use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

const FILE: &str = "version: 1
user: [header.x-user-id]
anonymous: {cookie: visitor, max-age: 365d, for: everybody, when: {cookie.consent: \"yes\"}}
features:
  by-visitor: {by: visitor, rollout: 50%}
  by-user: 50%
";

/// Answers each request with what it says of our features, in few instructions.
fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = |socket: TcpStream| {
        let mut socket = Socket::new(socket);
        while let Some(head) = socket.head() {
            let is_on = |name: &str| match head.contains(&format!("{name}: on\r\n")) {
                true => "on",
                false => "off",
            };
            let (visitor, user) = (is_on("by-visitor"), is_on("by-user"));
            socket.send(&format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Seen: {visitor} {user}\r\n\r\n"
            ));
        }
    };
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(socket));
        }
    });
    address
}

/// Heads without bodies, one after the other.
struct Socket {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Socket {
    fn new(socket: TcpStream) -> Socket {
        socket.set_nodelay(true).unwrap();
        Socket {
            socket,
            buffer: Vec::new(),
        }
    }

    fn send(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).unwrap();
    }

    /// None where the other side has ended.
    fn head(&mut self) -> Option<String> {
        let mut some = [0; 4096];
        loop {
            let end = memchr::memmem::find(&self.buffer, b"\r\n\r\n");
            if let Some(end) = end {
                let rest = self.buffer.split_off(end + 4);
                let head = std::mem::replace(&mut self.buffer, rest);
                return String::from_utf8(head).ok();
            }
            match self.socket.read(&mut some) {
                Ok(length @ 1..) => self.buffer.extend_from_slice(&some[..length]),
                Ok(_) | Err(_) => return None,
            }
        }
    }
}

/// What came back.
struct Answer {
    by_visitor: bool,
    by_user: bool,
    /// `Set-Cookie` of ours
    told: Option<String>,
}

/// One browser of one person, and what it must see.
#[derive(Default)]
struct Device {
    cookie: Option<String>,
    consent: bool,
    user: Option<String>,
}

/// The four connections of a browser, and what the model has counted.
struct Browser {
    sockets: [Socket; 4],
    requests: u64,
    drift: u64,
    ids: HashSet<String>,
}

const PAGE: &str =
    "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: same-origin\r\n";
const PART: &str =
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Site: same-origin\r\n";

impl Browser {
    fn new(at: SocketAddr) -> Browser {
        let connect = |_| {
            let socket = TcpStream::connect(at).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            Socket::new(socket)
        };
        Browser {
            sockets: [0; 4].map(connect),
            requests: 0,
            drift: 0,
            ids: HashSet::new(),
        }
    }

    /// A page and so many of its parts, all at once, with the cookies from before; then the new cookie is kept.
    fn opens(&mut self, device: &mut Device, parts: usize) {
        let mut more = String::new();
        if let Some(user) = &device.user {
            more += &format!("X-User-Id: {user}\r\n");
        }
        let cookie = device.cookie.as_ref().map(|id| format!("visitor={id}"));
        let consent = device.consent.then(|| "consent=yes".to_owned());
        let cookies: Vec<_> = [cookie, consent].into_iter().flatten().collect();
        if !cookies.is_empty() {
            more += &format!("Cookie: {}\r\n", cookies.join("; "));
        }
        let sockets = &mut self.sockets[..=parts];
        for (number, socket) in sockets.iter_mut().enumerate() {
            let kind = if number == 0 { PAGE } else { PART };
            socket.send(&format!(
                "GET /{number} HTTP/1.1\r\nHost: shop.example\r\n{kind}{more}\r\n"
            ));
        }
        let answers: Vec<_> = sockets
            .iter_mut()
            .map(|socket| answer(&socket.head().unwrap()))
            .collect();
        let came = device.cookie.clone();
        for (number, answer) in answers.into_iter().enumerate() {
            self.requests += 1;
            self.check(device, came.as_deref(), number == 0, &answer);
        }
    }

    /// What the model says of one answer.
    fn check(&mut self, device: &mut Device, came: Option<&str>, is_page: bool, answer: &Answer) {
        let told = answer.told.as_deref();
        let id = match (device.consent, came, is_page) {
            // nothing is given, and what is there is deleted
            (false, Some(_), true) => {
                assert_eq!(
                    told,
                    Some("visitor=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
                );
                device.cookie = None;
                None
            }
            (true, None, true) => {
                let id = told.and_then(|told| told.strip_prefix("visitor="));
                let (id, rest) = id.and_then(|id| id.split_once(';')).unwrap();
                assert_eq!(rest, " Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax");
                assert!(self.ids.insert(id.to_owned()), "{id} twice");
                device.cookie = Some(id.to_owned());
                Some(id.to_owned())
            }
            (consent, came, _) => {
                assert_eq!(told, None);
                came.filter(|_| consent).map(str::to_owned)
            }
        };
        let by = |salt: &str, unit: Option<&str>| unit.is_some_and(|unit| is_in_half(salt, unit));
        let (visitor, user) = (id.as_deref(), device.user.as_deref());
        assert_eq!(
            answer.by_visitor,
            by("by-visitor", visitor),
            "{visitor:?} {user:?}"
        );
        assert_eq!(
            answer.by_user,
            by("by-user", user.or(visitor)),
            "{visitor:?} {user:?}"
        );
        if came.is_some() && visitor.is_some() && user.is_some() {
            self.drift += u64::from(by("by-user", user) != by("by-user", visitor));
        }
    }

    /// All that happens to one person.
    fn journey(&mut self, number: u64) {
        let user = format!("user-{number}");
        let mut here = Device {
            consent: !number.is_multiple_of(3),
            ..Device::default()
        };
        if !here.consent {
            // as a stranger, or as somebody who has signed in already
            here.user = number.is_multiple_of(2).then(|| user.clone());
            self.opens(&mut here, 0);
            (here.consent, here.user) = (true, None);
        }
        self.opens(&mut here, 3);
        let first = here.cookie.clone();
        here.user = Some(user.clone());
        self.opens(&mut here, 1);
        here.user = None;
        self.opens(&mut here, 0);
        assert_eq!(here.cookie, first, "the cookie lives");
        match number % 4 {
            0 => {
                let mut there = Device {
                    consent: true,
                    user: Some(user),
                    ..Device::default()
                };
                self.opens(&mut there, 0);
                self.opens(&mut there, 0);
            }
            1 => {
                (here.cookie, here.user) = (None, Some(user));
                self.opens(&mut here, 0);
                self.opens(&mut here, 0);
            }
            2 => {
                (here.consent, here.user) = (false, Some(user));
                self.opens(&mut here, 1);
                self.opens(&mut here, 0);
            }
            _ => {}
        }
    }
}

fn answer(head: &str) -> Answer {
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(field, value)| field.eq_ignore_ascii_case(name).then_some(value))
    };
    let seen = field("x-seen").unwrap_or_else(|| panic!("{head}"));
    let (by_visitor, by_user) = seen.split_once(' ').unwrap();
    let told = field("set-cookie").map(str::to_owned);
    assert_eq!(
        field("cache-control"),
        told.as_ref().map(|_| "private"),
        "{head}"
    );
    Answer {
        by_visitor: by_visitor == "on",
        by_user: by_user == "on",
        told,
    }
}

fn travel(journeys: u64) {
    let toggles = Toggles::new(FILE);
    let application = format!("http://{}", application());
    let burgee = Burgee::start(&toggles.path(), &application, &[]);
    let at = burgee.listen;
    let browsers = 2;
    let threads: Vec<_> = (0..browsers)
        .map(|first| {
            thread::spawn(move || {
                let mut browser = Browser::new(at);
                let own = (0..journeys).filter(|number| number % browsers == first);
                own.for_each(|number| browser.journey(number));
                browser
            })
        })
        .collect();
    let done: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let requests: u64 = done.iter().map(|browser| browser.requests).sum();
    let drift: u64 = done.iter().map(|browser| browser.drift).sum();
    let ids: HashSet<_> = done.iter().flat_map(|browser| &browser.ids).collect();
    println!(
        "{journeys} journeys, {requests} requests, {} ids, drift {drift}",
        ids.len()
    );
    assert_eq!(
        ids.len(),
        done.iter().map(|browser| browser.ids.len()).sum::<usize>()
    );
    assert!(drift > journeys / 2, "{drift}");
    assert_eq!(
        burgee.metric("burgee_drift_total{feature=\"by-user\"}"),
        Some(drift as f64)
    );
    assert_eq!(
        burgee.metric("burgee_requests_total{status=\"2xx\"}"),
        Some(requests as f64)
    );
}

#[test]
fn on_one_device_no_answer_by_visitor_changes_while_the_cookie_lives() {
    travel(2_000);
}

/// By `tests/e2e/journeys/run`, with the release binary.
#[test]
#[ignore = "a minute"]
fn a_hundred_thousand_journeys() {
    travel(100_000);
}
