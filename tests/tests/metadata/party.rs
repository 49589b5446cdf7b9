//! One exchange of a gateway, as its driver and the network see it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use crate::gate::Sent;
use crate::history::Violation;
use crate::ledger::Ledger;
use crate::pieces::RESERVED;
use crate::place::Place;
use crate::setup::Mode;
use crate::world::{Metadata, PRIMARY, World};

/// What an exchange has read, written and been told.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) name: &'static str,
    /// The account that it links to the primary.
    pub(crate) secondary: &'static str,
    /// As last read.
    primary: Option<Rc<Place>>,
    /// As first read.
    found: Option<Rc<Place>>,
    /// As last read, or as it stood when the last write landed: it has to be read again after that.
    held: Option<Rc<Place>>,
    /// Keys of the primary that others have written since it was read.
    pub(crate) touched: BTreeSet<String>,
    /// Keys of the secondary, likewise.
    pub(crate) touched_secondary: BTreeSet<String>,
    /// Keys of both that others have written since this exchange first read them.
    pub(crate) edited: BTreeSet<String>,
    /// Keys of the primary that held what this very exchange had written, when last read.
    pub(crate) copies: BTreeSet<String>,
    /// What it has sent to be written, by key.
    wrote: BTreeMap<String, Value>,
    /// Whether a read showed the primary not to be there.
    pub(crate) primary_absent: bool,
    /// Whether a read showed the secondary not to be there.
    pub(crate) secondary_absent: bool,
    /// Whether a read showed the secondary among the primary's identities.
    pub(crate) listed: bool,
    /// What it was told of the link.
    pub(crate) link: Link,
    pub(crate) writes: u32,
    /// Whether it has written what was staged.
    pub(crate) applies: bool,
    pub(crate) calls: u32,
}

/// What an exchange was told of its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            found: None,
            held: None,
            touched: BTreeSet::new(),
            touched_secondary: BTreeSet::new(),
            edited: BTreeSet::new(),
            copies: BTreeSet::new(),
            wrote: BTreeMap::new(),
            primary_absent: false,
            secondary_absent: false,
            listed: false,
            link: Link::NotForwarded,
            writes: 0,
            applies: false,
            calls: 0,
        }
    }

    /// Whether it knows that the link stands.
    pub(crate) fn knows_link(&self) -> bool {
        self.listed || self.link == Link::Status(201)
    }

    /// What it has written, and may therefore take back.
    pub(crate) fn wrote(&self) -> &BTreeMap<String, Value> {
        &self.wrote
    }

    /// The primary's metadata as last read.
    pub(crate) fn primary(&self) -> Option<&Metadata> {
        self.primary.as_ref().map(|place| place.primary())
    }

    /// The primary's metadata as first read.
    pub(crate) fn found(&self) -> &Metadata {
        self.found.as_ref().expect("the primary was read").primary()
    }

    /// The secondary's metadata as last read, or as it was to be read again.
    pub(crate) fn held(&self) -> Option<&Metadata> {
        self.held.as_ref().and_then(|place| place.metadata(self.secondary))
    }

    /// Has read the primary.
    pub(crate) fn read_primary(&mut self, place: &Rc<Place>) {
        let written = |(key, value): &(&String, &Value)| self.wrote.get(*key) == Some(*value);
        let copies = place.primary().iter().filter(written);
        self.copies = copies.map(|(key, _)| key.clone()).collect();
        self.primary = Some(Rc::clone(place));
        self.found.get_or_insert_with(|| Rc::clone(place));
        self.touched.clear();
        self.listed |= place.is_linked(self.secondary);
    }

    /// Has read the secondary.
    pub(crate) fn read_secondary(&mut self, place: &Rc<Place>) {
        self.held = Some(Rc::clone(place));
        self.touched_secondary.clear();
    }

    /// A write of its own has landed: what the secondary holds by now it has to find out before it
    /// links, whoever wrote that.
    pub(crate) fn has_to_read_again(&mut self, place: &Rc<Place>) {
        self.held = place.metadata(self.secondary).map(|_| Rc::clone(place));
        self.touched_secondary.clear();
    }

    /// Somebody else has written a key.
    pub(crate) fn touch(&mut self, account: &str, key: &str) {
        if account == PRIMARY {
            self.touched.insert(key.to_owned());
        } else if account == self.secondary {
            self.touched_secondary.insert(key.to_owned());
        } else {
            return;
        }
        if self.primary.is_some() {
            self.edited.insert(key.to_owned());
        }
    }

    /// Checks a call before it leaves, and notes it.
    pub(crate) fn calls(
        &mut self,
        sent: &Sent,
        world: &World,
        ledger: &mut Ledger,
    ) -> Result<(), Violation> {
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
                self.writes(sent, ledger)
            }
            other => Err(Violation::of("calls read or write", other)),
        }
    }

    /// Checks a write before it leaves, and notes it.
    fn writes(&mut self, sent: &Sent, ledger: &mut Ledger) -> Result<(), Violation> {
        let Some(members) = &sent.writes else {
            return Err(Violation::of("`user_metadata` alone is written", &sent.body));
        };
        Violation::unless(!members.is_empty(), "an empty object is never sent", &sent.body)?;
        for (key, value) in members {
            let rule = if self.knows_link() {
                "after the link only what was staged is applied"
            } else {
                "(d) before the link the primary only gains keys"
            };
            let fine =
                if self.knows_link() { self.may_apply(key) } else { self.may_write(key, value) };
            Violation::unless(fine, rule, format_args!("{key}: {value}"))?;
        }
        ledger.writes(self, members)?;
        self.wrote.extend(members.clone());
        self.writes += 1;
        self.applies |= self.knows_link();
        Ok(())
    }

    /// Keys it did not see there, those it added itself, and the reserved entry around what it held.
    fn may_write(&self, key: &str, value: &Value) -> bool {
        let stood = self.primary().and_then(|primary| primary.get(key));
        match stood {
            None => !value.is_null() || self.wrote.contains_key(key),
            Some(stood) => {
                stood == value
                    || self.copies.contains(key)
                    || (key.starts_with(RESERVED) && holds(value, stood))
            }
        }
    }

    /// Keys that are staged on the primary as it was last read, and the entry that says so.
    fn may_apply(&self, key: &str) -> bool {
        key.starts_with(RESERVED)
            || self.primary().into_iter().flatten().any(|(name, entry)| {
                name.starts_with(RESERVED) && entry["staged"].get(key).is_some()
            })
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

/// Whether a value is somewhere inside another.
fn holds(value: &Value, part: &Value) -> bool {
    let within = |members: &Metadata| members.values().any(|value| holds(value, part));
    value == part || value.as_object().is_some_and(within)
}
