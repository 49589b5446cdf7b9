//! Runs an exchange: does what each step says, reports what came of it, and closes it once.

use linkgate_policy::{AnswerHead, End, Event, Exchange, Failure, Step, Time};
use wasi::http::types::{IncomingRequest, ResponseOutparam};

use crate::answer;
use crate::body::Source;
use crate::deadline::Deadline;
use crate::gate::{Gate, Moment, now};
use crate::outbound::{self, Held};
use crate::record;
use crate::request;

/// Steps of an exchange. The longest way through a policy is a handful; raised, a policy that never
/// comes to an end is noticed later.
const STEP_LIMIT: usize = 64;

/// Drives one exchange, which began with the head of the request, to its decision record.
pub(crate) fn exchange(
    gate: &Gate,
    client: &IncomingRequest,
    reply_to: ResponseOutparam,
    began: Moment,
) {
    let first = request::head(client, gate.policy.borrow().wanted_headers());
    let (mut exchange, mut turn) = gate.policy.borrow_mut().open(first, now());
    let mut held: Option<Held> = None;
    for _ in 0..STEP_LIMIT {
        let event = match turn.step {
            Step::ReadBody { max_bytes, timeout_ms } => match Source::of_request(client) {
                Some(source) => source.whole(max_bytes, timeout_ms),
                None => Event::BodyFailed,
            },
            // The keys of a policy are part of its document, so no fetch is ever due and the wait is
            // all there is. Keys from a URL will have the driver perform what `Policy::due` gives.
            Step::Wait { until_mono_ms } => {
                Deadline::at(until_mono_ms).pass();
                Event::Woken
            }
            Step::Forward(forward) => hold(&mut held, outbound::forward(forward, &gate.upstream)),
            Step::Pass { timeout_ms } => {
                hold(&mut held, outbound::pass(client, &gate.upstream, timeout_ms))
            }
            Step::Relay(edits) => {
                let end = match held.take() {
                    Some(held) => answer::relay(held, &edits, reply_to),
                    None => answer::unavailable(reply_to),
                };
                return close(gate, exchange, end, began);
            }
            Step::Respond(reply) => {
                drop(held.take());
                let end = answer::respond(client, reply, reply_to);
                return close(gate, exchange, end, began);
            }
        };
        turn = gate.policy.borrow_mut().resume(&mut exchange, turn.sequence, event, now());
    }
    let end = answer::unavailable(reply_to);
    close(gate, exchange, end, began);
}

/// Keeps an answer, its body unread, and reports its head.
fn hold(held: &mut Option<Held>, outcome: Result<Held, Failure>) -> Event {
    Event::Forwarded(outcome.map(|answer| {
        let status = answer.response.status();
        *held = Some(answer);
        AnswerHead { status }
    }))
}

fn close(gate: &Gate, exchange: Exchange, end: End, began: Moment) {
    let now = now();
    let decision = gate.policy.borrow_mut().close(exchange, end, now);
    record::decision(&decision, Time { unix_ms: now.unix_ms }, began.elapsed_us());
}
