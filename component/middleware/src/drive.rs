//! Runs an exchange: does what each step says, reports what came of it, and closes it once.

use std::rc::Rc;

use linkgate_policy::{
    Acquired, AnswerHead, End, Event, Exchange, Failure, Fetch, Now, Step, Time, Turn, Verification,
};

use crate::answer::{self, Answer};
use crate::bindings::types::{Method, Request, Response};
use crate::call;
use crate::client::Client;
use crate::deadline::Deadline;
use crate::fetch;
use crate::gate::{Gate, Moment, now};
use crate::outbound;
use crate::record;
use crate::request;

/// Steps of an exchange. The longest way through a policy, a merge with its waits, takes about 30, and
/// each shared fetch that ends wakes all that wait; raised, a policy that never comes to an end is
/// noticed later.
const STEP_LIMIT: usize = 128;

/// Drives one exchange, which began with the head of the request, to its answer. What is left then,
/// the body and the decision record, is done after the host has the head.
pub(crate) async fn exchange(gate: Rc<Gate>, client: Request, began: Moment) -> Response {
    let (response, body) = {
        let first = request::head(&client, &gate.policy.borrow());
        let (exchange, turn) = gate.policy.borrow_mut().open(first, now());
        let mut open = Open { gate, exchange: Some(exchange), began };
        let answer = steps(&mut open, client, turn).await;
        let (response, body) = answer.split();
        (response, async move {
            let end = body.await;
            open.close(end);
            record::flush().await;
            fetch_due(&open.gate, now());
        })
    };
    wit_bindgen::spawn_local(body);
    response
}

/// Does one step after the other, to the last.
async fn steps(open: &mut Open, client: Request, mut turn: Turn) -> Answer {
    let to_head = matches!(client.get_method(), Method::Head);
    let mut client = Client::Unread(client);
    let mut held: Option<Response> = None;
    for _ in 0..STEP_LIMIT {
        let event = match turn.step {
            Step::ReadBody { max_bytes, timeout_ms } => client.read(max_bytes, timeout_ms).await,
            Step::Wait { until_mono_ms } => wait(&open.gate, until_mono_ms).await,
            // It names no algorithm, and is not asked.
            Step::Verify(_) => Event::Verified(Verification::Unable),
            // Other instances have memories of their own.
            Step::Acquire { .. } => Event::Acquired(Acquired::Unserialised),
            Step::Call(call) => Event::Called(call::next(call).await),
            Step::Forward(forward) => hold(&mut held, outbound::forward(forward).await),
            Step::Pass { edits, timeout_ms } => {
                hold(&mut held, outbound::pass(client.take(&edits), timeout_ms).await)
            }
            Step::Relay(edits) => {
                let relayed = held.take().map(|held| answer::relay(held, &edits, to_head));
                return relayed.unwrap_or_else(answer::unavailable);
            }
            Step::Respond(reply) => return answer::respond(reply, to_head),
        };
        match open.resume(turn.sequence, event) {
            Some(next) => turn = next,
            None => break,
        }
    }
    answer::unavailable()
}

/// Waits for the end of a shared fetch that any exchange began. Where there is none, the wait is all there is.
async fn wait(gate: &Rc<Gate>, until_mono_ms: u64) -> Event {
    let notify = gate.notify.next();
    fetch_due(gate, now());
    let _ = Deadline::at(until_mono_ms).bound(notify).await;
    Event::Woken
}

/// Keeps an answer, its body unread, and reports its head.
fn hold(held: &mut Option<Response>, outcome: Result<Response, Failure>) -> Event {
    Event::Forwarded(outcome.map(|answer| {
        let lines = request::lines(&answer.get_headers());
        let reported = AnswerHead::of(answer.get_status_code(), lines);
        *held = Some(answer);
        reported
    }))
}

/// Begins the scheduled fetches, each in a task of its own: the exchange that asked may be gone before it ends.
fn fetch_due(gate: &Rc<Gate>, asked: Now) {
    loop {
        let due = gate.policy.borrow_mut().due(asked);
        let Some(fetch) = due else { return };
        wit_bindgen::spawn_local(perform(Rc::clone(gate), fetch, asked));
    }
}

/// Performs a fetch, reports it, and tells all that wait.
async fn perform(gate: Rc<Gate>, fetch: Fetch, asked: Now) {
    let source = fetch.source.clone();
    let outcome = fetch::perform(fetch).await;
    let notices = gate.policy.borrow_mut().fetched(&source, outcome, asked.mono_ms, now());
    for notice in notices {
        record::notice(&notice);
    }
    gate.notify.notify_all();
    record::flush().await;
}

/// An exchange that is not closed yet.
struct Open {
    gate: Rc<Gate>,
    exchange: Option<Exchange>,
    began: Moment,
}

impl Open {
    fn resume(&mut self, sequence: u32, event: Event) -> Option<Turn> {
        let exchange = self.exchange.as_mut()?;
        Some(self.gate.policy.borrow_mut().resume(exchange, sequence, event, now()))
    }

    fn close(&mut self, end: End) {
        let Some(exchange) = self.exchange.take() else { return };
        let now = now();
        let decision = self.gate.policy.borrow_mut().close(exchange, end, now);
        let time = Time { unix_ms: now.unix_ms };
        record::decision(decision, time, self.began.elapsed_us());
    }
}

impl Drop for Open {
    /// A host that cancels a task drops it at its last await. The record is written by the next one.
    fn drop(&mut self) {
        self.close(End::ClientGone);
    }
}
