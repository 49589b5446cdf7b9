//! What must not be lost, kept by the test itself: it asks the tenant, never the gate.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::rc::Rc;

use linkgate_policy::Answer;
use linkgate_tenant::Request;

use crate::gate::Sent;
use crate::history::Violation;
use crate::party::Party;
use crate::pieces::{Piece, RESERVED, carried, pieces};
use crate::place::Place;
use crate::setup::{Rule, Setup};
use crate::world::{Metadata, PRIMARY, SECONDARY, THIRD, World};

/// What has to be reachable from now on, and what edits by others made unavoidable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    duties: Vec<(Piece, Whose)>,
    /// Values that a key of the primary may rightly have, and whose each is.
    rightful: Vec<(Piece, Whose)>,
    /// What could not be saved, by why.
    pub(crate) excused: BTreeMap<Excuse, u32>,
}

/// Whose a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    /// The primary had it, or its owner wrote it there.
    Primary,
    /// It was on an account that was linked, when it was.
    Linked(&'static str),
    /// The same, and it was unlinked and linked again since.
    LinkedBefore(&'static str),
    /// An account had it some time. Where plans of different ages meet, such a value may take the place of
    /// the primary's own, if the secondary's wins; it never takes that of a later one.
    Had(&'static str),
}

/// Why a value could not be saved, with an API that has no `If-Match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Excuse {
    /// The secondary was edited between the last read before a link and the link.
    SecondaryEdited,
    /// The primary was edited between the last read before a write and the write.
    PrimaryEdited,
    /// A write had its effect after its exchange had given it up.
    LateWrite,
    /// A link had.
    LateLink,
    /// An answer was older than the account: the API's promise to read what was written was broken.
    StaleRead,
}

impl Excuse {
    pub(crate) const ALL: [Self; 5] = [
        Self::SecondaryEdited,
        Self::PrimaryEdited,
        Self::LateWrite,
        Self::LateLink,
        Self::StaleRead,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SecondaryEdited => "the secondary was edited between its last read and the link",
            Self::PrimaryEdited => "the primary was edited between its last read and the write",
            Self::LateWrite => "a write had its effect after it was given up",
            Self::LateLink => "a link had its effect after it was given up",
            Self::StaleRead => "an answer was older than the account",
        }
    }
}

/// A piece of metadata, and whose it was.
type Owned = (Piece, Whose);

impl Ledger {
    pub(crate) fn begin(place: &Place, setup: Setup) -> Self {
        let mut ledger = Self::default();
        ledger.owe(place.primary(), Whose::Primary, setup);
        for account in [SECONDARY, THIRD] {
            ledger.had(place, account, setup);
        }
        ledger
    }

    /// What still has to hold, for comparing histories.
    pub(crate) fn hash(&self, state: &mut impl Hasher) {
        self.duties.hash(state);
        self.rightful.hash(state);
    }

    /// What an account has by now.
    pub(crate) fn had(&mut self, place: &Place, account: &'static str, setup: Setup) {
        let metadata = place.metadata(account).cloned().unwrap_or_default();
        let had = carried(&metadata, setup).into_iter().map(|piece| (piece, Whose::Had(account)));
        let had: Vec<_> = had.filter(|had| !self.rightful.contains(had)).collect();
        self.rightful.extend(had);
    }

    fn owe(&mut self, metadata: &Metadata, whose: Whose, setup: Setup) {
        let owed = pieces(metadata, setup).into_iter().map(|piece| (piece, whose));
        let owed: Vec<_> = owed.collect();
        self.rightful.extend(owed.clone());
        self.duties.extend(owed);
    }

    /// Puts a request of ours to the tenant, and checks what it did.
    pub(crate) fn lands(
        &mut self,
        place: &mut Rc<Place>,
        party: &Party,
        sent: &Rc<Sent>,
        world: &World,
        is_late: bool,
    ) -> Result<Rc<Answer>, Violation> {
        let (answer, after) = world.places.send(place, sent, || request(sent, world));
        let before = std::mem::replace(place, after);
        match (sent.method.as_str(), answer.status) {
            ("PATCH", 200) => self.written(&before, place, party, sent, world.setup, is_late)?,
            ("POST", 201) => self.linked(&before, place, party, world.setup, is_late)?,
            _ => {}
        }
        Ok(answer)
    }

    /// A write has landed.
    fn written(
        &mut self,
        before: &Place,
        after: &Place,
        party: &Party,
        sent: &Sent,
        setup: Setup,
        is_late: bool,
    ) -> Result<(), Violation> {
        let members = sent.writes.iter().flatten();
        if !members.clone().any(|(_, value)| value.is_null())
            && members.clone().all(|(key, _)| key.starts_with(RESERVED))
        {
            // Before the link: one key more, and everything else as it was.
            for (key, value) in before.primary() {
                let stays = after.primary().get(key) == Some(value);
                Violation::unless(stays, "(d) before the link the primary only gains a key", key)?;
            }
        }
        self.hold(after, setup, &|piece, ledger| ledger.excuse(piece, party, before, is_late))
    }

