//! What must not be lost, kept by the test itself: it asks the tenant, never the gate.

use std::collections::BTreeSet;
use std::rc::Rc;

use linkgate_policy::Answer;
use linkgate_tenant::Request;
use serde_json::Value;

use crate::gate::Sent;
use crate::history::Violation;
use crate::party::Party;
use crate::pieces::{Piece, RESERVED, of_staged, pieces, staged};
use crate::place::Place;
use crate::setup::Setup;
use crate::world::{Metadata, PRIMARY, World};

/// What has to be reachable from now on, and what edits by others made unavoidable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    duties: Vec<Piece>,
    /// Keys that were staged, and the primary's values they were staged against.
    against: BTreeSet<(String, String)>,
    /// Values that somebody wrote between a read of ours and a write of ours.
    pub(crate) unavoidable: u32,
}

impl Ledger {
    /// What still has to hold, for comparing histories.
    pub(crate) fn state(&self) -> String {
        format!("{:?}\n{:?}", self.duties, self.against)
    }

    /// Puts a request of ours to the tenant, and checks what it did.
    pub(crate) fn lands(
        &mut self,
        place: &mut Rc<Place>,
        party: &mut Party,
        sent: &Rc<Sent>,
        world: &World,
    ) -> Result<Rc<Answer>, Violation> {
        let (answer, after) = world.places.send(place, sent, || request(sent, world));
        let before = std::mem::replace(place, after);
        match (sent.method.as_str(), answer.status) {
            ("PATCH", 200) => self.written(&before, place, party, world)?,
            ("POST", 201) => self.linked(place, party, world.setup)?,
            _ => {}
        }
        Ok(answer)
    }

    /// A write has landed.
    fn written(
        &mut self,
        before: &Rc<Place>,
        after: &Rc<Place>,
        party: &mut Party,
        world: &World,
    ) -> Result<(), Violation> {
        for (key, value) in before.primary() {
            if after.primary().get(key) != Some(value) && party.touched.contains(key) {
                self.unavoidable += 1;
            }
        }
        party.has_to_read_again(after);
        if party.knows_link() {
            self.applied(party, after.primary(), world.setup);
        }
        self.hold(after, Some(party))
    }

    /// What was staged has been applied: the rule has settled these keys.
    fn applied(&mut self, party: &Party, after: &Metadata, setup: Setup) {
        let Some(primary) = party.primary() else { return };
        let changed = primary.iter().filter(|(key, own)| after.get(*key) != Some(*own));
        for (key, _) in changed {
            if let Some(staged) = staged(key, primary).filter(|_| !key.starts_with(RESERVED)) {
                self.duties.retain(|piece| piece.key() != key);
                self.duties.extend(of_staged(key, staged, primary, setup));
            }
        }
    }

    /// A write that is about to be sent: what it stages is noted, and what it applies was staged
    /// against what stands there.
    pub(crate) fn writes(&mut self, party: &Party, members: &Metadata) -> Result<(), Violation> {
        let Some(primary) = party.primary() else { return Ok(()) };
        let standing = |key: &str| primary.get(key).map(ToString::to_string).unwrap_or_default();
        for (key, value) in members {
            if key.starts_with(RESERVED) {
                let staged = value.get("staged").and_then(Value::as_object).into_iter().flatten();
                self.against.extend(staged.map(|(key, _)| (key.clone(), standing(key))));
            } else if party.knows_link() {
                let fine = self.against.contains(&(key.clone(), standing(key)));
                let rule = "what was staged is applied where it was staged against what stands";
                Violation::unless(fine, rule, key)?;
            }
        }
        Ok(())
    }

    /// A link has taken effect: from now on what its exchange last read has to be there.
    fn linked(&mut self, place: &Place, party: &Party, setup: Setup) -> Result<(), Violation> {
        let (Some(primary), Some(held)) = (party.primary(), party.held()) else {
            return Err(Violation::of("both accounts are read before the link", party.name));
        };
        let of_others =
            |key: &str| party.touched.contains(key) || party.touched_secondary.contains(key);
        let (mut primary, mut held) = (primary.clone(), held.clone());
        // Copies of this very exchange's making: the value they are of counts.
        primary.retain(|key, _| !party.copies.contains(key));
        let touched: Vec<String> =
            primary.keys().chain(held.keys()).filter(|key| of_others(key)).cloned().collect();
        for key in touched {
            self.unavoidable += 1;
            primary.remove(&key);
            held.remove(&key);
        }
        let mut pieces = pieces(&primary, &held, setup)
            .map_err(|conflict| Violation::of("`refuse` links nothing in conflict", &conflict))?;
        pieces.retain(|piece| !of_others(piece.key()));
        // An earlier link's values were read with the rest: the rule settles them anew.
        self.duties.retain(|piece| {
            let key = piece.key();
            !(primary.contains_key(key) && held.contains_key(key))
        });
        self.duties.extend(pieces);
        self.hold(place, None)
    }

    /// Everything is reachable, but for what others wrote to the same key since the exchange of this
    /// write first read it.
    fn hold(&mut self, place: &Place, writer: Option<&Party>) -> Result<(), Violation> {
        if place.metadata(PRIMARY).is_none() {
            return Ok(());
        }
        let (kept, lost): (Vec<Piece>, Vec<Piece>) = self
            .duties
            .drain(..)
            .partition(|piece| place.all().any(|metadata| piece.is_reachable(metadata)));
        self.duties = kept;
        for piece in lost {
            let excused = writer.is_some_and(|writer| writer.edited.contains(piece.key()));
            let what = || format!("{} of `{}` is lost", piece.value, piece.path.join("."));
            if !excused {
                return Err(Violation::of("(a) what was read is reachable", what()));
            }
            self.unavoidable += 1;
        }
        Ok(())
    }

    /// Somebody else wrote a key of the primary: what becomes of its value is their doing.
    pub(crate) fn edited(&mut self, key: &str) {
        self.duties.retain(|piece| piece.key() != key);
    }

    /// Somebody else linked the primary away, and its metadata is gone.
    pub(crate) fn reversed(&mut self) {
        self.duties.clear();
    }
}

/// What was sent, as the tenant gets it.
pub(crate) fn request(sent: &Sent, world: &World) -> Request {
    let mut request = Request::new(&sent.method, &sent.path);
    for (name, value) in &sent.headers {
        request = request.with_header(name, &world.tokens.for_tenant(value));
    }
    request.body = world.tokens.for_tenant(&sent.body).into_bytes();
    request
}
