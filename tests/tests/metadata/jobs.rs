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
    /// Each rule at the first level and in depth, with one sort of credentials and a host that serialises:
    /// with two faults; each rule at one of the two, and a rolling restart from one to another, also with a
    /// fault, and an edit or a gateway beside it; the other combinations, and accounts that hold little, with a fault. What runs unless something is asked
    /// for: minutes on two cores.
    Usual,
    /// `all`: every combination in full.
    All,
    /// Anything else: in full, what has this in its name (`secondary, deep`).
    Named(String),
}

/// Another gateway that begins is an edit: here with another edit or a second gateway beside it, and a
/// fault of any of them.
const FULL: Budget = Budget { faults: 1, edits: 2, retries: 1 };
const TWO_FAULTS: Budget = Budget { faults: 2, edits: 0, retries: 1 };
const FAULT_AND_EDIT: Budget = Budget { faults: 1, edits: 1, retries: 1 };
const ONE_FAULT: Budget = Budget { faults: 1, edits: 0, retries: 1 };

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
                "left to LINKGATE_WALK=all: two edits or gateways in one history, under {left} policies"
            )),
            Self::Named(part) => Some(format!("only what has `{part}` in its name")),
        }
    }

    /// All walks, the longest first.
    pub(crate) fn jobs(&self) -> VecDeque<Job> {
        let (mut full, rest): (Vec<Setup>, Vec<Setup>) =
            Setup::all().into_iter().partition(|setup| self.is_full(*setup));
        full.sort_by_key(|setup| !setup.deep);
        let mut jobs = VecDeque::new();
        jobs.extend(full.into_iter().map(|setup| Job::of(setup, FULL)));
        if matches!(self, Self::Named(_)) {
            return jobs;
        }
        jobs.extend(rolling().map(|setup| Job::of(setup, FAULT_AND_EDIT)));
        for setup in rest {
            if is_usual(setup) {
                jobs.push_back(Job::of(setup, TWO_FAULTS));
                jobs.extend(bare(setup));
                if is_whole(setup) {
                    jobs.push_front(Job::of(setup, FAULT_AND_EDIT));
                }
            } else {
                jobs.push_back(Job::of(setup, ONE_FAULT));
            }
        }
        jobs
    }

    fn is_full(&self, setup: Setup) -> bool {
        match self {
            Self::All => true,
            // Minutes for each.
            Self::Usual => false,
            Self::Named(part) => setup.to_string().contains(part),
        }
    }
}

impl Job {
    fn of(setup: Setup, budget: Budget) -> Self {
        Self { setup, holdings: Holdings::of(setup), budget }
    }
}

/// Whose token a call carries has nothing to do with how values are merged, and other gateways are not
/// held back by a host that serialises.
fn is_usual(setup: Setup) -> bool {
    setup.serialised
        && (setup.mode == Mode::Caller) == matches!(setup.rule, Rule::Primary | Rule::KeepBoth)
}

/// Rolling restarts from one rule to another.
fn rolling() -> impl Iterator<Item = Setup> {
    let beside = |rule, other| Setup {
        rule,
        deep: false,
        mode: Mode::Service,
        serialised: false,
        other: Some(other),
    };
    [beside(Rule::Primary, Rule::Secondary), beside(Rule::KeepBoth, Rule::Primary)].into_iter()
}

/// One of each rule.
fn is_whole(setup: Setup) -> bool {
    setup.deep == matches!(setup.rule, Rule::Secondary | Rule::KeepBoth)
}

/// From accounts with little or nothing on one side.
fn bare(setup: Setup) -> impl Iterator<Item = Job> {
    let whole = Holdings::of(setup);
    let bare = [
        Holdings { primary: None, ..whole.clone() },
        Holdings { primary: Some(Metadata::new()), ..whole.clone() },
        Holdings { secondary: None, ..whole },
    ];
    bare.into_iter().map(move |holdings| Job { setup, holdings, budget: ONE_FAULT })
}
