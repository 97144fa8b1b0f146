//! Why a request cannot be passed on, and who must act.
//! In: what went wrong, also as hyper and the kernel say it. Out: a row of the table: status, `Proxy-Status` (RFC 9209), blame, text.

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// no Host, more than one, or one that is no host
    Host,
    /// a target that is neither a path, nor `*` for OPTIONS, nor an http URI
    Target,
    /// CONNECT
    Connect,
    /// a transfer coding that is not `chunked`, or `chunked` twice
    Coding,
    /// the client's body broke off, or is not framed as it should be
    Body,
    /// nothing listens
    Refused,
    /// the application's address cannot be reached
    Unreachable,
    /// no connection in time
    ConnectTimeout,
    /// the application went away before it responded
    Terminated,
    /// the application did not begin with the request, and it cannot be sent again
    NotBegun,
    /// the application reset the stream before it responded
    Reset(h2::Reason),
    /// no head of a response in time
    ResponseTimeout,
    /// the application's response is not HTTP
    Garbage,
    /// the head of the application's response is too long
    ResponseHead,
    /// the application's response has a transfer coding that is not `chunked`
    ResponseCoding,
    /// a 101 that was not asked for
    Upgrade,
    /// the limit of connections to the application is reached
    UpstreamLimit,
    /// the memory that clients may take is taken
    Memory,
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    Client,
    Application,
    Proxy,
}

impl Failure {
    /// The whole table: status, error type (RFC 9209, 2.3), who must act, what the client reads.
    pub(super) const fn row(self) -> (u16, &'static str, Blame, &'static str) {
        use Blame::{Application, Client, Proxy};
        const REQUEST: &str = "burgee; error=http_request_error";
        const GONE: &str = "the application cannot be reached\n";
        const LATE: &str = "the application did not answer in time\n";
        const BROKEN: &str = "the application's answer cannot be understood\n";
        match self {
            Failure::Host => (400, REQUEST, Client, "exactly one valid Host is needed\n"),
            Failure::Target => (400, REQUEST, Client, "the request target is not valid\n"),
            Failure::Connect => (
                405,
                "burgee; error=http_request_denied",
                Client,
                "no tunnels here\n",
            ),
            Failure::Coding => (
                501,
                REQUEST,
                Client,
                "the only transfer coding is chunked\n",
            ),
            Failure::Body => (400, REQUEST, Client, "the request's body broke off\n"),
            Failure::Refused => (502, "burgee; error=connection_refused", Application, GONE),
            Failure::Unreachable => (
                502,
                "burgee; error=destination_unavailable",
                Application,
                GONE,
            ),
            Failure::ConnectTimeout => (504, "burgee; error=connection_timeout", Application, LATE),
            Failure::Terminated | Failure::Reset(_) => (
                502,
                "burgee; error=connection_terminated",
                Application,
                "the application went away\n",
            ),
            Failure::NotBegun => (
                503,
                "burgee; error=destination_unavailable",
                Application,
                "the application did not take the request\n",
            ),
            Failure::ResponseTimeout => (
                504,
                "burgee; error=http_response_timeout",
                Application,
                LATE,
            ),
            Failure::Garbage => (
                502,
                "burgee; error=http_protocol_error",
                Application,
                BROKEN,
            ),
            Failure::ResponseHead => (
                502,
                "burgee; error=http_response_header_section_size",
                Application,
                BROKEN,
            ),
            Failure::ResponseCoding => (
                502,
                "burgee; error=http_response_transfer_coding",
                Application,
                BROKEN,
            ),
            Failure::Upgrade => (
                502,
                "burgee; error=http_upgrade_failed",
                Application,
                BROKEN,
            ),
            Failure::UpstreamLimit => (
                503,
                "burgee; error=connection_limit_reached",
                Proxy,
                "too many requests at once\n",
            ),
            Failure::Memory => (
                503,
                "burgee; error=connection_limit_reached; details=\"memory\"",
                Proxy,
                "too much at once\n",
            ),
        }
    }

    /// Whether the application cannot be reached at all, which is what happens when a pod stops.
    pub(super) const fn is_gone(self) -> bool {
        matches!(
            self,
            Failure::Refused
                | Failure::Unreachable
                | Failure::ConnectTimeout
                | Failure::Terminated
                | Failure::Reset(_)
        )
    }

    /// Why the application reset the stream, if it did.
    pub(super) const fn reset(self) -> Option<h2::Reason> {
        match self {
            Failure::Reset(reason) => Some(reason),
            _ => None,
        }
    }

    /// What the kernel says of a connection that stood: its timeout is that of a peer that vanished.
    pub(super) fn of_connection(error: &std::io::Error) -> Failure {
        match Failure::from(error) {
            Failure::ConnectTimeout => Failure::Terminated,
            failure => failure,
        }
    }

    /// What of ours has refused it, as it is counted.
    pub(super) const fn limit(self) -> &'static str {
        match self {
            Failure::Memory => "memory",
            _ => "upstream_connections",
        }
    }

    /// The token after `error=`.
    pub(super) fn error(self) -> &'static str {
        let (_, proxy_status, ..) = self.row();
        let (_, error) = proxy_status.split_once("error=").unwrap_or_default();
        error.split(';').next().unwrap_or_default()
    }
}

/// What hyper says of the application, in our words.
impl From<&hyper::Error> for Failure {
    fn from(error: &hyper::Error) -> Failure {
        use std::{error::Error, io};
        if error.is_parse_too_large() {
            return Failure::ResponseHead;
        }
        if error.is_parse() {
            return Failure::Garbage;
        }
        let source = error.source();
        if let Some(error) = source.and_then(|source| source.downcast_ref::<io::Error>()) {
            return Failure::of_connection(error);
        }
        match source.and_then(|source| source.downcast_ref::<h2::Error>()) {
            // what we, not the application, have found wrong
            Some(error) if error.is_library() => Failure::Garbage,
            Some(error) if error.is_remote() => from_remote(error),
            _ => Failure::Terminated,
        }
    }
}

/// GOAWAY is told to the streams above the last that it names, and to no other (RFC 9113, 6.8).
fn from_remote(error: &h2::Error) -> Failure {
    match error.reason() {
        _ if error.is_go_away() => Failure::NotBegun,
        Some(h2::Reason::REFUSED_STREAM) => Failure::NotBegun,
        Some(reason) => Failure::Reset(reason),
        None => Failure::Terminated,
    }
}

impl From<&std::io::Error> for Failure {
    fn from(error: &std::io::Error) -> Failure {
        use std::io::ErrorKind;
        match error.kind() {
            // a socket file that is not there yet is nobody listening
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Failure::Refused,
            ErrorKind::TimedOut => Failure::ConnectTimeout,
            ErrorKind::QuotaExceeded => Failure::UpstreamLimit,
            ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied => Failure::Unreachable,
            _ => Failure::Terminated,
        }
    }
}
