//! The types of `wit/evaluator.wit`, as wasmtime generates them.
//!
//! Generated code stays inside this module; the rest of the crate sees the names below and the
//! [`Evaluator`](crate::Evaluator) trait.

pub use bindings::exports::linkgate::policy::evaluator::{
    AnswerHead, Decision, End, Event, Failure, Forward, Head, Header, HeaderEdits, Mistake, Now,
    Outcome, Pass, ReadBody, Reply, Step, Turn,
};
pub(crate) use bindings::exports::linkgate::policy::evaluator::{Opened, Secret};
pub(crate) use bindings::{Gate, GatePre};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "gate",
        additional_derives: [PartialEq],
    });
}
