//! The decision of linkgate: may this request link or unlink accounts of this user?
//!
//! ```text
//!  head ──▶ route ──▶ bearer ──▶ jws ──▶ permit ──┐
//!                       ▲         ▲               │
//!                     rules     keyring           ▼
//!  body ──▶ link_body ──▶ secondary ──▶ metadata ──▶ forward ──▶ upstream
//!                                          ▲                        │
//!                                          └────── after_link ◀─────┘
//! ```
//!
//! The modules are floors, the ground first. A module uses floors below its own, and siblings of its floor without a
//! circle. A test of the layering suite reads every path and fails on an arrow that points up.
//!
//! | floor | holds |
//! |---|---|
//! | `text` | JSON that is read strictly, escaping, base64url |
//! | `time` | the time as an argument, timestamps, durations |
//! | `verdict` | cause → reason → wire, and how a request ended |
//! | `rules` | the compiled policy as plain data |
//! | `http` | messages, paths and their readings, URLs, CORS, problem replies |
//! | `jose` | tokens and keys: form, claims, audience, signature |
//! | `keys` | the keys of each issuer, fetched or baked in |
//! | `audit` | what is recorded of a request, and its line in the log |
//! | `access` | route, bearer, permit, secondary token, the request upstream, shadow |
//! | `protocol` | the steps that a driver carries out, and the events it reports |
//! | `metadata` | the secondary's metadata, carried over around the link |
//! | `config` | the policy document, with every mistake in its place |
//! | `exchange`, `policy` | one request from head to decision; a compiled policy and its calls |
//! | `edition` | what the editions share that takes no host |
//!
//! The crate does no I/O and knows no clock, network,
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

mod text;
mod time;
mod verdict;
mod rules;
mod http;
mod jose;
mod keys;
mod audit;
mod access;
mod protocol;
mod metadata;
mod config;
mod exchange;
mod policy;
pub mod edition;

#[cfg(test)]
mod testing;

pub use access::forward::Forward;
pub use access::shadow::Shadow;
pub use access::token_cache::CacheUse;
pub use audit::decision::Decision;
pub use audit::log_line::{LogLine, LogLineMetadata, LogLineShadow, trace_id};
pub use audit::merge::{Fate, MergeRecord};
pub use config::{
    ALLOW_UNUSED, Abilities, Mistake, Review, Secrets, UNKNOWN_KEY, WARNINGS, Warning, key_path,
    nearest, review,
};
pub use exchange::Exchange;
pub use http::header_names::HeaderNames;
pub use http::message::{Head, Header, HeaderEdits, Reply};
pub use http::outgoing::{Answer, AnswerHead, Call, CallFailure, Failure, Fetch};
pub use http::problem::{PROBLEM_TYPE, unavailable};
pub use jose::key_row::KeyRow;
pub use jose::verification::{
    SignatureAlgorithm, SignatureAlgorithms, Verification, VerifiedBy, Verify,
};
pub use keys::report::KeySource;
pub use metadata::{NoPreview, Preview, PreviewKey};
pub use policy::Policy;
pub use protocol::{Acquired, Event, Step, Turn};
pub use text::escape::escaped;
pub use time::clock::Now;
pub use time::duration::parse_ms as duration_ms;
pub use time::instant::parse_ms as moment_ms;
pub use time::timestamp::Time;
pub use verdict::cause::{Cause, Denial, Fault};
pub use verdict::outcome::{End, Outcome};
pub use verdict::reason::Reason;
pub use verdict::{cause, reason};
