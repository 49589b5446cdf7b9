//! What a gateway is built from.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use crate::upstream::Upstream;

/// Everything a gateway needs to start.
#[derive(Clone)]
pub struct Settings {
    /// The evaluator component.
    pub component: ComponentSource,
    /// The policy document, JSON; none for the one that is baked into the component.
    pub document: Option<String>,
    /// Secrets the document names, as (name, value).
    pub secrets: Vec<(String, String)>,
    /// Any number an attacker cannot know. Each instance gets one of its own, counted from it.
    pub seed: u64,
    /// Where permitted requests go.
    pub upstream: Upstream,
    /// Evaluator instances. Calls into one instance take turns, so more than there are cores helps
    /// no other; each has its own memory and its own compiled policy.
    pub instances: NonZeroUsize,
    /// Bounds on what clients and the upstream may make the gateway hold or wait for.
    pub limits: Limits,
}

/// Where the component comes from.
#[derive(Clone)]
pub enum ComponentSource {
    /// A `.wasm` file, read when the gateway is built.
    File(PathBuf),
    /// The bytes of one.
    Bytes(Vec<u8>),
}

/// The gateway's own bounds. The bounds of a body and of an upstream's answer come with each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Client connections served at once; more wait in the listener's backlog.
    pub connections: usize,
    /// Requests in flight, from their heads to the ends of their answers.
    pub in_flight: usize,
    /// How long a request waits for room among those in flight, and for a living instance.
    pub wait: Duration,
    /// Bytes of a head, of a request or of an upstream's answer.
    pub head_bytes: usize,
    /// Header lines of a head.
    pub head_lines: usize,
    /// From the first moment a head could arrive until it is whole. Also how long a kept-alive
    /// connection may idle.
    pub head_timeout: Duration,
    /// From the lookup of the upstream's name until it has accepted the connection, and shaken hands
    /// over TLS.
    pub connect_timeout: Duration,
    /// How long a connection to the upstream may be idle, without a request on it. Has to be less than the upstream
    /// waits for another. With none, each request has a connection of its own.
    pub upstream_idle: Duration,
    /// A request that must not be sent twice takes no connection that was idle for longer than this.
    pub upstream_recent: Duration,
    /// Connections to the upstream that each of the three kinds of requests may have open: guarded requests, calls
    /// of the policy's own, and requests that are passed on. More wait, for [`Self::connect_timeout`] at most.
    pub upstream_connections: NonZeroUsize,
    /// Between two chunks of a body that is passed on, either way, and for a client to take a chunk.
    pub stall_timeout: Duration,
    /// How long a peer may be waited for in all while a body is passed on, beyond what its bytes have
    /// earned it by [`Self::body_rate`].
    pub body_grace: Duration,
    /// Bytes a second below which a peer uses up its grace.
    pub body_rate: NonZeroU32,
    /// Between two chunks of the answer to a passed request, which may be an event stream: it is asked for
    /// no rate, and may go on for as long as it likes.
    pub idle_timeout: Duration,
    /// At shutdown, for open exchanges to end by themselves.
    pub drain_timeout: Duration,
}

impl Limits {
    /// One that has said nothing costs a descriptor and about 5 KiB, one that is kept alive about
    /// 18 KiB. Raised, idle clients take more of both: see [`Limits::fit_descriptors`].
    pub const CONNECTIONS: usize = 16_000;
    /// A request in flight holds a head, often a body of some KiB, and a connection to the upstream: a
    /// descriptor and its buffers. Raised, a burst takes more of memory, descriptors and the upstream.
    pub const IN_FLIGHT: usize = 1024;
    /// Long enough for a burst to pass or an instance to be replaced. Raised, a client of an overloaded
    /// gateway waits longer to hear so, and more of them wait.
    pub const WAIT: Duration = Duration::from_secs(2);
    /// Bytes. The longest token that a policy can accept, 64 KiB, and cookies fit. Raised, each connection can
    /// hold that much more.
    pub const HEAD_BYTES: usize = 80 << 10;
    /// Browsers send about 20 lines, gateways in front add a dozen.
    pub const HEAD_LINES: usize = 100;
    /// Raised, a client that trickles a head holds its connection for longer.
    pub const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
    /// The upstream is near or down. Raised, an outage costs each request that much more.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
    /// Node.js ends an idle connection after 5 s, most servers later. Raised, more requests meet a connection that
    /// the upstream is just ending, and the outcome of those that were sent is unknown.
    pub const UPSTREAM_IDLE: Duration = Duration::from_secs(4);
    /// Most servers wait for longer before they end a connection, so that one which was used within it is rarely just
    /// being ended. Raised, more requests that must not be sent twice meet that moment, and their outcome is unknown.
    pub const UPSTREAM_RECENT: Duration = Duration::from_secs(1);
    /// As many as [`Self::IN_FLIGHT`], so that no request waits for one. Raised, a burst leaves more of them behind,
    /// here and at the upstream.
    pub const UPSTREAM_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);
    /// Raised, a peer that stops reading or writing holds its exchange for longer.
    pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
    /// As long as a single silence may last, so that the rate asks nothing more of a peer that pauses
    /// once. Raised, a peer that creeps holds its exchange for longer.
    pub const BODY_GRACE: Duration = Duration::from_secs(30);
    /// What Apache's `mod_reqtimeout` asks of a client; a tenth of the slowest mobile links. To hold an
    /// exchange for an hour takes 1.8 MB. Raised, peers on bad lines are cut off; lowered, creeping costs
    /// less.
    pub const BODY_RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(499);
    /// Four of the heartbeats that the HTML standard suggests for event streams. Raised, an upstream that
    /// has fallen silent holds its exchange for longer.
    pub const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
    /// Raised, a restart takes longer; lowered, it breaks off slow answers.
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: Self::CONNECTIONS,
            in_flight: Self::IN_FLIGHT,
            wait: Self::WAIT,
            head_bytes: Self::HEAD_BYTES,
            head_lines: Self::HEAD_LINES,
            head_timeout: Self::HEAD_TIMEOUT,
            connect_timeout: Self::CONNECT_TIMEOUT,
            upstream_idle: Self::UPSTREAM_IDLE,
            upstream_recent: Self::UPSTREAM_RECENT,
            upstream_connections: Self::UPSTREAM_CONNECTIONS,
            stall_timeout: Self::STALL_TIMEOUT,
            body_grace: Self::BODY_GRACE,
            body_rate: Self::BODY_RATE,
            idle_timeout: Self::IDLE_TIMEOUT,
            drain_timeout: Self::DRAIN_TIMEOUT,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.secrets.iter().map(|(name, _value)| name.as_str()).collect();
        f.debug_struct("Settings")
            .field("component", &self.component)
            .field("secrets", &names)
            .field("upstream", &self.upstream)
            .field("instances", &self.instances)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ComponentSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
        }
    }
}
