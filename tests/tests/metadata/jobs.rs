//! What is walked: under which policies, from which accounts, with how much that goes wrong.

use std::collections::VecDeque;

use crate::run::Budget;
use crate::setup::{Mode, Rule, Setup};
use crate::world::{Holdings, Metadata};

/// A walk to be made.
pub(crate) struct Job {
    pub(crate) setup: Setup,
    pub(crate) holdings: Holdings,
    pub(crate) budget: Budget,
}

/// How much of it all. `LINKGATE_WALK` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// In full for each rule with both sorts of credentials, and once in depth, where something can be
    /// undone; the other combinations with a part of the budget. What runs unless something is asked for.
    Usual,
    /// `all`: every combination in full.
    All,
    /// Anything else: in full, what has this in its name (`secondary, deep`).
    Named(String),
}

const FULL: Budget = Budget { faults: 2, edits: 1, retries: 1 };
const TWO_FAULTS: Budget = Budget { faults: 2, edits: 0, retries: 1 };
const FAULT_AND_EDIT: Budget = Budget { faults: 1, edits: 1, retries: 1 };
/// A secondary that changes at every look takes two.
const TWO_EDITS: Budget = Budget { faults: 0, edits: 2, retries: 1 };

impl Extent {
    pub(crate) fn asked_for() -> Self {
        match std::env::var("LINKGATE_WALK") {
            Err(_) => Self::Usual,
            Ok(all) if all == "all" => Self::All,
            Ok(part) => Self::Named(part),
        }
    }

    /// What is not walked, for those who read the figures.
    pub(crate) fn leaves_out(&self) -> Option<String> {
        let left = Setup::all().into_iter().filter(|setup| !self.is_full(*setup)).count();
        match self {
            Self::All => None,
            Self::Usual => Some(format!(
                "left to LINKGATE_WALK=all: two faults and an edit in one history, under the {left} \
                 policies that never undo, or differ in depth and credentials alone (here: two faults, \
                 or a fault and an edit)"
            )),
            Self::Named(part) => Some(format!("only what has `{part}` in its name")),
        }
    }

    /// All walks, the longest first.
    pub(crate) fn jobs(&self) -> VecDeque<Job> {
        let (mut full, rest): (Vec<Setup>, Vec<Setup>) =
            Setup::all().into_iter().partition(|setup| self.is_full(*setup));
        full.sort_by_key(|setup| !(setup.deep || setup.rule == Rule::Secondary));
        let mut jobs = VecDeque::new();
        jobs.extend(full.into_iter().map(|setup| Job::of(setup, FULL)));
        if matches!(self, Self::Named(_)) {
            return jobs;
        }
        for setup in rest {
            jobs.extend([TWO_FAULTS, FAULT_AND_EDIT].map(|budget| Job::of(setup, budget)));
        }
        for setup in Setup::all().into_iter().filter(|setup| can_undo(*setup)) {
            jobs.push_back(Job::of(setup, TWO_EDITS));
            // The shape of the accounts and the sort of credentials have nothing to do with each other.
            if setup.deep == (setup.mode == Mode::Service) {
                jobs.extend(bare(setup));
            }
        }
        jobs
    }

    fn is_full(&self, setup: Setup) -> bool {
        match self {
            Self::All => true,
            // Where it cannot undo, the core does what it does where it keeps.
            Self::Usual => can_undo(setup) && (!setup.deep || is_its_turn(setup)),
            Self::Named(part) => setup.to_string().contains(part),
        }
    }
}

impl Job {
    fn of(setup: Setup, budget: Budget) -> Self {
        Self { setup, holdings: Holdings::of(setup), budget }
    }
}

/// Whose token a call carries has nothing to do with how values are merged: in depth each rule is
/// walked in full with one sort.
fn is_its_turn(setup: Setup) -> bool {
    (setup.mode == Mode::Caller) == matches!(setup.rule, Rule::Primary | Rule::KeepBoth)
}

fn can_undo(setup: Setup) -> bool {
    setup.undo && setup.serialised
}

/// From accounts with little or nothing on one side.
fn bare(setup: Setup) -> impl Iterator<Item = Job> {
    let whole = Holdings::of(setup);
    let bare = [
        Holdings { primary: None, ..whole.clone() },
        Holdings { primary: Some(Metadata::new()), ..whole.clone() },
        Holdings { secondary: None, ..whole },
    ];
    bare.into_iter().flat_map(move |holdings| {
        [TWO_FAULTS, FAULT_AND_EDIT].map(|budget| Job { setup, holdings: holdings.clone(), budget })
    })
}
