//! What the runner needs of an edition that can be driven step by step.
//!
//! The types are those of the core's own seam, but for the two that only the core may make.

use linkgate_gateway::Verify;
use linkgate_policy::{Answer, End, Event, Head, Header, HeaderEdits, Now, Reply};
use serde::Serialize;
use serde_json::{Map, Value, json};

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
    fn close(&mut self, exchange: ExchangeId, end: End, now: Now) -> Result<Record, Trouble>;
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

/// The decision record, with names for enums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// `allowed`, `passed`, `denied`, `failed`.
    pub outcome: String,
    /// Fine-grained cause.
    pub cause: String,
    /// The claim that a token was refused for.
    pub detail: Option<String>,
    /// Public reason code.
    pub reason: String,
    /// Route.
    pub route: String,
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Status of the last step.
    pub status: Option<u16>,
    /// Whether a request was handed over for the upstream.
    pub upstream_called: bool,
    /// Status of the upstream's answer.
    pub upstream_status: Option<u16>,
    /// Subject of the verified bearer.
    pub subject: Option<String>,
    /// Subject of the verified secondary.
    pub secondary: Option<String>,
    /// Issuer of the verified bearer.
    pub issuer: Option<String>,
    /// Client of the verified bearer.
    pub client: Option<String>,
    /// Who acts for the subject.
    pub actor: Option<String>,
    /// Who acts for the secondary.
    pub secondary_actor: Option<String>,
    /// Address of the client.
    pub client_address: Option<String>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// `traceparent` of the request.
    pub traceparent: Option<String>,
    /// Length and digest of what was never verified.
    pub unverified: Option<String>,
    /// Who verified signatures.
    pub verification: Option<String>,
    /// The outcome of the secondary's metadata, as a line of the log has it.
    pub metadata: Option<Value>,
    /// What would have been decided of a request that a policy in shadow let through, likewise.
    pub shadow: Option<Value>,
    /// The rules in shadow that did not hold, each by its cause.
    pub missed: Vec<String>,
    /// The claims of the verified tokens, where the policy has them logged.
    pub claims: Option<Value>,
    /// What the operator should know of it.
    pub warnings: Vec<String>,
    /// `finished`, `client-gone`, `shutdown`.
    pub end: String,
    /// Milliseconds from open to close.
    pub elapsed_ms: u64,
}

/// The outcome of metadata, as a line of the log has it.
pub(crate) fn merge_record<F: Into<Value>>(
    outcome: &str,
    calls: u32,
    keys: impl IntoIterator<Item = (String, F)>,
) -> Value {
    let keys: Map<String, Value> = keys.into_iter().map(|(key, fate)| (key, fate.into())).collect();
    json!({ "outcome": outcome, "calls": calls, "keys": keys })
}
