//! Drives one exchange, a step at a time, as a host would.

use linkgate_gateway::Verifier;
use linkgate_policy::{
    Acquired, Answer, AnswerHead, CallFailure, End, Event, Failure, Head, HeaderEdits, HeaderNames,
    LogLine, Now,
};

use crate::edition::{Edition, ExchangeId, PolicyId, Sent, Step, Turn};
use crate::endpoint::Endpoint;
use crate::scene::{Request, Response, Scene};
use crate::trouble::Trouble;
use crate::verifier;

/// An exchange on its way. Several may take turns on one edition.
pub struct Driver<'s> {
    scene: &'s Scene,
    policy: PolicyId,
    keys: Endpoint<'s>,
    exchange: ExchangeId,
    turn: Turn,
    verifier: Verifier,
    mono_ms: u64,
    sent: Vec<Departed>,
    reply: Option<(Response, Origin)>,
}

/// What left for the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departed {
    /// The client's own request.
    Untouched,
    /// A request of the gate's.
    Request(Sent),
    /// A call of a merging link.
    Call(Sent),
}

/// Whose response the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The gate's own.
    Gate,
    /// The upstream's, edited.
    Upstream,
}

/// What was seen of an exchange, from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What the client got, if it was answered.
    pub reply: Option<Response>,
    /// Whose response that was.
    pub origin: Origin,
    /// What left for the upstream, in order.
    pub sent: Vec<Departed>,
    /// The decision record.
    pub record: LogLine,
    /// Lines that were logged about keys.
    pub notices: Vec<String>,
}

/// The longest exchange there is: a merging link that is planned twice.
const MAX_STEPS: usize = 40;

/// Runs a scene from its first step to its record, on a host that has its keys fetched ahead.
///
/// # Errors
/// The edition gives no answer, or no end is in sight.
pub fn run(edition: &mut dyn Edition, scene: &Scene) -> Result<Observed, Trouble> {
    let mut keys = Endpoint::new(&scene.keys);
    let policy = policy(edition, scene)?;
    if !scene.keys.is_empty() {
        edition.warm(policy)?;
        keys.serve(edition, policy, now(scene, WARM_MS))?;
    }
    Driver::under(edition, scene, policy, keys)?.finish(edition)
}

