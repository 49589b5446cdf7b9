//! The loop that carries out steps. It matches on the step and on nothing else.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::Response;

use crate::answer::{self, Answer};
use crate::contract::{Acquired, AnswerHead, CallFailure, End, Event, Step};
use crate::exchange::Exchange;
use crate::fleet::{Desk, Fleet};
use crate::outbound::{Held, Unanswered, send_once};
use crate::request::{self, ClientRequest};
use crate::settings::Limits;
use crate::sink::Fault;
use crate::tls::Tls;
use crate::upstream::Upstream;

/// What the steps act upon.
pub(crate) struct Driver {
    /// The fleet that takes new exchanges. One that was replaced lives on until its exchanges end.
    pub(crate) fleet: RwLock<Arc<Fleet>>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) upstream: Upstream,
    /// How to speak with an `https` upstream.
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Limits,
}

/// What became of a step: the next thing to report, or an answer that ends the exchange.
enum Done {
    Event(Event, Exchange),
    Answer(Response<Answer>),
    Breach(&'static str, Exchange),
}

impl Driver {
    /// The fleet of the moment. An exchange stays with the one that it was opened in.
    pub(crate) fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleet.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has new exchanges opened in another fleet.
    pub(crate) fn replace_fleet(&self, fleet: Fleet) {
        fleet.lead();
        *self.fleet.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fleet);
    }

    /// Drives one exchange from the head of a request to the head of its answer. The answer's body
    /// closes it.
    pub(crate) async fn drive(&self, mut client: ClientRequest) -> Response<Answer> {
        let fleet = self.fleet();
        let seen = client.head(fleet.wanted_headers());
        let Ok((mut exchange, mut turn)) = fleet.open(seen).await else {
            return answer::unavailable();
        };
        let mut held = None;
        let mut sent = false;
        for _ in 0..STEP_LIMIT {
            sent |= matches!(turn.step, Step::Forward(_) | Step::Pass(_));
            match self.act(turn.step, &mut client, &mut held, exchange).await {
                Done::Answer(response) => return response,
                Done::Breach(what, exchange) => return self.break_off(what, exchange),
                Done::Event(event, back) => {
                    exchange = back;
                    let Ok(next) = exchange.resume(turn.sequence, event).await else {
                        exchange.close(End::Shutdown);
                        return answer::lost(sent);
                    };
                    turn = next;
                }
            }
        }
        self.break_off("an exchange took more steps than any policy needs", exchange)
    }

    /// Carries one step out. The exchange goes in and comes back, so that it closes if the client
    /// goes away meanwhile.
    async fn act(
        &self,
        step: Step,
        client: &mut ClientRequest,
        held: &mut Option<Held>,
        mut exchange: Exchange,
    ) -> Done {
        exchange.begin(&step);
        let event = match step {
            Step::ReadBody(step) => {
                client.content.read(step.max_bytes, millis(step.timeout_ms)).await
            }
            Step::Wait(until) => {
                self.desk.errands.wait(self.desk.clock.moment(until, WAIT_LIMIT)).await;
                Event::Woken
            }
            Step::Acquire(_) => Event::Acquired(Acquired::Unserialised),
            Step::Call(_) => Event::Called(Err(CallFailure::NotSent)),
            Step::Forward(step) => {
                let limit = millis(step.timeout_ms);
                *held = None;
                self.send(request::forward(step, &self.upstream), limit, held).await
            }
            Step::Pass(step) => {
                *held = None;
                self.send(client.pass(&self.upstream), millis(step.timeout_ms), held).await
            }
            Step::Relay(edits) => {
                let Some(answer) = held.take() else {
                    return Done::Breach("relay without an answer of the upstream", exchange);
                };
                return match answer::relay(answer, &edits, exchange, &self.limits) {
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

    /// Sends a request, once, and holds its answer unread.
    async fn send(
        &self,
        request: Option<hyper::Request<crate::content::Content>>,
        limit: Duration,
        held: &mut Option<Held>,
    ) -> Event {
        let (upstream, tls) = (&self.upstream, self.tls.as_ref());
        let outcome = match request {
            Some(request) => send_once(upstream, tls, &self.limits, request, limit).await,
            None => Err(Unanswered::not_sent("HTTP cannot say what was to be sent")),
        };
        Event::Forwarded(match outcome {
            Ok(answer) => {
                let status = answer.head.status.as_u16();
                *held = Some(answer);
                Ok(AnswerHead { status })
            }
            Err(Unanswered { failure, why }) => {
                self.desk.sink.upstream_failed(failure, &why);
                Err(failure)
            }
        })
    }

    /// The evaluator broke the contract: the host stops here.
    fn break_off(&self, what: &'static str, exchange: Exchange) -> Response<Answer> {
        self.desk.sink.fault(&Fault::Breach(what));
        exchange.close(End::Shutdown);
        answer::unavailable()
    }
}

fn millis(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds.into())
}

/// Steps of an exchange. The longest way through a policy is a handful; raised, an evaluator that
/// never comes to an end is noticed later.
const STEP_LIMIT: usize = 64;

/// The longest single wait, whatever the step says.
const WAIT_LIMIT: Duration = Duration::from_mins(1);
