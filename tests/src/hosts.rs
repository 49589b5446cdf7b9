//! The cases over real sockets: each on a host as an operator would run it, with a client that
//! writes bytes and an upstream that records them.
//!
//! ```text
//!  case ─▶ client ══ TCP ══▶ host (edition) ══ TCP ══▶ recorder
//!             │                     │                     │
//!           reply             decision line            request ──▶ battery: as the case expects?
//! ```
//!
//! A host's clock cannot be set, so tokens are minted for the present. What a host adds to a message
//! by itself (`host`, `date`, framing, what ends with a hop) and the order of headers of different
//! names are not compared. Where a host changes a request before the gate sees it, or refuses it by
//! itself, the case says so in its `hosts`.

mod battery;
mod chain;
mod client;
mod envoy;
mod key_endpoint;
mod message;
mod process;
mod recorder;
mod reference;
mod wasmtime_serve;

pub use battery::{Table, Verifier, run};
pub use chain::chained;
pub use client::{exchange, on_the_wire};
pub use envoy::{Envoy, LISTENER, PLUGIN, ROUTE, Serving as ServingEnvoy, part};
pub use message::Message;
pub use process::{Process, Stream};
pub use recorder::{Recorder, Refusing};
pub use reference::Reference;
pub use wasmtime_serve::{PLAIN, Serving, WasmtimeServe, environment};

use std::net::SocketAddr;
use std::time::Duration;

use linkgate_cases::Trouble;
use linkgate_policy::LogLine;

/// A host and the edition that it runs.
pub trait Host: Sync {
    /// The name of the host in tables and in the `hosts` of cases.
    fn name(&self) -> &'static str;

    /// The edition.
    fn edition(&self) -> &'static str;

    /// Whether it sends a request that has no body on with the framing of an empty one. Then the two count
    /// as one.
    fn frames_no_body(&self) -> bool {
        false
    }

    /// Header lines of its own, which it adds to every request that it sends on, in lower case.
    fn adds(&self) -> &'static [&'static str] {
        &[]
    }

    /// Starts it with a policy, in front of an upstream. One that fetches keys ahead has done so. What it
    /// started before for the same upstream may serve by this policy from then on.
    ///
    /// # Errors
    /// It does not start.
    fn start(&self, policy: &Policy, upstream: SocketAddr) -> Result<Box<dyn Running>, Trouble>;
}

/// A policy document with the secrets it names.
pub struct Policy {
    /// The document, JSON.
    pub document: String,
    /// Secrets by the names that the document uses.
    pub secrets: Vec<(String, String)>,
}

/// A host that takes requests. Dropped, it is ended.
pub trait Running {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// The next decision record, once it is written; nothing when it takes too long.
    fn record(&mut self) -> Option<LogLine>;

    /// Lines that it logged about keys since it was started, once each of these phrases is in
    /// one, or it has taken too long.
    fn notices(&mut self, phrases: &[String]) -> Vec<String>;

    /// What it has printed, for a person who looks for what went wrong.
    fn output(&self) -> String;
}

/// Whether a phrase is in none of the lines.
fn missing(phrases: &[String], lines: &[String]) -> bool {
    phrases.iter().any(|phrase| !lines.iter().any(|line| line.contains(phrase.as_str())))
}

/// Longest wait for anything that takes milliseconds on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Longest wait for a start: a host compiles its component, and the machine may be busy.
pub const START_WITHIN: Duration = Duration::from_secs(120);
