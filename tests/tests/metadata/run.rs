//! One history, from its choices: exchanges, and what happens between them.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};
use std::rc::Rc;

use crate::drive::Process;
use crate::edit::Edit;
use crate::gate::Gate;
use crate::history::{Choices, Point, Story, Violation};
use crate::memory::Memory;
use crate::mutants::Mutation;
use crate::network::Network;
use crate::party::Party;
use crate::table::Table;
use crate::world::{SECONDARY, THIRD, World};

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
    /// The outcome of the metadata.
    pub(crate) outcome: &'static str,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.status, self.cause, self.outcome)
    }
}

/// A gate and others, each with what it did before.
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
    pub(crate) net: Network<'w>,
    /// Exchanges of other gateways, under way.
    others: Vec<Process>,
    pub(crate) budget: Budget,
    /// How each exchange of this gateway ended.
    pub(crate) ends: Vec<End>,
    /// Whether somebody took the link apart again.
    pub(crate) unlinked: bool,
}

impl Gates {
    pub(crate) fn of(world: &World) -> Self {
        Self {
            first: Memory::new(world, SECONDARY, true),
            same: Memory::new(world, SECONDARY, false),
            third: Memory::new(world, THIRD, false),
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
            net: Network::new(world),
            others: Vec::new(),
            budget,
            ends: Vec::new(),
            unlinked: false,
        }
    }

    /// Runs it to its end: an exchange, and the client's retries while the link is not known to be made.
    /// Then nothing fails any more: what is under way comes to its end, and one more retry has to find
    /// everything where it belongs.
    pub(crate) fn history(&mut self) -> Result<(), Violation> {
        self.story.accounts(&self.net.place);
        let mut known = self.exchange("first")?;
        while !known && self.budget.retries > 0 {
            self.budget.retries -= 1;
            known = self.exchange("retry")?;
        }
        while !self.others.is_empty() || !self.net.late.is_empty() {
            self.meanwhile(None)?;
            if self.others.is_empty() {
                if !self.net.late.is_empty() {
                    self.land(0)?;
                }
            } else {
                self.other(0)?;
            }
        }
        self.converges()?;
        self.table.walked += 1;
        for excuse in self.net.ledger.excused.keys() {
            *self.table.excused.entry(*excuse).or_default() += 1;
        }
        self.table.unavoidable += u64::from(!self.net.ledger.excused.is_empty());
        Ok(())
    }

    /// Without faults, a last retry makes the link or surely does not, and leaves nothing staged for an
    /// account that is linked.
    fn converges(&mut self) -> Result<(), Violation> {
        self.budget = Budget { faults: 0, edits: 0, retries: 0 };
        if self.mutation.is_some() {
            return Ok(());
        }
        self.exchange("last")?;
        let last =
            self.ends.last().map_or((0, String::new()), |end| (end.status, end.cause.clone()));
        let fine = match (last.0, last.1.as_str()) {
            (201, _) => self.net.place.is_linked(SECONDARY),
            (409, "primary-gone" | "metadata-conflict" | "secondary-gone") => true,
            _ => false,
        };
        Violation::unless(
            fine,
            "without faults a retry comes to an end",
            format_args!("{last:?}"),
        )?;
        let waits = last.0 == 201 && self.net.place.has_staged(SECONDARY);
        Violation::unless(!waits, "a last retry leaves nothing staged", "something")
    }

    /// Runs an exchange to its end; true if the client knows then that the link is made.
    fn exchange(&mut self, name: &'static str) -> Result<bool, Violation> {
        self.story.tell(|| format!("-- the {name} exchange"));
        let party = Party::new(name, SECONDARY);
        let (core, first) = self.gates.first.open();
        let gate: Box<dyn Gate> = match self.mutation {
            None => Box::new(core),
            Some(mutation) => mutation.around(core, self.world),
        };
        let mut process = Process::new(gate, first, party, true);
        loop {
            if process.is_at_request() {
                self.meanwhile(Some(&mut process))?;
            }
            if !process.step(self)? {
                return Ok(process.party.knows_link());
            }
        }
    }

