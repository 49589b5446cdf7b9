//! Carries out steps. It matches on the step and on nothing else.

use std::sync::Arc;
use std::time::Duration;

use hyper::Response;

use crate::accounts::Busy;
use crate::answer::{self, Answer};
use crate::content::Content;
use crate::contract::{
    self, Acquire, Acquired, AnswerHead, Call, CallFailure, End, Event, Failure, Step, Turn,
};
use crate::drive::Driver;
use crate::exchange::Exchange;
use crate::lease::Held;
use crate::outbound::{Unanswered, call_once, send_once};
use crate::pace::Pace;
use crate::request::{self, ClientRequest};
use crate::sink::Fault;
use crate::upstream_pool::UpstreamPool;

/// What an exchange has with it on its way.
pub(crate) struct Journey {
    client: ClientRequest,
    /// The upstream's answer, unread.
    held: Option<Held>,
    /// Fetches that were over when it last waited.
    fetches_seen: Option<u64>,
    /// Whether something was sent for it.
    sent: bool,
    /// Whether that was the client's own request.
    passed: bool,
    steps: usize,
}

/// What comes after a step: another, or the answer that ends the exchange.
pub(crate) enum Next {
    Turn(Exchange, Turn),
    Answer(Response<Answer>),
}

/// The outcome of a step.
enum Done {
    Event(Event, Exchange),
    Answer(Response<Answer>),
    Breach(&'static str, Exchange),
}

impl Journey {
    pub(crate) fn new(client: ClientRequest) -> Self {
        Self { client, held: None, fetches_seen: None, sent: false, passed: false, steps: 0 }
    }
}

impl Driver {
    /// Carries one step out and asks for the next. The exchange goes in and comes back, so that it
    /// closes if the client goes away meanwhile.
    pub(crate) async fn advance(
        &self,
        journey: &mut Journey,
        exchange: Exchange,
        turn: Turn,
    ) -> Next {
        journey.steps += 1;
        if journey.steps > STEP_LIMIT {
            let what = "an exchange took more steps than any policy needs";
            return self.break_off(what, exchange, journey.sent);
        }
        journey.sent |= matches!(turn.step, Step::Call(_) | Step::Forward(_) | Step::Pass(_));
        journey.passed |= matches!(turn.step, Step::Pass(_));
        match self.act(turn.step, journey, exchange).await {
            Done::Answer(response) => Next::Answer(response),
            Done::Breach(what, exchange) => self.break_off(what, exchange, journey.sent),
            Done::Event(event, mut exchange) => {
                if let Ok(next) = exchange.resume(turn.sequence, event).await {
                    return Next::Turn(exchange, next);
                }
                exchange.close(End::Shutdown);
                Next::Answer(answer::lost(journey.sent))
            }
        }
    }

    async fn act(&self, step: Step, journey: &mut Journey, mut exchange: Exchange) -> Done {
        exchange.begin(&step);
        let Journey { client, held, fetches_seen, passed, .. } = journey;
        let event = match step {
            Step::ReadBody(step) => {
                client.content.read(step.max_bytes, millis(step.timeout_ms)).await
            }
            Step::Wait(until) => {
                let until = self.shared.clock.moment(until, WAIT_LIMIT);
                self.shared.fetches.wait(until, fetches_seen).await;
                Event::Woken
            }
            // The task of the instance answers these, as many as a request has tokens.
            Step::Verify(_) => return Done::Breach("verify more often than needed", exchange),
            Step::Acquire(step) => Event::Acquired(self.acquire(step, &mut exchange).await),
            Step::Call(step) => Event::Called(self.call(step).await),
            Step::Forward(step) => {
                let limit = millis(step.timeout_ms);
                *held = None;
                let request = request::forward(step, &self.upstream);
                let sent = send(&self.connections.forwards, request, limit).await;
                Event::Forwarded(self.hold(sent, held))
            }
            Step::Pass(step) => {
                *held = None;
                let body = client.content.health();
                let request = client.pass(&step.edits, &self.upstream);
                match send(&self.connections.passes, request, millis(step.timeout_ms)).await {
                    // The client's own doing: the upstream got a part, and cannot be asked for more.
                    Err(_) if body.is_broken() => Event::BodyFailed,
                    sent => Event::Forwarded(self.hold(sent, held)),
                }
            }
            Step::Relay(edits) => {
                let Some(answer) = held.take() else {
                    return Done::Breach("relay without an answer of the upstream", exchange);
                };
                let pace = if *passed { Pace::idle(&self.limits) } else { Pace::new(&self.limits) };
                return match answer::relay(answer, &edits, exchange, pace) {
                    Ok(response) => Done::Answer(response),
                    Err(exchange) => {
                        Done::Breach("relay with an edit that is no header line", exchange)
                    }
                };
            }
            Step::Respond(reply) => {
                return match answer::respond(reply, &client.method, exchange) {
                    Ok(response) => Done::Answer(response),
                    Err(exchange) => Done::Breach(
                        "respond with a status or header line that HTTP has not",
                        exchange,
                    ),
                };
            }
        };
        Done::Event(event, exchange)
    }

