//! Every history within a budget, under every policy.

use std::collections::VecDeque;
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::jobs::{Extent, Job};
use crate::table::{Row, Table};
use crate::walk::walk;
use crate::world::World;

/// Two faults, one retry and an edit a history, in every order and at every point. What of that is left
/// to `LINKGATE_WALK=all` is said beside the figures.
#[test]
fn nothing_is_lost_in_any_history() {
    let extent = Extent::asked_for();
    let walks = Walks::new(extent.jobs());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| walks.work());
        }
    });
    let total = walks.total();
    say(&format!("\n{total}in {} s, on {workers} threads\n", walks.start.elapsed().as_secs()));
    if let Some(left_out) = extent.leaves_out() {
        say(&format!("{left_out}\n"));
    }
    if matches!(extent, Extent::Named(_)) {
        return;
    }
    // It takes two edits: a named history has it.
    for row in Row::ALL.into_iter().filter(|row| *row != Row::Changing) {
        assert!(total.reached(row) > 0, "no history comes by: {}", row.name());
    }
    assert!(total.unavoidable > 0, "no edit was unavoidable");
}

/// All walks: those to be made, and what came of the others.
struct Walks {
    start: Instant,
    all: usize,
    left: Mutex<VecDeque<Job>>,
    done: Mutex<Vec<Result<Table, String>>>,
}

impl Walks {
    fn new(jobs: VecDeque<Job>) -> Self {
        Self {
            start: Instant::now(),
            all: jobs.len(),
            left: Mutex::new(jobs),
            done: Mutex::default(),
        }
    }

    /// Makes walks until none is left, or one has failed.
    fn work(&self) {
        while let Some(job) = self.next() {
            let walked = walk(&World::new(job.setup, &job.holdings), job.budget, None);
            if walked.is_err() {
                locked(&self.left).clear();
            }
            let mut done = locked(&self.done);
            done.push(walked);
            self.progress(&done);
        }
    }

    fn next(&self) -> Option<Job> {
        locked(&self.left).pop_front()
    }

    /// A line that is written over, where somebody is watching.
    fn progress(&self, done: &[Result<Table, String>]) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let histories: u64 = done.iter().flatten().map(|table| table.walked).sum();
        let (number, all, seconds) = (done.len(), self.all, self.start.elapsed().as_secs());
        say(&format!("\r{number} of {all} walks, {histories} histories, {seconds} s "));
    }

    fn total(&self) -> Table {
        let mut total = Table::default();
        for walked in locked(&self.done).iter() {
            match walked {
                Ok(table) => total.add(table),
                Err(story) => panic!("{story}"),
            }
        }
        total
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no worker panics")
}

/// Past the test runner, which shows nothing of a test that passes: these figures are what it is for.
fn say(text: &str) {
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
