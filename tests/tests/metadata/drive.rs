//! A driver of exchanges, with a network in which every request can end in every way.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher};
use std::rc::Rc;

use linkgate_policy::{Acquired, Answer, AnswerHead, CallFailure, Failure, Header};
use serde_json::json;

use crate::ending::{Effect, Ending, Kind, More, Refusal};
use crate::gate::{Gate, Move, Sent, Told};
use crate::history::{Point, Violation};
use crate::party::{Link, Party};
use crate::place::Place;
use crate::run::Run;
use crate::settle::{self, Last};
use crate::table::Row;
use crate::world::World;

/// What an answer takes that does come, in milliseconds.
const ANSWER_MS: u64 = 20;

/// An exchange of a gateway, between two of its steps.
pub(crate) struct Process {
    /// None once it was closed.
    gate: Option<Box<dyn Gate>>,
    next: Move,
    pub(crate) party: Party,
    last: Last,
    /// Since it began.
    elapsed_ms: u64,
    /// All that it was told, as a number: the core is a function of that.
    told: u64,
    /// Whether it is the gateway whose history it is.
    pub(crate) is_first: bool,
}

impl Process {
    pub(crate) fn new(gate: Box<dyn Gate>, next: Move, party: Party, is_first: bool) -> Self {
        Self {
            gate: Some(gate),
            next,
            party,
            last: Last::default(),
            elapsed_ms: 0,
            told: 0,
            is_first,
        }
    }

    /// What tells it from others, for comparing histories.
    pub(crate) fn hash(&self, state: &mut impl Hasher) {
        (self.told, self.elapsed_ms).hash(state);
        self.party.hash(state);
    }

    /// Takes one step; true while there is another one.
    pub(crate) fn step(&mut self, run: &mut Run<'_>) -> Result<bool, Violation> {
        let next = self.next.clone();
        let is_last = match &next {
            Move::Relay | Move::Respond => true,
            Move::Call(sent) => self.party.calls(sent, run.world).map(|()| false)?,
            Move::Forward(sent) => self.party.links(sent, run.world).map(|()| false)?,
            Move::Acquire | Move::Wait { .. } => false,
        };
        let gate = self.gate.as_mut().expect("it is open");
        Violation::unless(
            gate.must_finish() == (self.party.writes > 0 && !is_last)
                || (run.mutation.is_some() && self.is_first),
            "an exchange must finish from its first write to its last step",
            if is_last { "at the last step" } else { "before it" },
        )?;
        let told = match next {
            Move::Relay | Move::Respond => {
                let gate = self.gate.take().expect("it is open");
                let decision = gate.close(self.elapsed_ms);
                settle::ended(run, self, &next, &decision)?;
                return Ok(false);
            }
            Move::Acquire => self.acquire(run),
            Move::Wait { until_ms } => {
                self.elapsed_ms = self.elapsed_ms.max(until_ms);
                self.last.waited = true;
                Some(Told::Woken)
            }
            Move::Call(sent) | Move::Forward(sent) => self.request(run, &sent)?,
        };
        let Some(told) = told else {
            run.table.count(Row::Died);
            return Ok(false);
        };
        let gate = self.gate.as_mut().expect("it is open");
        if self.last.client_left && !gate.must_finish() {
            return Ok(false);
        }
        let mut hasher = DefaultHasher::new();
        (self.told, self.elapsed_ms).hash(&mut hasher);
        told.hash(&mut hasher);
        self.told = hasher.finish();
        self.next = gate.next(told, self.elapsed_ms);
        Ok(true)
    }

    /// Whether its next step is a request, before which others may do something.
    pub(crate) fn is_at_request(&self) -> bool {
        matches!(self.next, Move::Call(_) | Move::Forward(_))
    }

    /// Whether it is no real gate: then its answers are not looked at.
    pub(crate) fn is_mutated(&self, run: &Run<'_>) -> bool {
        run.mutation.is_some() && self.is_first
    }

    pub(crate) fn last(&self) -> &Last {
        &self.last
    }

