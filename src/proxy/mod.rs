//! A request to an answer: the layers of the data path, in the order of events.
//! In: client connections of one worker. Out: the application's answers, to requests that carry our headers.
//!
//! ```text
//! accept -> sniff -> hyper -> host -> engine -> hygiene -> guard -> our headers -> pool -> application
//! ```
//!
//! Nothing here is shared between workers but counts of open connections: a worker is one thread, one runtime, one pool.

mod clock;
mod downstream;
mod exchange;
mod exposure;
mod failure;
mod forwarded;
mod header_case;
mod hop_by_hop;
mod host;
mod informational;
mod local;
mod respond;
mod settings;
mod upstream;
mod websocket;

pub use settings::{Forwarded, Open, Protocol, Settings, Upstream};

use crate::proxy::upstream::h2::Multiplex;
use crate::proxy::upstream::header_maps::Maps;
use crate::proxy::upstream::pool::Pool;
use crate::proxy::upstream::request_body::Answer;
use crate::{
    engine::Decisions,
    live::{self, InForce, Phase},
    telemetry,
};
use clock::{Alarm, Clock};
use exchange::Ready;
use failure::Failure;
use header_case::Spellings;
use hop_by_hop::Seen;
use http::{Method, Request, Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use respond::About;
use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::Future,
    net::{IpAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Instant,
};
use tokio::sync::Notify;
use websocket::Tunnel;

/// What one HTTP/2 stream may send before it is read: a stalled one must not stall the others,
const H2_STREAM_WINDOW: u32 = 512 * 1024;
/// so a connection may send that much of eight.
const H2_CONNECTION_WINDOW: u32 = 8 * H2_STREAM_WINDOW;

/// What is read of an answer at first: nearly always all of it.
const ROOM: usize = 16 * 1024;

/// Serves one listener until the process stops: after [`Phase::Stopping`] when everything is answered, at once at
/// [`Phase::Closing`]. Runs on a [`tokio::runtime::LocalRuntime`] of its own thread (or in a `LocalSet`).
pub async fn worker(
    listener: TcpListener,
    settings: Arc<Settings>,
    reader: live::Reader,
    telemetry: telemetry::Worker,
    phases: live::Phases,
) -> std::io::Result<()> {
    let timeouts = [
        settings.head_timeout,
        settings.idle_timeout,
        settings.response_timeout,
        settings.upstream_idle_timeout,
    ];
    let worker = Rc::new(Worker {
        clock: Clock::new(&timeouts),
        keep: settings.upstream_idle_timeout.as_millis() as u64,
        pool: Pool::default(),
        multiplex: Multiplex::default(),
        snapshot: RefCell::new(reader.cached()),
        spare: RefCell::default(),
        maps: Maps::default(),
        text: Cell::default(),
        room: RefCell::new([0; ROOM]),
        phase: Cell::new(*phases.borrow()),
        clients: Cell::new(0),
        none_left: Notify::new(),
        settings,
        telemetry,
    });
    downstream::accept::run(listener, worker, phases).await
}

/// What the requests of one worker share.
struct Worker {
    settings: Arc<Settings>,
    telemetry: telemetry::Worker,
    clock: Rc<Clock>,
    /// how long an idle connection to the application is kept, in milliseconds
    keep: u64,
    pool: Pool,
    multiplex: Multiplex,
    snapshot: RefCell<live::Cached>,
    /// decisions of finished requests, to be used again
    #[allow(clippy::vec_box)]
    // they leave one by one, and a future that holds a pointer is smaller
    spare: RefCell<Vec<Box<Decisions>>>,
    maps: Maps,
    /// memory for the head of a request
    text: Cell<Vec<u8>>,
    /// where the head of an answer is read
    room: RefCell<[u8; ROOM]>,
    phase: Cell<Phase>,
    clients: Cell<usize>,
    none_left: Notify,
}

impl Worker {
    fn in_force(&self) -> Arc<InForce> {
        self.snapshot.borrow_mut().load().clone()
    }
}

/// One client connection.
struct Conn {
    worker: Rc<Worker>,
    /// none for what is not TCP
    peer: Option<IpAddr>,
    alarm: Rc<Alarm>,
    stage: Cell<Stage>,
    http2: Cell<bool>,
    /// requests in progress: one at most, but for HTTP/2
    active: Cell<usize>,
    /// the body of the request in progress is still coming
    uploading: Cell<bool>,
    /// whether hyper has nothing left to write
    between: Cell<bool>,
    /// 1xx answers that are to be written before the answer
    early: RefCell<Vec<u8>>,
    tunnel: RefCell<Option<Tunnel>>,
    /// the answer in progress ends with the connection (HTTP/1.0)
    ends_with_close: Cell<bool>,
    /// where names are to be as they were written
    spellings: Option<Box<Spellings>>,
}

/// Which deadline applies to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// a head is being read: `head_timeout`
    Head,
    /// a request is in progress: its own deadlines
    Busy,
    /// the answer has been handed to hyper, and not all of it is written: none
    Answered,
    /// between two requests: `idle_timeout`
    Idle,
}

/// A request in progress; the connection is not idle before the last of them is dropped.
struct Active(Rc<Conn>);

