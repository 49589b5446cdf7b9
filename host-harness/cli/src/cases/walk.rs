//! Drives one exchange, a step at a time, as a host would.

use linkgate_policy::{AnswerHead, End, Event, Head, Header, HeaderEdits, Now};

use super::edition::{Edition, ExchangeId, Record, Sent, Step, Turn};
use super::scene::{Response, Scene};
use super::trouble::Trouble;

/// An exchange on its way. Several may take turns on one edition.
pub struct Walk<'s> {
    scene: &'s Scene,
    exchange: ExchangeId,
    turn: Turn,
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
    /// What left for the upstream.
    pub sent: Vec<Departed>,
    /// The decision record.
    pub record: Record,
}

/// A walk of a few steps is the longest there is.
const MAX_STEPS: usize = 20;

/// Runs a scene from its first step to its record.
///
/// # Errors
/// The edition gives no answer, or no end is in sight.
pub fn run(edition: &mut dyn Edition, scene: &Scene) -> Result<Observed, Trouble> {
    let mut walk = Walk::open(edition, scene)?;
    for _ in 0..MAX_STEPS {
        if walk.is_done() {
            return walk.close(edition, End::Finished);
        }
        walk.advance(edition)?;
    }
    Err(Trouble::new(format!("no end after {MAX_STEPS} steps")))
}

impl<'s> Walk<'s> {
    /// Opens the exchange and takes its first step.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn open(edition: &mut dyn Edition, scene: &'s Scene) -> Result<Self, Trouble> {
        let policy = edition
            .load(&scene.document, &scene.secrets)
            .map_err(|trouble| trouble.at("policy"))?;
        let wanted = edition.wanted_headers(policy)?;
        let head = Head {
            method: scene.request.method.clone(),
            target: scene.request.target.clone(),
            headers: scene
                .request
                .headers
                .iter()
                .filter(|line| wanted.contains(&line.name))
                .cloned()
                .collect(),
        };
        let (exchange, turn) = edition.open(policy, head, now(scene, START_MS))?;
        let mut walk =
            Self { scene, exchange, turn, mono_ms: START_MS, sent: Vec::new(), reply: None };
        walk.carry_out();
        Ok(walk)
    }

    /// The step that the exchange stands at.
    #[must_use]
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Whether the last step was carried out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.reply.is_some()
    }

    /// Reports what became of the step and takes the next one.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn advance(&mut self, edition: &mut dyn Edition) -> Result<(), Trouble> {
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

    /// Closes the exchange, wherever it stands.
    ///
    /// # Errors
    /// The edition gives no answer.
    pub fn close(self, edition: &mut dyn Edition, end: End) -> Result<Observed, Trouble> {
        let record = edition.close(self.exchange, end, now(self.scene, self.mono_ms + STEP_MS))?;
        let (reply, origin) =
            self.reply.map_or((None, Origin::Gate), |(reply, origin)| (Some(reply), origin));
        Ok(Observed { reply, origin, sent: self.sent, record })
    }

    /// What the scene has happen at this step.
    fn event(&self) -> Result<Event, Trouble> {
        let request = &self.scene.request;
        Ok(match &self.turn.step {
            Step::ReadBody { .. } if request.body_breaks_off => Event::BodyFailed,
            Step::ReadBody { max_bytes }
                if request.body.len() > usize::try_from(*max_bytes).unwrap_or(usize::MAX) =>
            {
                Event::BodyTooLarge
            }
            Step::ReadBody { .. } => Event::Body(request.body.clone()),
            Step::Wait { .. } => Event::Woken,
            Step::Forward(_) | Step::Pass => Event::Forwarded(
                self.scene
                    .upstream
                    .as_ref()
                    .map(|answer| AnswerHead { status: answer.status })
                    .map_err(|failure| *failure),
            ),
            Step::Relay(_) | Step::Respond(_) => {
                return Err(Trouble::new("a step after the last one"));
            }
        })
    }

    /// Does what a step asks for, as far as it can be seen from outside.
    fn carry_out(&mut self) {
        match &self.turn.step {
            Step::ReadBody { .. } | Step::Wait { .. } => {}
            Step::Forward(sent) => self.sent.push(Departed::Request(sent.clone())),
            Step::Pass => self.sent.push(Departed::Untouched),
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

/// The upstream's answer as the client gets it: first the removals, then the additions.
fn edited(answer: &Response, edits: &HeaderEdits) -> Response {
    let removed = |line: &Header| {
        edits.remove.iter().any(|name| {
            name.strip_suffix('*')
                .map_or(line.name == *name, |prefix| line.name.starts_with(prefix))
        })
    };
    let kept = answer.headers.iter().filter(|line| !removed(line));
    Response {
        status: answer.status,
        headers: kept.chain(&edits.append).cloned().collect(),
        body: answer.body.clone(),
    }
}

fn now(scene: &Scene, mono_ms: u64) -> Now {
    Now { unix_ms: scene.clock_s * 1_000, mono_ms }
}

/// Where the monotonic clock stands when a walk begins: anywhere but zero.
const START_MS: u64 = 5_000;

/// What a step takes.
const STEP_MS: u64 = 3;
