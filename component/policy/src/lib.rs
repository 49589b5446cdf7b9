//! The decision of linkgate: may this request link or unlink accounts of this user?
//!
//! ```text
//!  head ──▶ route ──▶ bearer ──▶ token ──▶ subject ──▶ Permit ───┐
//!                                  ▲                             │
//!                               keyring                          ▼
//!  body ──────────────▶ link ──▶ secondary ──▶ metadata ──▶ forward ──▶ upstream
//!                                                 ▲                        │
//!                                                 └──────── settle ◀───────┘
//! ```
//!
//! Each box is a module, below in this order. The crate does no I/O and knows no clock, network,
//! environment or randomness: it is a state machine that a driver drives.
//!
//! ```
//! use linkgate_policy::{End, Head, Abilities, Now, Policy, Secrets, Step};
//!
//! let document = r#"{
//!     "version": 1,
//!     "issuers": [{
//!         "issuer": "https://tenant.example/",
//!         "audiences": ["https://tenant.example/api/v2/"],
//!         "algorithms": ["EdDSA"],
//!         "secondary": { "algorithms": ["EdDSA"] },
//!         "keys": { "jwks": { "keys": [{
//!             "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
//!         }] } }
//!     }]
//! }"#;
//! let now = Now { unix_ms: 1_700_000_000_000, mono_ms: 0 };
//! let mut policy = Policy::compile(document, &Secrets::default(), Abilities::default(), 7, now).map_err(|mistakes| format!("{mistakes:?}"))?;
//!
//! let head = Head { method: "POST".into(), target: b"/api/v2/users/auth0%7Ca/identities".into(), headers: vec![], peer: None };
//! let (exchange, turn) = policy.open(head, now);
//! let Step::Respond(reply) = turn.step else { return Err("no token was sent".into()) };
//! assert_eq!(reply.status, 401);
//!
//! let decision = policy.close(exchange, End::Finished, now);
//! assert_eq!(decision.cause.name(), "bearer-missing");
//! # Ok::<(), String>(())
//! ```
//!
//! What it does not do: sign people in, keep sessions, guard other APIs, let machines act for users.

mod overrides;
mod head;
mod client_address;
mod request_id;
mod stamp;
mod path;
mod compatibility;
mod lax;
mod profile_query;
mod route;

mod bearer;
mod kind;
mod token;
mod audience;
mod machine;
mod scope;
mod claims;
mod refusal;
mod actor;
mod step_up;
mod json;
mod keyring;
mod source;
mod sealed;
mod attempts;
mod discovery;
mod own_request;
mod keyset;
mod jwks;
mod jwk;
mod thumbprint;
mod key;
mod url;
mod jitter;
mod verifier;
mod roca;
mod subject;

mod link;
mod secondary;
mod metadata;
mod forward;

mod limited;
mod exchange;
mod policy;
mod protocol;

pub mod denial;
pub mod reason;
mod named;
mod reply;
mod cors;
mod decision;
mod redacted;
mod shadow;
mod line;
pub mod edition;

mod config;

#[cfg(test)]
mod minted;
#[cfg(test)]
mod issuers_test;
#[cfg(test)]
mod keyring_test;
#[cfg(test)]
mod shadow_test;

pub use config::{Mistake, Review, UNKNOWN_KEY, duration_ms, moment_ms, nearest, review};
pub use decision::{Decision, Outcome, escaped};
pub use denial::{Cause, Denial, Fault};
pub use exchange::Exchange;
pub use jwks::KeyRow;
pub use keyring::KeySource;
pub use line::{Line, LineMetadata, LineShadow, Time, trace_id};
pub use metadata::{Fate, MergeRecord, NoPreview, Preview, PreviewKey};
pub use overrides::is_wanted;
pub use policy::Policy;
pub use protocol::{
    Abilities, Acquired, Answer, AnswerHead, Call, CallFailure, End, Event, Failure, Fetch,
    Forward, Head, Header, HeaderEdits, Now, Reply, Secrets, Step, Turn,
};
pub use reason::Reason;
pub use reply::{PROBLEM_TYPE, unavailable};
pub use shadow::Shadow;