impl Active {
    fn new(conn: &Rc<Conn>) -> Active {
        conn.active.set(conn.active.get() + 1);
        conn.stage.set(Stage::Busy);
        conn.uploading.set(false);
        conn.alarm.clear();
        Active(conn.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let conn = &self.0;
        conn.active.set(conn.active.get() - 1);
        if conn.active.get() == 0 {
            conn.stage.set(Stage::Answered);
            if conn.http2.get() {
                conn.flushed();
            }
        }
    }
}

impl Conn {
    /// Bytes have come.
    fn heard(&self) {
        match (self.stage.get(), self.http2.get()) {
            (Stage::Idle, false) => self.begin(Stage::Head),
            // the preface is not all that was sent
            (Stage::Head, true) => self.begin(Stage::Idle),
            _ => {}
        }
    }

    /// Whether the client has nothing to do but wait for its answer.
    fn only_waits(&self) -> bool {
        self.stage.get() == Stage::Busy && !self.uploading.get() && !self.http2.get()
    }

    /// All that was to be written is written.
    fn flushed(&self) {
        if self.stage.get() == Stage::Answered {
            self.begin(Stage::Idle);
        }
    }

    fn begin(&self, stage: Stage) {
        let settings = &self.worker.settings;
        self.alarm.set(match stage {
            Stage::Head => settings.head_timeout,
            _ => settings.idle_timeout,
        });
        self.stage.set(stage);
    }
}

/// One request: from its head to the head of its answer. What needs not wait is done at once, so that the future, which
/// every idle connection keeps room for, is small.
fn exchange(
    conn: &Rc<Conn>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Answer>, Infallible>> + use<> {
    let begun = Instant::now();
    let active = Active::new(conn);
    let conn = conn.clone();
    let in_force = conn.worker.in_force();
    let mut decisions = conn.worker.spare.borrow_mut().pop().unwrap_or_default();
    decisions.remember_users = conn.worker.telemetry.wants_users();
    let wants_requests = conn.worker.telemetry.wants_requests();
    let asked = wants_requests.then(|| Box::new((request.method().clone(), request.uri().clone())));
    let version = request.version();
    let mut step = admit(&conn, request, &in_force, &mut decisions);
    async move {
        let (worker, snapshot) = (&*conn.worker, &in_force.snapshot);
        let (mut response, is_traffic) = match &mut step {
            Ok(Step::Here(response)) => (std::mem::take(response), false),
            Ok(Step::Ask(ready)) => match ready.ask(&conn).await {
                Ok((mut response, used)) => {
                    let by_https = ready.by_https;
                    let about = About { by_https, used };
                    respond::add_ours(&mut response, worker, snapshot, &decisions, about);
                    (response, true)
                }
                Err(failure) => (failure.answer(worker), true),
            },
            Err(failure) => (failure.answer(worker), true),
        };
        respond::fit(&mut response, &conn, version);
        if is_traffic {
            if decisions.by_feature.is_empty() {
                // refused before anything was decided
                decisions.reset(snapshot);
            }
            worker.telemetry.record_request(&telemetry::RequestEvent {
                request: asked.map(|asked| *asked),
                status: response.status().as_u16(),
                duration: begun.elapsed(),
                snapshot,
                decisions: &decisions,
            });
        }
        // what was decided for this request is not counted for another
        decisions.by_feature.clear();
        worker.spare.borrow_mut().push(decisions);
        response.body_mut().active = Some(active);
        Ok(response)
    }
}

/// What becomes of a request.
enum Step {
    /// burgee answers itself
    Here(Response<Answer>),
    /// the application is asked
    Ask(Ready),
}

/// The layers. Their order is the order of events, and matters: what a `Connection` line names is dropped before we write
/// our headers, or a client could name ours (Fabio, CVE-2025-48865).
fn admit(
    conn: &Rc<Conn>,
    request: Request<Incoming>,
    in_force: &Arc<InForce>,
    decisions: &mut Decisions,
) -> Result<Step, Failure> {
    let worker = &conn.worker;
    let (mut parts, body) = request.into_parts();
    if let Some(spellings) = &conn.spellings {
        spellings.begin(!body.is_end_stream());
    }
    if parts.method == Method::CONNECT {
        return Err(Failure::Connect);
    }
    let seen = Seen::look(&parts.headers);
    let host = host::settle(&mut parts, &seen, worker.settings.upstream.authority())?;
    if let Some(response) = local::answer(&mut parts, &seen, &worker.settings)? {
        return Ok(Step::Here(response));
    }
    hop_by_hop::check_coding(&parts.headers, &seen)?;
    let shape = exchange::Shape::of(&parts, &body, &seen, worker.settings.protocol);
    let facts = forwarded::Facts::of(conn, &parts, &host);
    let snapshot = &in_force.snapshot;
    let (input, now) = (facts.input(&parts), forwarded::now());
    snapshot.decide(input, now, Some(&forwarded::random_bits), decisions);
    exchange::strip(&mut parts, &seen, &snapshot.forged_fields, &shape, conn);
    decisions.forged = snapshot.forged_fields.strip(&mut parts.headers);
    match shape.over_h2 {
        true => snapshot.write(&mut parts.headers, decisions),
        false => snapshot.write_lines(decisions),
    }
    let by_https = decisions.visitor.is_some() && respond::came_by_https(&parts.headers);
    let ready = Ready::new(
        conn,
        parts,
        body,
        shape,
        in_force,
        &decisions.lines,
        by_https,
    );
    Ok(Step::Ask(ready))
}

/// Whether HTTP/1.1 can be spoken to this client.
fn speaks_http11(version: Version) -> bool {
    version == Version::HTTP_11
}