impl<'s> Driver<'s> {
    /// Opens the exchange and takes its first step. Keys are fetched when it waits for them.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn open(edition: &mut dyn Edition, scene: &'s Scene) -> Result<Self, Trouble> {
        let policy = policy(edition, scene)?;
        Self::under(edition, scene, policy, Endpoint::new(&scene.keys))
    }

    fn under(
        edition: &mut dyn Edition,
        scene: &'s Scene,
        policy: PolicyId,
        keys: Endpoint<'s>,
    ) -> Result<Self, Trouble> {
        let wanted: HeaderNames = edition.wanted_headers(policy)?.into_iter().collect();
        let head = Head {
            method: scene.request.method.clone(),
            target: scene.request.target.clone(),
            headers: scene
                .request
                .headers
                .iter()
                .filter(|line| wanted.has(&line.name))
                .cloned()
                .collect(),
            peer: Some(PEER.to_owned()),
        };
        let (exchange, turn) = edition.open(policy, head, now(scene, START_MS))?;
        let (mono_ms, sent, reply) = (START_MS, Vec::new(), None);
        let verifier = Verifier::default();
        let mut driver =
            Self { scene, policy, keys, exchange, turn, verifier, mono_ms, sent, reply };
        driver.carry_out();
        Ok(driver)
    }

    /// Goes on from here to the record.
    ///
    /// # Errors
    /// The edition gives no answer, or no end is in sight.
    pub fn finish(mut self, edition: &mut dyn Edition) -> Result<Observed, Trouble> {
        for _ in 0..MAX_STEPS {
            if self.is_done() {
                return self.close(edition, End::Finished);
            }
            self.advance(edition)?;
        }
        Err(Trouble::new(format!("no end after {MAX_STEPS} steps")))
    }

    /// The step that the exchange is at.
    #[must_use]
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Whether the last step was carried out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.reply.is_some()
    }

    /// Reports the outcome of the step and takes the next one.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn advance(&mut self, edition: &mut dyn Edition) -> Result<(), Trouble> {
        if let Step::Wait { until_mono_ms } = self.turn.step {
            let fetched = self.keys.serve(edition, self.policy, now(self.scene, self.mono_ms))?;
            // Nothing wakes it before its time.
            self.mono_ms = if fetched { self.mono_ms } else { self.mono_ms.max(until_mono_ms) };
        }
        let event = self.event()?;
        self.answer(edition, self.turn.sequence, event)
    }

    /// Gives an answer of the caller's choosing, fitting or not.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn answer(
        &mut self,
        edition: &mut dyn Edition,
        sequence: u32,
        event: Event,
    ) -> Result<(), Trouble> {
        self.mono_ms += STEP_MS;
        self.turn =
            edition.resume(self.exchange, sequence, event, now(self.scene, self.mono_ms))?;
        self.carry_out();
        Ok(())
    }

    /// Closes the exchange at any step.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn close(self, edition: &mut dyn Edition, end: End) -> Result<Observed, Trouble> {
        let record = edition.close(self.exchange, end, now(self.scene, self.mono_ms + STEP_MS))?;
        let (reply, origin) =
            self.reply.map_or((None, Origin::Gate), |(reply, origin)| (Some(reply), origin));
        Ok(Observed { reply, origin, sent: self.sent, record, notices: self.keys.notices })
    }

    /// What the scene has happen at this step.
    fn event(&self) -> Result<Event, Trouble> {
        let request = &self.scene.request;
        Ok(match &self.turn.step {
            Step::ReadBody { .. } | Step::Pass(_) if request.body_breaks_off => Event::BodyFailed,
            Step::ReadBody { max_bytes }
                if request.body.len() > usize::try_from(*max_bytes).unwrap_or(usize::MAX) =>
            {
                Event::BodyTooLarge
            }
            Step::ReadBody { .. } => Event::Body(request.body.clone()),
            Step::Wait { .. } => Event::Woken,
            Step::Verify(question) => {
                Event::Verified(verifier::answer(self.verifier.verify(question)))
            }
            Step::Acquire { .. } => Event::Acquired(Acquired::Serialised),
            Step::Call(_) => Event::Called(self.called()),
            Step::Forward(_) | Step::Pass(_) => Event::Forwarded(
                self.scene
                    .upstream
                    .as_ref()
                    .map(|answer| AnswerHead::of(answer.status, answer.headers.clone()))
                    .map_err(|failure| *failure),
            ),
            Step::Relay(_) | Step::Respond(_) => {
                return Err(Trouble::new("a step after the last one"));
            }
        })
    }

    /// The answer to the call that was made last; none to one that the case does not have.
    fn called(&self) -> Result<Answer, CallFailure> {
        let made = self.sent.iter().filter(|sent| matches!(sent, Departed::Call(_))).count();
        match self.scene.calls.get(made.saturating_sub(1)) {
            Some(Ok(answer)) => {
                let Response { status, headers, body } = answer.clone();
                Ok(Answer { status, headers, body })
            }
            Some(Err(Failure::NotSent)) => Err(CallFailure::NotSent),
            Some(Err(Failure::Unknown)) | None => Err(CallFailure::Unknown),
        }
    }

    /// Does what a step asks for, as far as it can be seen from outside.
    fn carry_out(&mut self) {
        match &self.turn.step {
            Step::ReadBody { .. } | Step::Wait { .. } | Step::Verify(_) | Step::Acquire { .. } => {}
            Step::Call(sent) => self.sent.push(Departed::Call(sent.clone())),
            Step::Forward(sent) => self.sent.push(Departed::Request(sent.clone())),
            Step::Pass(edits) => self.sent.push(passed(&self.scene.request, edits)),
            Step::Relay(edits) => {
                // Without an answer there is nothing to relay: the reply stays out, and the check says so.
                self.reply = self
                    .scene
                    .upstream
                    .as_ref()
                    .ok()
                    .map(|answer| (edited(answer, edits), Origin::Upstream));
            }
            Step::Respond(reply) => {
                let reply = Response {
                    status: reply.status,
                    headers: reply.headers.clone(),
                    body: reply.body.clone(),
                };
                self.reply = Some((reply, Origin::Gate));
            }
        }
    }
}

/// The client's own request as it leaves.
fn passed(request: &Request, edits: &HeaderEdits) -> Departed {
    if edits.is_empty() {
        return Departed::Untouched;
    }
    let body = (!request.body.is_empty()).then(|| request.body.clone());
    Departed::Request(Sent {
        method: request.method.clone(),
        path: String::from_utf8_lossy(&request.target).into_owned(),
        headers: edits.clone().applied(request.headers.clone()),
        body,
    })
}

/// The policy of a scene; one that fetches keys is no other scene's.
fn policy(edition: &mut dyn Edition, scene: &Scene) -> Result<PolicyId, Trouble> {
    let Scene { document, secrets, keys, .. } = scene;
    let now = now(scene, WARM_MS);
    let policy = if keys.is_empty() {
        edition.load(document, secrets, now)
    } else {
        edition.compile(document, secrets, now)
    };
    policy.map_err(|trouble| trouble.at("policy"))
}

/// The upstream's answer as the client gets it.
fn edited(answer: &Response, edits: &HeaderEdits) -> Response {
    Response { headers: edits.clone().applied(answer.headers.clone()), ..answer.clone() }
}

fn now(scene: &Scene, mono_ms: u64) -> Now {
    Now { unix_ms: scene.clock_s * 1_000, mono_ms }
}

/// Who is connected: as over the loopback sockets of the real hosts.
const PEER: &str = "127.0.0.1";

/// What the monotonic clock shows when an exchange begins: anywhere but zero.
const START_MS: u64 = 5_000;

/// When a host that remembers has its keys fetched. A request comes half a second later: longer, and a
/// fetch that failed is tried again by then.
const WARM_MS: u64 = START_MS - 500;

/// What a step takes.
const STEP_MS: u64 = 3;
