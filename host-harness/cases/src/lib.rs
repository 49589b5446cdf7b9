//! The case runner: behaviours as data, run on any edition.
//!
//! ```text
//!  suite ─▶ form ──▶ scene ─────────▶ driver ───────▶ check, invariants ─▶ report
//!  (YAML)   (a case) (tokens minted,  (an edition,    (reply, upstream
//!                     all as bytes)    step by step)   request, record)
//! ```
//!
//! A case knows nothing of steps: it says what a client sends, what the upstream answers, and what
//! the two of them get to see, plus the decision record. So it holds for every edition, whatever
//! the contract between the edition and its host.
//!
//! What this crate does not do: open sockets, read the clock, or judge a policy document beyond
//! asking the edition to compile it.

mod check;
mod difference;
mod driver;
mod edition;
mod endpoint;
mod evaluator;
mod form;
mod invariants;
mod keys;
mod mint;
mod native;
mod report;
mod scene;
mod short;
mod suite;
mod text;
mod trouble;
mod verifier;
mod wire;

pub use check::compare;
pub use difference::Difference;
pub use driver::{Departed, Driver, Observed, Origin, run};
pub use edition::{Edition, ExchangeId, PolicyId, Sent, Step, Turn};
pub use evaluator::Evaluator;
pub use form::{
    AnswerForm, AskForm, CallForm, Case, Expect, FailureForm, HostForm, JwkForm, KeyAnswerForm,
    KeyBodyForm, LINKED, Line, ReplyForm, RequestForm, SentForm, SignatureForm, TokenForm,
    UpstreamForm, Values, Whose,
};
pub use keys::Keys;
pub use native::Native;
pub use report::{Failed, Report, run_suite};
pub use scene::{Expected, ExpectedCall, ExpectedSent, Request, Response, SERVICE, Scene, encoded};
pub use short::{Shorthand, Wrapped};
pub use suite::{NamedCase, Shared, Suite};
pub use text::moment_mistake;
pub use trouble::Trouble;
pub use verifier::introduce;
pub use wire::log_line;
