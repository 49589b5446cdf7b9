//! The root: it is configured, it ticks, and the answers to calls come to it.

use std::rc::Rc;

use linkgate_policy::{AnswerHead, Event, Failure};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{BufferType, ContextType};

use crate::clock::{now, read_wall_clock};
use crate::drive;
use crate::gate::Gate;
use crate::outbound_queue::{Purpose, Sent};
use crate::outcome::{self, NoAnswer};
use crate::record;
use crate::shared_leases::Found;
use crate::stream::Http;

/// The root of a filter in one worker.
pub(crate) struct Root {
    id: u32,
    /// Nothing as long as it is not configured: then every request is answered 503.
    gate: Option<Rc<Gate>>,
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, gate: None }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        let configuration =
            hostcalls::get_buffer(BufferType::PluginConfiguration, 0, usize::MAX).ok().flatten();
        match Gate::build(self.id, &configuration.unwrap_or_default()) {
            Ok((gate, notices)) => {
                gate.rest();
                for notice in &notices {
                    record::notice(notice);
                }
                self.gate = Some(Rc::new(gate));
                true
            }
            Err(mistakes) => {
                self.gate = None;
                record::mistakes(&mistakes);
                false
            }
        }
    }

    fn on_tick(&mut self) {
        let Some(gate) = &self.gate else { return };
        read_wall_clock();
        take_news(gate);
        gate.fetch_abandoned();
        gate.fetch_due();
        drive::wake_late(gate);
        settle(gate);
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http::new(id, self.gate.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, lines: usize, body_bytes: usize, _: usize) {
        let Some(gate) = &self.gate else { return };
        let Some(sent) = gate.outbound_queue.take(token) else { return };
        let outcome = outcome::read(lines, body_bytes, sent.max_answer_bytes);
        answered(gate, sent, outcome);
        settle(gate);
    }
}

/// Sends what was posted until nothing is, and sets the next tick.
fn settle(gate: &Rc<Gate>) {
    while gate.outbound_queue.is_pending() {
        for refused in gate.outbound_queue.send() {
            answered(gate, refused, Err(NoAnswer::Refused));
        }
    }
    gate.rest();
}

/// Gives an answer to who waits for it.
fn answered(gate: &Rc<Gate>, sent: Sent, outcome: Result<linkgate_policy::Answer, NoAnswer>) {
    let Sent { purpose, timeout_ms, max_answer_bytes } = sent;
    match purpose {
        Purpose::Call(stream) => {
            let event = Event::Called(outcome.map_err(|why| why.of_call()));
            drive::resume_by_root(gate, stream, event);
        }
        Purpose::Forward(stream) => {
            let head = outcome.map(|answer| AnswerHead::of(answer.status, answer.headers));
            let head = head.or_else(|why| match why {
                NoAnswer::TooLarge(status) => Ok(AnswerHead::of(status, [])),
                NoAnswer::Refused => Err(Failure::NotSent),
                NoAnswer::Told(..) | NoAnswer::BrokenOff => Err(Failure::Unknown),
            });
            drive::resume_by_root(gate, stream, Event::Forwarded(head));
        }
        Purpose::Fetch { source, asked_unix_ms } => {
            let outcome = outcome.map_err(|why| why.of_fetch(timeout_ms, max_answer_bytes));
            let found = Found { source, outcome, asked_unix_ms };
            gate.shared_leases.publish(&found);
            for notice in take(gate, found) {
                record::notice(&notice);
            }
            drive::wake_all(gate);
        }
    }
}

/// Takes what other workers fetched. They have logged it.
fn take_news(gate: &Rc<Gate>) {
    let found = gate.shared_leases.found();
    if found.is_empty() {
        return;
    }
    for found in found {
        gate.followed.borrow_mut().remove(&found.source);
        take(gate, found);
    }
    drive::wake_all(gate);
}

fn take(gate: &Gate, found: Found) -> Vec<String> {
    let now = now();
    let ago_ms = now.unix_ms.saturating_sub(found.asked_unix_ms);
    let asked_mono_ms = now.mono_ms.saturating_sub(ago_ms);
    gate.policy.borrow_mut().fetched(&found.source, found.outcome, asked_mono_ms, now)
}
