//! The gate as its driver sees it: the native core, from the moment it has read the request.

use std::cell::RefCell;
use std::hash::{Hash as _, Hasher};
use std::rc::Rc;

use linkgate_policy::{
    Acquired, Answer, AnswerHead, CallFailure, Decision, End, Event, Exchange, Failure, Head,
    Header, Now, Policy, Step, Turn,
};
use serde_json::Value;

use crate::ending::Kind;
use crate::world::Metadata;

/// What the gate wants next. A mutant makes such moves, too, which the core could not.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    Acquire,
    Wait {
        /// Since the exchange began.
        until_ms: u64,
    },
    /// A call of its own.
    Call(Rc<Sent>),
    /// The link.
    Forward(Rc<Sent>),
    /// The upstream's answer goes to the client.
    Relay,
    /// The gate's own answer does.
    Respond,
}

/// A request of the gate's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// What a body writes to `user_metadata`, when it writes nothing else.
    pub(crate) writes: Option<Metadata>,
    pub(crate) timeout_ms: u32,
}

/// How a move ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Acquired(Acquired),
    Woken,
    Called(Result<Rc<Answer>, CallFailure>),
    Forwarded(Result<AnswerHead, Failure>),
}

impl Told {
    /// What tells it from others, for comparing histories.
    pub(crate) fn hash(&self, state: &mut impl Hasher) {
        match self {
            Self::Acquired(acquired) => (*acquired as u8).hash(state),
            Self::Woken => 9_u8.hash(state),
            Self::Called(Ok(answer)) => {
                (answer.status, &answer.body).hash(state);
                answer.headers.iter().for_each(|line| (&line.name, &line.value).hash(state));
            }
            Self::Called(Err(failure)) => format!("{failure:?}").hash(state),
            Self::Forwarded(answer) => format!("{answer:?}").hash(state),
        }
    }
}

/// An exchange under way, or something that behaves like one. Times are since it began.
pub(crate) trait Gate {
    /// Takes the outcome of the last move to the next one.
    fn next(&mut self, told: Told, elapsed_ms: u64) -> Move;
    fn must_finish(&self) -> bool;
    fn close(self: Box<Self>, elapsed_ms: u64) -> Rc<Decision>;
}

/// The native core.
pub(crate) struct Core {
    policy: Rc<RefCell<Policy>>,
    exchange: Exchange,
    sequence: u32,
    start: Now,
}

impl Core {
    /// Opens a link of `secondary` to the account at `path` and hands the body in.
    pub(crate) fn open(
        policy: Rc<RefCell<Policy>>,
        path: &str,
        bearer: &str,
        secondary: &str,
        start: Now,
    ) -> (Self, Move) {
        let head = Head {
            method: "POST".to_owned(),
            target: format!("{path}/identities").into_bytes(),
            headers: vec![
                Header::new("authorization", &format!("Bearer {bearer}")),
                Header::new("content-type", "application/json"),
            ],
            peer: None,
        };
        let (exchange, turn) = policy.borrow_mut().open(head, start);
        let mut core = Self { policy, exchange, sequence: turn.sequence, start };
        if !matches!(turn.step, Step::ReadBody { .. }) {
            let next = core.moved(turn.step);
            return (core, next);
        }
        let body = format!(r#"{{"link_with":"{secondary}"}}"#);
        let next = core.resume(Event::Body(body.into_bytes()), 0);
        (core, next)
    }

    fn resume(&mut self, event: Event, elapsed_ms: u64) -> Move {
        let now = self.now(elapsed_ms);
        let turn = self.policy.borrow_mut().resume(&mut self.exchange, self.sequence, event, now);
        let Turn { sequence, step } = turn;
        self.sequence = sequence;
        self.moved(step)
    }

    fn now(&self, elapsed_ms: u64) -> Now {
        let Now { unix_ms, mono_ms } = self.start;
        Now { unix_ms: unix_ms + elapsed_ms, mono_ms: mono_ms + elapsed_ms }
    }

    fn moved(&self, step: Step) -> Move {
        match step {
            Step::Acquire { .. } => Move::Acquire,
            Step::Wait { until_mono_ms } => {
                Move::Wait { until_ms: until_mono_ms.saturating_sub(self.start.mono_ms) }
            }
            Step::Call(call) => Move::Call(Sent::new(
                call.method,
                call.path,
                &call.headers,
                call.body,
                call.timeout_ms,
            )),
            Step::Forward(link) => Move::Forward(Sent::new(
                link.method,
                link.path,
                &link.headers,
                link.body,
                link.timeout_ms,
            )),
            Step::Relay(_) => Move::Relay,
            Step::Respond(_) => Move::Respond,
            Step::ReadBody { .. } | Step::Verify(_) | Step::Pass { .. } => {
                panic!("no step of a merging link: {step:?}")
            }
        }
    }
}

impl Gate for Core {
    fn next(&mut self, told: Told, elapsed_ms: u64) -> Move {
        let event = match told {
            Told::Acquired(acquired) => Event::Acquired(acquired),
            Told::Woken => Event::Woken,
            Told::Called(outcome) => Event::Called(outcome.map(|answer| (*answer).clone())),
            Told::Forwarded(answer) => Event::Forwarded(answer),
        };
        self.resume(event, elapsed_ms)
    }

    fn must_finish(&self) -> bool {
        self.exchange.must_finish()
    }

    fn close(self: Box<Self>, elapsed_ms: u64) -> Rc<Decision> {
        let now = self.now(elapsed_ms);
        Rc::new(self.policy.borrow_mut().close(self.exchange, End::Finished, now))
    }
}

impl Sent {
    pub(crate) fn new(
        method: &str,
        path: String,
        headers: &[Header],
        body: Option<Vec<u8>>,
        timeout_ms: u32,
    ) -> Rc<Self> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        let headers =
            headers.iter().map(|line| (line.name.clone(), text(line.value.clone()))).collect();
        let body = body.map(text).unwrap_or_default();
        let writes = written(&body);
        Rc::new(Self { method: method.to_owned(), path, headers, body, writes, timeout_ms })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.method.as_str() {
            "GET" => Kind::Read,
            "PATCH" => Kind::Write,
            _ => Kind::Link,
        }
    }

    /// A read of the account that this one is about.
    pub(crate) fn as_read(&self) -> Self {
        let read =
            Self { method: "GET".to_owned(), body: String::new(), writes: None, ..self.clone() };
        let path =
            format!("{}?fields=user_id,user_metadata,identities&include_fields=true", self.path);
        Self { path, ..read }
    }

    /// The same request with another body.
    pub(crate) fn with_body(&self, body: &Value) -> Self {
        let body = body.to_string();
        Self { writes: written(&body), body, ..self.clone() }
    }
}

fn written(body: &str) -> Option<Metadata> {
    let body: Value = serde_json::from_str(body).ok()?;
    let sole = body.as_object().filter(|members| members.len() == 1)?;
    sole.get("user_metadata")?.as_object().cloned()
}
