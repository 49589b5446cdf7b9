//! The seam between the core and its driver: steps out, events in.
//!
//! The types mirror `wit/evaluator.wit`, where a driver's duties are listed.

use crate::access::forward::Forward;
use crate::http::message::{HeaderEdits, Reply};
use crate::http::outgoing::{Answer, AnswerHead, Call, CallFailure, Failure};
use crate::jose::verification::{Verification, Verify};

/// What the driver does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the request's body whole: answer with [`Event::Body`], [`Event::BodyTooLarge`] or
    /// [`Event::BodyFailed`].
    ReadBody {
        /// Largest body to take, in bytes.
        max_bytes: u32,
        /// Milliseconds for the whole body.
        timeout_ms: u32,
    },
    /// Wait for a shared fetch, or for time to pass: perform what [`Policy::due`](crate::Policy::due)
    /// gives, answer with [`Event::Woken`].
    Wait {
        /// Monotonic time at which the wait ends in any case.
        until_mono_ms: u64,
    },
    /// Verify this signature: answer with [`Event::Verified`].
    Verify(Verify),
    /// Serialise this exchange with all others on the same accounts until it is closed: answer with
    /// [`Event::Acquired`].
    Acquire {
        /// Opaque names of the two accounts, in byte order.
        accounts: [String; 2],
        /// Milliseconds after which the wait is given up.
        timeout_ms: u32,
    },
    /// Make this call to the upstream, once: answer with [`Event::Called`].
    Call(Call),
    /// Send this request to the upstream, once: answer with [`Event::Forwarded`].
    Forward(Forward),
    /// Send the client's own request on, with these edits of its head and otherwise untouched: answer with
    /// [`Event::Forwarded`], or with [`Event::BodyFailed`] when there was no answer because the client's body
    /// broke off.
    Pass {
        /// What is removed from its header lines, and what is added: nothing unless the policy says so.
        edits: HeaderEdits,
        /// Milliseconds until the head of the answer.
        timeout_ms: u32,
    },
    /// Last step: stream the upstream's answer to the client, edited.
    Relay(HeaderEdits),
    /// Last step: send this reply.
    Respond(Reply),
}

/// A step and the number that the answering event has to carry.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    /// Counts the steps of an exchange from 1.
    pub sequence: u32,
    /// The step.
    pub step: Step,
}

/// What happened to the last step.
pub enum Event {
    /// The request's body, whole.
    Body(Vec<u8>),
    /// The request's body is larger than the step allowed.
    BodyTooLarge,
    /// The request's body broke off, was late, or is not framed as HTTP has it.
    BodyFailed,
    /// The wait is over.
    Woken,
    /// The answer to [`Step::Verify`].
    Verified(Verification),
    /// The outcome of [`Step::Acquire`].
    Acquired(Acquired),
    /// The answer to [`Step::Call`], or why there is none.
    Called(Result<Answer, CallFailure>),
    /// The upstream's answer, or why there is none.
    Forwarded(Result<AnswerHead, Failure>),
}

/// The outcome of [`Step::Acquire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// Both accounts are held.
    Serialised,
    /// The host cannot serialise.
    Unserialised,
    /// Others held them for too long.
    Busy,
}
