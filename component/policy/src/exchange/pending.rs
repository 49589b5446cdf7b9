//! A token that waits: the step that it waits at, and the event that ends the wait.

use crate::access::token::Pending;
use crate::jose::jws::Unverified;
use crate::protocol::{Event, Step};
use crate::time::clock::Now;
use crate::verdict::cause::Fault;

/// What the driver does meanwhile.
pub(super) fn step(pending: &Pending) -> Step {
    match pending {
        Pending::Key(_, until_mono_ms) => Step::Wait { until_mono_ms: *until_mono_ms },
        Pending::Signature(asked) => Step::Verify(asked.question()),
    }
}

/// The token, to be verified again, once what it waited for is here. An event that answers another step ends the
/// exchange: it must never be taken for an answer about a signature.
pub(super) fn resumed(pending: Pending, event: Event, now: Now) -> Result<Unverified, Fault> {
    match (pending, event) {
        (Pending::Key(_, until_mono_ms), Event::Woken) if now.mono_ms >= until_mono_ms => {
            Err(Fault::KeysUnavailable)
        }
        (Pending::Key(token, _), Event::Woken) => Ok(token),
        (Pending::Signature(asked), Event::Verified(answer)) => Ok(asked.answered(answer)),
        _ => Err(Fault::OutOfOrder),
    }
}
