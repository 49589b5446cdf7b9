//! Gates that are broken on purpose, made around the core: the checker has to catch each.

use std::rc::Rc;

use linkgate_policy::{Answer, CallFailure, Decision};
use serde_json::{Value, json};

use crate::gate::{Gate, Move, Sent, Told};
use crate::memory::Remembered;
use crate::run::Budget;
use crate::setup::{Mode, Rule, Setup};
use crate::walk::walk;
use crate::world::{Holdings, Metadata, SECONDARY, World};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// Takes its entry back when the upstream refuses the link.
    TakesBack,
    /// Writes an empty object before the link.
    EmptyWrite,
    /// Links first, and writes then.
    LinkBeforeWrite,
    /// Writes at once what is to be staged.
    OverwriteBeforeLink,
    /// Takes what the secondary held for what it holds.
    NoSecondRead,
    /// Takes a 201 for a link, from any server.
    BelievesStatus,
    /// Removes the entry without applying it.
    DropsEntry,
}

impl Mutation {
    pub(crate) const ALL: [Self; 7] = [
        Self::TakesBack,
        Self::EmptyWrite,
        Self::LinkBeforeWrite,
        Self::OverwriteBeforeLink,
        Self::NoSecondRead,
        Self::BelievesStatus,
        Self::DropsEntry,
    ];

    /// A policy under which it does harm.
    pub(crate) fn setup(self) -> Setup {
        let rule = if self == Self::OverwriteBeforeLink { Rule::Secondary } else { Rule::Primary };
        Setup { rule, deep: false, mode: Mode::Caller, serialised: true, other: None }
    }

    /// The invariant that it breaks.
    pub(crate) fn breaks(self) -> &'static str {
        match self {
            Self::LinkBeforeWrite | Self::NoSecondRead | Self::DropsEntry => {
                "(a) what was read is reachable"
            }
            Self::EmptyWrite => "an empty object is never sent",
            Self::OverwriteBeforeLink | Self::TakesBack => {
                "(d) before the link the primary only gains a key"
            }
            Self::BelievesStatus => "the answer says what is known of the link",
        }
    }

    pub(crate) fn around(self, core: Remembered, world: &World) -> Box<dyn Gate> {
        Box::new(Mutant {
            core,
            mutation: self,
            link: link(world),
            primary: None,
            secondary_path: world.secondary_path.clone(),
            secondary: None,
            asks_secondary: false,
            held: None,
            linked: None,
            entry: None,
        })
    }
}

struct Mutant {
    core: Remembered,
    mutation: Mutation,
    /// A link as the core would send it.
    link: Rc<Sent>,
    /// The first read of the primary: its headers do for a write.
    primary: Option<Rc<Sent>>,
    secondary_path: String,
    /// The first answer of the secondary.
    secondary: Option<Result<Rc<Answer>, CallFailure>>,
    asks_secondary: bool,
    /// A move of the core's, to be made after one of the mutant's.
    held: Option<Move>,
    /// The outcome of a link that the core has not asked for yet.
    linked: Option<Told>,
    /// The write of the entry.
    entry: Option<Rc<Sent>>,
}

impl Gate for Mutant {
    fn next(&mut self, told: Told, elapsed_ms: u64) -> Move {
        if let Some(held) = self.held.take() {
            if matches!(told, Told::Forwarded(_)) {
                self.linked = Some(told);
            }
            return held;
        }
        if let (true, Told::Called(answer)) = (self.asks_secondary, &told) {
            self.secondary.get_or_insert_with(|| answer.clone());
        }
        let is_refused = matches!(&told, Told::Forwarded(Ok(head)) if head.status == 403);
        if self.mutation == Mutation::BelievesStatus
            && matches!(&told, Told::Forwarded(Ok(head)) if head.status == 201)
        {
            return Move::Relay;
        }
        let mut next = self.core.next(told, elapsed_ms);
        if let (Mutation::TakesBack, true, Some(entry)) = (self.mutation, is_refused, &self.entry) {
            let members = entry.writes.iter().flatten().map(|(key, _)| (key.clone(), Value::Null));
            let members: Metadata = members.collect();
            let back = Rc::new(entry.with_body(&json!({ "user_metadata": members })));
            self.held = Some(next);
            return Move::Call(back);
        }
        loop {
            next = match self.moved(next) {
                Ok(moved) => return moved,
                Err(told) => self.core.next(told, elapsed_ms),
            };
        }
    }

