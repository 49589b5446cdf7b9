//! Runs exchanges: does what each step says, reports what came of it, and closes each once.

use linkgate_policy::{Acquired, AnswerHead, End, Event, Failure, Forward, Step, Turn};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{Action, BufferType, LogLevel, MapType};

use crate::answer;
use crate::clock::{moment, now};
use crate::failure;
use crate::gate::Gate;
use crate::host;
use crate::open::{Awaits, Open, Progress, RequestBody, Upload};
use crate::record;
use crate::request::{self, Seen};
use crate::verifier;

/// Steps of an exchange. The longest way through a policy, a merge with its waits, takes about 30;
/// raised, a policy that never comes to an end is noticed later.
const STEP_LIMIT: u32 = 64;

/// Opens an exchange with the head of a request.
pub(crate) fn open(gate: &Gate, id: u32, body: RequestBody) -> Action {
    let began = moment();
    let Seen { head, offers_protocol, of_connection } = request::head(&gate.policy.borrow());
    let (exchange, turn) = gate.policy.borrow_mut().open(head, began.now);
    let open = Open::new(exchange, body, offers_protocol, of_connection, began.mono_us);
    let open = Box::new(open);
    Drive { gate, id, is_root: false }.run(open, turn)
}

/// A part of the request's body is there; the host's buffer holds so many bytes.
pub(crate) fn body(gate: &Gate, id: u32, bytes: usize, is_last: bool) -> Action {
    gate.sees_bodies.set(true);
    let Some(mut open) = gate.taken(id) else { return Action::Continue };
    if is_last && open.body == RequestBody::Coming {
        open.body = RequestBody::Here;
    }
    let drive = Drive { gate, id, is_root: false };
    match (open.upload, open.awaits) {
        (Upload::FlowsAtEnd | Upload::DroppedAtEnd, _) => {
            open.held.bytes = bytes > 0;
            if is_last { drive.end_of_body(open) } else { drive.keep(open, Action::Pause) }
        }
        (Upload::Flows, _) => drive.keep(open, Action::Continue),
        (Upload::Dropped, _) => {
            if bytes > 0 {
                host::set_body(BufferType::HttpRequestBody, &[]);
            }
            drive.keep(open, Action::Continue)
        }
        (Upload::Held, Awaits::Body { max_bytes, .. }) => {
            open.held.bytes = bytes > 0;
            match body_event(bytes, is_last, max_bytes) {
                Some(event) => drive.resume(open, event),
                None => drive.keep(open, Action::Pause),
            }
        }
        (Upload::Held, Awaits::Time { .. } | Awaits::Call | Awaits::Answer | Awaits::Nothing) => {
            open.held.bytes = bytes > 0;
            drive.keep(open, Action::Pause)
        }
    }
}

/// Trailers are there, and with them the end of the body.
pub(crate) fn trailers(gate: &Gate, id: u32) -> Action {
    let Some(mut open) = gate.taken(id) else { return Action::Continue };
    let drive = Drive { gate, id, is_root: false };
    open.body = RequestBody::Here;
    open.held.trailers = true;
    match (open.upload, open.awaits) {
        (Upload::FlowsAtEnd | Upload::DroppedAtEnd, _) => drive.end_of_body(open),
        (Upload::Flows, _) => drive.keep(open, Action::Continue),
        (Upload::Dropped, _) => {
            host::set_lines(MapType::HttpRequestTrailers, Vec::new());
            drive.keep(open, Action::Continue)
        }
        (Upload::Held, Awaits::Body { max_bytes, .. }) => {
            let event = body_event(held(&open).len(), true, max_bytes);
            drive.resume(open, event.unwrap_or(Event::BodyFailed))
        }
        (Upload::Held, Awaits::Time { .. } | Awaits::Call | Awaits::Answer | Awaits::Nothing) => {
            drive.keep(open, Action::Pause)
        }
    }
}

/// What the host holds of the client's body.
fn held(open: &Open) -> Vec<u8> {
    if open.held.bytes { host::body(BufferType::HttpRequestBody, usize::MAX) } else { Vec::new() }
}

/// What is to be said of the body that the host holds; nothing as long as more may come.
fn body_event(bytes: usize, is_last: bool, max_bytes: u32) -> Option<Event> {
    if bytes > usize::try_from(max_bytes).unwrap_or(usize::MAX) {
        return Some(Event::BodyTooLarge);
    }
    is_last.then(|| {
        let none = bytes == 0;
        Event::Body(if none { Vec::new() } else { host::body(BufferType::HttpRequestBody, bytes) })
    })
}

