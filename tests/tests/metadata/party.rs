//! One exchange of a gateway, as its driver and the network see it.

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher};
use std::rc::Rc;

use linkgate_policy::{Answer, CallFailure};
use serde_json::Value;

use crate::gate::Sent;
use crate::history::Violation;
use crate::pieces::RESERVED;
use crate::place::Place;
use crate::setup::Mode;
use crate::world::{Metadata, PRIMARY, World};

/// What an exchange has read, written and learnt.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) name: &'static str,
    /// The account that it links to the primary.
    pub(crate) secondary: &'static str,
    /// As last read.
    primary: Option<Rc<Place>>,
    /// As read the time before.
    earlier: Option<Rc<Place>>,
    /// As last read, when it was there.
    held: Option<Rc<Place>>,
    /// Whether the last reads were answered with what the accounts held before.
    pub(crate) is_primary_stale: bool,
    pub(crate) is_secondary_stale: bool,
    /// Keys of the primary that an outsider has written since the exchange's last request: a request in
    /// between could have shown them, had it been the right one.
    pub(crate) touched: BTreeSet<String>,
    /// Keys of the secondary, likewise.
    pub(crate) touched_secondary: BTreeSet<String>,
    /// Whether a read showed the primary not to be there.
    pub(crate) primary_absent: bool,
    /// Whether the last read of the secondary showed it not to be there.
    pub(crate) secondary_absent: bool,
    /// Whether the primary was read to list the secondary when the secondary was gone, or after a 201.
    pub(crate) listed: bool,
    /// What it learnt of the link.
    pub(crate) link: Link,
    pub(crate) writes: u32,
    /// Whether it has written what was staged.
    pub(crate) applies: bool,
    pub(crate) calls: u32,
}

/// What an exchange learnt of its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Link {
    NotForwarded,
    Forwarded,
    NotSent,
    Unanswered,
    Status(u16),
}

impl Party {
    pub(crate) fn new(name: &'static str, secondary: &'static str) -> Self {
        Self {
            name,
            secondary,
            primary: None,
            earlier: None,
            held: None,
            is_primary_stale: false,
            is_secondary_stale: false,
            touched: BTreeSet::new(),
            touched_secondary: BTreeSet::new(),
            primary_absent: false,
            secondary_absent: false,
            listed: false,
            link: Link::NotForwarded,
            writes: 0,
            applies: false,
            calls: 0,
        }
    }

    /// What tells it from others, for comparing histories.
    pub(crate) fn hash(&self, state: &mut impl Hasher) {
        (self.name, self.secondary).hash(state);
        [&self.primary, &self.earlier, &self.held]
            .map(|place| place.as_ref().map(Rc::as_ptr))
            .hash(state);
        (self.is_primary_stale, self.is_secondary_stale, &self.touched).hash(state);
        (&self.touched_secondary, self.primary_absent, self.secondary_absent).hash(state);
        (self.listed, self.link, self.writes, self.applies).hash(state);
    }

    /// Whether it knows that the link is made.
    pub(crate) fn knows_link(&self) -> bool {
        self.listed
    }

    /// The primary's metadata as last read.
    pub(crate) fn primary(&self) -> Option<&Metadata> {
        self.primary.as_ref().map(|place| place.primary())
    }

    /// The secondary's metadata as last read.
    pub(crate) fn held(&self) -> Option<&Metadata> {
        self.held.as_ref().and_then(|place| place.metadata(self.secondary))
    }

    /// Has read the primary.
    pub(crate) fn read_primary(&mut self, place: &Rc<Place>, is_stale: bool) {
        self.earlier = self.primary.replace(Rc::clone(place));
        self.is_primary_stale = is_stale;
        let may_know = self.secondary_absent || self.link == Link::Status(201);
        self.listed |= place.is_linked(self.secondary) && may_know;
    }

    /// Has read the secondary.
    pub(crate) fn read_secondary(&mut self, place: &Rc<Place>, is_stale: bool) {
        self.secondary_absent = place.metadata(self.secondary).is_none();
        if !self.secondary_absent {
            self.held = Some(Rc::clone(place));
            self.is_secondary_stale = is_stale;
        }
    }

    /// What an exchange may say to its client, by what it knows of the link.
    pub(crate) fn may_be_answered(&self, status: u16) -> bool {
        match (self.listed, self.link) {
            (true, _) => status == 201,
            // Nothing was linked, and the answer does not say so.
            (false, Link::NotForwarded) => [409, 429, 502, 503, 504].contains(&status),
            (false, Link::NotSent) => status == 502,
            (false, Link::Status(told @ (400..=407 | 409..=499))) => status == told,
            (false, Link::Unanswered | Link::Status(_)) => status == 504,
            (false, Link::Forwarded) => false,
        }
    }