    /// Holds two accounts until the exchange is closed.
    async fn acquire(&self, step: Acquire, exchange: &mut Exchange) -> Acquired {
        let (one, other) = step.accounts;
        match self.accounts.hold([one, other], millis(step.timeout_ms)).await {
            Ok(hold) => {
                exchange.keep(hold);
                Acquired::Serialised
            }
            Err(Busy) => Acquired::Busy,
        }
    }

    /// Makes a call, once, and takes its answer whole.
    async fn call(&self, step: Call) -> Result<contract::Answer, CallFailure> {
        let (limit, max_bytes) = (millis(step.timeout_ms), step.max_answer_bytes);
        let outcome = match request::call(step, &self.upstream) {
            Some(request) => call_once(&self.connections.calls, request, limit, max_bytes).await,
            None => Err(Unanswered::not_sent(UNSAYABLE)),
        };
        outcome.map_err(|Unanswered { failure, why, status }| {
            self.shared.sink.upstream_failed(failure, &why);
            match (failure, status) {
                (Failure::NotSent, _) => CallFailure::NotSent,
                (Failure::Unknown, Some(status)) => CallFailure::NoBody(status),
                (Failure::Unknown, None) => CallFailure::Unknown,
            }
        })
    }

    /// Holds an answer, its body unread.
    fn hold(
        &self,
        sent: Result<Held, Unanswered>,
        held: &mut Option<Held>,
    ) -> Result<AnswerHead, Failure> {
        let answer = sent.map_err(|Unanswered { failure, why, .. }| {
            self.shared.sink.upstream_failed(failure, &why);
            failure
        })?;
        let mut headers = request::lines(&answer.head.headers);
        headers.retain(|line| ANSWER_LINES.contains(&line.name.as_str()));
        let status = answer.head.status.as_u16();
        *held = Some(answer);
        Ok(AnswerHead { status, headers })
    }

    /// The evaluator broke the contract: the host stops here.
    fn break_off(&self, what: &'static str, exchange: Exchange, sent: bool) -> Next {
        self.shared.sink.fault(&Fault::Breach(what));
        exchange.close(End::Shutdown);
        Next::Answer(answer::lost(sent))
    }
}

/// Sends a request, once.
async fn send(
    pool: &Arc<UpstreamPool>,
    request: Option<hyper::Request<Content>>,
    limit: Duration,
) -> Result<Held, Unanswered> {
    let request = request.ok_or_else(|| Unanswered::not_sent(UNSAYABLE))?;
    send_once(pool, request, limit).await
}

fn millis(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into())
}

/// The lines of an answer that the contract has reported with its status.
const ANSWER_LINES: [&str; 2] = ["retry-after", "x-ratelimit-reset"];

/// Why a request cannot be sent that no upstream ever saw.
const UNSAYABLE: &str = "HTTP cannot say what was to be sent";

/// Steps of an exchange. The longest way through a policy, a merge with its waits, takes about 30;
/// raised, an evaluator that never comes to an end is noticed later.
const STEP_LIMIT: usize = 64;

/// The longest single wait, whatever the step says.
const WAIT_LIMIT: Duration = Duration::from_mins(1);
