//! Runs an exchange: does what each step says, reports what came of it, and closes it once.

use linkgate_policy::{
    Acquired, AnswerHead, End, Event, Exchange, Failure, Fetch, Now, Step, Time, Verification,
};
use wasi::http::types::{IncomingRequest, ResponseOutparam};

use crate::answer;
use crate::call;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::fetch;
use crate::gate::{Gate, Moment, now};
use crate::outbound::{self, Held, NoAnswer};
use crate::record;
use crate::request;

/// Steps of an exchange. The longest way through a policy, a merge with its waits, takes about 30;
/// raised, a policy that never comes to an end is noticed later.
const STEP_LIMIT: usize = 64;

/// Milliseconds after a reply within which a refresh may begin. Raised, several issuers whose endpoints
/// are slow occupy an instance for longer; the host serves other clients from others meanwhile.
const REFRESH_MS: u64 = 5_000;

/// Drives one exchange, which began with the head of the request, to its decision record.
pub(crate) fn exchange(
    gate: &Gate,
    client: &IncomingRequest,
    reply_to: ResponseOutparam,
    began: Moment,
) {
    let first = request::head(client, &gate.policy.borrow());
    let (mut exchange, mut turn) = gate.policy.borrow_mut().open(first, now());
    let mut client = Client::new(client);
    let mut held: Option<Held> = None;
    for _ in 0..STEP_LIMIT {
        let event = match turn.step {
            Step::ReadBody { max_bytes, timeout_ms } => client.read(max_bytes, timeout_ms),
            Step::Wait { until_mono_ms } => wait(gate, until_mono_ms),
            // It names no algorithm, and is not asked.
            Step::Verify(_) => Event::Verified(Verification::Unable),
            // Other instances have memories of their own.
            Step::Acquire { .. } => Event::Acquired(Acquired::Unserialised),
            Step::Call(call) => Event::Called(call::upstream(call, &gate.upstream)),
            Step::Forward(forward) => hold(&mut held, outbound::forward(forward, &gate.upstream)),
            Step::Pass { edits, timeout_ms } => {
                match outbound::pass(&mut client, &gate.upstream, edits, timeout_ms) {
                    Err(NoAnswer::CutOff) => Event::BodyFailed,
                    passed => hold(&mut held, passed.map_err(Failure::from)),
                }
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
                let end = answer::respond(client.request(), reply, reply_to);
                return close(gate, exchange, end, began);
            }
        };
        turn = gate.policy.borrow_mut().resume(&mut exchange, turn.sequence, event, now());
    }
    let end = answer::unavailable(reply_to);
    close(gate, exchange, end, began);
}

/// Performs what is waited for, one fetch at a time. Where that is nothing, the wait is all there is.
fn wait(gate: &Gate, until_mono_ms: u64) -> Event {
    let asked = now();
    let due = gate.policy.borrow_mut().due(asked);
    match due {
        Some(fetch) => perform(gate, fetch, asked, until_mono_ms.saturating_sub(asked.mono_ms)),
        None => Deadline::at(until_mono_ms).pass(),
    }
    Event::Woken
}

/// Keeps an answer, its body unread, and reports its head.
fn hold(held: &mut Option<Held>, outcome: Result<Held, Failure>) -> Event {
    Event::Forwarded(outcome.map(|answer| {
        let reported = AnswerHead::of(answer.response.status(), call::lines(&answer.response));
        *held = Some(answer);
        reported
    }))
}

fn close(gate: &Gate, exchange: Exchange, end: End, began: Moment) {
    let now = now();
    let decision = gate.policy.borrow_mut().close(exchange, end, now);
    record::decision(decision, Time { unix_ms: now.unix_ms }, began.elapsed_us());
    refresh(gate, now);
}

/// Performs the fetches that are due once the client has its reply: an instance that serves another
/// one has fresh keys then.
fn refresh(gate: &Gate, replied: Now) {
    let until_mono_ms = replied.mono_ms.saturating_add(REFRESH_MS);
    let mut asked = replied;
    while asked.mono_ms < until_mono_ms {
        let due = gate.policy.borrow_mut().due(asked);
        let Some(fetch) = due else { return };
        perform(gate, fetch, asked, u64::MAX);
        asked = now();
    }
}

/// Performs a fetch within so much time, less if it says so itself, and reports it.
fn perform(gate: &Gate, fetch: Fetch, asked: Now, left_ms: u64) {
    let source = fetch.source.clone();
    let timeout_ms = fetch.timeout_ms.min(u32::try_from(left_ms).unwrap_or(u32::MAX));
    let outcome = fetch::perform(Fetch { timeout_ms, ..fetch });
    let told = gate.policy.borrow_mut().fetched(&source, outcome, asked.mono_ms, now());
    for notice in told {
        record::notice(&notice);
    }
}