/// The head of an answer is there: the upstream's, or one that Envoy made by itself.
pub(crate) fn answered(gate: &Gate, id: u32, is_last: bool) -> Action {
    let Some(mut open) = gate.taken(id) else { return Action::Continue };
    let drive = Drive { gate, id, is_root: false };
    match open.awaits {
        Awaits::Answer => {
            open.progress = Progress::Answered;
            let event = answer_event(gate, &mut open);
            let action = drive.resume(open, event);
            if action == Action::Continue {
                holds_answer(gate, id, is_last);
            }
            action
        }
        Awaits::Nothing => {
            open.relayed(is_last);
            drive.keep(open, Action::Continue)
        }
        // Envoy has answered for us: a timeout of its own, a body that is too large for it.
        Awaits::Time { .. } | Awaits::Call if open.exchange.must_finish() => {
            open.has_client = false;
            drive.keep(open, Action::Continue)
        }
        Awaits::Body { .. } | Awaits::Time { .. } | Awaits::Call => {
            open.awaits = Awaits::Nothing;
            open.end = Some(End::Shutdown);
            drive.keep(open, Action::Continue)
        }
    }
}

/// What is to be said of the answer whose head is there.
fn answer_event(gate: &Gate, open: &mut Open) -> Event {
    let details = answer::details();
    if open.upload == Upload::Flows && failure::is_of_client(&details) {
        return Event::BodyFailed;
    }
    // The core reads no line of the answer to what passed by.
    if !matches!(open.upload, Upload::Dropped | Upload::DroppedAtEnd) {
        return Event::Forwarded(answer::status(&details).map(|status| AnswerHead::of(status, [])));
    }
    let (head, names) = match answer::head(&details) {
        Ok(read) => read,
        Err(failure) => return Event::Forwarded(Err(failure)),
    };
    open.answer_names = names;
    let Some(elsewhere) = request::elsewhere(&gate.upstream) else {
        return Event::Forwarded(Ok(head));
    };
    host::log(LogLevel::Error, &elsewhere);
    Event::Forwarded(Err(Failure::Unknown))
}

/// A part of the answer has come, and no more of it if `is_last`: says whether it is to be held back, and notes when all
/// of it has gone on.
pub(crate) fn holds_answer(gate: &Gate, id: u32, is_last: bool) -> bool {
    let mut streams = gate.streams.borrow_mut();
    let Some(open) = streams.get_mut(&id) else { return false };
    let is_decided = matches!(open.awaits, Awaits::Nothing);
    open.relayed(is_last && is_decided);
    open.progress == Progress::Answered && !is_decided
}

/// The stream is over: closes its exchange, unless that must be seen through without it.
pub(crate) fn ended(gate: &Gate, id: u32) {
    let Some(mut open) = gate.taken(id) else { return };
    let drive = Drive { gate, id, is_root: false };
    match open.awaits {
        Awaits::Nothing => {
            let is_gone = open.progress != Progress::Relayed && is_client_gone();
            let end = if is_gone { End::ClientGone } else { End::Finished };
            let end = open.end.unwrap_or(end);
            drive.close(open, end, true);
        }
        Awaits::Call | Awaits::Time { .. } if open.exchange.must_finish() => {
            open.has_client = false;
            drive.keep(open, Action::Continue);
        }
        // Envoy takes the request back with its client. Whether the upstream has acted is unknown,
        // and it is asked.
        Awaits::Answer if open.exchange.must_finish() => {
            open.has_client = false;
            drive.resume(open, Event::Forwarded(Err(Failure::Unknown)));
        }
        Awaits::Call | Awaits::Time { .. } | Awaits::Body { .. } | Awaits::Answer => {
            drive.close(open, End::ClientGone, true);
        }
    }
}

fn is_client_gone() -> bool {
    host::number(&["response", "flags"]).is_some_and(|flags| flags & CLIENT_GONE != 0)
}

/// Envoy's flag of a response whose client hung up (`DC` in the access log).
const CLIENT_GONE: u64 = 0x4000;

/// Reports an event from outside of the stream's own callbacks. For the root.
pub(crate) fn resume_by_root(gate: &Gate, id: u32, event: Event) {
    let Some(mut open) = gate.taken(id) else { return };
    let drive = Drive { gate, id, is_root: true };
    if !is_awaited(open.awaits, &event) {
        drive.keep(open, Action::Pause);
        return;
    }
    if open.has_client {
        open.has_client = host::enter(id);
    }
    drive.resume(open, event);
    host::enter(gate.root);
}

