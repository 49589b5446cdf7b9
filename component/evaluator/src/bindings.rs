//! The contract of `wit/evaluator.wit` in Rust, as wit-bindgen generates it. The only unsafe code
//! of the edition is in here, and none of it is written by hand.

pub(crate) use generated::exports::linkgate::policy::evaluator::{
    Abilities, Acquire, Acquired, Answer, Call, CallFailure, Decision, End, Event, Exchange,
    Failure, Fetch, Forward, Guest, GuestExchange, GuestPolicy, Head, Header, HeaderEdits,
    KeySource, MergeRecord, Mistake, Now, Opened, Outcome, Pass, Policy, PolicyBorrow, ReadBody,
    Reply, Secret, Shadow, ShadowDecision, SignatureAlgorithm, Step, Turn, Verification, Verify,
};

#[expect(
    unsafe_code,
    reason = "generated: the canonical ABI passes raw pointers and exports bare symbols"
)]
#[expect(clippy::same_length_and_capacity, reason = "generated: a list arrives with no spare room")]
mod generated {
    use crate::Gate;

    wit_bindgen::generate!({
        world: "gate",
        path: "../../wit",
    });

    export!(Gate with_types_in self);
}