    /// Whether the accounts are to be had; nothing when the gateway died.
    fn acquire(&self, run: &mut Run<'_>) -> Option<Told> {
        let may_fail = run.budget.faults > 0 && self.is_first;
        let way = if may_fail { run.choose(Point::Acquire) } else { 0 };
        run.budget.faults -= u32::from(way > 0);
        match way {
            0 if run.world.setup.serialised => Some(Told::Acquired(Acquired::Serialised)),
            0 => Some(Told::Acquired(Acquired::Unserialised)),
            1 => {
                run.story.tell(|| "the accounts are held by others for too long".to_owned());
                Some(Told::Acquired(Acquired::Busy))
            }
            _ => None,
        }
    }

    /// Lets a request end in one of the ways there are; nothing when the gateway died.
    fn request(&mut self, run: &mut Run<'_>, sent: &Rc<Sent>) -> Result<Option<Told>, Violation> {
        let kind = match sent.method.as_str() {
            "GET" => Kind::Read,
            "PATCH" => Kind::Write,
            _ => Kind::Link,
        };
        let ending = self.chosen(run, kind);
        let (world, name) = (run.world, self.party.name);
        run.story.tell(|| format!("{name}: {}", told_of(world, sent, ending)));
        let from = Rc::clone(if ending == Ending::Stale { &run.before } else { &run.place });
        let answer = match effect(ending) {
            Effect::Now => Some(self.effective(run, sent, from)?),
            Effect::Late => None,
            Effect::None => None,
        };
        if effect(ending) == Effect::Late || ending == Ending::Twice {
            run.late.push((Rc::clone(sent), self.party.clone()));
        }
        self.party.has_asked();
        run.story.accounts(&run.place);
        if let Ending::Status(_, Refusal { more: More::Inexistent, .. }) = ending
            && !sent.path.starts_with(&world.primary_path)
        {
            // Whether or not it is so: that is what the exchange knows.
            self.party.secondary_absent = true;
        }
        self.last.client_left |= ending == Ending::ClientLeft;
        let outcome = match (ending, answer) {
            (
                Ending::Answered | Ending::ClientLeft | Ending::Stale | Ending::Twice,
                Some(answer),
            ) => Ok(answer),
            (Ending::OldState, Some(_)) => Ok(read(run, sent, &Rc::clone(&run.before))),
            (Ending::Died(_), _) => return Ok(None),
            (ending, _) => {
                unlike_the_tenant(ending, crate::world::NOW_UNIX_S + self.elapsed_ms / 1000)
            }
        };
        let answered = !matches!(outcome, Err(CallFailure::Unknown));
        self.elapsed_ms += if answered { ANSWER_MS } else { u64::from(sent.timeout_ms) };
        Ok(Some(self.told(kind, outcome)))
    }

    fn chosen(&self, run: &mut Run<'_>, kind: Kind) -> Ending {
        if run.budget.faults == 0 {
            return Ending::Answered;
        }
        let faults =
            if self.is_first { Ending::faults(kind) } else { Ending::faults_of_others(kind) };
        match run.choose(Point::Ending(faults)) {
            0 => Ending::Answered,
            nth => {
                run.budget.faults -= 1;
                faults[nth - 1]
            }
        }
    }

    /// Puts the request to the tenant; of a read whose answer arrives, the exchange knows what it says.
    fn effective(
        &mut self,
        run: &mut Run<'_>,
        sent: &Rc<Sent>,
        from: Rc<Place>,
    ) -> Result<Rc<Answer>, Violation> {
        if sent.method != "GET" {
            let before = Rc::clone(&run.place);
            let answer = run.ledger.lands(&mut run.place, &self.party, sent, run.world, false)?;
            run.moved(before);
            return Ok(answer);
        }
        let is_stale = !Rc::ptr_eq(&from, &run.place);
        let answer = read(run, sent, &from);
        let is_primary = sent.path.starts_with(&run.world.primary_path);
        match (is_primary, answer.status) {
            (true, 200) => self.party.read_primary(&from, is_stale),
            (false, 200 | 404) => self.party.read_secondary(&from, is_stale),
            (true, 404) => self.party.primary_absent = true,
            (_, other) => panic!("the tenant answers a read with {other}"),
        }
        Ok(answer)
    }

