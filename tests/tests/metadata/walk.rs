//! Every history of a setup, depth first: each is run from the start with the next script of choices.

use std::collections::HashMap;

use crate::history::{Choices, Numbers, Point, Story, Violation};
use crate::mutants::Mutation;
use crate::run::{Budget, End, Gates, Run};
use crate::table::Table;
use crate::world::World;

/// Walks all histories within a budget. A violation is shown with its whole history.
pub(crate) fn walk(
    world: &World,
    budget: Budget,
    mutation: Option<Mutation>,
) -> Result<Table, String> {
    let (gates, mut table, mut walker) = (Gates::of(world), Table::default(), Walker::default());
    loop {
        walker.begin();
        let walked = table.walked;
        let mut run = Run::new(world, &gates, &mut walker, &mut table, budget);
        run.mutation = mutation;
        let pruned = |violation: &Violation| violation.invariant == Violation::KNOWN;
        if let Err(violation) = run
            .history()
            .or_else(|violation| if pruned(&violation) { Ok(()) } else { Err(violation) })
        {
            let story = retold(world, &walker.chosen(), budget, mutation);
            return Err(format!("{violation}\nunder: {}\n{story}", world.setup));
        }
        walker.histories += table.walked - walked;
        if !walker.advance() {
            table.stood_for = walker.histories;
            table.runs = gates.runs();
            return Ok(table);
        }
    }
}

/// The same history once more, in words.
pub(crate) fn retold(
    world: &World,
    chosen: &[usize],
    budget: Budget,
    mutation: Option<Mutation>,
) -> String {
    let (gates, mut table) = (Gates::of(world), Table::default());
    let mut numbers = Numbers(chosen.iter());
    let mut run = Run::new(world, &gates, &mut numbers, &mut table, budget);
    run.mutation = mutation;
    let (story, _) = told(run);
    format!("{story}  choices: {chosen:?}\n")
}

/// Runs a history and tells it, with what was wrong at its end; and how each exchange ended.
pub(crate) fn told(mut run: Run<'_>) -> (String, Vec<End>) {
    run.story = Story::told();
    let ended = run.history();
    let wrong = ended.map_or_else(|violation| format!("  {violation}\n"), |()| String::new());
    (format!("{}{wrong}", run.story), run.ends)
}

/// A script that becomes the next one, until there is none.
#[derive(Default)]
struct Walker {
    /// What was chosen, of how many ways.
    choices: Vec<(usize, usize)>,
    /// The next choice to be made.
    at: usize,
    /// The states from which all was walked, and how many histories follow each.
    known: HashMap<u128, u64>,
    /// The states from which it is being walked: how many choices led to each.
    open: Vec<(usize, u128, u64)>,
    /// Histories so far, with those that need not be walked again.
    histories: u64,
}

impl Walker {
    fn begin(&mut self) {
        self.at = 0;
    }

    fn chosen(&self) -> Vec<usize> {
        self.choices.iter().take(self.at).map(|(choice, _)| *choice).collect()
    }

    /// Turns to the next script. False after the last.
    fn advance(&mut self) -> bool {
        self.choices.truncate(self.at);
        while let Some((choice, ways)) = self.choices.pop() {
            if choice + 1 < ways {
                self.choices.push((choice + 1, ways));
                break;
            }
        }
        let deep = self.choices.len();
        let walked = self.open.iter().position(|(depth, ..)| *depth >= deep);
        for (_, state, before) in self.open.drain(walked.unwrap_or(self.open.len())..) {
            self.known.insert(state, self.histories - before);
        }
        !self.choices.is_empty()
    }
}

impl Choices for Walker {
    fn choose(&mut self, point: Point<'_>) -> usize {
        let ways = point.ways();
        if self.at == self.choices.len() {
            self.choices.push((0, ways));
        }
        let (choice, of) = self.choices[self.at];
        assert_eq!(ways, of, "a history is the same each time");
        self.at += 1;
        choice
    }

    fn is_new(&self) -> bool {
        self.at == self.choices.len()
    }

    fn goes_on(&mut self, state: u128) -> bool {
        if self.open.iter().any(|(depth, open, _)| (*depth, *open) == (self.at, state)) {
            return true;
        }
        if let Some(histories) = self.known.get(&state) {
            self.histories += histories;
            return false;
        }
        self.open.push((self.at, state, self.histories));
        true
    }
}
