//! One history, from its choices: exchanges, and what happens between them.

use std::fmt;
use std::rc::Rc;

use crate::drive::drive;
use crate::edit::Edit;
use crate::gate::{Gate, Sent};
use crate::history::{Choices, Point, Story, Violation};
use crate::ledger::Ledger;
use crate::memory::Memory;
use crate::mutants::Mutation;
use crate::party::Party;
use crate::place::Place;
use crate::table::Table;
use crate::world::{NOW_UNIX_S, PRIMARY, SECONDARY, THIRD, World};

/// How much may go wrong in a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) faults: u32,
    pub(crate) edits: u32,
    pub(crate) retries: u32,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) status: u16,
    pub(crate) cause: String,
    /// What became of the metadata.
    pub(crate) outcome: &'static str,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status, self.cause, self.outcome)
    }
}

/// A gate and another one, each with what it did before.
pub(crate) struct Gates {
    first: Rc<Memory>,
    same: Rc<Memory>,
    third: Rc<Memory>,
}

/// A history under way.
pub(crate) struct Run<'w> {
    pub(crate) world: &'w World,
    gates: &'w Gates,
    pub(crate) choices: &'w mut dyn Choices,
    /// What is broken in the gate, if it is.
    pub(crate) mutation: Option<Mutation>,
    pub(crate) table: &'w mut Table,
    pub(crate) story: Story,
    pub(crate) place: Rc<Place>,
    pub(crate) ledger: Ledger,
    /// Requests whose effect is still to come, and the exchange that sent each.
    pub(crate) late: Vec<(Rc<Sent>, Party)>,
    pub(crate) budget: Budget,
    /// Whether the exchange that runs is another gateway's, within a history of this one.
    is_aside: bool,
    /// How each exchange of this gateway ended.
    pub(crate) ends: Vec<End>,
    /// Since the exchange began.
    elapsed_ms: u64,
}

impl Gates {
    pub(crate) fn of(world: &World) -> Self {
        Self {
            first: Memory::new(world, SECONDARY),
            same: Memory::new(world, SECONDARY),
            third: Memory::new(world, THIRD),
        }
    }

    /// Times that the core was run.
    pub(crate) fn runs(&self) -> u64 {
        [&self.first, &self.same, &self.third].map(|memory| memory.runs.get()).iter().sum()
    }
}

impl<'w> Run<'w> {
    pub(crate) fn new(
        world: &'w World,
        gates: &'w Gates,
        choices: &'w mut dyn Choices,
        table: &'w mut Table,
        budget: Budget,
    ) -> Self {
        Self {
            world,
            gates,
            choices,
            mutation: None,
            table,
            story: Story::default(),
            place: Rc::clone(&world.start),
            ledger: Ledger::default(),
            late: Vec::new(),
            budget,
            is_aside: false,
            ends: Vec::new(),
            elapsed_ms: 0,
        }
    }

    /// Runs it to its end: an exchange, the client's retries while the link is not known to stand, and
    /// what is still to come.
    pub(crate) fn history(&mut self) -> Result<(), Violation> {
        self.story.accounts(&self.place);
        let mut known = self.exchange("first")?;
        while !known && self.budget.retries > 0 {
            self.budget.retries -= 1;
            if !self.goes_on() {
                return Ok(());
            }
            known = self.exchange("retry")?;
        }
        if !self.late.is_empty() {
            self.meanwhile(None)?;
        }
        while !self.late.is_empty() {
            self.land(0, None)?;
        }
        self.table.walked += 1;
        self.table.unavoidable += u64::from(self.ledger.unavoidable > 0);
        Ok(())
    }

    fn goes_on(&mut self) -> bool {
        let (place, ledger, late, budget) = (&self.place, &self.ledger, &self.late, &self.budget);
        let stands = || format!("{place:?}\n{}\n{late:?}\n{budget:?}", ledger.state());
        self.choices.goes_on(&stands)
    }

    /// Runs an exchange to its end; true if the client knows then that the link stands.
    fn exchange(&mut self, name: &'static str) -> Result<bool, Violation> {
        self.story.tell(|| format!("-- the {name} exchange"));
        let mut party = Party::new(name, SECONDARY);
        self.elapsed_ms = 0;
        let (core, first) = self.gates.first.open();
        let gate: Box<dyn Gate> = match self.mutation {
            None => Box::new(core),
            Some(mutation) => mutation.around(core, self.world),
        };
        drive(self, gate, first, &mut party)?;
        Ok(party.knows_link())
    }