    /// Why a value that a write has removed could not be saved.
    fn excuse(
        &self,
        (piece, _): &(Piece, Whose),
        party: &Party,
        before: &Place,
        is_late: bool,
    ) -> Option<Excuse> {
        let was_read =
            party.primary().is_some_and(|read| piece.found(read) == piece.found(before.primary()));
        match () {
            () if is_late => Some(Excuse::LateWrite),
            () if party.touched.contains(piece.key()) => Some(Excuse::PrimaryEdited),
            () if party.is_primary_stale && !was_read => Some(Excuse::StaleRead),
            () => None,
        }
    }

    /// A link has taken effect: what the secondary held is owed from now on.
    fn linked(
        &mut self,
        before: &Place,
        after: &Place,
        party: &Party,
        setup: Setup,
        is_late: bool,
    ) -> Result<(), Violation> {
        let none = Metadata::new();
        let held = party.held().unwrap_or(&none);
        let whose = Whose::Linked(party.secondary);
        // What came by an earlier link of it, unlinked since, is another account's.
        for (_, earlier) in self.duties.iter_mut().chain(&mut self.rightful) {
            if *earlier == whose {
                *earlier = Whose::LinkedBefore(party.secondary);
            }
        }
        let truth = before.metadata(party.secondary).cloned().unwrap_or_default();
        for piece in carried(held, setup) {
            self.rightful.push((piece, whose));
        }
        for piece in carried(&truth, setup) {
            self.rightful.push((piece.clone(), whose));
            let was_read = piece.found(held) == piece.found(&truth);
            match party.touched_secondary.contains(piece.key()) {
                _ if was_read => self.duties.push((piece, whose)),
                true => self.count(Excuse::SecondaryEdited),
                false if is_late => self.count(Excuse::LateLink),
                false if party.is_secondary_stale => self.count(Excuse::StaleRead),
                false => self.duties.push((piece, whose)),
            }
        }
        self.hold(after, setup, &|_, _| is_late.then_some(Excuse::LateLink))
    }

    fn count(&mut self, excuse: Excuse) {
        *self.excused.entry(excuse).or_default() += 1;
    }

    /// Everything is reachable, but for what the rule settles and what could not be saved.
    fn hold(
        &mut self,
        place: &Place,
        setup: Setup,
        excuse: &dyn Fn(&Owned, &Self) -> Option<Excuse>,
    ) -> Result<(), Violation> {
        let Some(primary) = place.metadata(PRIMARY) else { return Ok(()) };
        let (kept, lost): (Vec<_>, Vec<_>) = std::mem::take(&mut self.duties)
            .into_iter()
            .partition(|(piece, _)| piece.is_reachable(primary));
        self.duties = kept;
        for duty in lost {
            if self.is_settled(&duty, primary, setup) {
                continue;
            }
            let Some(excuse) = excuse(&duty, self) else {
                let (piece, whose) = duty;
                let what =
                    format!("{} of `{}`, {whose:?}, is lost", piece.value, piece.path.join("."));
                return Err(Violation::of("(a) what was read is reachable", what));
            };
            self.count(excuse);
        }
        Ok(())
    }

    /// Whether another rightful value is in its place, as the rule has it, or that of another gateway.
    fn is_settled(&self, duty: &(Piece, Whose), primary: &Metadata, setup: Setup) -> bool {
        let rules = [setup.rule, setup.of_others().rule];
        rules.into_iter().any(|rule| self.is_settled_by(rule, duty, primary))
    }

    fn is_settled_by(
        &self,
        rule: Rule,
        (lost, whose): &(Piece, Whose),
        primary: &Metadata,
    ) -> bool {
        if lost.found(primary).is_none() {
            return false;
        }
        let is_empty_object = lost.value.as_object().is_some_and(serde_json::Map::is_empty);
        if lost.is_item && lost.reaches_array(primary) && !is_empty_object {
            return false;
        }
        let in_its_place = |(piece, _): &&(Piece, Whose)| {
            let on_its_way =
                lost.path.starts_with(&piece.path) || piece.path.starts_with(&lost.path);
            on_its_way && piece.is_at_home(primary)
        };
        let mut others = self.rightful.iter().filter(in_its_place).map(|(_, other)| *other);
        if (rule, whose) == (Rule::Secondary, &Whose::Primary) {
            return others.any(|other| other != Whose::Primary);
        }
        let mut others = others.filter(|other| !matches!(other, Whose::Had(_)));
        match (rule, whose) {
            (Rule::Primary, Whose::Primary | Whose::Had(_)) => false,
            (Rule::Primary, Whose::Linked(_) | Whose::LinkedBefore(_)) => {
                others.any(|other| other != *whose)
            }
            (Rule::Secondary, _) => others.any(|other| other != *whose && other != Whose::Primary),
            (Rule::KeepBoth | Rule::Refuse, _) => false,
        }
    }

    /// Somebody else wrote a key of the primary: what its value takes the place of is their doing.
    pub(crate) fn edited(&mut self, place: &Place, key: &str, setup: Setup) {
        self.duties.retain(|(piece, _)| piece.key() != key || piece.is_reachable(place.primary()));
        let written = place.primary().get_key_value(key);
        let written = written.map(|(key, value)| (key.clone(), value.clone())).into_iter();
        self.owe(&written.collect(), Whose::Primary, setup);
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
