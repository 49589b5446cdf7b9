//! The case runner: behaviours as data, run on any edition.
//!
//! ```text
//!  suite ─▶ case ─▶ scene ─────────▶ walk ─────────▶ check, laws ─▶ report
//!  (YAML)   (form)  (tokens minted,  (an edition,    (reply, upstream
//!                    all as bytes)    step by step)   request, record)
//! ```
//!
//! A case knows nothing of steps: it says what a client sends, what the upstream answers, and what
//! the two of them get to see, plus the decision record. So it holds for every edition, whatever
//! the contract between the edition and its host.
//!
//! What this module does not do: open sockets, read the clock, or judge a policy document beyond
//! asking the edition to compile it.

mod call;
mod case;
mod check;
mod edition;
mod endpoint;
mod evaluator;
mod key_answer;
mod keys;
mod laws;
mod mint;
mod native;
mod report;
mod scene;
mod short;
mod suite;
mod text;
mod trouble;
mod walk;
mod wire;

pub use call::{AnswerForm, AskForm, CallForm, ExpectedCall, Whose};
pub(crate) use call::{LINKED, SERVICE, encoded};
pub use case::{
    Case, Expect, FailureForm, HostForm, Line, ReplyForm, RequestForm, SentForm, SignatureForm,
    TokenForm, UpstreamForm, Values,
};
pub use check::{Difference, compare};
pub use edition::{Edition, ExchangeId, PolicyId, Record, Sent, Step, Turn};
pub use evaluator::Evaluator;
pub use key_answer::{JwkForm, KeyAnswerForm, KeyBodyForm};
pub(crate) use keys::Keys;
pub use native::Native;
pub use report::{Failed, Report, run_suite};
pub use scene::{Expected, ExpectedSent, Request, Response, Scene};
pub(crate) use short::Wrapped;
pub(crate) use suite::Shared;
pub use suite::{NamedCase, Suite};
pub use trouble::Trouble;
pub use walk::{Departed, Observed, Origin, Walk, run};