    /// Another gateway links, from its first step to its last.
    fn aside(
        &mut self,
        secondary: &'static str,
        beside: Option<&mut Party>,
    ) -> Result<(), Violation> {
        let mut party = Party::new("other gateway's", secondary);
        let memory = if secondary == SECONDARY { &self.gates.same } else { &self.gates.third };
        let (core, first) = memory.open();
        let elapsed_ms = std::mem::take(&mut self.elapsed_ms);
        let was = std::mem::replace(&mut self.is_aside, true);
        drive(self, Box::new(core), first, &mut party)?;
        (self.is_aside, self.elapsed_ms) = (was, elapsed_ms);
        for other in beside.into_iter().chain(self.late.iter_mut().map(|(_, party)| party)) {
            party.wrote().keys().for_each(|key| other.touch(PRIMARY, key));
        }
        Ok(())
    }

    /// What happens between two steps, in any order: late effects, and what others do.
    pub(crate) fn meanwhile(&mut self, mut party: Option<&mut Party>) -> Result<(), Violation> {
        if self.is_aside {
            return Ok(());
        }
        loop {
            let (late, place) = (self.late.len(), Rc::clone(&self.place));
            let edits = if self.budget.edits > 0 { place.edits.as_slice() } else { &[] };
            match self.choose(Point::Meanwhile { late, edits }) {
                0 => return Ok(()),
                way if way <= late => self.land(way - 1, party.as_deref_mut())?,
                way => {
                    self.budget.edits -= 1;
                    self.edit(edits[way - 1 - late], party.as_deref_mut())?;
                }
            }
        }
    }

    /// A late effect comes.
    fn land(&mut self, nth: usize, party: Option<&mut Party>) -> Result<(), Violation> {
        let (sent, mut sender) = self.late.remove(nth);
        let name = sender.name;
        self.story.tell(|| format!("the {name} exchange's {} has its effect now", sent.method));
        self.ledger.lands(&mut self.place, &mut sender, &sent, self.world)?;
        // What it wrote over, of values that others had changed meanwhile, it could not know.
        for other in party.into_iter().chain(self.late.iter_mut().map(|(_, party)| party)) {
            other.touched.extend(sender.edited.clone());
        }
        self.story.accounts(&self.place);
        Ok(())
    }

    fn edit(&mut self, edit: Edit, party: Option<&mut Party>) -> Result<(), Violation> {
        self.story.tell(|| edit.to_string());
        let world = self.world;
        match edit {
            Edit::SameLink => self.aside(SECONDARY, party)?,
            Edit::ThirdLink => self.aside(THIRD, party)?,
            Edit::Reverse => {
                let reverse = || world.reverse();
                self.place = world.places.edit(&self.place, edit, 201, reverse);
                self.ledger.reversed();
            }
            Edit::Key(account, key, wanted) => {
                let patch = || world.edit(account, key, &wanted.value());
                self.place = world.places.edit(&self.place, edit, 200, patch);
                let late = self.late.iter_mut().map(|(_, party)| party);
                for other in party.into_iter().chain(late) {
                    other.touch(account, key);
                }
                if account == PRIMARY {
                    self.ledger.edited(key);
                }
            }
        }
        self.story.accounts(&self.place);
        Ok(())
    }

    pub(crate) fn choose(&mut self, point: Point<'_>) -> usize {
        if point.ways() > 1 && !self.is_aside { self.choices.choose(point) } else { 0 }
    }

    /// Whether it is no real gate whose history this is: then its answers are not looked at.
    pub(crate) fn is_mutated(&self) -> bool {
        self.mutation.is_some() && !self.is_aside
    }

    pub(crate) fn is_aside(&self) -> bool {
        self.is_aside
    }

    pub(crate) fn passes(&mut self, ms: u64) {
        self.elapsed_ms += ms;
    }

    pub(crate) fn waits_until(&mut self, until_ms: u64) {
        self.elapsed_ms = self.elapsed_ms.max(until_ms);
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms
    }

    pub(crate) fn now_unix_s(&self) -> u64 {
        NOW_UNIX_S + self.elapsed_ms / 1000
    }
}