/// Whether an exchange waits for such an event: one that was answered for meanwhile does not.
fn is_awaited(awaits: Awaits, event: &Event) -> bool {
    match event {
        Event::Called(_) | Event::Forwarded(_) => matches!(awaits, Awaits::Call),
        Event::Woken => matches!(awaits, Awaits::Time { .. }),
        Event::Body(_) | Event::BodyTooLarge | Event::BodyFailed => {
            matches!(awaits, Awaits::Body { .. })
        }
        Event::Acquired(_) | Event::Verified(_) => false,
    }
}

/// Resumes all that wait for a shared fetch. For the root.
pub(crate) fn wake_all(gate: &Gate) {
    for id in gate.waiting(|awaits| matches!(awaits, Awaits::Time { .. })) {
        resume_by_root(gate, id, Event::Woken);
    }
}

/// Resumes all whose time is up. For the root.
pub(crate) fn wake_late(gate: &Gate) {
    let now_ms = now().mono_ms;
    let time_is_up = |until: u64| until <= now_ms;
    for id in gate.waiting(
        |awaits| matches!(awaits, Awaits::Time { until_mono_ms } if time_is_up(until_mono_ms)),
    ) {
        resume_by_root(gate, id, Event::Woken);
    }
    for id in gate.waiting(
        |awaits| matches!(awaits, Awaits::Body { until_mono_ms, .. } if time_is_up(until_mono_ms)),
    ) {
        if gate.sees_bodies.get() {
            resume_by_root(gate, id, Event::BodyFailed);
        } else {
            blind(gate, id);
        }
    }
}

/// A body did not come, and none ever did: Envoy keeps it from us.
fn blind(gate: &Gate, id: u32) {
    host::log(LogLevel::Error, BLIND);
    let Some(open) = gate.taken(id) else { return };
    if host::enter(id) {
        Drive { gate, id, is_root: true }.give_up(open);
    }
    host::enter(gate.root);
}

const BLIND: &str = "linkgate is unavailable: expected the body of a request, and none was ever \
given to this filter (help: set `allow_on_headers_stop_iteration: true` in the plugin's config)";

/// A stream whose exchange is driven.
struct Drive<'a> {
    gate: &'a Gate,
    id: u32,
    /// It is the root that is called by the host, and not the stream.
    is_root: bool,
}

