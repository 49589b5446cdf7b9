//! What the runner needs of an edition that can be driven step by step.
//!
//! The types are those of the core's own seam, but for the two that only the core may make.

use linkgate_gateway::Verify;
use linkgate_policy::{Answer, End, Event, Head, Header, HeaderEdits, LogLine, Now, Reply};

use crate::trouble::Trouble;

/// An edition of the policy: the native core, or a component in a wasm runtime.
///
/// One value serves many policies and many exchanges, whose calls may interleave.
pub trait Edition {
    /// The name in tables and failures.
    fn name(&self) -> &'static str;

    /// Compiles a policy document, or finds it compiled already.
    ///
    /// # Errors
    /// The document has mistakes, or the edition is dead.
    fn load(
        &mut self,
        document: &str,
        secrets: &[(String, String)],
        now: Now,
    ) -> Result<PolicyId, Trouble>;

    /// Compiles a policy document anew, with no key fetched yet: what one case has it fetch is no other
    /// case's business.
    ///
    /// # Errors
    /// The document has mistakes, or the edition is dead.
    fn compile(
        &mut self,
        document: &str,
        secrets: &[(String, String)],
        now: Now,
    ) -> Result<PolicyId, Trouble>;

    /// Has the keys of all issuers fetched before anybody asks, as a host does that remembers.
    ///
    /// # Errors
    /// The edition is dead.
    fn warm(&mut self, policy: PolicyId) -> Result<(), Trouble>;

    /// The next fetch to perform now, handed out once.
    ///
    /// # Errors
    /// The edition is dead.
    fn due(&mut self, policy: PolicyId, now: Now) -> Result<Option<Due>, Trouble>;

    /// Reports what came of a fetch that was asked for at the same moment. Gives lines for the operator.
    ///
    /// # Errors
    /// The edition is dead.
    fn fetched(
        &mut self,
        policy: PolicyId,
        source: &str,
        outcome: Result<Answer, String>,
        now: Now,
    ) -> Result<Vec<String>, Trouble>;

    /// Names of the request headers that this policy looks at, lower case.
    ///
    /// # Errors
    /// The edition is dead.
    fn wanted_headers(&mut self, policy: PolicyId) -> Result<Vec<String>, Trouble>;

    /// Opens an exchange.
    ///
    /// # Errors
    /// The edition is dead.
    fn open(
        &mut self,
        policy: PolicyId,
        head: Head,
        now: Now,
    ) -> Result<(ExchangeId, Turn), Trouble>;

    /// Answers a step.
    ///
    /// # Errors
    /// The edition is dead.
    fn resume(
        &mut self,
        exchange: ExchangeId,
        sequence: u32,
        event: Event,
        now: Now,
    ) -> Result<Turn, Trouble>;

    /// Closes an exchange.
    ///
    /// # Errors
    /// The edition is dead.
    fn close(&mut self, exchange: ExchangeId, end: End, now: Now) -> Result<LogLine, Trouble>;
}

/// A compiled policy of an edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyId(pub(crate) usize);

/// An open exchange of an edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExchangeId(pub(crate) u64);

/// A fetch to perform, as far as cases look at it.
#[derive(Clone, Debug)]
pub struct Due {
    /// Its name.
    pub source: String,
    /// Header lines.
    pub headers: Vec<Header>,
}

/// A step and the number that the answering event has to carry.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The number.
    pub sequence: u32,
    /// The step.
    pub step: Step,
}

/// What the driver does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Read the request's body, up to this many bytes.
    ReadBody {
        /// Largest body to take.
        max_bytes: u32,
    },
    /// Wait for a shared fetch until this monotonic time at the latest.
    Wait {
        /// Milliseconds.
        until_mono_ms: u64,
    },
    /// Verify this signature.
    Verify(Verify),
    /// Serialise the exchange with others on these accounts.
    Acquire {
        /// Their names, in byte order.
        accounts: [String; 2],
    },
    /// Make this call to the upstream.
    Call(Sent),
    /// Send this request to the upstream.
    Forward(Sent),
    /// Send the client's own request on, its head edited.
    Pass(HeaderEdits),
    /// Stream the upstream's answer to the client, edited.
    Relay(HeaderEdits),
    /// Reply.
    Respond(Reply),
}

/// A request to the upstream, complete but for `host` and the framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Header lines.
    pub headers: Vec<Header>,
    /// Body.
    pub body: Option<Vec<u8>>,
}
