//! A stream: what Envoy calls for each request. It hands on to the driver of the exchange.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::answer;
use crate::drive;
use crate::gate::Gate;
use crate::open::RequestBody;

/// A request's stream.
pub(crate) struct Http {
    id: u32,
    /// Nothing where the filter is not configured.
    gate: Option<Rc<Gate>>,
}

impl Http {
    pub(crate) fn new(id: u32, gate: Option<Rc<Gate>>) -> Self {
        Self { id, gate }
    }

    fn end(&self) {
        if let Some(gate) = &self.gate {
            drive::ended(gate, self.id);
        }
    }
}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _: usize, is_last: bool) -> Action {
        let Some(gate) = &self.gate else {
            answer::respond(&linkgate_policy::unavailable());
            return Action::Pause;
        };
        let body = if is_last { RequestBody::None } else { RequestBody::Coming };
        drive::open(gate, self.id, body)
    }

    fn on_http_request_body(&mut self, bytes: usize, is_last: bool) -> Action {
        let Some(gate) = &self.gate else { return Action::Pause };
        drive::body(gate, self.id, bytes, is_last)
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        let Some(gate) = &self.gate else { return Action::Pause };
        drive::trailers(gate, self.id)
    }

    fn on_http_response_headers(&mut self, _: usize, is_last: bool) -> Action {
        let Some(gate) = &self.gate else { return Action::Continue };
        drive::answered(gate, self.id, is_last)
    }

    fn on_http_response_body(&mut self, _: usize, is_last: bool) -> Action {
        self.hold(is_last)
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.hold(true)
    }

    fn on_log(&mut self) {
        self.end();
    }
}

impl Http {
    /// An answer is held back, its body and trailers too, until it is known what becomes of it.
    fn hold(&self, is_last: bool) -> Action {
        let gate = self.gate.as_ref();
        let holds = gate.is_some_and(|gate| drive::holds_answer(gate, self.id, is_last));
        if holds { Action::Pause } else { Action::Continue }
    }
}

impl Context for Http {
    fn on_done(&mut self) -> bool {
        // Mostly it was logged before, and this finds nothing left to end.
        self.end();
        true
    }
}
