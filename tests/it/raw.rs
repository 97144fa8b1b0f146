//! Raw sockets on both sides of a data path in this process: bytes in, bytes at the application, bytes back.
//! In: a script for the application. Out: what each side saw, byte for byte.

use burgee::{
    engine::{Snapshot, units::Second},
    live::{self, InForce, Phase, Report},
    proxy::{self, Settings, Upstream},
    telemetry,
};
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// Longer than anything here takes; what is waited for is always an event.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A worker of the data path on a thread of its own.
pub(crate) struct Burgee {
    pub(crate) address: SocketAddr,
    pub(crate) settings: Arc<Settings>,
    pub(crate) publisher: live::Publisher,
    phases: watch::Sender<Phase>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Burgee {
    /// Before this application, with every default.
    pub(crate) fn before(app: &App) -> Burgee {
        Burgee::with(app, |_| {})
    }

    /// Before this application, with other settings.
    pub(crate) fn with(app: &App, change: impl FnOnce(&mut Settings)) -> Burgee {
        Burgee::start(app.upstream(), change)
    }

    /// Before whatever is there.
    pub(crate) fn start(upstream: Upstream, change: impl FnOnce(&mut Settings)) -> Burgee {
        let mut settings = Settings {
            upstream,
            ..Settings::default()
        };
        change(&mut settings);
        let settings = Arc::new(settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (publisher, reader) = live::channel(in_force(Snapshot::empty()));
        let (phases, phase) = watch::channel(Phase::Serving);
        let shared = settings.clone();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build_local(Default::default())?;
            let telemetry = telemetry::Recorder::default();
            runtime.block_on(proxy::serve(listener, shared, reader, telemetry, phase))
        });
        Burgee {
            address,
            settings,
            publisher,
            phases,
            thread: Some(thread),
        }
    }

    /// A new connection to it.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// What asks for the connection to be closed, and everything that comes back until it is.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(request);
        client.rest()
    }

    /// One request that is not followed by an end, and the answer to it.
    pub(crate) fn answer(&self, request: impl AsRef<[u8]>) -> Message {
        let mut client = self.connect();
        client.send(request);
        client.message()
    }

    /// The next phase of its life.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phases.send(phase).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self) {
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Burgee {
    fn drop(&mut self) {
        let _ = self.phases.send(Phase::Closing);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.expect("the worker does not panic").unwrap();
            }
        }
    }
}

/// What is in force in a test.
pub(crate) fn in_force(snapshot: Snapshot) -> InForce {
    InForce {
        snapshot: Arc::new(snapshot),
        loaded: true,
        since: Second(0),
        last: Report {
            delivered: None,
            at: Second(0),
            trigger: "start",
            problems: Vec::new(),
            warnings: Vec::new(),
        },
    }
}

/// A client that is nothing but a socket.
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        Client::on(TcpStream::connect(address).unwrap())
    }

    fn on(socket: TcpStream) -> Client {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Client {
            socket,
            buffer: Vec::new(),
        }
    }

    /// Sends; whoever is gone is gone.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.socket.write_all(bytes.as_ref());
    }

    /// Sends, and says whether all of it could be sent.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.socket.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends no more.
    pub(crate) fn end(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Goes away at once, with a reset.
    pub(crate) fn vanish(self) {
        let socket = socket2::Socket::from(self.socket);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Everything until the other side ends, however it does.
    pub(crate) fn rest(&mut self) -> String {
        while self.fill() {}
        text(&std::mem::take(&mut self.buffer))
    }

    /// Whether the other side closes without a word.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Everything up to and with this.
    pub(crate) fn until(&mut self, end: &[u8]) -> String {
        loop {
            if let Some(at) = find(&self.buffer, end) {
                return text(&self.take(at + end.len()));
            }
            assert!(
                self.fill(),
                "ended before {:?}: {:?}",
                text(end),
                text(&self.buffer)
            );
        }
    }

    /// So many bytes.
    pub(crate) fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.buffer.len() < len {
            assert!(self.fill(), "ended after {:?}", text(&self.buffer));
        }
        self.take(len)
    }

    /// Whether a next message begins, or the end.
    pub(crate) fn has_more(&mut self) -> bool {
        !self.buffer.is_empty() || self.fill()
    }

    /// One whole message, framed as HTTP/1.1 frames it.
    pub(crate) fn message(&mut self) -> Message {
        let head = self.until(b"\r\n\r\n");
        self.framed(head, false)
    }

    /// The answer to a HEAD request.
    pub(crate) fn head(&mut self) -> Message {
        let head = self.until(b"\r\n\r\n");
        self.framed(head, true)
    }

    fn framed(&mut self, head: String, no_body: bool) -> Message {
        let mut message = Message::of(head);
        let status: u16 = message
            .start()
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        let is_answer = message.start().starts_with("HTTP/");
        if no_body || matches!(status, 100..=199 | 204 | 304) {
            return message;
        }
        if message
            .all("transfer-encoding")
            .iter()
            .any(|coding| coding.contains("chunked"))
        {
            loop {
                let size = self.until(b"\r\n");
                let size =
                    usize::from_str_radix(size.trim().split(';').next().unwrap(), 16).unwrap();
                if size == 0 {
                    loop {
                        let line = self.until(b"\r\n");
                        if line == "\r\n" {
                            return message;
                        }
                        message.trailers.push_str(&line);
                    }
                }
                let chunk = self.exactly(size);
                message.body.extend_from_slice(&chunk);
                assert_eq!(self.exactly(2), b"\r\n");
            }
        } else if let Some(length) = message.get("content-length") {
            message.body = self.exactly(length.parse().unwrap());
        } else if is_answer {
            message.body = bytes(&self.rest());
        }
        message
    }

    fn fill(&mut self) -> bool {
        let mut some = [0; 64 * 1024];
        match self.socket.read(&mut some) {
            Ok(0) => false,
            Ok(len) => {
                self.buffer.extend_from_slice(&some[..len]);
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("nothing came: {:?}", text(&self.buffer))
            }
            Err(_) => false,
        }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(len);
        std::mem::replace(&mut self.buffer, rest)
    }
}