    /// What the exchange is told, and what the test notes of it.
    fn told(&mut self, kind: Kind, outcome: Result<Rc<Answer>, CallFailure>) -> Told {
        let status = match &outcome {
            Ok(answer) => Some(answer.status),
            Err(CallFailure::NoBody { status }) => Some(*status),
            Err(CallFailure::NotSent | CallFailure::Unknown) => None,
        };
        self.last.note(kind, status, &self.party);
        if kind != Kind::Link {
            return Told::Called(outcome);
        }
        let answer = match outcome {
            Ok(answer) => Ok(AnswerHead { status: answer.status }),
            Err(CallFailure::NoBody { status }) => Ok(AnswerHead { status }),
            Err(CallFailure::NotSent) => Err(Failure::NotSent),
            Err(CallFailure::Unknown) => Err(Failure::Unknown),
        };
        self.party.link = match answer {
            Ok(head) => Link::Status(head.status),
            Err(Failure::NotSent) => Link::NotSent,
            Err(Failure::Unknown) => Link::Unanswered,
        };
        Told::Forwarded(answer)
    }
}

/// An account as a place has it: what a read is answered with, or a write with an answer from before.
fn read(run: &Run<'_>, sent: &Rc<Sent>, from: &Rc<Place>) -> Rc<Answer> {
    let sent = if sent.method == "GET" { Rc::clone(sent) } else { Rc::new(sent.as_read()) };
    let request = || crate::ledger::request(&sent, run.world);
    run.world.places.send(from, &sent, request).0
}

const fn effect(ending: Ending) -> Effect {
    match ending {
        Ending::Answered
        | Ending::ClientLeft
        | Ending::Stale
        | Ending::Twice
        | Ending::OldState => Effect::Now,
        Ending::NotSent => Effect::None,
        Ending::Lost(effect)
        | Ending::Status(effect, _)
        | Ending::Garbage(effect)
        | Ending::NoBody(effect, _)
        | Ending::Died(effect) => effect,
    }
}

/// What the gate gets to see where it is not the tenant that answers.
fn unlike_the_tenant(ending: Ending, now_unix_s: u64) -> Result<Rc<Answer>, CallFailure> {
    match ending {
        Ending::NotSent => Err(CallFailure::NotSent),
        Ending::Lost(_) => Err(CallFailure::Unknown),
        Ending::NoBody(_, status) => Err(CallFailure::NoBody { status }),
        Ending::Garbage(_) => {
            let body = b"<html>moment, please".to_vec();
            Ok(Rc::new(Answer { status: 200, headers: vec![], body }))
        }
        Ending::Status(_, refusal) => Ok(Rc::new(answer_of(refusal, now_unix_s))),
        Ending::Answered
        | Ending::ClientLeft
        | Ending::Died(_)
        | Ending::Stale
        | Ending::Twice
        | Ending::OldState => panic!("{ending} is the tenant's to answer"),
    }
}

fn answer_of(refusal: Refusal, now_unix_s: u64) -> Answer {
    let status = refusal.status;
    let header = |name: &str, value: u64| vec![Header::new(name, &value.to_string())];
    let (headers, code) = match refusal.more {
        More::Nothing => (vec![], "something"),
        More::Inexistent => (vec![], "inexistent_user"),
        More::RetryAfter(seconds) => (header("retry-after", seconds.into()), "too_many_requests"),
        More::Reset(seconds) => {
            (header("x-ratelimit-reset", now_unix_s + u64::from(seconds)), "too_many_requests")
        }
    };
    let body = json!({ "statusCode": status, "errorCode": code, "message": "no" });
    Answer { status, headers, body: body.to_string().into_bytes() }
}

fn told_of(world: &World, sent: &Rc<Sent>, ending: Ending) -> String {
    let whose = if sent.path.starts_with(&world.primary_path) { "primary" } else { "secondary" };
    match sent.method.as_str() {
        "GET" => format!("reads the {whose}: {ending}"),
        "PATCH" => format!("writes {}: {ending}", sent.body),
        _ => format!("sends the link: {ending}"),
    }
}
