//! The decision record: what is left of an exchange, and the only source of logs and metrics.

use serde_json::Value;

use super::merge::MergeRecord;
use crate::jose::verification::VerifiedBy;
use crate::verdict::cause::{Cause, Denial};
use crate::verdict::outcome::{End, Outcome};

/// The one record of an exchange. It holds no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Why it was decided so; outcome, reason code and texts follow from it.
    pub cause: Cause,
    /// Of a token that was refused for a claim, the name of that claim; of a primary without room, of an entry there.
    pub detail: Option<String>,
    /// `link`, `unlink`, `profile`, `preflight`, `pass`, or `none`.
    pub route: &'static str,
    /// Method, [escaped](crate::escaped).
    pub method: String,
    /// Path as received, without query, [escaped](crate::escaped).
    pub path: String,
    /// Status of the last step.
    pub status: Option<u16>,
    /// Whether a request was handed to the driver for the upstream.
    pub upstream_called: bool,
    /// Status of the upstream's answer.
    pub upstream_status: Option<u16>,
    /// Subject of the verified bearer, escaped, hashed if so configured.
    pub subject: Option<String>,
    /// Subject of the verified secondary token, likewise.
    pub secondary: Option<String>,
    /// Issuer of the verified bearer.
    pub issuer: Option<String>,
    /// Client that the verified bearer was issued to.
    pub client: Option<String>,
    /// Who acts for the subject, as the verified bearer says (`act`), likewise.
    pub actor: Option<String>,
    /// Who acts for the secondary, as its verified token says, likewise.
    pub secondary_actor: Option<String>,
    /// Address of the client, where the policy has it found and it was, hashed if subjects are.
    pub client_address: Option<String>,
    /// Id of the request, where the policy has one.
    pub request_id: Option<String>,
    /// `traceparent` of the request, when well-formed.
    pub traceparent: Option<String>,
    /// Length and digest of what was presented but never verified.
    pub unverified: Option<String>,
    /// Who verified signatures, good or bad; nothing where none was checked.
    pub verification: Option<VerifiedBy>,
    /// The outcome of the secondary's metadata, where the policy merges it.
    pub metadata: Option<MergeRecord>,
    /// What would have been decided, of a request that a policy in shadow let through.
    pub shadow: Option<Cause>,
    /// The rules in shadow that did not pass, by what each would have been refused for.
    pub missed: Vec<Denial>,
    /// The claims of the verified tokens, where the policy has them logged: `bearer` and `secondary`, as
    /// `docs/log-and-metrics.md` has them. Each claim that the policy looks at and no other, no signature.
    pub claims: Option<Value>,
    /// What the operator should know of it: `not-unlinkable`, `entries-left-out`, `profile-too-large`.
    pub warnings: Vec<&'static str>,
    /// Milliseconds for which a driver that serialises holds the accounts on after the close: a write whose
    /// outcome is unknown may still have its effect. Most often 0.
    pub hold_ms: u32,
    /// Tokens that the cache of verified bearers evicted since the decision before, of any exchange.
    pub evicted: u32,
    /// How it ended for the client.
    pub end: End,
    /// Monotonic milliseconds from open to close.
    pub elapsed_ms: u64,
}

impl Decision {
    /// The outcome of the request, in one word.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.cause.outcome()
    }
}