/// A message as it was on the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: String,
}

impl Message {
    pub(crate) fn of(head: String) -> Message {
        Message {
            head,
            ..Message::default()
        }
    }

    /// The request line or the status line.
    pub(crate) fn start(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The status, or 0 for a request.
    pub(crate) fn status(&self) -> u16 {
        let status = self
            .start()
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5));
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The values of a field in their order; the name in any case.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.fields()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The one value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} more than once: {}", self.head);
        all.first().copied()
    }

    /// All fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.head.split("\r\n").skip(1).filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name, value.trim_matches([' ', '\t'])))
        })
    }

    /// The names of all fields, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self
            .fields()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        text(&self.body)
    }
}

/// An application: a script for each connection, and what it was sent.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    requests: Mutex<Receiver<Message>>,
}

/// What an application does with one connection; what it tells comes out of [`App::request`].
pub(crate) type Tell = mpsc::Sender<Message>;

impl App {
    /// Each connection is given to the script, on a thread of its own.
    pub(crate) fn script(script: impl Fn(&mut Client, &Tell) + Send + Sync + 'static) -> App {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        App::on(listener, script)
    }

    /// The same on this listener.
    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(&mut Client, &Tell) + Send + Sync + 'static,
    ) -> App {
        let address = listener.local_addr().unwrap();
        let (tell, requests) = mpsc::channel();
        let script = Arc::new(script);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (script, tell) = (script.clone(), tell.clone());
                thread::spawn(move || script(&mut Client::on(socket), &tell));
            }
        });
        App {
            address,
            requests: Mutex::new(requests),
        }
    }

    /// Answers every request of every connection with these bytes.
    pub(crate) fn answering(answer: impl AsRef<[u8]> + Send + Sync + 'static) -> App {
        App::script(move |client, tell| {
            while client.has_more() {
                let request = client.message();
                let _ = tell.send(request);
                client.send(answer.as_ref());
            }
        })
    }

    /// Answers with 200 and `ok`.
    pub(crate) fn ok() -> App {
        App::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }

    /// The next request that reached it.
    pub(crate) fn request(&self) -> Message {
        self.requests
            .lock()
            .unwrap()
            .recv_timeout(PATIENCE)
            .expect("a request reaches the application")
    }

    /// Whether no request has reached it.
    pub(crate) fn heard_nothing(&self) -> bool {
        self.requests.lock().unwrap().try_recv().is_err()
    }

    /// Where burgee finds it.
    pub(crate) fn upstream(&self) -> Upstream {
        format!("http://{}", self.address).parse().unwrap()
    }
}

/// Bytes as text, one character a byte.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The other way round.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|char| u8::try_from(u32::from(char)).unwrap())
        .collect()
}

/// Where one is in the other.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// Looks again until it holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::yield_now();
    }
}