impl Drive<'_> {
    fn resume(&self, mut open: Box<Open>, event: Event) -> Action {
        let turn = self.policy_resume(&mut open, event);
        self.run(open, turn)
    }

    fn policy_resume(&self, open: &mut Open, event: Event) -> Turn {
        let mut policy = self.gate.policy.borrow_mut();
        policy.resume(&mut open.exchange, open.sequence, event, now())
    }

    /// Takes steps until one waits for somebody else.
    fn run(&self, mut open: Box<Open>, mut turn: Turn) -> Action {
        loop {
            open.sequence = turn.sequence;
            if turn.sequence > STEP_LIMIT {
                return self.give_up(open);
            }
            let event = match turn.step {
                Step::ReadBody { max_bytes, timeout_ms } => {
                    match read(&mut open, max_bytes, timeout_ms) {
                        Some(event) => event,
                        None => return self.keep(open, Action::Pause),
                    }
                }
                Step::Wait { until_mono_ms } => {
                    open.awaits = Awaits::Time { until_mono_ms };
                    self.gate.fetch_due();
                    return self.wait(open, until_mono_ms);
                }
                Step::Verify(question) => Event::Verified(verifier::verify(&question)),
                // Other workers have memories of their own.
                Step::Acquire { .. } => Event::Acquired(Acquired::Unserialised),
                Step::Call(call) => {
                    open.awaits = Awaits::Call;
                    self.gate.outbound_queue.call(&self.gate.upstream, self.id, call);
                    return self.wait(open, u64::MAX);
                }
                Step::Forward(forward) => return self.forward(open, forward),
                Step::Pass { edits, .. } if open.has_client => {
                    if open.offers_protocol {
                        request::drop_offer();
                    }
                    answer::edit(&edits, MapType::HttpRequestHeaders, &[]);
                    open.upload = Upload::Flows;
                    open.awaits = Awaits::Answer;
                    return self.go_on(open);
                }
                Step::Pass { .. } => Event::Forwarded(Err(Failure::NotSent)),
                Step::Relay(edits) => {
                    if open.has_client {
                        answer::edit(&edits, MapType::HttpResponseHeaders, &open.answer_names);
                    }
                    return self.finish(open, true);
                }
                Step::Respond(reply) => {
                    if open.has_client {
                        answer::respond(&reply);
                    }
                    return self.finish(open, false);
                }
            };
            turn = self.policy_resume(&mut open, event);
        }
    }

    /// Sends the request: on the way that the client's own would go, or, once the client and that way
    /// are gone, to the upstream's cluster.
    fn forward(&self, mut open: Box<Open>, forward: Forward) -> Action {
        if !open.has_client {
            open.awaits = Awaits::Call;
            self.gate.outbound_queue.forward(&self.gate.upstream, self.id, forward);
            return self.wait(open, u64::MAX);
        }
        request::rewrite(&self.gate.upstream, &forward, &open);
        open.upload = Upload::Dropped;
        open.awaits = Awaits::Answer;
        self.go_on(open)
    }

    /// Leaves the stream as it is, and has the root's tick come when there is something to do.
    fn wait(&self, open: Box<Open>, until_mono_ms: u64) -> Action {
        // The root sees to its own tick.
        if !self.is_root {
            let is_urgent = self.gate.is_urgent();
            self.gate.tick_by(self.id, if is_urgent { 0 } else { until_mono_ms });
        }
        self.keep(open, Action::Pause)
    }

    /// The last step was taken. Without a client that is the end of it.
    fn finish(&self, mut open: Box<Open>, relays: bool) -> Action {
        if !open.has_client {
            self.close(open, End::ClientGone, false);
            return Action::Pause;
        }
        open.awaits = Awaits::Nothing;
        if relays { self.go_on(open) } else { self.keep(open, Action::Pause) }
    }

    /// Answers for a policy that does not come to an end.
    fn give_up(&self, mut open: Box<Open>) -> Action {
        open.end = Some(End::Shutdown);
        if open.has_client {
            answer::respond(&linkgate_policy::unavailable());
        }
        self.finish(open, false)
    }

    /// Lets the message go on that was held back. From the root not while a part of a body is held and
    /// more is to come: Envoy would send that part as it is, and lose its place in the next.
    fn go_on(&self, mut open: Box<Open>) -> Action {
        let is_in_parts = open.held.bytes && open.body == RequestBody::Coming;
        if self.is_root && is_in_parts && open.progress == Progress::Requested {
            let is_dropped = open.upload == Upload::Dropped;
            open.upload = if is_dropped { Upload::DroppedAtEnd } else { Upload::FlowsAtEnd };
            return self.keep(open, Action::Pause);
        }
        if self.is_root {
            let resumed = if open.progress == Progress::Answered {
                hostcalls::resume_http_response()
            } else {
                hostcalls::resume_http_request()
            };
            let _ = resumed;
        }
        self.keep(open, Action::Continue)
    }

    /// What was decided while the body came goes on with its end.
    fn end_of_body(&self, mut open: Box<Open>) -> Action {
        if open.upload == Upload::FlowsAtEnd {
            open.upload = Upload::Flows;
            return self.keep(open, Action::Continue);
        }
        open.upload = Upload::Dropped;
        if open.held.bytes {
            host::set_body(BufferType::HttpRequestBody, &[]);
        }
        if open.held.trailers {
            host::set_lines(MapType::HttpRequestTrailers, Vec::new());
        }
        self.keep(open, Action::Continue)
    }

    fn keep(&self, open: Box<Open>, action: Action) -> Action {
        self.gate.streams.borrow_mut().insert(self.id, open);
        action
    }

    fn close(&self, open: Box<Open>, end: End, has_stream: bool) {
        let ended = moment();
        let duration_us = ended.mono_us.saturating_sub(open.began_us);
        let decision = self.gate.policy.borrow_mut().close(open.exchange, end, ended.now);
        record::decision(&self.gate.metrics, decision, ended.now.unix_ms, duration_us, has_stream);
    }
}

/// The body, when it is here; else it is waited for.
fn read(open: &mut Open, max_bytes: u32, timeout_ms: u32) -> Option<Event> {
    match open.body {
        RequestBody::None => Some(Event::Body(Vec::new())),
        RequestBody::Here => body_event(held(open).len(), true, max_bytes),
        RequestBody::Coming => {
            let until_mono_ms = now().mono_ms.saturating_add(timeout_ms.into());
            open.awaits = Awaits::Body { max_bytes, until_mono_ms };
            None
        }
    }
}