    /// How the link was answered.
    pub(crate) fn is_told_of_link(&mut self, outcome: &Result<Rc<Answer>, CallFailure>) {
        self.link = match outcome {
            Ok(answer) => Link::Status(answer.status),
            Err(CallFailure::NoBody { status }) => Link::Status(*status),
            Err(CallFailure::NotSent) => Link::NotSent,
            Err(CallFailure::Unknown) => Link::Unanswered,
        };
    }

    /// A request has come to its end.
    pub(crate) fn has_asked(&mut self) {
        self.touched.clear();
        self.touched_secondary.clear();
    }

    /// An outsider has written a key.
    pub(crate) fn touch(&mut self, account: &str, key: &str) {
        if account == PRIMARY {
            self.touched.insert(key.to_owned());
        } else if account == self.secondary {
            self.touched_secondary.insert(key.to_owned());
        }
    }

    /// Checks a call before it leaves, and notes it.
    pub(crate) fn calls(&mut self, sent: &Sent, world: &World) -> Result<(), Violation> {
        self.calls += 1;
        let primary = sent.path.starts_with(&world.primary_path);
        let secondary = sent.path.starts_with(world.path_of(self.secondary));
        Violation::unless(
            primary || secondary,
            "a call is on one of the two accounts",
            &sent.path,
        )?;
        let pair = if primary { &world.tokens.bearer } else { world.tokens.of(self.secondary) };
        let token = match world.setup.mode {
            Mode::Caller => &pair.gate,
            Mode::Service => &world.tokens.service,
        };
        carries(sent, token)?;
        match sent.method.as_str() {
            "GET" => Ok(()),
            "PATCH" => {
                Violation::unless(primary, "only the primary is written", &sent.path)?;
                self.writes(sent)
            }
            other => Err(Violation::of("calls read or write", other)),
        }
    }

    /// Checks a write before it leaves, and notes it.
    fn writes(&mut self, sent: &Sent) -> Result<(), Violation> {
        let Some(members) = &sent.writes else {
            return Err(Violation::of("`user_metadata` alone is written", &sent.body));
        };
        Violation::unless(!members.is_empty(), "an empty object is never sent", &sent.body)?;
        if !self.knows_link() {
            let rule = "(d) before the link the primary only gains a key";
            let added = |(key, value): (&String, &Value)| {
                let own = self.primary().and_then(|primary| primary.get(key));
                key.starts_with(RESERVED) && !value.is_null() && own.is_none_or(|own| own == value)
            };
            let fine = members.len() == 1 && members.iter().all(added) || self.restores(members);
            Violation::unless(fine, rule, &sent.body)?;
        }
        self.writes += 1;
        self.applies |= self.knows_link();
        Ok(())
    }

    /// Whether a write gives back what the primary had, when it was read to have nothing any more but what
    /// was written: an upstream that replaces has removed it.
    fn restores(&self, members: &Metadata) -> bool {
        let earlier = self.earlier.as_ref().map(|place| place.primary());
        let only_ours =
            self.primary().is_some_and(|own| own.keys().all(|key| key.starts_with(RESERVED)));
        only_ours
            && members
                .iter()
                .all(|(key, value)| earlier.is_some_and(|earlier| earlier.get(key) == Some(value)))
    }

    /// Checks the link before it leaves, and notes it.
    pub(crate) fn links(&mut self, sent: &Sent, world: &World) -> Result<(), Violation> {
        let once = self.link == Link::NotForwarded;
        Violation::unless(once, "(c) the link is sent at most once", "again")?;
        self.link = Link::Forwarded;
        let token = &world.tokens.of(self.secondary).gate;
        let of_path = sent.path.strip_prefix(&world.primary_path) == Some("/identities");
        let body = sent.body.strip_prefix(r#"{"link_with":""#);
        let of_body = body.and_then(|body| body.strip_suffix(r#""}"#)) == Some(token);
        let fine = sent.method == "POST" && of_path && of_body;
        Violation::unless(fine, "(b) a link is of the two verified accounts", &sent.path)?;
        carries(sent, &world.tokens.bearer.gate)
    }
}

/// Exactly one credential, and the right one.
fn carries(sent: &Sent, token: &str) -> Result<(), Violation> {
    let mut all = sent.headers.iter().filter(|(name, _)| name == "authorization");
    let sole = all.next().filter(|_| all.next().is_none());
    let fine = sole.and_then(|(_, value)| value.strip_prefix("Bearer ")) == Some(token);
    Violation::unless(fine, "(b) each request carries its account's token", &sent.path)
}
