//! A driver of one exchange, with a network in which every request can end in every way.

use std::rc::Rc;

use linkgate_policy::{Acquired, Answer, AnswerHead, CallFailure, Failure, Header};
use serde_json::json;

use crate::ending::{Effect, Ending, Kind, More, Refusal};
use crate::gate::{Gate, Move, Sent, Told};
use crate::history::{Point, Violation};
use crate::party::{Link, Party};
use crate::run::Run;
use crate::settle::{self, Last};
use crate::table::Row;
use crate::world::World;

/// What an answer takes that does come, in milliseconds.
const ANSWER_MS: u64 = 20;

/// Drives an exchange from its first move to its last.
pub(crate) fn drive(
    run: &mut Run<'_>,
    mut gate: Box<dyn Gate>,
    first: Move,
    party: &mut Party,
) -> Result<(), Violation> {
    run.table.exchanges += 1;
    let mut next = first;
    let mut last = Last::default();
    loop {
        let is_last = match &next {
            Move::Relay | Move::Respond => true,
            Move::Call(sent) => party.calls(sent, run.world, &mut run.ledger).map(|()| false)?,
            Move::Forward(sent) => party.links(sent, run.world).map(|()| false)?,
            Move::Acquire | Move::Wait { .. } => false,
        };
        Violation::unless(
            gate.must_finish() == (party.writes > 0 && !is_last) || run.is_mutated(),
            "an exchange must finish from its first write to its last step",
            if is_last { "at the last step" } else { "before it" },
        )?;
        let told = match next {
            Move::Relay | Move::Respond => {
                let decision = gate.close(run.elapsed_ms());
                return settle::ended(run, party, &next, &decision, last);
            }
            Move::Acquire => acquire(run),
            Move::Wait { until_ms } => {
                run.waits_until(until_ms);
                last.waited = true;
                Some(Told::Woken)
            }
            Move::Call(sent) | Move::Forward(sent) => request(run, &sent, party, &mut last)?,
        };
        let Some(told) = told else {
            run.table.count(Row::Died);
            return Ok(());
        };
        if last.client_left && !gate.must_finish() {
            return Ok(());
        }
        next = gate.next(told, run.elapsed_ms());
    }
}

/// Whether the accounts are to be had; nothing when the gateway died.
fn acquire(run: &mut Run<'_>) -> Option<Told> {
    let way = if run.budget.faults > 0 { run.choose(Point::Acquire) } else { 0 };
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
fn request(
    run: &mut Run<'_>,
    sent: &Rc<Sent>,
    party: &mut Party,
    last: &mut Last,
) -> Result<Option<Told>, Violation> {
    run.meanwhile(Some(party))?;
    let kind = match sent.method.as_str() {
        "GET" => Kind::Read,
        "PATCH" => Kind::Write,
        _ => Kind::Link,
    };
    let ending = chosen(run, kind);
    let world = run.world;
    run.story.tell(|| told_of(world, sent, ending));
    let effect = effect(ending);
    let answer = match effect {
        Effect::Now => Some(effective(run, sent, party)?),
        Effect::Late => {
            run.late.push((Rc::clone(sent), party.clone()));
            None
        }
        Effect::None => None,
    };
    run.story.accounts(&run.place);
    if ending == Ending::ClientLeft {
        last.client_left = true;
    }
    let outcome = match (ending, answer) {
        (Ending::Answered | Ending::ClientLeft, Some(answer)) => Ok(answer),
        (Ending::Died(_), _) => return Ok(None),
        (ending, _) => unlike_the_tenant(ending, run.now_unix_s()),
    };
    let (Ok(_) | Err(CallFailure::NotSent | CallFailure::NoBody { .. })) = &outcome else {
        run.passes(u64::from(sent.timeout_ms));
        return Ok(Some(told(kind, outcome, party, last)));
    };
    run.passes(ANSWER_MS);
    Ok(Some(told(kind, outcome, party, last)))
}

fn chosen(run: &mut Run<'_>, kind: Kind) -> Ending {
    if run.budget.faults == 0 || run.is_aside() {
        return Ending::Answered;
    }
    let faults = Ending::faults(kind);
    match run.choose(Point::Ending(faults)) {
        0 => Ending::Answered,
        nth => {
            run.budget.faults -= 1;
            faults[nth - 1]
        }
    }
}

const fn effect(ending: Ending) -> Effect {
    match ending {
        Ending::Answered | Ending::ClientLeft => Effect::Now,
        Ending::NotSent => Effect::None,
        Ending::Lost(effect)
        | Ending::Status(effect, _)
        | Ending::Garbage(effect)
        | Ending::NoBody(effect, _)
        | Ending::Died(effect) => effect,
    }
}

/// Puts the request to the tenant; of a read whose answer arrives, the exchange knows what it says.
fn effective(
    run: &mut Run<'_>,
    sent: &Rc<Sent>,
    party: &mut Party,
) -> Result<Rc<Answer>, Violation> {
    let answer = run.ledger.lands(&mut run.place, party, sent, run.world)?;
    if sent.method != "GET" {
        return Ok(answer);
    }
    match (sent.path.starts_with(&run.world.primary_path), answer.status) {
        (true, 200) => party.read_primary(&run.place),
        (false, 200) => party.read_secondary(&run.place),
        (true, 404) => party.primary_absent = true,
        (false, 404) => party.secondary_absent = true,
        (_, other) => panic!("the tenant answers a read with {other}"),
    }
    Ok(answer)
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
        Ending::Answered | Ending::ClientLeft | Ending::Died(_) => {
            panic!("{ending} is the tenant's to answer")
        }
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

/// What the exchange is told, and what the test notes of it.
fn told(
    kind: Kind,
    outcome: Result<Rc<Answer>, CallFailure>,
    party: &mut Party,
    last: &mut Last,
) -> Told {
    let status = match &outcome {
        Ok(answer) => Some(answer.status),
        Err(CallFailure::NoBody { status }) => Some(*status),
        Err(CallFailure::NotSent | CallFailure::Unknown) => None,
    };
    last.note(kind, status, party);
    if kind != Kind::Link {
        return Told::Called(outcome);
    }
    let answer = match outcome {
        Ok(answer) => Ok(AnswerHead::of(answer.status, [])),
        Err(CallFailure::NoBody { status }) => Ok(AnswerHead::of(status, [])),
        Err(CallFailure::NotSent) => Err(Failure::NotSent),
        Err(CallFailure::Unknown) => Err(Failure::Unknown),
    };
    party.link = match &answer {
        Ok(head) => Link::Status(head.status),
        Err(Failure::NotSent) => Link::NotSent,
        Err(Failure::Unknown) => Link::Unanswered,
    };
    Told::Forwarded(answer)
}

fn told_of(world: &World, sent: &Rc<Sent>, ending: Ending) -> String {
    let whose = if sent.path.starts_with(&world.primary_path) { "primary" } else { "secondary" };
    match sent.method.as_str() {
        "GET" => format!("reads the {whose}: {ending}"),
        "PATCH" => format!("writes {}: {ending}", sent.body),
        _ => format!("sends the link: {ending}"),
    }
}
