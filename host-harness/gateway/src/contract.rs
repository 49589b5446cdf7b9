//! The types of `wit/evaluator.wit`, as wasmtime generates them.
//!
//! Generated code stays inside this module; the rest of the crate sees the names below and the
//! [`Evaluator`](crate::Evaluator) trait. They are public for programs that drive a component by hand, as the
//! case runner does.

pub use bindings::Gate;
pub(crate) use bindings::GatePre;
pub use bindings::exports::linkgate::policy::evaluator::{
    Abilities, Acquire, Acquired, Answer, AnswerHead, Call, CallFailure, Decision, End, Event,
    Failure, Fetch, Forward, Head, Header, HeaderEdits, KeySource, MergeRecord, Mistake, Now,
    Opened, Outcome, Pass, ReadBody, Reply, Secret, Shadow, ShadowDecision, SignatureAlgorithm,
    Step, Turn, Verification, Verify,
};

/// What a component exports, as `wit/evaluator.wit` names it, and the version that is driven here.
pub(crate) const INTERFACE: &str = "linkgate:policy/evaluator";
pub(crate) const VERSION: &str = "0.2.0";

#[expect(missing_docs, reason = "generated: wit/evaluator.wit is the documentation")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "gate",
        additional_derives: [PartialEq],
    });
}
