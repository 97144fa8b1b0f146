//! The built binary as a process of its own: started, asked over real sockets, read, signalled, ended.

use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// Longer than anything here should take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running `burgee run`. Killed when it goes out of scope.
pub(crate) struct Burgee {
    child: Child,
    lines: Receiver<Value>,
    output: Receiver<Value>,
    /// where traffic goes
    pub(crate) listen: SocketAddr,
    /// `/health`, `/ready`, `/metrics`
    pub(crate) admin: SocketAddr,
    /// the loopback API
    pub(crate) api: SocketAddr,
    /// OFREP and forward-auth for others, where a flag asks for it
    pub(crate) evaluate: SocketAddr,
    /// every log line so far
    pub(crate) log: Vec<Value>,
}

/// A toggles file of its own for one test.
pub(crate) struct Toggles {
    directory: tempfile::TempDir,
}

impl Toggles {
    pub(crate) fn new(text: &str) -> Toggles {
        let toggles = Toggles {
            directory: tempfile::tempdir().unwrap(),
        };
        toggles.write(text);
        toggles
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("toggles.yaml")
    }

    /// As an editor does: a new file in the old one's place.
    pub(crate) fn write(&self, text: &str) {
        let next = self.directory.path().join("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(next, self.path()).unwrap();
    }
}

impl Burgee {
    /// On ports of its own; without polling unless the flags say so, so that a test decides when files are read.
    pub(crate) fn start(toggles: &Path, upstream: &str, flags: &[&str]) -> Burgee {
        Burgee::start_in(&[], toggles, upstream, flags)
    }

    /// With these variables, and no others.
    pub(crate) fn start_in(
        environment: &[(&str, &str)],
        toggles: &Path,
        upstream: &str,
        flags: &[&str],
    ) -> Burgee {
        // what is shipped, where a script of tests/e2e says so
        let binary = std::env::var_os("BURGEE");
        let mut command =
            Command::new(binary.unwrap_or_else(|| env!("CARGO_BIN_EXE_burgee").into()));
        command
            .args(["run", "--upstream", upstream, "--toggles"])
            .arg(toggles);
        for (flag, value) in [
            ("--log-format", "json"),
            ("--listen", "127.0.0.1:0"),
            ("--admin-listen", "127.0.0.1:0"),
            ("--api-listen", "127.0.0.1:0"),
            ("--poll", "0s"),
            ("--workers", "2"),
        ] {
            if !flags.contains(&flag) {
                command.args([flag, value]);
            }
        }
        let mut child = command
            .args(flags)
            .env_clear()
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = read_lines(child.stderr.take().unwrap());
        let output = read_lines(child.stdout.take().unwrap());
        let nowhere = "0.0.0.0:0".parse().unwrap();
        let mut burgee = Burgee {
            child,
            lines,
            output,
            listen: nowhere,
            admin: nowhere,
            api: nowhere,
            evaluate: nowhere,
            log: Vec::new(),
        };
        let line = burgee.said("burgee listens");
        let text = line.as_str().unwrap_or_default();
        let at = |name: &str| {
            let in_text = || text.split_once(&format!(" {name}=\""))?.1.split('"').next();
            let at = line[name].as_str().or_else(in_text).unwrap();
            at.parse().unwrap_or(nowhere)
        };
        (burgee.listen, burgee.admin, burgee.api) = (at("listen"), at("admin"), at("api"));
        burgee.evaluate = at("evaluate");
        burgee
    }

    /// Waits for the next line on standard output.
    pub(crate) fn wrote(&self) -> Value {
        let line = self.output.recv_timeout(PATIENCE);
        line.unwrap_or_else(|_| panic!("nothing on standard output: {:#?}", self.log))
    }

    /// Whether it has ended, and standard output is empty.
    pub(crate) fn wrote_nothing(&self) -> bool {
        matches!(
            self.output.recv_timeout(PATIENCE),
            Err(RecvTimeoutError::Disconnected)
        )
    }

    /// Waits for a log line whose message holds this.
    pub(crate) fn said(&mut self, words: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            match self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    self.log.push(line.clone());
                    let message = line["message"].as_str().or_else(|| line.as_str());
                    if message.is_some_and(|message| message.contains(words)) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("nobody said `{words}`: {:#?}", self.log),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!(
                        "ended without `{words}`: {:#?} {:?}",
                        self.log,
                        self.child.wait()
                    )
                }
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `HUP`, `TERM`, `INT`
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        eventually("the process ends", || self.child.try_wait().unwrap())
    }

    /// The value of the first label of this metric.
    pub(crate) fn label(&self, metric: &str) -> String {
        let text = get(self.admin, "/metrics").body;
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{metric}{{")));
        line.unwrap().split('"').nth(1).unwrap().to_owned()
    }

    /// The value of a metric, by its name and labels as they stand in the text; none where there is no such line.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let text = get(self.admin, "/metrics").body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        line.parse().ok()
    }
}

impl Drop for Burgee {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that ends by itself: its exit code, and everything that it said.
pub(crate) fn burgee(arguments: &[&str]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(arguments)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let end = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let code = output
        .status
        .code()
        .unwrap_or_else(|| panic!("{arguments:?} goes on and on: {said}"));
    (code, said)
}

/// What a command that ends by itself said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A command with this on its standard input, and nothing in its environment.
pub(crate) fn fed(arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_burgee"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // whoever refuses the command line does not read this
    let feeder = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let (pid, (sender, ended)) = (child.id().to_string(), channel());
    std::thread::spawn(move || sender.send(child.wait_with_output().unwrap()));
    let output = ended.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
        panic!("{arguments:?} goes on and on")
    });
    feeder.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Lines as JSON, or as text where they are none.
fn read_lines(from: impl std::io::Read + Send + 'static) -> Receiver<Value> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Asks again and again, as long as the answer is none: for what another process does in its own time.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// A field of the head.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// `GET`, with a Host and `Connection: close`.
pub(crate) fn get(at: SocketAddr, path: &str) -> Answer {
    ask(at, "GET", path, &[])
}

/// One request on one connection.
pub(crate) fn ask(at: SocketAddr, method: &str, path: &str, fields: &[&str]) -> Answer {
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !fields.iter().any(|field| field.starts_with("Host:")) {
        head.push_str("Host: localhost\r\n");
    }
    for field in fields {
        head.push_str(&format!("{field}\r\n"));
    }
    raw(at, &format!("{head}\r\n"))
}

/// These very bytes, and everything that comes back.
pub(crate) fn raw(at: SocketAddr, bytes: &str) -> Answer {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked");
    let body = if chunked {
        unchunked(body)
    } else {
        body.to_owned()
    };
    Answer {
        status,
        head: head.to_owned(),
        body,
    }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, tail)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.push_str(&tail[..size]);
        rest = &tail[size + 2..];
    }
    body
}

/// What the kubelet does: a new folder, a new link, renamed over the old one.
pub(crate) fn swap(folder: &Path, generation: &str, files: &[(&str, &str)]) {
    let below = folder.join(generation);
    fs::create_dir(&below).unwrap();
    for (name, text) in files {
        fs::write(below.join(name), text).unwrap();
        let link = folder.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
    symlink(generation, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}