    fn must_finish(&self) -> bool {
        self.core.must_finish()
    }

    fn close(self: Box<Self>, elapsed_ms: u64) -> Rc<Decision> {
        Box::new(self.core).close(elapsed_ms)
    }
}

impl Mutant {
    /// What becomes of a move of the core's: a move, or something that the core gets at once.
    fn moved(&mut self, next: Move) -> Result<Move, Told> {
        let sent = match &next {
            Move::Call(sent) | Move::Forward(sent) => Rc::clone(sent),
            Move::Acquire | Move::Wait { .. } | Move::Relay | Move::Respond => return Ok(next),
        };
        let is_write = sent.method == "PATCH";
        self.asks_secondary = sent.path.starts_with(&self.secondary_path);
        if !self.asks_secondary {
            self.primary.get_or_insert_with(|| Rc::clone(&sent));
        }
        match (self.mutation, &next) {
            (Mutation::NoSecondRead, Move::Call(_)) if self.asks_secondary => {
                self.secondary.clone().map_or(Ok(next), |answer| Err(Told::Called(answer)))
            }
            (Mutation::EmptyWrite, Move::Forward(_)) => {
                self.held = Some(next);
                Ok(Move::Call(self.write(&json!({ "user_metadata": {} }))))
            }
            (Mutation::LinkBeforeWrite, Move::Call(_)) if is_write && self.linked.is_none() => {
                self.held = Some(next);
                Ok(Move::Forward(Rc::clone(&self.link)))
            }
            (Mutation::TakesBack, Move::Call(_)) if is_write => {
                self.entry = Some(sent);
                Ok(next)
            }
            (Mutation::DropsEntry, Move::Call(_)) if is_write => {
                let members = sent.writes.clone().unwrap_or_default();
                let gone: Metadata =
                    members.iter().filter(|(_, value)| value.is_null()).map(own).collect();
                if gone.is_empty() {
                    return Ok(next);
                }
                Ok(Move::Call(self.write(&json!({ "user_metadata": gone }))))
            }
            (Mutation::LinkBeforeWrite, Move::Forward(_)) => {
                self.linked.clone().map_or(Ok(next), Err)
            }
            (Mutation::OverwriteBeforeLink, Move::Call(_)) if is_write => {
                let mut members = sent.writes.clone().unwrap_or_default();
                let staged = members.values().filter_map(|value| value["staged"].as_object());
                let staged: Vec<_> =
                    staged.flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
                members.extend(staged);
                Ok(Move::Call(self.write(&json!({ "user_metadata": members }))))
            }
            _ => Ok(next),
        }
    }

    fn write(&self, body: &serde_json::Value) -> Rc<Sent> {
        let read = self.primary.as_ref().expect("it reads before it writes");
        let (path, _) = read.path.split_once('?').expect("a read says what it wants");
        let mut write = read.with_body(body);
        "PATCH".clone_into(&mut write.method);
        path.clone_into(&mut write.path);
        Rc::new(write)
    }
}

fn own((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn link(world: &World) -> Rc<Sent> {
    let headers = [
        ("authorization", format!("Bearer {}", world.tokens.bearer.gate)),
        ("content-type", "application/json".to_owned()),
    ];
    Rc::new(Sent {
        method: "POST".to_owned(),
        path: format!("{}/identities", world.primary_path),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: format!(r#"{{"link_with":"{}"}}"#, world.tokens.of(SECONDARY).gate),
        writes: None,
        timeout_ms: 10_000,
    })
}

/// The checker finds each of them, within the budget of the enumeration.
#[test]
fn every_mutant_is_caught() {
    let budget = Budget { faults: 1, edits: 1, retries: 1 };
    let mut missed = Vec::new();
    for mutation in Mutation::ALL {
        let world = World::new(mutation.setup(), &Holdings::of(mutation.setup()));
        match walk(&world, budget, Some(mutation)) {
            Err(story) if story.contains(mutation.breaks()) => {}
            Err(story) => missed.push(format!("{mutation:?} breaks something else:\n{story}")),
            Ok(table) => {
                missed.push(format!("{mutation:?} is not caught in {} histories", table.walked))
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
