//! Every history within a budget, under every policy.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

use crate::run::Budget;
use crate::setup::{Mode, Rule, Setup};
use crate::table::{Row, Table};
use crate::walk::walk;
use crate::world::{Holdings, Metadata, World};

/// Two faults, one retry and an edit, under every rule, with both sorts of credentials, with `keep`
/// and `undo`, with and without serialised links. What is left of all their combinations is walked
/// with two faults, and with a fault and an edit; with `LINKGATE_WALK=all`, in full as well.
#[test]
fn nothing_is_lost_in_any_history() {
    let start = Instant::now();
    let jobs = Mutex::new(VecDeque::from(jobs()));
    let done: Mutex<Vec<Result<Table, String>>> = Mutex::default();
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = next(&jobs) {
                    let walked = walk(&World::new(job.setup, &job.holdings), job.budget, None);
                    done.lock().expect("no worker panics").push(walked);
                }
            });
        }
    });
    let mut total = Table::default();
    for walked in done.into_inner().expect("no worker panics") {
        total.add(&walked.unwrap_or_else(|story| panic!("{story}")));
    }
    println!("{total}\nin {} s, on {workers} threads", start.elapsed().as_secs());
    for row in Row::ALL {
        assert!(total.reached(row) > 0, "no history comes by: {}", row.name());
    }
    assert!(total.unavoidable > 0, "no edit was unavoidable");
}

/// A walk to be made.
struct Job {
    setup: Setup,
    holdings: Holdings,
    budget: Budget,
}

const FULL: Budget = Budget { faults: 2, edits: 1, retries: 1 };
const TWO_FAULTS: Budget = Budget { faults: 2, edits: 0, retries: 1 };
const FAULT_AND_EDIT: Budget = Budget { faults: 1, edits: 1, retries: 1 };
/// A secondary that changes at every look takes two.
const TWO_EDITS: Budget = Budget { faults: 0, edits: 2, retries: 1 };

fn next(jobs: &Mutex<VecDeque<Job>>) -> Option<Job> {
    jobs.lock().expect("no worker panics").pop_front()
}

/// All walks, the longest first.
fn jobs() -> Vec<Job> {
    let everything = std::env::var("LINKGATE_WALK").is_ok_and(|walk| walk == "all");
    let (full, rest): (Vec<Setup>, Vec<Setup>) =
        Setup::all().into_iter().partition(|setup| everything || is_walked_in_full(*setup));
    let mut jobs = Vec::new();
    for setup in full {
        jobs.push(Job { setup, holdings: Holdings::of(setup), budget: FULL });
    }
    jobs.sort_by_key(|job| !(job.setup.deep || job.setup.rule == Rule::Secondary));
    for setup in rest {
        for budget in [TWO_FAULTS, FAULT_AND_EDIT] {
            jobs.push(Job { setup, holdings: Holdings::of(setup), budget });
        }
    }
    for setup in Setup::all().into_iter().filter(|setup| setup.undo && setup.serialised) {
        for holdings in bare(setup) {
            for budget in [TWO_FAULTS, FAULT_AND_EDIT] {
                jobs.push(Job { setup, holdings: holdings.clone(), budget });
            }
        }
        jobs.push(Job { setup, holdings: Holdings::of(setup), budget: TWO_EDITS });
    }
    jobs
}

/// Of each rule, two that differ in all else; of each rule in depth, one.
fn is_walked_in_full(setup: Setup) -> bool {
    let caller = setup.mode == Mode::Caller;
    let everything_on = (setup.undo, setup.serialised) == (true, true);
    let everything_off = (setup.undo, setup.serialised) == (false, false);
    let by_turns = caller == matches!(setup.rule, Rule::Primary | Rule::KeepBoth);
    match setup.deep {
        false => (caller && everything_on) || (!caller && everything_off),
        true => by_turns && everything_on,
    }
}

/// Accounts with little or nothing on one side.
fn bare(setup: Setup) -> [Holdings; 3] {
    let whole = Holdings::of(setup);
    [
        Holdings { primary: None, ..whole.clone() },
        Holdings { primary: Some(Metadata::new()), ..whole.clone() },
        Holdings { secondary: None, ..whole },
    ]
}
