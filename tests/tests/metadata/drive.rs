//! A driver of exchanges, with a network in which every request can end in every way.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher};
use std::rc::Rc;

use linkgate_policy::{Acquired, Answer, AnswerHead, CallFailure, Failure};

use crate::ending::{Ending, Kind};
use crate::gate::{Gate, Move, Sent, Told};
use crate::history::{Point, Violation};
use crate::party::Party;
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
    /// All its inputs, as a number: the core is a function of that.
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

    /// Whether it is no real gate: then its answers are not checked.
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
        let kind = sent.kind();
        let ending = self.chosen(run, kind);
        let (world, name) = (run.world, self.party.name);
        run.story.tell(|| format!("{name}: {}", told_of(world, sent, ending)));
        let now_unix_s = world.now_unix_s + self.elapsed_ms / 1000;
        let outcome = run.net.request(&mut self.party, sent, ending, now_unix_s)?;
        run.story.accounts(&run.net.place);
        self.last.client_left |= ending == Ending::ClientLeft;
        let Some(outcome) = outcome else { return Ok(None) };
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

    /// What the exchange gets, and what the test notes of it.
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
        Told::Forwarded(match outcome {
            Ok(answer) => Ok(AnswerHead::of(answer.status, [])),
            Err(CallFailure::NoBody { status }) => Ok(AnswerHead::of(status, [])),
            Err(CallFailure::NotSent) => Err(Failure::NotSent),
            Err(CallFailure::Unknown) => Err(Failure::Unknown),
        })
    }
}

fn told_of(world: &World, sent: &Rc<Sent>, ending: Ending) -> String {
    let whose = if sent.path.starts_with(&world.primary_path) { "primary" } else { "secondary" };
    match sent.method.as_str() {
        "GET" => format!("reads the {whose}: {ending}"),
        "PATCH" => format!("writes {}: {ending}", sent.body),
        _ => format!("sends the link: {ending}"),
    }
}