    /// Another gateway begins a link.
    fn begin(&mut self, secondary: &'static str) -> Result<(), Violation> {
        let memory = if secondary == SECONDARY { &self.gates.same } else { &self.gates.third };
        let party = Party::new("another gateway", secondary);
        let (core, first) = memory.open();
        let mut process = Process::new(Box::new(core), first, party, false);
        while !process.is_at_request() {
            if !process.step(self)? {
                return Ok(());
            }
        }
        self.others.push(process);
        Ok(())
    }

    /// Another gateway makes its next request, and goes on to the one after it.
    fn other(&mut self, nth: usize) -> Result<(), Violation> {
        let mut process = self.others.remove(nth);
        let is_open = loop {
            if !process.step(self)? {
                break false;
            }
            if process.is_at_request() {
                break true;
            }
        };
        if is_open {
            self.others.insert(nth, process);
        }
        Ok(())
    }

    /// What happens between two steps, in any order: late effects, steps of others, and what outsiders
    /// do.
    fn meanwhile(&mut self, mut process: Option<&mut Process>) -> Result<(), Violation> {
        loop {
            if self.choices.is_new() && !self.choices.goes_on(self.state(process.as_deref())) {
                return Err(Violation::of(Violation::KNOWN, ""));
            }
            let (late, others) = (self.net.late.len(), self.others.len());
            let place = Rc::clone(&self.net.place);
            let edits = if self.budget.edits > 0 { place.edits.as_slice() } else { &[] };
            match self.choose(Point::Meanwhile { late, others, edits }) {
                0 => return Ok(()),
                way if way <= late => self.land(way - 1)?,
                way if way <= late + others => self.other(way - 1 - late)?,
                way => {
                    self.budget.edits -= 1;
                    self.edit(edits[way - 1 - late - others], process.as_deref_mut())?;
                }
            }
        }
    }

    /// All that tells this history from others that may go on differently.
    fn state(&self, process: Option<&Process>) -> u128 {
        let half = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            self.net.places().hash(&mut hasher);
            self.net.ledger.hash(&mut hasher);
            for (sent, party) in &self.net.late {
                (&sent.path, &sent.body).hash(&mut hasher);
                party.hash(&mut hasher);
            }
            let Budget { faults, edits, retries } = self.budget;
            (faults, edits, retries, self.unlinked, process.is_some()).hash(&mut hasher);
            for process in process.into_iter().chain(&self.others) {
                process.hash(&mut hasher);
            }
            hasher.finish()
        };
        (u128::from(half(1)) << 64) | u128::from(half(2))
    }

    /// A late effect comes.
    fn land(&mut self, nth: usize) -> Result<(), Violation> {
        let (sent, sender) = &self.net.late[nth];
        self.story.tell(|| format!("{}: its {} has its effect now", sender.name, sent.method));
        self.net.land(nth)?;
        self.story.accounts(&self.net.place);
        Ok(())
    }

    fn edit(&mut self, edit: Edit, process: Option<&mut Process>) -> Result<(), Violation> {
        self.story.tell(|| edit.to_string());
        match edit {
            Edit::SameLink => return self.begin(SECONDARY),
            Edit::ThirdLink => return self.begin(THIRD),
            Edit::Unlink => self.unlinked = true,
            Edit::Reverse | Edit::Key(..) => {}
        }
        let parties = process.into_iter().chain(&mut self.others).map(|process| &mut process.party);
        self.net.edit(edit, parties);
        self.story.accounts(&self.net.place);
        Ok(())
    }

    pub(crate) fn choose(&mut self, point: Point<'_>) -> usize {
        if point.ways() > 1 { self.choices.choose(point) } else { 0 }
    }
}
