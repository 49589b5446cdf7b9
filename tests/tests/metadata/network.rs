//! What lies between gateways and the accounts: each request has its effect or not, now or later, and is
//! answered with the truth or something else.

use std::rc::Rc;

use linkgate_policy::{Answer, CallFailure, Header};
use serde_json::json;

use crate::edit::Edit;
use crate::ending::{Effect, Ending, Kind, More, Refusal};
use crate::gate::Sent;
use crate::history::Violation;
use crate::ledger::{Ledger, request};
use crate::party::Party;
use crate::place::Place;
use crate::world::{PRIMARY, World};

/// The accounts, and what is still on its way to them.
pub(crate) struct Network<'w> {
    pub(crate) world: &'w World,
    pub(crate) place: Rc<Place>,
    /// As it was before the last change.
    before: Rc<Place>,
    pub(crate) ledger: Ledger,
    /// Requests whose effect is still to come, and the exchange that sent each.
    pub(crate) late: Vec<(Rc<Sent>, Party)>,
}

/// An answer, or what the gateway notices in its place; nothing when the gateway died.
pub(crate) type Outcome = Option<Result<Rc<Answer>, CallFailure>>;

impl<'w> Network<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self {
            world,
            place: Rc::clone(&world.start),
            before: Rc::clone(&world.start),
            ledger: Ledger::begin(&world.start, world.setup),
            late: Vec::new(),
        }
    }

    /// The places that tell histories apart.
    pub(crate) fn places(&self) -> [*const Place; 2] {
        [Rc::as_ptr(&self.place), Rc::as_ptr(&self.before)]
    }

    /// Lets a request of an exchange end in this way, and notes what the exchange knows then.
    pub(crate) fn request(
        &mut self,
        party: &mut Party,
        sent: &Rc<Sent>,
        ending: Ending,
        now_unix_s: u64,
    ) -> Result<Outcome, Violation> {
        let from = Rc::clone(if ending == Ending::Stale { &self.before } else { &self.place });
        let answer = match effect(ending) {
            Effect::Now => Some(self.effective(party, sent, from)?),
            Effect::Late | Effect::None => None,
        };
        if effect(ending) == Effect::Late || ending == Ending::Twice {
            self.late.push((Rc::clone(sent), party.clone()));
        }
        party.has_asked();
        if let Ending::Status(_, Refusal { more: More::Inexistent, .. }) = ending
            && !sent.path.starts_with(&self.world.primary_path)
        {
            // Whether or not it is so: that is what the exchange knows.
            party.secondary_absent = true;
        }
        let outcome = match (ending, answer) {
            (
                Ending::Answered | Ending::ClientLeft | Ending::Stale | Ending::Twice,
                Some(answer),
            ) => Ok(answer),
            (Ending::OldState, Some(_)) => Ok(self.shown(sent, &self.before)),
            (Ending::Died(_), _) => return Ok(None),
            (ending, _) => unlike_the_tenant(ending, now_unix_s),
        };
        if sent.kind() == Kind::Link {
            party.is_told_of_link(&outcome);
        }
        Ok(Some(outcome))
    }

    /// Puts the request to the tenant; of a read whose answer arrives, the exchange knows what it says.
    fn effective(
        &mut self,
        party: &mut Party,
        sent: &Rc<Sent>,
        from: Rc<Place>,
    ) -> Result<Rc<Answer>, Violation> {
        if sent.kind() != Kind::Read {
            return self.lands(party, sent, false);
        }
        let is_stale = !Rc::ptr_eq(&from, &self.place);
        let answer = self.shown(sent, &from);
        let is_primary = sent.path.starts_with(&self.world.primary_path);
        match (is_primary, answer.status) {
            (true, 200) => party.read_primary(&from, is_stale),
            (false, 200 | 404) => party.read_secondary(&from, is_stale),
            (true, 404) => party.primary_absent = true,
            (_, other) => panic!("the tenant answers a read with {other}"),
        }
        Ok(answer)
    }

    /// An account as a place has it: what a read is answered with, or a write with an answer from before.
    fn shown(&self, sent: &Rc<Sent>, from: &Rc<Place>) -> Rc<Answer> {
        let read =
            if sent.kind() == Kind::Read { Rc::clone(sent) } else { Rc::new(sent.as_read()) };
        self.world.places.send(from, &read, || request(&read, self.world)).0
    }

    fn lands(
        &mut self,
        party: &Party,
        sent: &Rc<Sent>,
        is_late: bool,
    ) -> Result<Rc<Answer>, Violation> {
        let before = Rc::clone(&self.place);
        let answer = self.ledger.lands(&mut self.place, party, sent, self.world, is_late)?;
        self.moved(before);
        Ok(answer)
    }

    /// A late effect comes.
    pub(crate) fn land(&mut self, nth: usize) -> Result<(), Violation> {
        let (sent, sender) = self.late.remove(nth);
        self.lands(&sender, &sent, true).map(drop)
    }

    /// An outsider does something, beside exchanges that are under way.
    pub(crate) fn edit<'p>(&mut self, edit: Edit, parties: impl Iterator<Item = &'p mut Party>) {
        let (world, before) = (self.world, Rc::clone(&self.place));
        match edit {
            Edit::Reverse => {
                self.place = world.places.edit(&self.place, edit, 201, || world.reverse());
                self.ledger.reversed();
            }
            Edit::Unlink => {
                self.place = world.places.edit(&self.place, edit, 200, || world.unlink());
            }
            Edit::Key(account, key, wanted) => {
                let patch = || world.edit(account, key, &wanted.value());
                self.place = world.places.edit(&self.place, edit, 200, patch);
                parties.for_each(|party| party.touch(account, key));
                self.late.iter_mut().for_each(|(_, party)| party.touch(account, key));
                if account == PRIMARY {
                    self.ledger.edited(&self.place, key, world.setup);
                } else {
                    self.ledger.had(&self.place, account, world.setup);
                }
            }
            Edit::SameLink | Edit::ThirdLink => panic!("{edit}: it is a gateway's to do"),
        }
        self.moved(before);
    }

    /// The accounts have changed.
    fn moved(&mut self, before: Rc<Place>) {
        if !Rc::ptr_eq(&before, &self.place) {
            self.before = before;
        }
    }
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
